"""Minibatch discrimination: lets D see how similar the items of a batch are."""

import keras
import tensorflow as tf
from keras import ops

Tensor = tf.Tensor


@keras.saving.register_keras_serializable(package="common")
class MinibatchDiscrimination(keras.layers.Layer):
    r"""Append to each item its closeness to the other items of the batch.

    The features f(x) of each item are multiplied by a weight tensor T, which gives a
    matrix $M_i = f(x_i) T$ with `kernels` rows. The layer compares the rows of
    different items and appends, for each row b,
    $o(x_i)_b = \sum_{j \ne i} \exp(-\|M_{i,b} - M_{j,b}\|_1)$.

    If the samples of a generator are all similar, these numbers are larger than for
    real data, so that D can detect the collapse. Real and generated items must be in
    separate batches.

    Args:
        kernels: number of values appended to each item (B in the paper).
        dimensions: length of the rows that are compared (C in the paper).
        **options: options of keras.layers.Layer.

    Reference: Salimans et al. 2016, arXiv:1606.03498, section 3.2. Deviation: the
        sum leaves out j = i, which would only add 1 for every item.
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
        """Map features (B, A) to (B, A + kernels), where B is the batch size."""
        rows = ops.matmul(inputs, ops.cast(self.kernel, inputs.dtype))
        rows = ops.reshape(rows, (-1, self.kernels, self.dimensions))
        # The distances of all pairs of items, (B, B, kernels).
        distances = ops.sum(ops.abs(rows[:, None] - rows[None]), axis=-1)
        # Subtract the closeness of each item to itself, which is 1.
        closeness = ops.sum(ops.exp(-distances), axis=1) - 1.0
        return ops.concatenate([inputs, closeness], axis=-1)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape[:-1], input_shape[-1] + self.kernels)

    def get_config(self) -> dict:
        own = {"kernels": self.kernels, "dimensions": self.dimensions}
        return super().get_config() | own
