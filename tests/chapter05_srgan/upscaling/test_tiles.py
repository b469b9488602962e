"""Networks on images of any size: reach, tiles, seams, mirrored edges."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from pictures import noise

from chapter05_srgan.config import Config
from chapter05_srgan.networks import build_generator
from chapter05_srgan.upscaling.tiles import (
    BLEND,
    MIN_STEP,
    compiled,
    enlarge,
    enlarge_floats,
    forget,
    reach,
)
from common.errors import TrainingError, UserError
from common.images.pixels import to_bytes, to_floats
from common.layers.pixel_shuffle import PixelShuffle


def _plain(*, scale: int = 2, dilation: int = 1) -> keras.Model:
    """Return a network with an upsampling layer; its reach is 2 + (1 + 2 d) / scale."""
    keras.utils.set_random_seed(0)
    images = keras.Input((None, None, 3))
    x = layers.Conv2D(8, 5, padding="same", activation="tanh")(images)
    x = layers.UpSampling2D(scale)(x)
    x = layers.Conv2D(8, 3, padding="same", activation="tanh")(x)
    x = layers.Conv2D(3, 5, padding="same", dilation_rate=dilation)(x)
    return keras.Model(images, x)


def _shuffling() -> keras.Model:
    """Return a x4 network with pixel shuffle and a branch; reach 1 + 1 + 1 + 1."""
    keras.utils.set_random_seed(1)
    images = keras.Input((None, None, 3))
    x = layers.Conv2D(16, 3, padding="same", activation="tanh")(images)
    x = layers.Add()([x, layers.Conv2D(16, 3, padding="same")(x)])
    x = PixelShuffle(4)(layers.Conv2D(48, 3, padding="same")(x))
    base = layers.UpSampling2D(4, interpolation="bilinear")(images)
    return keras.Model(images, layers.Add()([base, x]))


def _repeated(images: np.ndarray) -> np.ndarray:
    """Enlarge a batch x3 by repeating pixels, which needs no overlap."""
    return images.repeat(3, axis=1).repeat(3, axis=2)


def _difference(network, image, scale, tile, overlap=None) -> float:
    """Return the largest difference between tiled and whole result inside the edges."""
    tiled = enlarge_floats(network, image, scale, tile=tile, overlap=overlap)
    whole = np.asarray(network(to_floats(image)[None], training=False))[0]
    assert tiled.shape == whole.shape and tiled.dtype == np.float32
    edge = reach(network) * scale
    inner = (slice(edge, -edge), slice(edge, -edge))
    return np.abs(tiled - whole)[inner].max()


def test_reach_is_the_sum_over_the_layers():
    assert reach(_plain()) == 4  # 2 + 3 / 2
    assert reach(_plain(scale=4)) == 3
    assert reach(_plain(dilation=3)) == 6  # 2 + 7 / 2
    assert reach(_shuffling()) == 4
    light = build_generator(Config(blocks=2, filters=4))
    assert reach(light) == 1 + 4 + 1 + 1
    paper = build_generator(Config(variant="srgan", blocks=1))
    assert reach(paper) == 10  # 4 + 2 + 1 + 1 / 1 + 1 / 2 + 4 / 4 = 9.5


def test_only_pixels_within_the_reach_change_a_result():
    image = to_floats(noise(0, 21, 21))[None]
    for network, scale in ((_plain(), 2), (_shuffling(), 4)):
        radius = reach(network)
        changed = image.copy()
        changed[:, 10 - radius : 11 + radius, 10 - radius : 11 + radius] *= -1
        own = slice(10 * scale, 11 * scale)
        before, after = (np.asarray(network(i))[:, own, own] for i in (image, changed))
        assert np.abs(before - after).max() > 0.01
        changed = -image
        near = slice(10 - radius, 11 + radius)
        changed[:, near, near] = image[:, near, near]
        after = np.asarray(network(changed))[:, own, own]
        assert np.abs(before - after).max() < 1e-6


@pytest.mark.parametrize("kind", ["strided", "normalised", "lanczos"])
def test_layers_that_are_not_known_to_be_local_are_refused(kind):
    images = keras.Input((None, None, 3))
    layer = {
        "strided": layers.Conv2D(3, 3, strides=2, padding="same"),
        "normalised": layers.GroupNormalization(1),
        "lanczos": layers.UpSampling2D(2, interpolation="lanczos3"),
    }[kind]
    network = keras.Model(images, layer(images))
    with pytest.raises(ValueError, match="reach is not known"):
        reach(network)


@pytest.mark.parametrize("tile", [32, 47])
def test_tiles_give_the_same_result_as_the_whole_image(tile):
    image = noise(2, 75, 58)
    assert _difference(_plain(), image, 2, tile) < 1e-5
    assert _difference(_shuffling(), image, 4, tile) < 1e-5


def test_too_small_an_overlap_changes_the_result():
    assert _difference(_shuffling(), noise(2, 75, 58), 4, 40, overlap=1) > 1e-3


@pytest.mark.parametrize("shape", [(1, 1), (8, 9), (20, 50), (21, 41), (64, 3)])
def test_every_pixel_is_written_for_all_image_sizes(shape):
    image = noise(3, *shape)
    made = enlarge(_repeated, image, 3, tile=20 + BLEND, overlap=2)
    assert made.dtype == np.uint8
    assert np.array_equal(made, _repeated(image[None])[0])


def test_all_tiles_have_one_size_which_is_smaller_for_small_images():
    seen = []

    def network(images: np.ndarray) -> np.ndarray:
        seen.append(images.shape)
        return _repeated(images)

    enlarge(network, noise(4, 100, 330), 3, tile=96, overlap=8)
    assert set(seen) == {(1, 96, 96, 3)} and len(seen) == 2 * 5
    seen.clear()
    enlarge(network, noise(4, 30, 70), 3, tile=256, overlap=8)
    assert seen == [(1, 64, 128, 3)]


def test_images_are_mirrored_at_their_edges():
    seen = []

    def network(images: np.ndarray) -> np.ndarray:
        seen.append(images[0, :, :, 0])
        return images

    image = np.linspace(-1, 1, 10 * 12 * 3).reshape(10, 12, 3)
    enlarge(network, image, 1, tile=64, overlap=5)
    wanted = np.pad(image[..., 0], ((5, 49), (5, 47)), mode="reflect")
    assert np.allclose(seen[0], wanted, atol=1e-6)


def test_seams_are_blended_in_equal_steps():
    count = iter([-1.0, 1.0])

    def network(images: np.ndarray) -> np.ndarray:
        return np.full_like(images, next(count))

    image = np.zeros((16, 16 + BLEND + 9, 3), np.uint8)
    made = enlarge_floats(network, image, 1, tile=16 + BLEND, overlap=0)
    wanted = [-1] * 16 + [-0.75, -0.25, 0.25, 0.75] + [1] * 9
    assert np.allclose(made, np.array(wanted)[:, None])


def test_seams_are_blended_where_four_tiles_meet():
    # Upper left, upper right, lower left and lower right tile.
    values = iter([0.0, 0.2, 0.4, 0.6])

    def network(images: np.ndarray) -> np.ndarray:
        return np.full_like(images, next(values))

    image = np.zeros((30, 30, 3), np.uint8)
    made = enlarge_floats(network, image, 1, tile=16 + BLEND, overlap=0)[..., 0]
    share = np.clip((np.arange(30) - 15.5) / BLEND, 0, 1)
    assert np.allclose(made, 0.4 * share[:, None] + 0.2 * share, atol=1e-6)


def test_16_bit_values_are_kept():
    values = np.random.default_rng(5).integers(0, 2**16, (12, 9, 3), np.uint16)
    made = enlarge(_repeated, values, 3, overlap=1)
    assert made.dtype == np.uint16
    assert np.array_equal(made, _repeated(values[None])[0])


def test_floats_become_bytes_and_are_clipped():
    image = np.random.default_rng(6).uniform(-1.5, 1.5, (9, 9, 3)).astype(np.float32)
    made = enlarge(lambda images: images, image, 1, overlap=0)
    assert np.array_equal(made, to_bytes(image))


def test_forget_keeps_the_values_of_mapped_arrays(tmp_path):
    image = noise(7, 60, 40)
    path = tmp_path / "large.bin"
    out = np.memmap(path, np.uint8, "w+", shape=(180, 120, 3))
    assert enlarge(_repeated, image, 3, tile=32, overlap=2, out=out) is out
    forget(out)
    wanted = _repeated(image[None])[0]
    assert np.array_equal(out, wanted)
    assert np.array_equal(np.fromfile(path, np.uint8), wanted.ravel())
    private = np.memmap(path, np.uint8, "c", shape=out.shape)
    private[:] = 1
    forget(private)
    assert (private == 1).all()


def test_a_compiled_network_is_traced_once_and_equals_the_model():
    model, traced = _plain(), []
    inner = tf.function(lambda images: traced.append(1) or model(images))
    image = noise(8, 70, 90)
    enlarge(inner, image, 2, tile=40, overlap=4)
    assert len(traced) == 1
    made = enlarge(compiled(model), image, 2, tile=40)
    assert np.array_equal(made, enlarge(model, image, 2, tile=40))
    assert compiled(model, 7).reach == 7


def test_impossible_arguments_and_results_are_refused():
    image = noise(9, 40, 40)
    least = 2 * 9 + BLEND + MIN_STEP
    with pytest.raises(UserError, match=f"at least {least}.*found {least - 1}"):
        enlarge(_repeated, image, 3, tile=least - 1, overlap=9)
    enlarge(_repeated, image, 3, tile=least, overlap=9)
    with pytest.raises(ValueError, match="out must be"):
        enlarge(_repeated, image, 3, overlap=1, out=np.empty((40, 40, 3), np.uint8))
    with pytest.raises(ValueError, match="expected the network to return shape"):
        enlarge(_repeated, image, 2, overlap=1)
    with pytest.raises(ValueError, match="overlap"):
        enlarge(_repeated, image, 3)
    with pytest.raises(TrainingError, match="expected finite values"):
        enlarge(lambda images: images * np.nan, image, 1, overlap=1)
