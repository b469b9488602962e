"""Chapter 5: generators, discriminators, pixel shuffle and the cost of networks."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from chapter05_srgan.config import Config
from chapter05_srgan.cost import cost_table, multiply_adds
from chapter05_srgan.networks import STAGES, build_discriminator, build_generator
from common.layers.pixel_shuffle import ICNR, PixelShuffle
from common.training.network_files import LAYERS, load_network, save_network

VARIANTS = ("light", "srgan", "book")
RNG = np.random.default_rng(0)


def floats(*shape: int) -> tf.Tensor:
    """Return random numbers in [-1, 1]."""
    return tf.constant(RNG.uniform(-1, 1, shape), tf.float32)


def count_conv(kernel: int, inputs: int, outputs: int, bias: bool = True) -> int:
    """Return the number of weights of a convolution."""
    return kernel**2 * inputs * outputs + bias * outputs


@pytest.fixture(scope="module")
def generators() -> dict[str, keras.Model]:
    """Return a generator of each variant, with its published number of blocks."""
    keras.utils.set_random_seed(0)
    sizes = {"light": 6, "srgan": 16, "book": 16}
    return {v: build_generator(Config(variant=v, blocks=n)) for v, n in sizes.items()}


# --- the pixel shuffle


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_pixel_shuffle_moves_channels_to_positions(scale):
    maps = RNG.normal(size=(2, 3, 4, 5 * scale**2)).astype(np.float32)
    found = np.asarray(PixelShuffle(scale)(maps))
    assert found.shape == (2, 3 * scale, 4 * scale, 5)
    for row in range(3 * scale):
        for column in range(4 * scale):
            i, a = divmod(row, scale)
            j, b = divmod(column, scale)
            start = 5 * (scale * a + b)
            np.testing.assert_array_equal(
                found[:, row, column], maps[:, i, j, start : start + 5]
            )


def test_pixel_shuffle_refuses_channels_that_do_not_fit():
    with pytest.raises(ValueError, match="multiple of 4 channels, found 6"):
        PixelShuffle(2)(keras.Input((None, None, 6)))


def test_a_pixel_shuffle_with_icnr_starts_as_nearest_neighbour_enlargement():
    keras.utils.set_random_seed(0)
    images = keras.Input((None, None, 2))
    small = keras.layers.Conv2D(
        3 * 16, 3, padding="same", kernel_initializer=ICNR(4, "he_normal")
    )(images)
    found = np.asarray(keras.Model(images, PixelShuffle(4)(small))(floats(1, 5, 6, 2)))
    assert found.std() > 0.1
    corners = found[:, ::4, ::4]
    assert np.ptp(corners, axis=(1, 2)).min() > 0.1
    nearest = corners.repeat(4, axis=1).repeat(4, axis=2)
    np.testing.assert_allclose(found, nearest, atol=1e-5)
    # The three filters that are repeated differ, and have the given deviation.
    kernel = np.asarray(ICNR(2, keras.initializers.RandomNormal(stddev=0.5))((99, 12)))
    assert kernel.shape == (99, 12) and kernel.std() == pytest.approx(0.5, rel=0.1)
    assert not np.allclose(kernel[:, 0], kernel[:, 1])
    np.testing.assert_array_equal(kernel[:, :3], kernel[:, 9:])


# --- generators


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("scale", [2, 4])
def test_a_generator_takes_every_size(variant, scale):
    network = build_generator(Config(variant=variant, scale=scale, blocks=1))
    assert network.output_shape == (None, None, None, 3)
    for height, width in ((1, 1), (5, 8), (7, 3)):
        images = network(floats(2, height, width, 3))
        assert images.shape == (2, scale * height, scale * width, 3)
        assert images.dtype == tf.float32


def test_the_papers_parameters(generators):
    """The layers of the paper's figure 4 have 1.55 million parameters."""
    block = 2 * (count_conv(3, 64, 64, bias=False) + 4 * 64) + 64
    doubling = count_conv(3, 64, 256) + 64
    first = count_conv(9, 3, 64) + 64
    after_blocks = count_conv(3, 64, 64, bias=False) + 4 * 64
    last = count_conv(9, 64, 3)
    assert generators["srgan"].count_params() == (
        first + 16 * block + after_blocks + 2 * doubling + last
    )
    assert generators["srgan"].count_params() == pytest.approx(1.55e6, rel=0.005)
    slopes = [
        x for x in generators["srgan"].layers if isinstance(x, keras.layers.PReLU)
    ]
    assert len(slopes) == 1 + 16 + 2 and slopes[0].alpha.shape == (1, 1, 64)


