"""Generators and discriminators of the SRGAN: the paper's, the book's, light ones."""

import math

import keras
from keras import layers

from chapter05_srgan.config import Config
from common.layers.pixel_shuffle import ICNR, PixelShuffle

CHANNELS = 3
# Filters of the paper's and of the book's residual blocks.
WIDTH = 64
# What each halving of D's maps ends with, as a layer's name, and the filters of
# the paper and the book; variant light has 1, 2, 4 and 8 times its own number.
STAGES = {"stage_1": 64, "stage_2": 128, "stage_3": 256, "stage_4": 512}
BOOK_MOMENTUM = 0.8
HE = "he_normal"


def build_generator(config: Config) -> keras.Model:
    """Build the network that enlarges images.

    The variant light adds what it has learnt to a bilinear enlargement, with
    which it starts. Its output is not limited to [-1, 1].

    Args:
        config: uses variant, scale, blocks and, for the variant light, filters.

    Returns:
        images (B, h, w, 3) in [-1, 1], of any size -> (B, scale h, scale w, 3)
        float32.

    Reference: Ledig et al. 2017, arXiv:1609.04802, figure 4; the book's chapter 5;
        Lim et al. 2017, arXiv:1707.02921, figure 2 (blocks without normalisation).
    """
    images = keras.Input((None, None, CHANNELS), name="low_resolution")
    enlarge = {
        "light": _light_generator,
        "srgan": _paper_generator,
        "book": _book_generator,
    }[config.variant]
    return keras.Model(images, enlarge(config, images), name="generator")


def build_discriminator(config: Config) -> keras.Model:
    """Build the network that tells photos from enlarged images.

    It halves its maps four times; what comes out each time has a name of STAGES.

    Args:
        config: uses variant, crop and, for the variant light, filters.

    Returns:
        images (B, crop, crop, 3) in [-1, 1] -> logits, float32: (B, 1), but of the
        variant book (B, crop / 16, crop / 16, 1), because its dense layers work on
        each place of the map by itself.

    Reference: Ledig et al. 2017, arXiv:1609.04802, figure 4; the book's chapter 5.
    """
    images = keras.Input((config.crop, config.crop, CHANNELS), name="images")
    build_logit = {"light": _light_logit, "srgan": _paper_logit, "book": _book_logit}
    logits = build_logit[config.variant](config, images)
    logits = layers.Activation("linear", dtype="float32")(logits)
    return keras.Model(images, logits, name="discriminator")


# Generators.


def _light_generator(config: Config, images: keras.KerasTensor) -> keras.KerasTensor:
    x = _conv(config.filters, 3, kernel_initializer=HE)(images)
    for _ in range(config.blocks):
        inner = layers.ReLU()(_conv(config.filters, 3, kernel_initializer=HE)(x))
        # A block begins with little to add, else the maps' variance would double.
        start = keras.initializers.VarianceScaling(0.02)
        inner = _conv(config.filters, 3, kernel_initializer=start)(inner)
        x = layers.Add()([x, inner])  # (B, h, w, 32)
    # Not 0, with which the layers before it would have no gradient; not ICNR: what
    # is as small as this shows no pattern, and alike filters learn more slowly.
    start = keras.initializers.RandomNormal(stddev=1e-3)
    x = _conv(CHANNELS * config.scale**2, 3, kernel_initializer=start)(x)
    detail = PixelShuffle(config.scale)(x)  # (B, 4 h, 4 w, 3)
    base = layers.UpSampling2D(config.scale, interpolation="bilinear", dtype="float32")(
        images
    )
    return layers.Add(dtype="float32")([base, detail])


def _paper_generator(config: Config, images: keras.KerasTensor) -> keras.KerasTensor:
    first = x = _prelu()(_conv(WIDTH, 9)(images))  # (B, h, w, 64)
    for _ in range(config.blocks):
        # Batch normalisation brings a bias of its own.
        inner = layers.BatchNormalization()(_conv(WIDTH, 3, use_bias=False)(x))
        inner = _conv(WIDTH, 3, use_bias=False)(_prelu()(inner))
        x = layers.Add()([x, layers.BatchNormalization()(inner)])
    x = layers.BatchNormalization()(_conv(WIDTH, 3, use_bias=False)(x))
    x = layers.Add()([first, x])
    for _ in range(_doublings(config)):
        # (B, h, w, 256), then (B, 2 h, 2 w, 64)
        x = _conv(4 * WIDTH, 3, kernel_initializer=ICNR(2))(x)
        x = _prelu()(PixelShuffle(2)(x))
    return _tanh(x)


