"""Score a generator while it trains, and stop a trial that is not promising."""

import math
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from common.chapter import Objective
from common.errors import TrainingError
from common.training.stopping import SIGNALS

# A share of the budget, and the loss above which the trial stops there, or None.
Rung = tuple[float, float | None]


class Scorer:
    """Scores a trial at its rungs; stops it by the median rule and at the time limit.

    It has the methods of a Keras callback; `as_callback` turns it into one.

    Args:
        objective: function from the averaged generator to metrics by name.
        measure: name of the metric that is the loss.
        sign: 1 if a lower metric is better, -1 if a higher one is; the loss is the
            metric times the sign.
        rungs: rungs of the trial, ascending.
        steps: budget in steps, or None.
        minutes: budget in minutes of training, not counting the scoring, or None.

    Attributes:
        scores: [share of the budget, loss] at each rung passed.
        metrics: the finite metrics of the last scoring.
        stopped: reason why the median rule stopped the trial, or "".
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
        # A partly trained trial is not scored, so restore the default signal handlers:
        # a signal kills it at once.
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)

    def on_train_batch_end(
        self, batch: int, logs: Mapping[str, float] | None = None
    ) -> None:
        """Score the generator if a rung was reached; stop at the end of the budget."""
        share = self._share()
        if share >= 1:
            self.model.stop_training = True
            return
        passed = [rung for rung in self.rungs if rung[0] <= share]
        if passed:
            self.rungs = self.rungs[len(passed) :]
            # The time of scoring does not count against the minutes.
            paused = self.clock()
            loss = self.score(self.model.average_generator)
            self.began += self.clock() - paused
            for rung in passed:
                self._note(*rung, loss)

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Keep the trained generator for `finish`."""
        self.generator = self.model.average_generator

    def finish(self) -> float:
        """Return the final loss; for a stopped trial, the loss at its last rung."""
        if self.stopped:
            return self.scores[-1][1]
        return self.score(self.generator)

    def score(self, generator: Any) -> float:
        """Return a generator's loss, and keep its finite metrics in `metrics`.

        Raises:
            TrainingError: the loss is not finite.
        """
        metrics = {
            name: float(value) for name, value in self.objective(generator).items()
        }
        loss = self.sign * metrics[self.measure]
        if not math.isfinite(loss):
            raise TrainingError(f"the metric {self.measure} is {metrics[self.measure]}")
        # JSON has no NaN and no infinity.
        self.metrics = {
            name: value for name, value in metrics.items() if math.isfinite(value)
        }
        return loss

    def _share(self) -> float:
        """Return the share of the budget that is used up."""
        if self.steps is not None:
            return int(self.model.step) / self.steps
        return (self.clock() - self.began) / (60 * self.minutes)

    def _note(self, share: float, limit: float | None, loss: float) -> None:
        """Keep the loss at a rung, and apply the median rule."""
        self.scores.append([share, loss])
        best = min(loss for _, loss in self.scores)
        if limit is not None and best > limit:
            self.stopped = (
                f"at {share:.0%} its best loss {best:.4g} was above the median "
                f"{limit:.4g} of the trials before"
            )
            self.model.stop_training = True


def as_callback(uses_tensorflow: bool) -> type[Scorer]:
    """Return the class of scorers for a training with or without TensorFlow."""
    if not uses_tensorflow:
        return Scorer
    import keras

    return type("KerasScorer", (Scorer, keras.callbacks.Callback), {})