def test_the_books_parameters(generators):
    block = 2 * (count_conv(3, 64, 64) + 4 * 64)
    after_blocks = count_conv(3, 64, 64) + 4 * 64
    doublings = count_conv(3, 64, 256) + count_conv(3, 256, 256)
    assert generators["book"].count_params() == (
        count_conv(9, 3, 64)
        + 16 * block
        + after_blocks
        + doublings
        + count_conv(9, 256, 3)
    )
    kinds = [type(layer).__name__ for layer in generators["book"].layers]
    norms = [x for x in generators["book"].layers if hasattr(x, "momentum")]
    assert {norm.momentum for norm in norms} == {0.8}
    first = kinds.index("Conv2D", 2)
    assert kinds[first : first + 6] == [
        "Conv2D",
        "ReLU",
        "BatchNormalization",
        "Conv2D",
        "BatchNormalization",
        "Add",
    ]


@pytest.mark.parametrize("variant", ["srgan", "book"])
def test_a_skip_connection_leads_past_all_blocks(generators, variant):
    """The first features are added again after the blocks."""
    layers = generators[variant].layers
    first = next(
        x for x in layers if isinstance(x, keras.layers.PReLU | keras.layers.ReLU)
    )
    sums = [x for x in layers if isinstance(x, keras.layers.Add)]
    assert len(sums) == 16 + 1
    assert any(x is first.output for x in sums[-1].input)


def test_the_light_parameters(generators):
    assert generators["light"].count_params() == (
        count_conv(3, 3, 32) + 12 * count_conv(3, 32, 32) + count_conv(3, 32, 48)
    )


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_the_light_generator_starts_bilinear(precision):
    """With mixed precision too the bilinear base is computed in float32."""
    keras.mixed_precision.set_global_policy(precision)
    keras.utils.set_random_seed(0)
    network = build_generator(Config())
    images = floats(4, 9, 11, 3)
    bilinear = tf.image.resize(images, (36, 44))
    difference = float(tf.reduce_max(tf.abs(network(images) - bilinear)))
    assert 1e-4 < difference < 0.1
    last = network.layers[-4]
    last.set_weights([np.zeros(v.shape) for v in last.weights])
    np.testing.assert_allclose(network(images), bilinear, atol=1e-6)


def test_only_the_light_generators_output_may_leave_its_range(generators):
    dark, bright = floats(1, 6, 6, 3) - 50, floats(1, 6, 6, 3) + 50
    for variant in ("srgan", "book"):
        for images in (dark, bright):
            found = generators[variant](images)
            assert float(tf.reduce_max(tf.abs(found))) <= 1
    assert float(tf.reduce_max(generators["light"](bright))) > 40


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_saved_generator_gives_the_same_images(variant, tmp_path):
    network = build_generator(Config(variant=variant, blocks=1))
    assert PixelShuffle in LAYERS
    save_network(network, tmp_path / "generator.keras")
    loaded = load_network(tmp_path / "generator.keras")
    images = floats(1, 6, 5, 3)
    np.testing.assert_array_equal(loaded(images), network(images))


# --- discriminators