def _book_generator(config: Config, images: keras.KerasTensor) -> keras.KerasTensor:
    """Convolutions of 256 filters on maps that are enlarged already."""
    first = x = layers.ReLU()(_conv(WIDTH, 9)(images))  # (B, h, w, 64)
    for _ in range(config.blocks):
        inner = layers.ReLU()(_conv(WIDTH, 3)(x))
        inner = layers.BatchNormalization(momentum=BOOK_MOMENTUM)(inner)
        inner = _conv(WIDTH, 3)(inner)
        inner = layers.BatchNormalization(momentum=BOOK_MOMENTUM)(inner)
        x = layers.Add()([inner, x])
    x = layers.BatchNormalization(momentum=BOOK_MOMENTUM)(_conv(WIDTH, 3)(x))
    x = layers.Add()([x, first])
    for _ in range(_doublings(config)):
        x = layers.UpSampling2D()(x)
        x = layers.ReLU()(_conv(4 * WIDTH, 3)(x))  # (B, 2 h, 2 w, 256)
    return _tanh(x)


def _doublings(config: Config) -> int:
    return int(math.log2(config.scale))


def _conv(filters: int, kernel: int, **options) -> keras.layers.Layer:
    return layers.Conv2D(filters, kernel, padding="same", **options)


def _prelu() -> keras.layers.Layer:
    """Return a layer with one slope for each channel, the same at every place."""
    return layers.PReLU(shared_axes=(1, 2))


def _tanh(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Activation("tanh", dtype="float32")(_conv(CHANNELS, 9)(x))


# Discriminators.


def _light_logit(config: Config, x: keras.KerasTensor) -> keras.KerasTensor:
    """One strided convolution for each stage and a mean over all places: a crop has
    no left or right, and a place of it no meaning."""
    for number, name in enumerate(STAGES):
        # (B, 48, 48, 32), (B, 24, 24, 64), (B, 12, 12, 128), (B, 6, 6, 256)
        width = config.filters * 2**number
        x = _conv(width, 4, strides=2, kernel_initializer=HE)(x)
        x = layers.LeakyReLU(0.2, name=name)(x)
    return layers.Dense(1)(layers.GlobalAveragePooling2D()(x))


def _paper_logit(config: Config, x: keras.KerasTensor) -> keras.KerasTensor:
    for name, width in STAGES.items():
        # (B, 48, 48, 64), (B, 24, 24, 128), (B, 12, 12, 256), (B, 6, 6, 512)
        for strides in (1, 2):
            first = (name, strides) == ("stage_1", 1)
            x = _conv(width, 3, strides=strides, use_bias=first)(x)
            x = x if first else layers.BatchNormalization()(x)
            x = layers.LeakyReLU(0.2, name=name if strides == 2 else None)(x)
    x = layers.Dense(1024)(layers.Flatten()(x))  # (B, 18432) to (B, 1024)
    return layers.Dense(1)(layers.LeakyReLU(0.2)(x))


def _book_logit(config: Config, x: keras.KerasTensor) -> keras.KerasTensor:
    """The paper's blocks, but normalised after the activation, and no Flatten."""
    for name, width in STAGES.items():
        # (B, 128, 128, 64), (B, 64, 64, 128), (B, 32, 32, 256), (B, 16, 16, 512)
        for strides in (1, 2):
            x = layers.LeakyReLU(0.2)(_conv(width, 3, strides=strides)(x))
            if (name, strides) != ("stage_1", 1):
                x = layers.BatchNormalization(
                    momentum=BOOK_MOMENTUM, name=name if strides == 2 else None
                )(x)
    x = layers.LeakyReLU(0.2)(layers.Dense(1024)(x))  # (B, 16, 16, 1024)
    return layers.Dense(1)(x)
