"""Generators and discriminators of the SRGAN: the paper's, the book's and light ones.

There is a pair of networks for each value of the option `variant`.
"""

import math

import keras
from keras import layers

from chapter05_srgan.config import Config
from common.layers.pixel_shuffle import ICNR, PixelShuffle

CHANNELS = 3
# Filters of the paper's and of the book's residual blocks.
WIDTH = 64
# The discriminators halve their maps four times. Keys: name of the last layer at each
# resolution. Values: filters there in the paper's and the book's networks; variant
# light has 1, 2, 4 and 8 times its own number.
STAGES = {"stage_1": 64, "stage_2": 128, "stage_3": 256, "stage_4": 512}
BOOK_MOMENTUM = 0.8
HE = "he_normal"


def build_generator(config: Config) -> keras.Model:
    """Build the network that enlarges images.

    The variant light adds learnt detail to a bilinear enlargement. Before training
    the detail is almost 0.

    Args:
        config: options of the run; uses variant, scale, blocks and, with the variant
            light, filters.

    Returns:
        images (B, h, w, 3) in [-1, 1], of any size -> images
        (B, scale h, scale w, 3), float32. The variants srgan and book end in a tanh;
        the output of light may leave [-1, 1].

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
    """Build the network that discriminates photos from enlarged images.

    It halves its maps four times. The last layer at each of the four resolutions has
    a name of STAGES.

    Args:
        config: options of the run; uses variant, crop and, with the variant light,
            filters.

    Returns:
        images (B, crop, crop, 3) in [-1, 1] -> logits (B, 1), float32. The variant
        book has logits (B, crop / 16, crop / 16, 1), because its dense layers are
        applied to each position of the map.

    Reference: Ledig et al. 2017, arXiv:1609.04802, figure 4; the book's chapter 5.
    """
    images = keras.Input((config.crop, config.crop, CHANNELS), name="images")
    build_logit = {"light": _light_logit, "srgan": _paper_logit, "book": _book_logit}
    logits = build_logit[config.variant](config, images)
    logits = layers.Activation("linear", dtype="float32")(logits)
    return keras.Model(images, logits, name="discriminator")


# Generators.


def _light_generator(config: Config, images: keras.KerasTensor) -> keras.KerasTensor:
    """Add detail from residual blocks without normalisation to a bilinear base."""
    x = _conv(config.filters, 3, kernel_initializer=HE)(images)
    for _ in range(config.blocks):
        inner = layers.ReLU()(_conv(config.filters, 3, kernel_initializer=HE)(x))
        # Small initial weights: each block adds little at first. Otherwise every
        # block would double the variance of the maps.
        start = keras.initializers.VarianceScaling(0.02)
        inner = _conv(config.filters, 3, kernel_initializer=start)(inner)
        x = layers.Add()([x, inner])  # (B, h, w, 32)
    # Small initial weights, so that the output starts close to the bilinear base. Not
    # 0: the layers before would get no gradient. Not ICNR: output this small shows no
    # checkerboard, and the equal filters of ICNR learn more slowly.
    start = keras.initializers.RandomNormal(stddev=1e-3)
    x = _conv(CHANNELS * config.scale**2, 3, kernel_initializer=start)(x)
    detail = PixelShuffle(config.scale)(x)  # (B, 4 h, 4 w, 3)
    base = layers.UpSampling2D(config.scale, interpolation="bilinear", dtype="float32")(
        images
    )
    return layers.Add(dtype="float32")([base, detail])


def _paper_generator(config: Config, images: keras.KerasTensor) -> keras.KerasTensor:
    """Apply residual blocks, then enlarge by pixel shuffles."""
    first = x = _prelu()(_conv(WIDTH, 9)(images))  # (B, h, w, 64)
    for _ in range(config.blocks):
        # Batch normalisation adds its own offset, so a bias before it has no effect.
        inner = layers.BatchNormalization()(_conv(WIDTH, 3, use_bias=False)(x))
        inner = _conv(WIDTH, 3, use_bias=False)(_prelu()(inner))
        x = layers.Add()([x, layers.BatchNormalization()(inner)])
    x = layers.BatchNormalization()(_conv(WIDTH, 3, use_bias=False)(x))
    # The long skip connection: from the first features past all blocks.
    x = layers.Add()([first, x])
    for _ in range(_doublings(config)):
        # (B, h, w, 256), then (B, 2 h, 2 w, 64). ICNR starts without checkerboards.
        x = _conv(4 * WIDTH, 3, kernel_initializer=ICNR(2))(x)
        x = _prelu()(PixelShuffle(2)(x))
    return _tanh(x)


def _book_generator(config: Config, images: keras.KerasTensor) -> keras.KerasTensor:
    """Apply residual blocks, then enlarge by upsampling.

    The convolutions with 256 filters see the enlarged maps, which makes this
    generator expensive; see `cost`.
    """
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
    """Return how often the size doubles to reach the scale."""
    return int(math.log2(config.scale))


def _conv(filters: int, kernel: int, **options) -> keras.layers.Layer:
    return layers.Conv2D(filters, kernel, padding="same", **options)


def _prelu() -> keras.layers.Layer:
    """Return a PReLU with one slope for each channel, the same at every position."""
    return layers.PReLU(shared_axes=(1, 2))


def _tanh(x: keras.KerasTensor) -> keras.KerasTensor:
    """Return images in [-1, 1] from the last feature map."""
    return layers.Activation("tanh", dtype="float32")(_conv(CHANNELS, 9)(x))


# Discriminators.


def _light_logit(config: Config, x: keras.KerasTensor) -> keras.KerasTensor:
    """Apply a strided convolution for each resolution, then the mean over the map.

    The mean forgets where in the crop something is, because crops come from any place
    of a photo and are mirrored and rotated.
    """
    for number, name in enumerate(STAGES):
        # (B, 48, 48, 32), (B, 24, 24, 64), (B, 12, 12, 128), (B, 6, 6, 256)
        width = config.filters * 2**number
        x = _conv(width, 4, strides=2, kernel_initializer=HE)(x)
        x = layers.LeakyReLU(0.2, name=name)(x)
    return layers.Dense(1)(layers.GlobalAveragePooling2D()(x))


def _paper_logit(config: Config, x: keras.KerasTensor) -> keras.KerasTensor:
    """Apply two convolutions for each resolution, then two dense layers."""
    for name, width in STAGES.items():
        # (B, 48, 48, 64), (B, 24, 24, 128), (B, 12, 12, 256), (B, 6, 6, 512)
        for strides in (1, 2):
            # The first convolution has no normalisation, and so a bias.
            first = (name, strides) == ("stage_1", 1)
            x = _conv(width, 3, strides=strides, use_bias=first)(x)
            x = x if first else layers.BatchNormalization()(x)
            x = layers.LeakyReLU(0.2, name=name if strides == 2 else None)(x)
    x = layers.Dense(1024)(layers.Flatten()(x))  # (B, 18432) to (B, 1024)
    return layers.Dense(1)(layers.LeakyReLU(0.2)(x))


def _book_logit(config: Config, x: keras.KerasTensor) -> keras.KerasTensor:
    """Apply the paper's blocks, but normalised after the activation and not flattened.

    Without a Flatten the dense layers are applied to each position of the map.
    """
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