@pytest.mark.parametrize("variant", VARIANTS)
def test_shapes_of_a_discriminators_logits_and_maps(variant):
    config = Config(variant=variant, crop=32, filters=8)
    network = build_discriminator(config)
    logits = network(floats(3, 32, 32, 3))
    places = (2, 2) if variant == "book" else ()
    assert logits.shape == (3, *places, 1) and logits.dtype == tf.float32
    widths = (8, 16, 32, 64) if variant == "light" else (64, 128, 256, 512)
    shapes = [network.get_layer(name).output.shape[1:] for name in STAGES]
    assert shapes == [(16 // 2**k, 16 // 2**k, w) for k, w in enumerate(widths)]


def test_the_discriminators_parameters():
    widths = (64, 64, 128, 128, 256, 256, 512, 512)
    pairs = list(zip((3, *widths), widths, strict=False))
    norms = 4 * sum(widths[1:])
    paper = sum(count_conv(3, a, b, bias=a == 3) for a, b in pairs) + norms
    network = build_discriminator(Config(variant="srgan", crop=32))
    assert network.count_params() == paper + (4 * 512 + 1) * 1024 + 1025
    book = sum(count_conv(3, a, b) for a, b in pairs) + norms
    network = build_discriminator(Config(variant="book", crop=16))
    assert network.count_params() == book + 513 * 1024 + 1025
    light = sum(count_conv(4, a, b) for a, b in ((3, 8), (8, 16), (16, 32), (32, 64)))
    network = build_discriminator(Config(crop=16, filters=8))
    assert network.count_params() == light + 65


def test_the_book_normalises_after_the_activation():
    kinds = {}
    for variant in ("srgan", "book"):
        network = build_discriminator(Config(variant=variant, crop=16))
        kinds[variant] = [type(layer).__name__ for layer in network.layers[3:6]]
    assert kinds["srgan"] == ["Conv2D", "BatchNormalization", "LeakyReLU"]
    assert kinds["book"] == ["Conv2D", "LeakyReLU", "BatchNormalization"]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("build", [build_generator, build_discriminator])
def test_every_weight_gets_a_finite_gradient(variant, build):
    keras.utils.set_random_seed(0)
    network = build(Config(variant=variant, crop=16, filters=8, blocks=2))
    size = 8 if build is build_generator else 16
    with tf.GradientTape() as tape:
        outputs = network(floats(4, size, size, 3), training=True)
        loss = tf.reduce_mean(tf.square(outputs - floats(*outputs.shape)))
    variables = network.trainable_variables
    for variable, gradient in zip(
        variables, tape.gradient(loss, variables), strict=True
    ):
        values = gradient.numpy()
        assert np.isfinite(values).all(), variable.path
        assert np.abs(values).max() > 0, variable.path


# --- cost


def test_multiply_adds_of_each_kind_by_hand():
    x = images = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(5, 3, strides=2, padding="same", name="convolution")(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Conv2DTranspose(7, 4, strides=2, padding="same", name="up")(x)
    network = keras.Model(images, keras.layers.Dense(2, name="dense")(x))
    assert multiply_adds(network, 8, 6) == {
        "convolution": (4 * 3) * 9 * 3 * 5,
        "up": (4 * 3) * 16 * 5 * 7,
        "dense": (8 * 6) * 7 * 2,
    }


def test_an_uncounted_kind_of_layer_is_refused():
    images = keras.Input((4, 4, 3))
    layer = keras.layers.DepthwiseConv2D(3, name="depthwise")
    network = keras.Model(images, layer(images))
    with pytest.raises(ValueError, match="depthwise is of a kind that is not counted"):
        multiply_adds(network, 4, 4)


def test_the_books_last_layers_cost_eleven_times_the_papers(generators):
    """Multiply-adds of enlarging 64 x 64 to 256 x 256 pixels."""
    place = 64 * 64
    trunk = place * (81 * 3 * 64 + 33 * 9 * 64 * 64)
    paper = place * (9 * 64 * 256 + 4 * 9 * 64 * 256 + 16 * 81 * 64 * 3)
    book = place * (4 * 9 * 64 * 256 + 16 * 9 * 256 * 256 + 16 * 81 * 256 * 3)
    assert book / paper == pytest.approx(11.2, abs=0.05)
    text = cost_table({v: generators[v] for v in ("srgan", "book")}, 64, 64)
    rows = [[c.strip() for c in x.split("|")[1:-1]] for x in text.splitlines()[2:]]
    assert rows[0][1:] == ["srgan", "book"]
    cells = {row[0]: row[1:] for row in rows[2:]}
    assert list(cells) == ["in all", "64 x 64", "128 x 128", "256 x 256"]
    sums = [f"{(trunk + own) / 1e9:.4g}" for own in (paper, book)]
    assert cells["in all"] == sums == ["9.086", "50.19"]
    assert cells["256 x 256"] == ["1.019", "42.73"]


def test_the_cost_of_a_discriminator():
    network = build_discriminator(Config(variant="srgan", crop=32))
    counts = list(multiply_adds(network, 32, 32).values())
    assert counts[:2] == [32 * 32 * 9 * 3 * 64, 16 * 16 * 9 * 64 * 64]
    assert counts[-2:] == [2 * 2 * 512 * 1024, 1024]
    assert "| vectors" in cost_table({"D": network}, 32, 32)
