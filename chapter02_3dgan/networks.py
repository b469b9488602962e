"""Generator and discriminator of the 3D-GAN (Wu et al. 2016, figure 1)."""

import math

import keras
from keras import layers

from chapter02_3dgan.config import Config
from common.layers.blocks import activation
from common.layers.conv3d_one_channel import (
    Conv3DFromOneChannel,
    Conv3DTransposeToOneChannel,
)

# Filters of the generator at 4^3, 8^3, ... voxels for each size of the volume. The
# paper's size is 64. Size 32 drops the widest resolution, and size 128 adds one
# before the output.
FILTERS = {
    32: (256, 128, 64),
    64: (512, 256, 128, 64),
    128: (512, 256, 128, 64, 32),
}


def filters(config: Config) -> list[int]:
    """Return the generator's filters from 4^3 upwards; D uses them in reverse."""
    return [max(1, round(config.width * count)) for count in FILTERS[config.size]]


def build_generator(config: Config, occupancy: float = 0.5) -> keras.Model:
    """Build the network that makes a shape from a latent.

    Args:
        config: options of the run; uses size, width, convolutions, latent_dim,
            g_activation, bias, bias_from_data, initializer.
        occupancy: mean share of filled voxels in the data, above 0 and below 1;
            used with bias_from_data only.

    Returns:
        z (B, latent_dim) -> occupancy (B, S, S, S, 1), float32 in [0, 1]. With the
        preset "paper" it has 17,569,664 trainable parameters.

    Reference: Wu et al. 2016, arXiv:1610.07584, section 3.1 and figure 1.
    """
    first, *others = filters(config)
    options = {"use_bias": False, "kernel_initializer": config.initializer}
    latent = keras.Input((config.latent_dim,), name="z")
    # The paper's first layer is a transposed convolution of a 1x1x1 volume with a
    # 4x4x4 kernel. It computes the same as this dense layer.
    x = layers.Dense(4**3 * first, **options)(latent)
    x = layers.Reshape((4, 4, 4, first))(x)  # (B, 4, 4, 4, 512)
    x = _refine_generated(config, x)
    for count in others:
        # Double the size: (B, 8, 8, 8, 256), (B, 16, 16, 16, 128), (B, 32, 32, 32, 64)
        x = layers.Conv3DTranspose(count, 4, strides=2, padding="same", **options)(x)
        x = _refine_generated(config, x)
    # No BatchNorm before the sigmoid: with a mean of 0 it would fill half of all
    # voxels. The bias starts at logit(occupancy), so that the first samples are as
    # empty as the data.
    start = math.log(occupancy / (1 - occupancy)) if config.bias_from_data else 0.0
    x = Conv3DTransposeToOneChannel(
        use_bias=config.bias or config.bias_from_data,
        bias_initializer=keras.initializers.Constant(start),
    )(x)  # (B, 64, 64, 64, 1)
    voxels = layers.Activation("sigmoid", dtype="float32")(x)
    return keras.Model(latent, voxels, name="generator")


def _refine_generated(config: Config, x: keras.KerasTensor) -> keras.KerasTensor:
    """Normalise and activate a feature map of the generator.

    With `convolutions` above 1, further convolutions that keep the map's size
    follow.
    """
    x = activation(config.g_activation)(layers.BatchNormalization()(x))
    for _ in range(config.convolutions - 1):
        x = _convolution(x.shape[-1], 3, 1, False, config.initializer)(x)
        x = activation(config.g_activation)(layers.BatchNormalization()(x))
    return x


def build_discriminator(config: Config) -> keras.Model:
    """Build the network that discriminates real shapes from generated ones.

    Its activations at each resolution, the largest first, have the layer names
    "features_1", "features_2", ...

    Args:
        config: options of the run; uses size, width, convolutions, d_activation,
            bias, d_norm, initializer.

    Returns:
        voxels (B, S, S, S, 1) in [0, 1] -> logit (B, 1), float32. With the preset
        "paper" (d_norm "batch", no bias) it has 11,048,704 trainable parameters.

    Reference: Wu et al. 2016, arXiv:1610.07584, section 3.1.
    """
    voxels = keras.Input((config.size,) * 3 + (1,), name="voxels")
    first, *others = reversed(filters(config))
    x = Conv3DFromOneChannel(
        first, use_bias=config.bias, kernel_initializer=config.initializer
    )(voxels)  # (B, 32, 32, 32, 64)
    # No normalisation after the first layer.
    x = _refine_discriminated(config, x, 1)
    # A normalisation adds its own offset, so a bias before it has no effect.
    bias = config.bias and config.d_norm == "none"
    for number, count in enumerate(others, start=2):
        # Halve the size: (B, 16, 16, 16, 128), (B, 8, 8, 8, 256), (B, 4, 4, 4, 512)
        x = _convolution(count, 4, 2, bias, config.initializer)(x)
        x = _refine_discriminated(config, _normalise(x, config.d_norm), number)
    # The kernel covers the whole map, which gives one number for each shape.
    x = layers.Conv3D(1, 4, use_bias=config.bias)(x)  # (B, 1, 1, 1, 1)
    logits = layers.Flatten()(x)  # (B, 1)
    logits = layers.Activation("linear", dtype="float32")(logits)
    return keras.Model(voxels, logits, name="discriminator")


def _refine_discriminated(
    config: Config, x: keras.KerasTensor, number: int
) -> keras.KerasTensor:
    """Activate a feature map of the discriminator.

    With `convolutions` above 1, further convolutions that keep the map's size
    follow. The last activation has the layer name "features_<number>".
    """
    bias = config.bias and config.d_norm == "none"
    for _ in range(config.convolutions - 1):
        x = activation(config.d_activation)(x)
        x = _convolution(x.shape[-1], 3, 1, bias, config.initializer)(x)
        x = _normalise(x, config.d_norm)
    return activation(config.d_activation, f"features_{number}")(x)


def _convolution(
    filters: int, kernel: int, strides: int, bias: bool, initializer: str
) -> keras.layers.Layer:
    return layers.Conv3D(
        filters,
        kernel,
        strides=strides,
        padding="same",
        use_bias=bias,
        kernel_initializer=initializer,
    )


def _normalise(x: keras.KerasTensor, norm: str) -> keras.KerasTensor:
    if norm == "batch":
        return layers.BatchNormalization()(x)
    if norm == "layer":
        return layers.LayerNormalization(axis=(1, 2, 3, 4))(x)
    return x
