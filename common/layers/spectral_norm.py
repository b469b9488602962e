"""Spectral normalisation: D's slope is bounded by that of its layers."""

import keras
import tensorflow as tf
from keras import ops

Tensor = tf.Tensor


@keras.saving.register_keras_serializable(package="common")
class SpectralNormalization(keras.layers.Wrapper):
    r"""Divides a layer's weights by their largest singular value.

    $y = (W / \sigma(W)) x + b$ with $\sigma(W) = v^T W u$; u and v come from one
    step of power iteration at each call in training. The gradient passes through
    $\sigma(W)$, with u and v as constants (equation 12).

    Keras's layer of this name writes the divided weights back into the layer at
    every call in training, so that the generator's phase would change the
    discriminator. This one changes u alone.

    Args:
        layer: Dense or a convolution, with use_bias=False and no activation: the
            wrapper adds the bias, which is not divided.
        **options: as of keras.layers.Wrapper.

    Reference: Miyato et al. 2018, arXiv:1802.05957, equations 8 and 12, algorithm 1.
    """

    def __init__(self, layer: keras.layers.Layer, **options):
        super().__init__(layer, **options)
        plain = layer.activation in (None, keras.activations.linear)
        if layer.use_bias or not plain:
            raise ValueError("the layer must have use_bias=False and no activation")

    def build(self, input_shape: tuple) -> None:
        super().build(input_shape)
        units = self.layer.kernel.shape[-1]
        self.u = self.add_weight(
            shape=(units, 1),
            initializer="random_normal",
            trainable=False,
            name="u",
            dtype="float32",
            aggregation="mean",
        )
        self.bias = self.add_weight(shape=(units,), initializer="zeros", name="bias")

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Return what the layer gives with the divided weights."""
        kernel = ops.cast(self.layer.kernel, "float32")
        matrix = ops.reshape(kernel, (-1, kernel.shape[-1]))
        constant = ops.stop_gradient(matrix)
        u = ops.convert_to_tensor(self.u)
        v = _unit(ops.matmul(constant, u))
        if training:
            u = _unit(ops.matmul(ops.transpose(constant), v))
            self.u.assign(u)
        sigma = ops.sum(v * ops.matmul(matrix, ops.stop_gradient(u)))
        # The layer is linear: dividing its output divides its weights.
        outputs = self.layer(inputs)
        return outputs / ops.cast(sigma, outputs.dtype) + self.bias

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return self.layer.compute_output_shape(input_shape)


def _unit(vector: Tensor) -> Tensor:
    return ops.stop_gradient(vector / (ops.norm(vector) + 1e-12))
