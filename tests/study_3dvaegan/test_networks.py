"""The encoder's shapes, sizes and sampler."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.training.network_files import load_network, save_network
from study_3dvaegan.config import PRESETS, Config
from study_3dvaegan.networks import (
    build_discriminator,
    build_encoder,
    build_generator,
    build_reconstructor,
    sample_posterior,
)

TINY = {"encoder_width": 0.05, "width": 0.05, "latent_dim": 6}


def weights(network: keras.Model) -> int:
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables)


def test_the_papers_networks_have_the_papers_sizes():
    paper = PRESETS["paper"]
    encoder = build_encoder(paper)
    # 11^2 3 64 + 5^2 64 128 + 5^2 128 256 + 5^2 256 512 + (8^2 512 + 1) 400, and a
    # scale and an offset for each of 64 + 128 + 256 + 512 channels.
    assert weights(encoder) == 17_433_552
    assert weights(build_generator(paper)) == 17_569_664
    assert weights(build_discriminator(paper)) == 11_048_704
    convolutions = [
        layer for layer in encoder.layers if isinstance(layer, keras.layers.Conv2D)
    ]
    assert [c.kernel_size[0] for c in convolutions] == [11, 5, 5, 5, 8]
    assert [c.strides[0] for c in convolutions] == [4, 2, 2, 2, 1]
    assert [c.filters for c in convolutions] == [64, 128, 256, 512, 400]
    sizes = [c.output.shape[1] for c in convolutions]
    assert sizes == [64, 32, 16, 8, 1]


@pytest.mark.parametrize("size", [64, 128, 256])
def test_the_encoder_returns_a_gaussian_for_each_photo(size):
    encoder = build_encoder(Config(image_size=size, **TINY))
    mean, log_variance = encoder(np.zeros((2, size, size, 3), np.float32))
    assert mean.shape == log_variance.shape == (2, 6)
    assert mean.dtype == log_variance.dtype == tf.float32


def test_the_log_variance_is_bounded():
    encoder = build_encoder(Config(**TINY))
    last = encoder.layers[-1]
    kernel = next(v for v in reversed(encoder.variables) if "kernel" in v.path)
    kernel.assign(1e4 * np.ones(kernel.shape))
    _, log_variance = encoder(np.ones((2, 64, 64, 3), np.float32))
    assert np.abs(log_variance).max() <= 10, last


def test_samples_of_the_posterior():
    mean = tf.constant([[1.0, -2.0]])
    log_variance = tf.constant([[0.0, np.log(4.0)]])
    noise = tf.constant([[0.5, -1.0]])
    z = sample_posterior(mean, log_variance, noise)
    np.testing.assert_allclose(z, [[1.5, -4.0]], rtol=1e-6)


def test_the_reconstructor_is_the_generator_of_the_mean():
    config = Config(**TINY)
    encoder, generator = build_encoder(config), build_generator(config)
    photos = np.random.default_rng(0).uniform(-1, 1, (2, 64, 64, 3)).astype(np.float32)
    made = build_reconstructor(encoder, generator)(photos)
    assert made.shape == (2, 32, 32, 32, 1)
    mean, _ = encoder(photos, training=False)
    np.testing.assert_allclose(made, generator(mean, training=False), atol=1e-6)


def test_an_encoder_is_saved_and_loaded_safely(tmp_path):
    encoder = build_encoder(Config(**TINY))
    save_network(encoder, tmp_path / "encoder.keras")
    photos = np.random.default_rng(0).uniform(-1, 1, (2, 64, 64, 3)).astype(np.float32)
    for own, loaded in zip(
        encoder(photos), load_network(tmp_path / "encoder.keras")(photos), strict=True
    ):
        np.testing.assert_array_equal(own, loaded)
