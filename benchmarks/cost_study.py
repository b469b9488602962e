"""Fit the cost model to one chapter's measured seconds, and compute its errors."""

import dataclasses
import functools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks import cost_model
from benchmarks.cost_model import Errors, Exchange, Network
from benchmarks.step_cost_worker import EVERY
from benchmarks.step_work import Point, Work, count


@functools.cache
def work_of(point: Point) -> Work:
    """Return the work of a step, which does not depend on batch, workers or threads."""
    if (point.batch, point.workers, point.threads) != (1, 1, 0):
        return work_of(dataclasses.replace(point, batch=1, workers=1, threads=0))
    return count(point)


@dataclass(frozen=True)
class Fit:
    """A model that is fitted to measured points.

    Attributes:
        points: measured points, N of them.
        columns: factor of each coefficient (N, K).
        seconds: measured seconds of the mean step (N,).
        known: part of the seconds that needs no coefficient (N,).
        coefficients: fitted coefficients (K,), 0 or above.
    """

    points: tuple[Point, ...]
    columns: np.ndarray
    seconds: np.ndarray
    known: np.ndarray
    coefficients: np.ndarray

    @classmethod
    def of(
        cls,
        measured: dict[Point, float],
        columns: Sequence[Sequence[float]],
        known: Sequence[float],
    ) -> "Fit":
        """Fit the model to measured seconds."""
        columns = np.array(columns)
        seconds = np.array(list(measured.values()))
        known = np.array(known)
        coefficients = cost_model.fit(columns, seconds, known)
        return cls(tuple(measured), columns, seconds, known, coefficients)

    @property
    def predicted(self) -> np.ndarray:
        """Modelled seconds of the measured points (N,)."""
        return self.known + self.columns @ self.coefficients

    @property
    def errors(self) -> dict[str, Errors]:
        """Errors on the fitted points, and on points left out of the fit."""
        left_out = cost_model.leave_one_out(self.columns, self.seconds, self.known)
        slower, measured = cost_model.extrapolate(
            self.columns, self.seconds, self.known
        )
        return {
            "fitted": cost_model.relative_errors(self.predicted, self.seconds),
            "left out": cost_model.relative_errors(left_out, self.seconds),
            "larger half": cost_model.relative_errors(slower, measured),
        }


@dataclass(frozen=True)
class Study:
    """The measured seconds of a chapter's training step, and the models of them.

    Attributes:
        chapter: name of the chapter.
        seconds: seconds of the mean step of each point.
        machine: model of one process with all cores.
        thread: model of one process with one thread.
        pair: model of two workers with one thread each.
        spread: standard deviation of the steps of one thread, as a share of their mean.
    """

    chapter: str
    seconds: dict[Point, float]
    machine: Fit
    thread: Fit
    pair: Fit
    spread: float

    @property
    def exchange(self) -> Exchange:
        """The cost of training with several workers on this machine."""
        slowdown, latency, per_byte = map(float, self.pair.coefficients)
        return Exchange(self.spread, slowdown, latency, per_byte)

    def alone(self, point: Point, items: float) -> float:
        """Return the modelled seconds of one process for a batch of `items`."""
        fit = self.thread if point.threads == 1 else self.machine
        columns = cost_model.step_columns(work_of(point), items)
        return float(np.dot(columns, fit.coefficients))

    def together(
        self, point: Point, network: Network, times_as_fast: float = 1.0
    ) -> float:
        """Return the modelled seconds of the point's workers with one thread each.

        Args:
            point: step with any number of workers.
            network: network between the workers.
            times_as_fast: speed of each worker relative to one thread of this machine.
        """
        alone = self.alone(point, point.share) / times_as_fast
        return cost_model.cluster_seconds(
            work_of(point), point.workers, alone, self.exchange, network
        )

    @property
    def chain_errors(self) -> Errors:
        """Errors for two workers if the time of each one's share is modelled, too."""
        guesses = [self.together(point, Network()) for point in self.pair.points]
        return cost_model.relative_errors(np.array(guesses), self.pair.seconds)

    def summary(self) -> dict[str, float]:
        """Return the errors by name, rounded, ready for JSON."""
        fits = {"machine": self.machine, "thread": self.thread, "pair": self.pair}
        return {
            f"{name}_{how.replace(' ', '_')}_{kind}": round(value, 3)
            for name, fit in fits.items()
            for how, errors in fit.errors.items()
            for kind, value in dataclasses.asdict(errors).items()
        }


def study(chapter: str, rows: Sequence[dict]) -> Study:
    """Fit the models to the chapter's rows of step_cost.json."""
    steps = {point_of(row): row["seconds"] for row in rows if row["chapter"] == chapter}
    seconds = {p: cost_model.mean_step(every, EVERY) for p, every in steps.items()}
    spreads = [cost_model.spread(s, EVERY) for p, s in steps.items() if is_thread(p)]
    spread = statistics.median(spreads)
    machine = {p: s for p, s in seconds.items() if p.threads == 0}
    thread = {p: s for p, s in seconds.items() if is_thread(p)}
    pairs = {p: s for p, s in seconds.items() if p.workers > 1}
    return Study(
        chapter=chapter,
        seconds=seconds,
        machine=_fit_alone(machine),
        thread=_fit_alone(thread),
        pair=_fit_pairs(pairs, thread, spread),
        spread=spread,
    )


def point_of(row: dict) -> Point:
    """Return the point of a row of step_cost.json."""
    return Point(**{field.name: row[field.name] for field in dataclasses.fields(Point)})


def is_thread(point: Point) -> bool:
    """Return whether a point is one process with one thread."""
    return point.workers == 1 and point.threads == 1


def share_of(point: Point) -> Point:
    """Return one worker's share of a point as a point of a single process."""
    return dataclasses.replace(point, batch=int(point.share), workers=1)


def _fit_alone(measured: dict[Point, float]) -> Fit:
    columns = [cost_model.step_columns(work_of(p), p.batch) for p in measured]
    return Fit.of(measured, columns, np.zeros(len(measured)))


def _fit_pairs(
    measured: dict[Point, float], thread: dict[Point, float], spread: float
) -> Fit:
    shares = {p: thread[share_of(p)] for p in measured}
    return Fit.of(
        measured,
        [
            cost_model.exchange_columns(work_of(p), p.workers, share)
            for p, share in shares.items()
        ],
        [cost_model.waiting(s, p.workers, spread) for p, s in shares.items()],
    )
