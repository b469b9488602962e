"""Judging a generator while it is trained, and ending what is not promising."""

import math
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from common.chapter import Objective
from common.errors import TrainingError
from common.training.stopping import SIGNALS

Rung = tuple[float, float | None]


class Scorer:
    """Judges at the rungs, stops by the median rule, and ends at the time limit.

    It has the methods of a Keras callback, and `as_callback` makes one of it.

    Args:
        objective: averaged generator -> measures by name.
        measure: which of them is the loss.
        sign: -1 where the measure is the better the higher it is.
        rungs: share of the budget, and the loss above which to stop there or None.
        steps: budget in steps, or None.
        minutes: budget in minutes without those of judging, or None.
    """

    model: Any

    def __init__(
        self,
        objective: Objective,
        measure: str,
        sign: int,
        rungs: Sequence[Rung],
        steps: int | None,
        minutes: float | None,
    ):
        super().__init__()
        self.objective = objective
        self.measure = measure
        self.sign = sign
        self.rungs = list(rungs)
        self.steps = steps
        self.minutes = minutes
        self.clock: Callable[[], float] = time.monotonic
        self.scores: list[list[float]] = []
        self.metrics: Mapping[str, float] = {}
        self.stopped = ""

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Start the clock."""
        self.began = self.clock()
        # Half a training is no result: who ends it from outside ends it at once.
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)

    def on_train_batch_end(
        self, batch: int, logs: Mapping[str, float] | None = None
    ) -> None:
        """Objective where a rung is reached."""
        share = self._share()
        if share >= 1:
            # A budget of steps ends by itself.
            self.model.stop_training = True
            return
        passed = [rung for rung in self.rungs if rung[0] <= share]
        if passed:
            self.rungs = self.rungs[len(passed) :]
            paused = self.clock()
            loss = self.score(self.model.average_generator)
            self.began += self.clock() - paused
            for rung in passed:
                self._note(*rung, loss)

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Keep the result of training."""
        self.generator = self.model.average_generator

    def finish(self) -> float:
        """Return the loss of the trained generator."""
        if self.stopped:
            return self.scores[-1][1]
        return self.score(self.generator)

    def score(self, generator: Any) -> float:
        """Return a generator's loss; `metrics` keeps all measures.

        Raises:
            TrainingError: the loss is not finite.
        """
        metrics = {
            name: float(value) for name, value in self.objective(generator).items()
        }
        loss = self.sign * metrics[self.measure]
        if not math.isfinite(loss):
            raise TrainingError(
                f"the measure {self.measure} is {metrics[self.measure]}"
            )
        # JSON has no other numbers.
        self.metrics = {
            n: value for n, value in metrics.items() if math.isfinite(value)
        }
        return loss

    def _share(self) -> float:
        if self.steps is not None:
            return int(self.model.step) / self.steps
        return (self.clock() - self.began) / (60 * self.minutes)

    def _note(self, share: float, limit: float | None, loss: float) -> None:
        self.scores.append([share, loss])
        best = min(loss for _, loss in self.scores)
        if limit is not None and best > limit:
            self.stopped = (
                f"at {share:.0%} its best loss {best:.4g} was above the median "
                f"{limit:.4g} of the trials before"
            )
            self.model.stop_training = True


def as_callback(uses_tensorflow: bool) -> type[Scorer]:
    """Return the class of scorers that a chapter's training can call."""
    if not uses_tensorflow:
        return Scorer
    import keras

    return type("KerasScorer", (Scorer, keras.callbacks.Callback), {})
