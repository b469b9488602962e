"""The networks of the seed's DCGAN, CapsGAN and AEGAN, for comparison.

H. Somaiya 2020 ("DL-GANs-NORB"). Its AEGAN is Lazarou's (arXiv:2004.05472) for grey
images. The numbers of parameters below are at 96 x 96 pixels.
"""

import keras
from keras import layers

from common.layers.capsules import Squash
from study_norb.config import Config

# Convolutions of AEGAN's encoder and discriminator.
AEGAN_WIDTHS = (64, 64, 128, 128, 128, 256)
AEGAN_STRIDES = (2, 2, 2, 2, 1, 1)
# Convolutions of AEGAN's generator, each but the last after doubling the edge.
AEGAN_G_WIDTHS = (256, 128, 128, 96, 96)
AEGAN_START = 96
# Dense blocks of AEGAN's discriminator of latents.
BLOCKS, BLOCK_WIDTH = 16, 16
ROUNDS, UHAT = 3, 160


def generator_layers(config: Config, z: keras.KerasTensor) -> keras.KerasTensor:
    """Return the generator's output before tanh.

    16,361,792 parameters for DCGAN, with most in its dense layer; 2.97 million for
    AEGAN.
    """
    if config.model == "aegan":
        return _aegan_generator(config, z)
    edge = config.size // 4
    x = layers.Dense(edge * edge * 256, use_bias=False)(z)
    if config.model == "capsgan":
        x = layers.ReLU()(x)
    x = layers.LeakyReLU(0.2)(layers.BatchNormalization()(x))
    x = layers.Reshape((edge, edge, 256))(x)  # (B, 24, 24, 256)
    for width, stride in ((128, 1), (64, 2)):
        # (B, 24, 24, 128), (B, 48, 48, 64)
        x = layers.Conv2DTranspose(
            width, 5, strides=stride, padding="same", use_bias=False
        )(x)
        x = layers.LeakyReLU(0.2)(layers.BatchNormalization()(x))
    # (B, 96, 96, 1)
    return layers.Conv2DTranspose(
        config.channels, 5, strides=2, padding="same", use_bias=False
    )(x)


def discriminator_layers(config: Config, x: keras.KerasTensor) -> keras.KerasTensor:
    """Return the discriminator's logit (B, 1)."""
    if config.model == "capsgan":
        return _dense_capsules(x)
    if config.model == "aegan":
        x = layers.Flatten()(_aegan_body(x, 3, "leaky_relu"))
        return layers.Dense(1, kernel_initializer=_normal())(x)
    for width in (64, 128):
        # (B, 48, 48, 64), (B, 24, 24, 128)
        x = layers.Conv2D(width, 5, strides=2, padding="same")(x)
        x = layers.Dropout(0.4)(layers.LeakyReLU(0.2)(x))
    return layers.Dense(1)(layers.Flatten()(x))


def encoder_layers(config: Config, x: keras.KerasTensor) -> keras.KerasTensor:
    """Return the latent (B, latent_dim) of AEGAN's encoder: 2.17 million parameters."""
    x = layers.Flatten()(_aegan_body(x, 4, "relu"))
    return layers.Dense(config.latent_dim, kernel_initializer=_normal())(x)


def latent_discriminator_layers(z: keras.KerasTensor) -> keras.KerasTensor:
    """Return the logit of AEGAN's D_z: each layer sees all before it (0.10 million)."""
    x = layers.GaussianNoise(0.01)(z)
    for _ in range(BLOCKS):
        new = layers.Dense(BLOCK_WIDTH, kernel_initializer=_normal())(x)
        new = layers.GaussianDropout(0.005)(_aegan_norm(new, "leaky_relu"))
        x = layers.Concatenate()([x, new])  # (B, 100 + 16 n)
    x = layers.Dense(128, kernel_initializer=_normal())(x)
    x = layers.GaussianDropout(0.005)(_aegan_norm(x, "leaky_relu"))
    return layers.Dense(1, kernel_initializer=_normal())(x)


def _dense_capsules(x: keras.KerasTensor) -> keras.KerasTensor:
    """Return the logit of the seed's "capsules": 70,944,321 parameters.

    This is no dynamic routing. The softmax is over all 160 units of one vector, the
    shares come from trained dense layers, nothing is compared with an output, and a
    normalisation right after the squash destroys the lengths.
    """
    x = layers.LeakyReLU(0.2)(layers.Conv2D(256, 9)(x))  # (B, 88, 88, 256)
    x = layers.BatchNormalization(momentum=0.8)(x)
    x = layers.Conv2D(256, 9, strides=2)(x)  # (B, 40, 40, 256)
    x = Squash()(layers.Reshape((-1, 8))(x))  # (B, 51200, 8)
    x = layers.BatchNormalization(momentum=0.8)(x)
    uhat = x = layers.Dense(UHAT)(layers.Flatten()(x))
    for _ in range(ROUNDS):
        shares = layers.Softmax()(x)
        x = layers.Dense(UHAT)(shares)
        x = layers.LeakyReLU(0.2)(layers.Multiply()([uhat, x]))
    return layers.Dense(1)(x)


def _aegan_body(x: keras.KerasTensor, kernel: int, kind: str) -> keras.KerasTensor:
    """Return the map of AEGAN's encoder or image discriminator, (B, 6, 6, 256)."""
    x = layers.GaussianNoise(0.01)(x)
    for width, stride in zip(AEGAN_WIDTHS, AEGAN_STRIDES, strict=True):
        x = layers.Conv2D(
            width, kernel, strides=stride, padding="same", kernel_initializer=_normal()
        )(x)
        x = layers.GaussianDropout(0.005)(_aegan_norm(x, kind))
    return x


def _aegan_generator(config: Config, z: keras.KerasTensor) -> keras.KerasTensor:
    """Return AEGAN's image before tanh.

    A side branch hands z to every convolution: 96 numbers, repeated at each place.
    """
    edge = config.size // 16
    options = {"kernel_initializer": _normal()}
    x = layers.Dense(edge * edge * AEGAN_START, **options)(z)
    x = layers.Reshape((edge, edge, AEGAN_START))(x)  # (B, 6, 6, 96)
    x = _aegan_norm(x, "relu")
    side = _aegan_norm(layers.Dense(AEGAN_START, **options)(z), "relu")
    side = layers.Reshape((1, 1, AEGAN_START))(side)
    for number, width in enumerate(AEGAN_G_WIDTHS):
        if number < len(AEGAN_G_WIDTHS) - 1:
            # (B, 12, 12, 96), (B, 24, 24, 256), (B, 48, 48, 128), (B, 96, 96, 128)
            x = layers.UpSampling2D()(x)
        spread = layers.UpSampling2D(x.shape[1])(side)
        x = layers.Concatenate()([x, spread])
        x = layers.Conv2D(width, 4, padding="same", **options)(x)
        x = _aegan_norm(x, "relu")
    return layers.Conv2D(config.channels, 3, padding="same", **options)(x)


def _aegan_norm(x: keras.KerasTensor, kind: str) -> keras.KerasTensor:
    """Normalise over the last axis, then activate; leaky ReLU has the slope 0.02."""
    x = layers.LayerNormalization()(x)
    return layers.ReLU()(x) if kind == "relu" else layers.LeakyReLU(0.02)(x)


def _normal() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=0.02)
