"""The cost model fitted to one chapter's measured seconds, and judged by them."""

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
    """Return the work of a step; batch, workers and threads do not matter."""
    if (point.batch, point.workers, point.threads) != (1, 1, 0):
        return work_of(dataclasses.replace(point, batch=1, workers=1, threads=0))
    return count(point)


@dataclass(frozen=True)
class Fit:
    """A model of some measured points.

    Attributes:
        points: that were measured.
        columns: (N, K), what the coefficients are multiplied with.
        seconds: (N,) measured, of the mean step.
        known: (N,) part of them that needs no coefficient.
        coefficients: (K,).
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
        told = np.array(columns), np.array(list(measured.values())), np.array(known)
        return cls(tuple(measured), *told, cost_model.fit(*told))

    @property
    def predicted(self) -> np.ndarray:
        """Seconds of the fitted points (N,)."""
        return self.known + self.columns @ self.coefficients

    @property
    def errors(self) -> dict[str, Errors]:
        """Errors on the points themselves, and on points that were kept out."""
        told = (self.columns, self.seconds, self.known)
        errors = cost_model.relative_errors
        return {
            "fitted": errors(self.predicted, self.seconds),
            "left out": errors(cost_model.leave_one_out(*told), self.seconds),
            "larger half": errors(*cost_model.extrapolate(*told)),
        }


@dataclass(frozen=True)
class Study:
    """What was measured of a chapter's step, and the models of it.

    Attributes:
        chapter: its name.
        seconds: of the mean step of each point.
        machine: model of one process with all cores.
        thread: model of one process of one thread.
        pair: model of two of these that train together.
        spread: of the steps of one thread, as a share of their mean.
    """

    chapter: str
    seconds: dict[Point, float]
    machine: Fit
    thread: Fit
    pair: Fit
    spread: float

    @property
    def exchange(self) -> Exchange:
        """What training together costs on this machine."""
        return Exchange(self.spread, *map(float, self.pair.coefficients))

    def alone(self, point: Point, items: float) -> float:
        """Return the modelled seconds of one process of the point's threads."""
        fit = self.thread if point.threads == 1 else self.machine
        columns = cost_model.step_columns(work_of(point), items)
        return float(np.dot(columns, fit.coefficients))

    def together(
        self, point: Point, network: Network, times_as_fast: float = 1.0
    ) -> float:
        """Return the modelled seconds of the point's workers, of one thread each.

        Args:
            point: its workers may be any number.
            network: between them.
            times_as_fast: as this machine's thread each of them computes.
        """
        alone = self.alone(point, point.share) / times_as_fast
        return cost_model.cluster_seconds(
            work_of(point), point.workers, alone, self.exchange, network
        )

    @property
    def chain_errors(self) -> Errors:
        """Errors of the measured workers where their own part is modelled too."""
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
    models = _fit_alone(machine), _fit_alone(thread), _fit_pairs(pairs, thread, spread)
    return Study(chapter, seconds, *models, spread)


def point_of(row: dict) -> Point:
    """Return which step a row of step_cost.json is about."""
    return Point(**{field.name: row[field.name] for field in dataclasses.fields(Point)})


def is_thread(point: Point) -> bool:
    """Tell whether a point is of one process of one thread."""
    return point.workers == 1 and point.threads == 1


def share_of(point: Point) -> Point:
    """Return one worker's part of a point, as a process of its own."""
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
