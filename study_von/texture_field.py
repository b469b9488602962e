"""The colour field: a colour for each point of the surface, times light.

A deviation from the paper, offered as `--texture field`. The published network sees the
depth alone and draws each image anew. The field is given where each pixel lies on the
object and how the surface is turned there:

    image = albedo(point, normal; z) * light(normals, openness; z) + shine(...)

The albedo is computed point by point, so that of a point is the same in all views by
construction, and no convolution can weave a pattern into it. Light and shine have one
channel each; their two convolutions of 3 x 3 see how the surface turns around a pixel.
A renderer without cast shadows computes much the same, so the field suits such pictures
well; real photos have shadows, and patterns finer than its few layers can learn.
"""

import keras
from keras import layers, ops

from study_von.config import Config
from study_von.sketches import CAMERA_NORMAL, NORMAL, OPENNESS, POSITION

# Units of the albedo's layers, and filters of those of light and shine.
ALBEDO_UNITS = 48
LIGHT_FILTERS = 16


def build_texture_field(
    config: Config, maps: keras.KerasTensor, latent: keras.KerasTensor
) -> keras.KerasTensor:
    """Return the colours (B, H, H, 3) in [-1, 1] of the surface that a sketch shows.

    Args:
        config: uses texture_latent_dim.
        maps: sketch (B, H, H, 12).
        latent: z (B, d).
    """
    # 1. The colour of the material at each point.
    x = layers.Concatenate()([2 * maps[..., POSITION], maps[..., NORMAL]])
    for _ in range(3):
        x = layers.Dense(ALBEDO_UNITS, kernel_initializer="he_normal")(x)
        x = _modulated(x, latent)
    albedo = layers.Dense(3, activation="sigmoid", dtype="float32")(x)
    # 2. Light and shine, white both. The normal in the camera's axes tells how the
    # surface is turned to a lamp beside the camera, the other how to the sky; openness
    # how much of the sky is seen.
    x = layers.Concatenate()(
        [maps[..., CAMERA_NORMAL], maps[..., NORMAL], maps[..., OPENNESS]]
    )
    for _ in range(2):
        x = layers.Conv2D(
            LIGHT_FILTERS, 3, padding="same", kernel_initializer="he_normal"
        )(x)
        x = _modulated(x, latent)
    x = layers.Dense(2, dtype="float32")(x)
    # Neither is negative; at first, light is near 1 and there is hardly any shine.
    light, shine = ops.softplus(x[..., :1] + 0.5), ops.softplus(x[..., 1:] - 4)
    # Bright colours saturate smoothly: a limit would have no gradient beyond it.
    return 2 * ops.tanh(albedo * light + shine) - 1


def _modulated(x: keras.KerasTensor, latent: keras.KerasTensor) -> keras.KerasTensor:
    """Scale and shift the features of all pixels by functions of the latent."""
    units = x.shape[-1]
    shape = layers.Reshape((1, 1, units))
    scale, shift = (shape(layers.Dense(units)(latent)) for _ in range(2))
    return layers.Activation("leaky_relu")(x * (1 + scale) + shift)
