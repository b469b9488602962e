"""Averages of a network's weights over the steps of training."""

import keras
import tensorflow as tf
from keras import ops

Tensor = tf.Tensor


class MovingAverage:
    """An exponential moving average of a network's variables, itself a network.

    At step t the decay is at most (1 + t) / (10 + t). The average forgets quickly at
    first; otherwise the random initial weights would stay in it for long.

    Args:
        network: network to average.
        decay: share of the old average that a step keeps, in (0, 1).

    Reference: Yazici et al. 2019, arXiv:1806.04498, equation 2.
    """

    def __init__(self, network: keras.Model, decay: float):
        self.followed = network
        self.decay = decay
        self.network = keras.models.clone_model(network)
        self.network.set_weights(network.get_weights())

    @property
    def variables(self) -> list:
        """The variables that a checkpoint must hold."""
        return self.network.variables

    def update(self, step: Tensor) -> None:
        """Add the weights at the end of step number `step`, counted from 0."""
        done = tf.cast(step, tf.float32)
        decay = tf.minimum(self.decay, (1.0 + done) / (10.0 + done))
        pairs = zip(self.network.variables, self.followed.variables, strict=True)
        for mean, value in pairs:
            mean.assign(decay * mean + (1.0 - decay) * value)


class HistoricalAverage:
    r"""The mean of a network's weights over all steps, and a pull towards it.

    The penalty $w \|\theta - \frac1t \sum_{i=1}^t \theta_i\|^2$ is added to the
    network's loss. In games in which gradient descent circles around the equilibrium,
    it makes training spiral inwards.

    Args:
        network: the network.
        weight: weight of the penalty, w, above 0.

    Reference: Salimans et al. 2016, arXiv:1606.03498, section 3.3.
    """

    def __init__(self, network: keras.Model, weight: float):
        self.network = network
        self.weight = weight
        self.variables = [
            keras.Variable(v, trainable=False, aggregation="mean", name="history")
            for v in network.trainable_variables
        ]

    def penalty(self) -> Tensor:
        """Return the scalar penalty to add to the network's loss."""
        pairs = zip(self.network.trainable_variables, self.variables, strict=True)
        distances = [ops.sum(ops.square(value - mean)) for value, mean in pairs]
        return self.weight * sum(distances)

    def update(self, step: Tensor) -> None:
        """Add the weights at the end of step number `step`, counted from 0."""
        # After this step the mean covers step + 2 sets of weights: those before the
        # first step, and those after each step.
        share = 1.0 / (tf.cast(step, tf.float32) + 2.0)
        pairs = zip(self.network.trainable_variables, self.variables, strict=True)
        for value, mean in pairs:
            mean.assign(mean + share * (value - mean))
