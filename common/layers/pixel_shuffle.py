"""Sub-pixel convolution: upsampling that turns channels into positions."""

import keras
import tensorflow as tf
from keras import ops

Tensor = tf.Tensor


@keras.saving.register_keras_serializable(package="common")
class PixelShuffle(keras.layers.Layer):
    r"""Enlarge a feature map by moving s^2 channels into each s x s block of positions.

    $y_{s i + a, s j + b, c} = x_{i, j, (s a + b) C + c}$ for $0 \le a, b < s$. A
    convolution before this layer costs s^2 times less than a convolution with the same
    number of filters after upsampling.

    Args:
        scale: factor s by which height and width grow, at least 2.
        **options: options of keras.layers.Layer.

    Reference: Shi et al. 2016, arXiv:1609.05158, equation 4. Deviation: the order
        of the channels is TensorFlow's.
    """

    def __init__(self, scale: int, **options):
        super().__init__(**options)
        self.scale = scale

    def call(self, inputs: Tensor) -> Tensor:
        """Map (B, H, W, s^2 C) to (B, s H, s W, C)."""
        return tf.nn.depth_to_space(inputs, self.scale)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        batch, *sides, channels = input_shape
        if channels % self.scale**2:
            raise ValueError(
                f"expected a multiple of {self.scale**2} channels, found {channels}"
            )
        sides = [side and side * self.scale for side in sides]
        return (batch, *sides, channels // self.scale**2)

    def get_config(self) -> dict:
        return super().get_config() | {"scale": self.scale}


@keras.saving.register_keras_serializable(package="common")
class ICNR(keras.initializers.Initializer):
    """Initialise the convolution before a PixelShuffle without checkerboard artefacts.

    The s^2 filters that make one s x s block of the large map start with equal
    weights. So at first the two layers are a convolution followed by nearest-neighbour
    upsampling. If these filters started with different weights, the output would have
    a checkerboard pattern, which training would have to remove.

    Args:
        scale: factor s of the PixelShuffle.
        initializer: initialiser of the filters that are repeated, by name or as an
            object.

    Reference: Aitken et al. 2017, arXiv:1707.02937, section 3.3.
    """

    def __init__(
        self,
        scale: int,
        initializer: str | keras.initializers.Initializer = "glorot_uniform",
    ):
        self.scale = scale
        self.initializer = keras.initializers.get(initializer)

    def __call__(self, shape: tuple, dtype: str | None = None) -> Tensor:
        """Return initial weights of a shape (..., s^2 C)."""
        *others, filters = shape
        single = self.initializer((*others, filters // self.scale**2), dtype=dtype)
        repeats = [1] * len(others) + [self.scale**2]
        return ops.tile(single, repeats)

    def get_config(self) -> dict:
        inner = keras.initializers.serialize(self.initializer)
        return {"scale": self.scale, "initializer": inner}
