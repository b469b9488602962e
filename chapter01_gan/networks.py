"""The generator and discriminator of the first GAN: dense layers alone."""

import math

import keras
from keras import layers

from chapter01_gan.config import IMAGE, Config
from common.layers.blocks import activation, normalise
from common.layers.minibatch_discrimination import MinibatchDiscrimination
from common.layers.spectral_norm import SpectralNormalization

MAXOUT_PIECES = 5
# Length of the rows that minibatch discrimination compares.
MINIBATCH_DIMENSIONS = 4


def build_generator(
    config: Config, shape: tuple[int, ...] = IMAGE, output: str = "tanh"
) -> keras.Model:
    """Build the network that makes an image of a latent.

    Args:
        config: uses latent_dim, g_units, g_activation, g_norm, initializer.
        shape: of one item.
        output: activation of the last layer; "linear" where the data have no bounds.

    Returns:
        z (B, latent_dim) -> items (B, *shape), float32; with tanh in [-1, 1]. With
        the book's sizes and no normalisation it has 693,784 parameters.

    Reference: the book's chapter 1, table of the generator; Goodfellow et al. 2014,
        arXiv:1406.2661, section 5.
    """
    latent = keras.Input((config.latent_dim,), name="z")
    x = latent  # (B, 100)
    for units in config.g_units:
        x = layers.Dense(
            units,
            # A normalisation brings a bias of its own.
            use_bias=config.g_norm == "none",
            kernel_initializer=config.initializer,
        )(x)  # (B, 500)
        x = activation(config.g_activation)(normalise(x, config.g_norm))
    x = layers.Dense(math.prod(shape))(x)  # (B, 784)
    x = layers.Reshape(shape)(x)  # (B, 28, 28)
    items = layers.Activation(output, dtype="float32")(x)
    return keras.Model(latent, items, name="generator")


def build_discriminator(config: Config, shape: tuple[int, ...] = IMAGE) -> keras.Model:
    """Build the network that tells real images from generated ones.

    Its last hidden layer has the name "features".

    Args:
        config: uses d_units, d_activation, d_norm, spectral_norm, dropout,
            minibatch_kernels, initializer.
        shape: of one item.

    Returns:
        items (B, *shape) -> logit (B, 1), float32. With the book's sizes and
        nothing added it has 643,501 parameters.

    Reference: the book's chapter 1, "architecture of the discriminator"; Goodfellow
        et al. 2014, arXiv:1406.2661, section 5.
    """
    items = keras.Input(shape, name="items")
    x = layers.Flatten()(items)  # (B, 784)
    for number, units in enumerate(config.d_units, start=1):
        norm = config.d_norm if number > 1 else "none"
        x = _dense(config, x, units, norm)  # (B, 500)
        x = layers.Dropout(config.dropout)(x)
    x = layers.Identity(name="features")(x)
    if config.minibatch_kernels:
        x = MinibatchDiscrimination(config.minibatch_kernels, MINIBATCH_DIMENSIONS)(x)
    # No sigmoid: the losses take logits.
    logits = layers.Dense(1, use_bias=not config.spectral_norm)
    if config.spectral_norm:
        logits = SpectralNormalization(logits)
    x = layers.Activation("linear", dtype="float32")(logits(x))  # (B, 1)
    return keras.Model(items, x, name="discriminator")


def _dense(
    config: Config, x: keras.KerasTensor, units: int, norm: str
) -> keras.KerasTensor:
    """Add a hidden layer of D: product, normalisation, activation."""
    pieces = MAXOUT_PIECES if config.d_activation == "maxout" else 1
    product = layers.Dense(
        units * pieces,
        use_bias=norm == "none" and not config.spectral_norm,
        kernel_initializer=config.initializer,
    )
    if config.spectral_norm:
        product = SpectralNormalization(product)
    x = normalise(product(x), norm)
    if config.d_activation != "maxout":
        return activation(config.d_activation)(x)
    # Maxout (Goodfellow et al. 2013, arXiv:1302.4389, equation 2).
    x = layers.Reshape((units, pieces))(x)
    return layers.GlobalMaxPooling1D(data_format="channels_first")(x)
