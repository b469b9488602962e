"""Generator and discriminator of the DCGAN, in the paper's and the book's variant."""

import math

import keras
from keras import layers

from chapter04_dcgan.config import Config
from common.config import Activation
from common.layers.blocks import activation, normalise

CHANNELS = 3


def build_generator(config: Config) -> keras.Model:
    """Build the network that makes an image from a latent.

    Args:
        config: options of the run; uses variant, size, latent_dim, g_activation,
            initializer. The variant dcgan also uses filters, kernel, convolutions,
            g_norm; the variant book also uses g_units.

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
    """Build the network that discriminates real images from generated ones.

    Its last hidden layer has the name "features".

    Args:
        config: options of the run; uses variant, size, d_activation, initializer.
            The variant dcgan also uses filters, kernel, convolutions, d_norm; the
            variant book also uses d_units.

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
    """Return a new initializer of a layer's weights.

    "dcgan" is the paper's, N(0, 0.02^2); other names are Keras's.

    Args:
        config: options of the run; uses initializer.
    """
    if config.initializer == "dcgan":
        return keras.initializers.RandomNormal(stddev=0.02)
    return keras.initializers.get(config.initializer)


def stages(config: Config) -> int:
    """Return how often the paper's networks double 4 x 4 to reach the image's size.

    Its discriminator halves the image as often: 4 times at size 64.
    """
    return int(math.log2(config.size // 4))


def _dcgan_generator(config: Config, x: keras.KerasTensor) -> keras.KerasTensor:
    """Project z to 4 x 4, then double the size by transposed convolutions."""
    # A normalisation adds its own offset, so a bias before it has no effect.
    bias = config.g_norm == "none"
    # Filters at 4 x 4, 8 x 8, ...; at size 64 they are 8, 4, 2 and 1 times `filters`.
    widths = [config.filters * 2**i for i in reversed(range(stages(config)))]
    first, *others = widths
    x = layers.Dense(
        4 * 4 * first, use_bias=bias, kernel_initializer=initializer(config)
    )(x)
    x = layers.Reshape((4, 4, first))(x)  # (B, 4, 4, 1024)
    x = _refined(config, x, config.g_norm, config.g_norm, config.g_activation)
    for width in others:
        # Double the size: (B, 8, 8, 512), (B, 16, 16, 256), (B, 32, 32, 128)
        x = _transposed(config, width, bias)(x)
        x = _refined(config, x, config.g_norm, config.g_norm, config.g_activation)
    # No BatchNorm before the output (section 3).
    return _transposed(config, CHANNELS, True)(x)  # (B, 64, 64, 3)


def _refined(
    config: Config, x: keras.KerasTensor, first: str, norm: str, kind: Activation
) -> keras.KerasTensor:
    """Normalise and activate a feature map.

    With `convolutions` above 1, further convolutions that keep the map's size
    follow.

    Args:
        config: options of the run; uses convolutions, initializer.
        x: output (B, H, W, C) of a convolution.
        first: normalisation of `x`.
        norm: normalisation after each further convolution.
        kind: activation after each normalisation.
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
    """Halve the size by strided convolutions, without pooling or dense layers."""
    for number in range(stages(config)):
        # No BatchNorm after the first layer (section 3).
        norm = config.d_norm if number else "none"
        # Halve the size: (B, 32, 32, 128), (B, 16, 16, 256), (B, 8, 8, 512),
        # (B, 4, 4, 1024)
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
    """Apply two dense layers, then upsampling and a convolution three times.

    At size 64 the generator has 34,872,195 parameters; 33,570,816 of them are in the
    second dense layer.
    """
    options = {"kernel_initializer": initializer(config)}
    edge = config.size // 8
    x = layers.Dense(config.g_units, **options)(x)  # (B, 2048)
    x = activation(config.g_activation)(x)
    x = layers.Dense(edge * edge * 256, **options)(x)  # (B, 16384)
    x = activation(config.g_activation)(layers.BatchNormalization()(x))
    x = layers.Reshape((edge, edge, 256))(x)  # (B, 8, 8, 256)
    for width in (128, 64):
        # Double the size: (B, 16, 16, 128), (B, 32, 32, 64)
        x = layers.UpSampling2D()(x)
        x = layers.Conv2D(width, 5, padding="same", **options)(x)
        x = activation(config.g_activation)(x)
    x = layers.UpSampling2D()(x)  # (B, 64, 64, 64)
    return layers.Conv2D(CHANNELS, 5, padding="same", **options)(x)  # (B, 64, 64, 3)


def _book_features(config: Config, x: keras.KerasTensor) -> keras.KerasTensor:
    """Apply a convolution and max pooling three times, then a dense layer.

    At size 64 the discriminator, with its output layer, has 20,361,473 parameters.
    """
    options = {"kernel_initializer": initializer(config)}
    # The book's table gives "valid" for the first convolution too, but its listing
    # and the shapes in the same table mean "same".
    for width, kernel, padding in (
        (128, 5, "same"),
        (256, 3, "valid"),
        (512, 3, "valid"),
    ):
        # After pooling: (B, 32, 32, 128), (B, 15, 15, 256), (B, 6, 6, 512)
        x = layers.Conv2D(width, kernel, padding=padding, **options)(x)
        x = layers.MaxPooling2D()(activation(config.d_activation)(x))
    x = layers.Flatten()(x)  # (B, 18432)
    x = layers.Dense(config.d_units, **options)(x)
    return activation(config.d_activation)(x)  # (B, 1024)
