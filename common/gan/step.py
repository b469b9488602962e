"""What a chapter hands over to the training step: phases, and what their losses see."""

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
    """What a loss function sees of the step that is running.

    Attributes:
        batch: real data of this step, as the data set yields them.
        index: number of the step, scalar int64, from 0.
        key: (2,) int32, the key of this step's random numbers.
        forward: the shared pass of the networks, run at most once.
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
        """Draw one latent for each item of the batch: float32 (B, dimensions)."""
        count = tf.shape(tf.nest.flatten(self.batch)[0])[0]
        return sample_prior((count, dimensions), self.new_key(), prior, std)

    def uniform(self, shape: tuple) -> Tensor:
        """Draw float32 numbers from U[0, 1) for the items; each call draws new ones."""
        return rng.uniform(shape, self.new_key())

    def shared(self) -> Any:
        """Return what `forward` gives for this step, computed once."""
        if not self._passed:
            self._passed.append(self.forward(self))
        return self._passed[0]

    def new_key(self) -> Tensor:
        """Return a key (2,) int32 that no other draw of this step has."""
        self._drawn += 1
        return rng.fold(self.key, self._drawn)


@dataclass(frozen=True)
class Phase:
    """One network's turn within a training step.

    Attributes:
        name: prefix of its logs, for example "d".
        network: the network whose variables move.
        optimizer: this network's own optimizer.
        loss: step -> (scalar loss, logs).
        every: the phase runs when the step's number is a multiple of it.
        when: logs -> scalar bool; where false, the update is thrown away. The
            logs are those of this very step, averaged over all replicas.
        history: pulls the network towards the mean of its weights.
    """

    name: str
    network: keras.Model
    optimizer: keras.optimizers.Optimizer
    loss: Callable[[Step], tuple[Tensor, Logs]]
    every: int = 1
    when: Callable[[Logs], Tensor] | None = None
    history: HistoricalAverage | None = None
