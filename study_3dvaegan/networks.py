"""The encoder of the 3D-VAE-GAN (Wu et al. 2016, section 3.2).

The generator and the discriminator are chapter 2's, see chapter02_3dgan/networks.py.
"""

import keras
import tensorflow as tf
from keras import layers, ops

from chapter02_3dgan.networks import build_discriminator, build_generator
from study_3dvaegan.config import Config

__all__ = [
    "build_discriminator",
    "build_encoder",
    "build_generator",
    "build_reconstructor",
    "sample_posterior",
]

FILTERS = (64, 128, 256, 512)
KERNELS = (11, 5, 5, 5)
# Strides of the first four convolutions: the map is 8 x 8 after them.
STRIDES = {256: (4, 2, 2, 2), 128: (2, 2, 2, 2), 64: (2, 2, 2, 1)}
# Bounds of the log-variance: its exponential stays finite in 16 bits, too.
LOG_VARIANCES = (-10.0, 10.0)


def build_encoder(config: Config) -> keras.Model:
    """Build the network that maps a photo to a Gaussian over latents.

    Args:
        config: options of the run; uses image_size, encoder_width, encoder_hidden,
            latent_dim and initializer.

    Returns:
        photo (B, H, H, 3) in [-1, 1] -> mean (B, d) and log-variance (B, d), float32.
        With the preset "paper" it has 17,433,552 trainable parameters.

    Reference: Wu et al. 2016, arXiv:1610.07584, section 3.2 and supplement.
    """
    photo = keras.Input((config.image_size,) * 2 + (3,), name="photo")
    x = photo
    strides = STRIDES[config.image_size]
    for count, kernel, stride in zip(FILTERS, KERNELS, strides, strict=True):
        # (B, 64, 64, 64), (B, 32, 32, 128), (B, 16, 16, 256), (B, 8, 8, 512)
        x = layers.Conv2D(
            max(1, round(config.encoder_width * count)),
            kernel,
            strides=stride,
            padding="same",
            use_bias=False,  # BatchNorm adds its own offset
            kernel_initializer=config.initializer,
        )(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    # The kernel of the last convolution covers the whole map.
    if config.encoder_hidden:
        hidden = layers.Conv2D(config.encoder_hidden, 8, use_bias=False)
        x = layers.ReLU()(layers.BatchNormalization()(hidden(x)))
    # No activation: 200 means, 200 log-variances.
    x = layers.Conv2D(2 * config.latent_dim, x.shape[1])(x)  # (B, 1, 1, 400)
    x = layers.Activation("linear", dtype="float32")(layers.Flatten()(x))
    mean = x[:, : config.latent_dim]
    log_variance = ops.clip(x[:, config.latent_dim :], *LOG_VARIANCES)
    return keras.Model(photo, [mean, log_variance], name="encoder")


def build_reconstructor(encoder: keras.Model, generator: keras.Model) -> keras.Model:
    """Join both networks: photo (B, H, H, 3) -> shape (B, S, S, S, 1) of the mean.

    Args:
        encoder: photo -> mean and log-variance.
        generator: latent -> shape.
    """
    mean, _ = encoder(encoder.input)
    return keras.Model(encoder.input, generator(mean), name="reconstructor")


def sample_posterior(
    mean: tf.Tensor, log_variance: tf.Tensor, noise: tf.Tensor
) -> tf.Tensor:
    """Return z = mean + exp(log_variance / 2) noise.

    Args:
        mean: float32 (B, d).
        log_variance: float32 (B, d).
        noise: float32 (B, d), from N(0, 1).

    Reference: Kingma and Welling 2014, arXiv:1312.6114, section 2.4.
    """
    return mean + tf.exp(0.5 * log_variance) * noise
