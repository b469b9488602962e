"""Spectral normalisation: bounds the Lipschitz constant of D, layer by layer."""

import keras
import tensorflow as tf
from keras import ops

Tensor = tf.Tensor


@keras.saving.register_keras_serializable(package="common")
class SpectralNormalization(keras.layers.Wrapper):
    r"""Divide a layer's weights by their largest singular value.

    $y = (W / \sigma(W)) x + b$ with $\sigma(W) = v^T W u$. Each call in training
    improves the singular vectors u and v by one step of power iteration. The gradient
    passes through $\sigma(W)$, with u and v as constants (equation 12).

    Keras's layer of the same name writes the divided weights back into the layer at
    every call in training, so the generator's phase would change the discriminator.
    This layer changes only u.

    Args:
        layer: Dense layer or convolution, with use_bias=False and no activation,
            because the wrapper adds the bias, which must not be divided.
        **options: options of keras.layers.Wrapper.

    Raises:
        ValueError: the layer has a bias or an activation.

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
        """Apply the layer with the divided weights, then add the bias.

        Args:
            inputs: inputs of the wrapped layer.
            training: whether to update u by one step of power iteration.
        """
        kernel = ops.cast(self.layer.kernel, "float32")
        matrix = ops.reshape(kernel, (-1, kernel.shape[-1]))
        # The rows of the matrix are the kernel's inputs, its columns the outputs.
        constant = ops.stop_gradient(matrix)
        u = ops.convert_to_tensor(self.u)
        v = _unit(ops.matmul(constant, u))
        if training:
            u = _unit(ops.matmul(ops.transpose(constant), v))
            self.u.assign(u)
        sigma = ops.sum(v * ops.matmul(matrix, ops.stop_gradient(u)))
        # The layer is linear, so dividing its output is the same as dividing its
        # weights.
        outputs = self.layer(inputs)
        return outputs / ops.cast(sigma, outputs.dtype) + self.bias

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return self.layer.compute_output_shape(input_shape)


def _unit(vector: Tensor) -> Tensor:
    """Return a vector scaled to length 1, as a constant for the gradient."""
    return ops.stop_gradient(vector / (ops.norm(vector) + 1e-12))
