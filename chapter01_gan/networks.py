"""The generator and discriminator of the first GAN, of dense layers only."""

import math

import keras
from keras import layers

from chapter01_gan.config import IMAGE, Config
from common.layers.blocks import activation, normalise
from common.layers.minibatch_discrimination import MinibatchDiscrimination
from common.layers.spectral_norm import SpectralNormalization

# Linear pieces of each maxout unit.
MAXOUT_PIECES = 5
# Length of the vectors that minibatch discrimination compares.
MINIBATCH_DIMENSIONS = 4


def build_generator(
    config: Config, shape: tuple[int, ...] = IMAGE, output: str = "tanh"
) -> keras.Model:
    """Build the network that makes an image from a latent.

    Args:
        config: uses latent_dim, g_units, g_activation, g_norm, initializer.
        shape: shape of one item.
        output: activation of the last layer: "tanh", or "linear" for data without
            bounds.

    Returns:
        z (B, latent_dim) -> items (B, *shape), float32, with tanh in [-1, 1]. With
        the book's sizes and no normalisation it has 693,784 parameters.

    Reference: the book's chapter 1, table of the generator; Goodfellow et al. 2014,
        arXiv:1406.2661, section 5.
    """
    latent = keras.Input((config.latent_dim,), name="z")
    x = latent  # (B, 100)
    for units in config.g_units:
        x = layers.Dense(
            units,
            # No bias before a normalisation, which has its own.
            use_bias=config.g_norm == "none",
            kernel_initializer=config.initializer,
        )(x)  # (B, 500)
        x = activation(config.g_activation)(normalise(x, config.g_norm))
    x = layers.Dense(math.prod(shape))(x)  # (B, 784)
    x = layers.Reshape(shape)(x)  # (B, 28, 28)
    # The output is float32 even if the other layers compute in lower precision.
    items = layers.Activation(output, dtype="float32")(x)
    return keras.Model(latent, items, name="generator")


def build_discriminator(config: Config, shape: tuple[int, ...] = IMAGE) -> keras.Model:
    """Build the network that discriminates real images from generated ones.

    Its last hidden layer is named "features".

    Args:
        config: uses d_units, d_activation, d_norm, spectral_norm, dropout,
            minibatch_kernels, initializer.
        shape: shape of one item.

    Returns:
        items (B, *shape) -> logit (B, 1), float32. With the book's sizes and no
        stabilising technique it has 643,501 parameters.

    Reference: the book's chapter 1, "architecture of the discriminator"; Goodfellow
        et al. 2014, arXiv:1406.2661, section 5.
    """
    items = keras.Input(shape, name="items")
    x = layers.Flatten()(items)  # (B, 784)
    for number, units in enumerate(config.d_units, start=1):
        # The first layer sees the items as they are, without normalisation.
        norm = config.d_norm if number > 1 else "none"
        x = _dense(config, x, units, norm)  # (B, 500)
        x = layers.Dropout(config.dropout)(x)
    x = layers.Identity(name="features")(x)
    # Compare each item's features with those of the rest of the batch.
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
    """Add a hidden layer of D: dense layer, normalisation, activation."""
    pieces = MAXOUT_PIECES if config.d_activation == "maxout" else 1
    dense = layers.Dense(
        units * pieces,
        use_bias=norm == "none" and not config.spectral_norm,
        kernel_initializer=config.initializer,
    )
    if config.spectral_norm:
        dense = SpectralNormalization(dense)
    x = normalise(dense(x), norm)
    if config.d_activation != "maxout":
        return activation(config.d_activation)(x)
    # Maxout: each unit is the largest of its linear pieces (Goodfellow et al. 2013,
    # arXiv:1302.4389, equation 2).
    x = layers.Reshape((units, pieces))(x)
    return layers.GlobalMaxPooling1D(data_format="channels_first")(x)
