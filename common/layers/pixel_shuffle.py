"""Sub-pixel convolution: a small map's channels become a large map's places."""

import keras
import tensorflow as tf
from keras import ops

Tensor = tf.Tensor


@keras.saving.register_keras_serializable(package="common")
class PixelShuffle(keras.layers.Layer):
    r"""Makes a map larger by laying its channels side by side.

    $y_{s i + a, s j + b, c} = x_{i, j, (s a + b) C + c}$ for $0 \le a, b < s$. A
    convolution before it costs s^2 times less than one of as many filters after
    the enlargement.

    Args:
        scale: s, how many times larger each side becomes; 2 or more.
        **options: as of keras.layers.Layer.

    Reference: Shi et al. 2016, arXiv:1609.05158, equation 4. Deviation: the order
        of the channels is TensorFlow's.
    """

    def __init__(self, scale: int, **options):
        super().__init__(**options)
        self.scale = scale

    def call(self, inputs: Tensor) -> Tensor:
        """Map (B, h, w, s^2 C) to (B, s h, s w, C)."""
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
    """Weights for the convolution before a PixelShuffle that begin without a pattern.

    The s^2 filters that make one s x s block of the large map begin alike. So the
    two layers begin as a convolution and an enlargement to the nearest neighbour,
    and what filters that differ would lay over the image, a chequered pattern, is
    not there to be unlearnt.

    Args:
        scale: s of the PixelShuffle.
        initializer: of the filters that are repeated, by name or as an object.

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
        """Return weights (..., s^2 C)."""
        *others, filters = shape
        alike = self.initializer((*others, filters // self.scale**2), dtype=dtype)
        return ops.tile(alike, (*(1 for _ in others), self.scale**2))

    def get_config(self) -> dict:
        inner = keras.initializers.serialize(self.initializer)
        return {"scale": self.scale, "initializer": inner}
