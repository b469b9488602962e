"""What a chapter passes to the training step: phases, and what their losses receive."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

from common.gan import rng
from common.gan.latents import Prior, sample_prior
from common.gan.weight_averages import HistoricalAverage

Tensor = tf.Tensor
Logs = dict[str, Tensor]


@dataclass
class Step:
    """The running step, as a loss function receives it.

    Attributes:
        batch: real data of this step, as the data set yields them.
        index: number of the step, scalar int64, from 0.
        key: (2,) int32, key of this step's random numbers.
        forward: forward pass that the phases share; it runs at most once.
    """

    batch: Any
    index: Tensor
    key: Tensor
    forward: Callable[["Step"], Any] | None = None
    _passed: list = field(default_factory=list)
    _drawn: int = 0

    def latents(
        self, dimensions: int, prior: Prior = "normal", std: float = 1.0
    ) -> Tensor:
        """Draw one latent for each item of the batch.

        Every call draws new ones.

        Args:
            dimensions: length of a latent, d.
            prior: prior to draw from; see `sample_prior`.
            std: standard deviation of the normal prior.

        Returns:
            float32 (B, d).
        """
        count = tf.shape(tf.nest.flatten(self.batch)[0])[0]
        return sample_prior((count, dimensions), self.new_key(), prior, std)

    def uniform(self, shape: tuple) -> Tensor:
        """Draw float32 numbers of `shape` from U[0, 1); every call draws new ones.

        The first axis of `shape` counts the items of the batch.
        """
        return rng.uniform(shape, self.new_key())

    def shared(self) -> Any:
        """Return the result of `forward` for this step; it is computed only once."""
        if not self._passed:
            self._passed.append(self.forward(self))
        return self._passed[0]

    def new_key(self) -> Tensor:
        """Return a key (2,) int32 that no other draw of this step uses."""
        self._drawn += 1
        return rng.fold(self.key, self._drawn)


@dataclass(frozen=True)
class Phase:
    """One network's turn within a training step.

    Attributes:
        name: prefix of the names of its logs, for example "d".
        network: network whose variables the phase updates.
        optimizer: optimizer of this network alone.
        loss: step -> (scalar loss, logs).
        every: the phase runs in the steps whose number is a multiple of it.
        when: logs -> scalar bool; if it is false, the update is discarded. It receives
            the logs of the current step, averaged over all replicas.
        history: historical average that pulls the network towards the mean of its
            past weights, or None.
    """

    name: str
    network: keras.Model
    optimizer: keras.optimizers.Optimizer
    loss: Callable[[Step], tuple[Tensor, Logs]]
    every: int = 1
    when: Callable[[Logs], Tensor] | None = None
    history: HistoricalAverage | None = None
