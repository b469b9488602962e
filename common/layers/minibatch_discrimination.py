"""Minibatch discrimination: D sees how near an item is to the others."""

import keras
import tensorflow as tf
from keras import ops

Tensor = tf.Tensor


@keras.saving.register_keras_serializable(package="common")
class MinibatchDiscrimination(keras.layers.Layer):
    r"""Appends to each item its closeness to the other items of the batch.

    With $M_i = f(x_i) T$, a matrix of `kernels` rows:
    $o(x_i)_b = \sum_{j \ne i} \exp(-\|M_{i,b} - M_{j,b}\|_1)$.

    A generator whose samples are all alike gives large numbers that real data do
    not give. Real and generated items must come in batches of their own.

    Args:
        kernels: B, numbers appended to each item.
        dimensions: C, length of the rows that are compared.
        **options: as of keras.layers.Layer.

    Reference: Salimans et al. 2016, arXiv:1606.03498, section 3.2. Deviation: the
        sum leaves out j = i, which adds 1 to every item.
    """

    def __init__(self, kernels: int = 16, dimensions: int = 8, **options):
        super().__init__(**options)
        self.kernels = kernels
        self.dimensions = dimensions

    def build(self, input_shape: tuple) -> None:
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.kernels * self.dimensions),
            initializer="glorot_uniform",
            name="kernel",
        )

    def call(self, inputs: Tensor) -> Tensor:
        """Map features (B, A) to (B, A + kernels)."""
        rows = ops.matmul(inputs, ops.cast(self.kernel, inputs.dtype))
        rows = ops.reshape(rows, (-1, self.kernels, self.dimensions))
        apart = ops.sum(ops.abs(rows[:, None] - rows[None]), axis=-1)  # (B, B, kernels)
        closeness = ops.sum(ops.exp(-apart), axis=1) - 1.0  # each item to itself: 1
        return ops.concatenate([inputs, closeness], axis=-1)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape[:-1], input_shape[-1] + self.kernels)

    def get_config(self) -> dict:
        own = {"kernels": self.kernels, "dimensions": self.dimensions}
        return super().get_config() | own
