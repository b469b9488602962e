"""The texture networks: shapes, ranges and sizes, what is white, and files of them."""

import dataclasses

import keras
import numpy as np
import pytest
from tiny import STUDY_VON as TINY

from common.training.network_files import load_network, save_network
from study_von.config import PRESETS, Config
from study_von.networks import (
    build_image_discriminator,
    build_patch_discriminator,
    build_sketch_estimator,
    build_texture_encoder,
    build_texture_generator,
)
from study_von.sketches import (
    CAMERA_NORMAL,
    DEPTH,
    POSITION,
    SILHOUETTE,
    channels_of,
)

FIELD = dataclasses.replace(TINY, texture="field")
RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(-1, 1, (3, 32, 32, 3)).astype(np.float32)


@pytest.fixture(autouse=True)
def fixed_weights():
    keras.utils.set_random_seed(0)


def sketches_of(config: Config) -> np.ndarray:
    """Return sketches (3, 32, 32, C) of noise with an empty border of 4 pixels."""
    maps = RNG.uniform(-1, 1, (3, 32, 32, channels_of(config))).astype(np.float32)
    silhouette = np.zeros((3, 32, 32, 1), np.float32)
    silhouette[:, 4:-4, 4:-4] = 1
    maps[..., SILHOUETTE] = silhouette
    maps[..., DEPTH] = np.where(silhouette, maps[..., DEPTH], -1)
    return maps


def latents(count: int = 3) -> np.ndarray:
    return RNG.normal(size=(count, TINY.texture_latent_dim)).astype(np.float32)


@pytest.mark.parametrize("config", [TINY, FIELD])
def test_images_are_in_range_and_white_beside_the_object(config):
    maps = sketches_of(config)
    network = build_texture_generator(config)
    images = network([maps, latents()]).numpy()
    assert images.shape == (3, 32, 32, 3) and images.dtype == np.float32
    assert images.min() >= -1 and images.max() <= 1
    inside = np.broadcast_to(maps[..., SILHOUETTE] == 1, images.shape)
    np.testing.assert_array_equal(images[~inside], 1)
    assert (images[inside] != 1).mean() > 0.9


@pytest.mark.parametrize("config", [TINY, FIELD])
def test_a_half_covered_pixel_is_half_white(config):
    maps = sketches_of(config)
    half = maps.copy()
    half[..., SILHOUETTE] /= 2
    network, z = build_texture_generator(config), latents()
    images, faded = (network([m, z]).numpy() for m in (maps, half))
    inside = np.broadcast_to(maps[..., SILHOUETTE] == 1, images.shape)
    np.testing.assert_allclose(faded[inside], (images[inside] + 1) / 2, atol=1e-5)


@pytest.mark.parametrize("config", [TINY, FIELD])
def test_the_latent_changes_the_image(config):
    maps = sketches_of(config)
    network = build_texture_generator(config)
    a, b = (network([maps, latents()]).numpy() for _ in range(2))
    assert np.abs(a - b).max() > 1e-3


def changed_pixels(config: Config, maps: slice) -> np.ndarray:
    """Return where images change if some maps change in row 10 and column 20.

    Returns:
        bool (32, 32).
    """
    sketches, z = sketches_of(config), latents()
    other = sketches.copy()
    other[:, 10, 20, maps] = 0.3
    network = build_texture_generator(config)
    return (np.abs(network([sketches, z]) - network([other, z])) > 1e-6).any(
        axis=(0, 3)
    )


def test_the_albedo_of_a_point_depends_on_that_point_alone():
    """Light depends on normals up to two pixels away, the published image on more."""
    rows, columns = changed_pixels(FIELD, POSITION).nonzero()
    assert (rows.tolist(), columns.tolist()) == ([10], [20])
    rows, columns = changed_pixels(FIELD, CAMERA_NORMAL).nonzero()
    assert max(abs(rows - 10)) == max(abs(columns - 20)) == 2
    assert changed_pixels(TINY, DEPTH).sum() > 200


def test_guessed_depths_are_in_range():
    network = build_sketch_estimator(TINY)
    depth = network(50 * IMAGES).numpy()
    assert depth.shape == (3, 32, 32, 1) and depth.dtype == np.float32
    assert -1 <= depth.min() < depth.max() <= 1


def test_the_encoders_variance_is_bounded():
    mean, log_variance = build_texture_encoder(TINY)(1e6 * IMAGES)
    assert mean.shape == log_variance.shape == (3, TINY.texture_latent_dim)
    assert np.abs(mean).max() > 100
    assert np.max(log_variance) <= 10


def test_discriminators_look_at_patches_of_two_sizes_or_at_the_whole_image():
    shapes = [logits.shape for logits in build_image_discriminator(TINY)(IMAGES)]
    assert shapes == [(3, 8, 8, 1), (3, 4, 4, 1)]
    assert build_image_discriminator(FIELD)(IMAGES).shape == (3, 1)


def test_the_published_sizes():
    """Weights of the preset `paper`, counted by hand layer by layer.

    A convolution k x k from a to b features has k k a b + b of them, a layer
    normalisation of b features 2 b; instance normalisation has none.
    """
    paper = PRESETS["paper"]

    def conv(kernel: int, before: int, after: int) -> int:
        return kernel * kernel * before * after + after

    down = conv(4, 64, 128) + conv(4, 128, 256)
    plain = 2 * conv(3, 256, 256)
    joined = conv(3, 264, 256) + conv(3, 256, 264)
    norms = 2 * 128 + 2 * 64
    up = conv(5, 264, 128) + conv(5, 136, 64)
    expected = conv(7, 1, 64) + down + 3 * (plain + joined)
    expected += up + norms + conv(7, 72, 3)
    assert expected == 8_924_083
    assert build_texture_generator(paper).count_params() == expected

    up = conv(5, 256, 128) + conv(5, 128, 64)
    expected = conv(7, 3, 64) + down + 6 * plain + up + norms + conv(7, 64, 1)
    assert build_sketch_estimator(paper).count_params() == expected == 8_773_889

    expected = conv(7, 3, 64) + down + conv(4, 256, 256) + 2 * (256 * 8 + 8)
    assert build_texture_encoder(paper).count_params() == expected == 1_718_160

    for channels, total in ((3, 830_626), (1, 827_554)):
        whole, half = (
            conv(4, channels, w)
            + conv(4, w, 2 * w)
            + conv(4, 2 * w, 4 * w)
            + conv(4, 4 * w, 1)
            for w in (64, 32)
        )
        network = build_patch_discriminator(paper, channels, "patches")
        assert network.count_params() == whole + half == total
        assert [shape[1:] for shape in network.output_shape] == [
            (32, 32, 1),
            (16, 16, 1),
        ]


@pytest.mark.parametrize("config", [TINY, FIELD])
def test_networks_are_read_from_their_files(config, tmp_path):
    maps, z = sketches_of(config), latents()
    for network, inputs in (
        (build_texture_generator(config), [maps, z]),
        (build_texture_encoder(config), IMAGES),
    ):
        path = tmp_path / f"{network.name}.keras"
        save_network(network, path)
        found = keras.tree.flatten(load_network(path)(inputs))
        for a, b in zip(keras.tree.flatten(network(inputs)), found, strict=True):
            np.testing.assert_array_equal(a, b)
