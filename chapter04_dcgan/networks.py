"""Generator and discriminator of the DCGAN, as its paper and as the book have them."""

import math

import keras
from keras import layers

from chapter04_dcgan.config import Config
from common.config import Activation
from common.layers.blocks import activation, normalise

CHANNELS = 3


def build_generator(config: Config) -> keras.Model:
    """Build the network that makes an image of a latent.

    Args:
        config: uses variant, size, latent_dim, g_activation, initializer and, for
            the variant dcgan, filters, kernel, convolutions, g_norm; for the variant
            book, g_units.

    Returns:
        z (B, latent_dim) -> images (B, S, S, 3), float32 in [-1, 1].

    Reference: Radford et al. 2016, arXiv:1511.06434, figure 1; the book's chapter
        4, table of the generator.
    """
    latent = keras.Input((config.latent_dim,), name="z")
    build = {"dcgan": _dcgan_generator, "book": _book_generator}[config.variant]
    images = layers.Activation("tanh", dtype="float32")(build(config, latent))
    return keras.Model(latent, images, name="generator")


def build_discriminator(config: Config) -> keras.Model:
    """Build the network that tells real images from generated ones.

    Its last hidden layer has the name "features".

    Args:
        config: uses variant, size, d_activation, initializer and, for the variant
            dcgan, filters, kernel, convolutions, d_norm; for the variant book,
            d_units.

    Returns:
        images (B, S, S, 3) in [-1, 1] -> logit (B, 1), float32.

    Reference: Radford et al. 2016, arXiv:1511.06434, section 3; the book's chapter
        4, table of the discriminator.
    """
    images = keras.Input((config.size, config.size, CHANNELS), name="images")
    build = {"dcgan": _dcgan_features, "book": _book_features}[config.variant]
    features = layers.Identity(name="features")(build(config, images))
    x = layers.Flatten()(features)
    x = layers.Dense(1, kernel_initializer=initializer(config))(x)  # (B, 1)
    logits = layers.Activation("linear", dtype="float32")(x)
    return keras.Model(images, logits, name="discriminator")


def initializer(config: Config) -> keras.initializers.Initializer:
    """Return a new initializer of the kind that the configuration names."""
    if config.initializer == "dcgan":
        return keras.initializers.RandomNormal(stddev=0.02)
    return keras.initializers.get(config.initializer)


def stages(config: Config) -> int:
    """Return how often the paper's networks halve an image until it is 4 x 4."""
    return int(math.log2(config.size // 4))


def _dcgan_generator(config: Config, x: keras.KerasTensor) -> keras.KerasTensor:
    """Project z, then double the size by strided convolutions."""
    # A normalisation brings a bias of its own.
    bias = config.g_norm == "none"
    widths = [config.filters * 2**i for i in reversed(range(stages(config)))]
    first, *others = widths  # at size 64: 8, 4, 2, 1 times the filters
    x = layers.Dense(
        4 * 4 * first, use_bias=bias, kernel_initializer=initializer(config)
    )(x)
    x = layers.Reshape((4, 4, first))(x)  # (B, 4, 4, 1024)
    x = _refined(config, x, config.g_norm, config.g_norm, config.g_activation)
    for width in others:
        # (B, 8, 8, 512), (B, 16, 16, 256), (B, 32, 32, 128)
        x = _transposed(config, width, bias)(x)
        x = _refined(config, x, config.g_norm, config.g_norm, config.g_activation)
    # No BatchNorm before the output (section 3).
    return _transposed(config, CHANNELS, True)(x)  # (B, 64, 64, 3)


def _refined(
    config: Config, x: keras.KerasTensor, first: str, norm: str, kind: Activation
) -> keras.KerasTensor:
    """Normalise and activate a map, and add the convolutions that keep its size.

    Args:
        config: uses convolutions, initializer.
        x: what a convolution has made.
        first: its normalisation.
        norm: that of the further convolutions.
        kind: of activation.
    """
    x = activation(kind)(normalise(x, first))
    for _ in range(config.convolutions - 1):
        x = layers.Conv2D(
            x.shape[-1],
            3,
            padding="same",
            use_bias=norm == "none",
            kernel_initializer=initializer(config),
        )(x)
        x = activation(kind)(normalise(x, norm))
    return x


def _transposed(config: Config, width: int, bias: bool) -> keras.layers.Layer:
    return layers.Conv2DTranspose(
        width,
        config.kernel,
        strides=2,
        padding="same",
        use_bias=bias,
        kernel_initializer=initializer(config),
    )


def _dcgan_features(config: Config, x: keras.KerasTensor) -> keras.KerasTensor:
    """Halve the size by strided convolutions: no pooling, no dense layers."""
    for number in range(stages(config)):
        # No BatchNorm after the input (section 3).
        norm = config.d_norm if number else "none"
        # (B, 32, 32, 128), (B, 16, 16, 256), (B, 8, 8, 512), (B, 4, 4, 1024)
        x = layers.Conv2D(
            config.filters * 2**number,
            config.kernel,
            strides=2,
            padding="same",
            use_bias=norm == "none",
            kernel_initializer=initializer(config),
        )(x)
        x = _refined(config, x, norm, config.d_norm, config.d_activation)
    return x


def _book_generator(config: Config, x: keras.KerasTensor) -> keras.KerasTensor:
    """Two dense layers, then upsampling and convolution three times.

    At size 64 it has 34,872,195 parameters, of which the second dense layer takes
    33,570,816.
    """
    options = {"kernel_initializer": initializer(config)}
    edge = config.size // 8
    x = layers.Dense(config.g_units, **options)(x)  # (B, 2048)
    x = activation(config.g_activation)(x)
    x = layers.Dense(edge * edge * 256, **options)(x)  # (B, 16384)
    x = activation(config.g_activation)(layers.BatchNormalization()(x))
    x = layers.Reshape((edge, edge, 256))(x)  # (B, 8, 8, 256)
    for width in (128, 64):
        # (B, 16, 16, 128), (B, 32, 32, 64)
        x = layers.UpSampling2D()(x)
        x = layers.Conv2D(width, 5, padding="same", **options)(x)
        x = activation(config.g_activation)(x)
    x = layers.UpSampling2D()(x)  # (B, 64, 64, 64)
    return layers.Conv2D(CHANNELS, 5, padding="same", **options)(x)  # (B, 64, 64, 3)


def _book_features(config: Config, x: keras.KerasTensor) -> keras.KerasTensor:
    """Convolution and max pooling three times, then a dense layer.

    With the dense output it has 20,361,473 parameters at size 64.
    """
    options = {"kernel_initializer": initializer(config)}
    # The table's "valid" for the first contradicts its shapes and its listing.
    for width, kernel, padding in (
        (128, 5, "same"),
        (256, 3, "valid"),
        (512, 3, "valid"),
    ):
        # (B, 32, 32, 128), (B, 15, 15, 256), (B, 6, 6, 512)
        x = layers.Conv2D(width, kernel, padding=padding, **options)(x)
        x = layers.MaxPooling2D()(activation(config.d_activation)(x))
    x = layers.Dense(config.d_units, **options)(layers.Flatten()(x))
    return activation(config.d_activation)(x)  # (B, 18432) to (B, 1024)
