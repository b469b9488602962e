r"""Capsules: groups of neurons whose vector's length is a probability.

A capsule's vector says by its length how likely a thing is there, and by its direction
in which state it is. Each capsule of one layer predicts the vectors of the capsules of
the next; dynamic routing sends its prediction to those that other capsules agree with.

Reference: Sabour, Frosst and Hinton 2017, arXiv:1710.09829.
"""

import keras
import tensorflow as tf
from keras import ops

Tensor = tf.Tensor
# Added to squared lengths: the square root has no finite gradient at 0.
_LEAST = 1e-7


def squash(vectors: Tensor) -> Tensor:
    r"""Shrink vectors to lengths in [0, 1): $\frac{|s|^2}{1 + |s|^2} \frac{s}{|s|}$.

    Args:
        vectors: float (..., d).

    Returns:
        Vectors of the same direction; short ones almost vanish.

    Reference: Sabour et al. 2017, equation 1.
    """
    squares = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
    return squares / (1.0 + squares) * vectors / ops.sqrt(squares + _LEAST)


def lengths(vectors: Tensor) -> Tensor:
    """Return the lengths (...,) of vectors (..., d)."""
    return ops.sqrt(ops.sum(ops.square(vectors), axis=-1) + _LEAST)


def route(predictions: Tensor, routings: int) -> tuple[Tensor, Tensor]:
    r"""Combine the predictions of capsules for those of the next layer by agreement.

    Args:
        predictions: $\hat u$, float (B, I, O, d): for each of I input capsules the
            vectors that it predicts for O output capsules.
        routings: number of iterations, 1 or more. In the first, each input capsule
            sends equal shares to all output capsules; then more to those whose vector
            its prediction agrees with.

    Returns:
        Vectors of the output capsules, (B, O, d), of lengths below 1, and the shares
        (coupling coefficients) of the last iteration, (B, I, O), which sum to 1 over
        the output capsules.

    Reference: Sabour et al. 2017, procedure 1. Deviation: the gradient passes through
        the predictions alone; the shares are constants for it.
    """
    # The agreement is a constant for the gradient: shares are computed, not learnt.
    constant = ops.stop_gradient(predictions)
    agreement = ops.zeros_like(constant[..., 0])  # (B, I, O)
    for _ in range(routings - 1):
        # Softmax over the output capsules: each input capsule has 1 to give away.
        shares = ops.softmax(agreement, axis=-1)
        vectors = squash(ops.einsum("bio,biod->bod", shares, constant))
        agreement = agreement + ops.einsum("biod,bod->bio", constant, vectors)
    shares = ops.softmax(agreement, axis=-1)
    return squash(ops.einsum("bio,biod->bod", shares, predictions)), shares


@keras.saving.register_keras_serializable(package="common")
class Squash(keras.layers.Layer):
    """Shrink vectors (B, I, p) to lengths in [0, 1); see `squash`."""

    def call(self, inputs: Tensor) -> Tensor:
        return squash(inputs)


@keras.saving.register_keras_serializable(package="common")
class CapsuleLengths(keras.layers.Layer):
    """Map capsules (B, O, d) to their lengths (B, O)."""

    def call(self, inputs: Tensor) -> Tensor:
        return lengths(inputs)


@keras.saving.register_keras_serializable(package="common")
class Capsules(keras.layers.Layer):
    r"""A layer of capsules with dynamic routing: (B, I, p) -> (B, capsules, size).

    Input capsule i predicts $\hat u_{j|i} = W_{ij} u_i$ for output capsule j.

    Args:
        capsules: number O of output capsules. With one alone, the routing has no
            choice, and does nothing.
        size: length of the vector of each output capsule.
        routings: iterations of the routing; see `route`.
        **options: options of keras.layers.Layer.

    Reference: Sabour et al. 2017, section 3 and 4.
    """

    def __init__(self, capsules: int, size: int = 16, routings: int = 3, **options):
        super().__init__(**options)
        self.capsules = capsules
        self.size = size
        self.routings = routings

    def build(self, input_shape: tuple) -> None:
        _, inputs, size = input_shape
        # One matrix (p, d) for each pair of capsules. A sum over all input capsules
        # must neither vanish nor be squashed to length 1 at once.
        std = self.capsules / (2 * (inputs * size) ** 0.5)
        self.kernel = self.add_weight(
            shape=(inputs, size, self.capsules * self.size),
            initializer=keras.initializers.RandomNormal(stddev=std),
            name="kernel",
        )

    def predictions(self, inputs: Tensor) -> Tensor:
        """Return the predicted vectors (B, I, O, d) for capsules (B, I, p)."""
        # One product of matrices for each input capsule: (I, B, p) (I, p, O d).
        rows = ops.transpose(inputs, (1, 0, 2))
        rows = ops.matmul(rows, ops.cast(self.kernel, inputs.dtype))
        rows = ops.transpose(rows, (1, 0, 2))
        return ops.reshape(rows, (-1, inputs.shape[1], self.capsules, self.size))

    def call(self, inputs: Tensor) -> Tensor:
        return route(self.predictions(inputs), self.routings)[0]

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (input_shape[0], self.capsules, self.size)

    def get_config(self) -> dict:
        own = {"capsules": self.capsules, "size": self.size, "routings": self.routings}
        return super().get_config() | own
