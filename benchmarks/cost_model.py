r"""A model of the time of a training step, of one process and of several.

One process, with B items in its batch:

    $t_1(B) = a + b M B + c A B + d W$

a: what a step costs however small it is; M: multiply-adds of one item; A: numbers
that its maps hold; W: weights, which the optimizer goes through at each step.

n workers that share B items by a ring all-reduce of V bytes in m arrays:

    $t_n(B) = t_1(B / n) (1 + w e_n + s)
        + 2 (n - 1) m \alpha + 2 \frac{n - 1}{n} V \beta$

w e_n: what all wait for the slowest, where w is the spread of a worker's time and e_n
the mean of the largest of n standard normal numbers; s: what a worker loses by
training with others however many they are; alpha: seconds of one message; beta: of
one byte. All letters but w are fitted; w is the spread of measured steps.

Reference: Patarasuk and Yuan 2009, "Bandwidth optimal all-reduce algorithms for
    clusters of workstations", Journal of Parallel and Distributed Computing 69(2).
"""

import functools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.integrate import quad
from scipy.optimize import nnls
from scipy.stats import norm

from benchmarks.step_work import Work

BYTES = 4


@dataclass(frozen=True)
class Errors:
    """How far a model is from measured seconds; shares of the measured ones.

    Attributes:
        median: of the sizes of the errors.
        largest: of them.
    """

    median: float
    largest: float


def mean_step(seconds: Sequence[float], every: int) -> float:
    """Return the mean seconds of a step of which each `every`-th does more.

    Medians of both kinds, so that what disturbs a few steps does not count.

    Args:
        seconds: of whole rounds; the first of a round is the one that does more.
        every: steps in a round, 2 or more.
    """
    more = statistics.median(seconds[::every])
    usual = [s for number, s in enumerate(seconds) if number % every]
    return (more + (every - 1) * statistics.median(usual)) / every


def spread(seconds: Sequence[float], every: int) -> float:
    """Return the standard deviation of usual steps, as a share of their mean.

    Args:
        seconds: as of `mean_step`.
        every: as of `mean_step`.
    """
    usual = [s for number, s in enumerate(seconds) if number % every]
    return statistics.pstdev(usual) / statistics.fmean(usual)


def step_columns(work: Work, batch: float) -> list[float]:
    """Return what a, b, c and d of one process's model are multiplied with."""
    return [1.0, work.multiply_adds * batch, work.moved * batch, float(work.weights)]


def exchange_columns(work: Work, workers: int, alone: float) -> list[float]:
    """Return what s, alpha and beta are multiplied with.

    Args:
        work: of the step.
        workers: n.
        alone: seconds of one process with one worker's share of the batch.
    """
    return [
        alone if workers > 1 else 0.0,
        2.0 * (workers - 1) * work.messages,
        2.0 * (workers - 1) / workers * BYTES * work.exchanged,
    ]


@functools.cache
def expected_maximum(count: int) -> float:
    """Return the mean of the largest of `count` standard normal numbers.

    With the density $n x phi(x) Phi(x)^(n - 1)$; 0 for one, 1 / sqrt(pi) for two.
    """
    if count == 1:
        return 0.0

    def density(x: float) -> float:
        return count * x * norm.pdf(x) * norm.cdf(x) ** (count - 1)

    return quad(density, -10.0, 10.0)[0]


def fit(columns: np.ndarray, seconds: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the coefficients, 0 or above, with the least squares of relative errors.

    Args:
        columns: (N, K), what each coefficient is multiplied with.
        seconds: (N,) measured.
        known: (N,) part of them that needs no coefficient, 0 where there is none.

    Returns:
        (K,) with $known + columns x$ near the seconds.
    """
    relative = columns / seconds[:, None]
    # Columns of about the same size, or the smallest would be lost to rounding.
    scale = relative.max(axis=0)
    scale[scale == 0] = 1.0
    return nnls(relative / scale, 1 - known / seconds)[0] / scale


def relative_errors(predicted: np.ndarray, seconds: np.ndarray) -> Errors:
    """Return how far predictions are from what was measured, both (N,)."""
    sizes = np.abs(predicted / seconds - 1)
    return Errors(float(np.median(sizes)), float(np.max(sizes)))


def leave_one_out(
    columns: np.ndarray, seconds: np.ndarray, known: np.ndarray
) -> np.ndarray:
    """Return (N,) predictions, each by a model that was fitted to all others."""

    def without(row: int) -> float:
        others = np.arange(len(seconds)) != row
        return _predict(columns, seconds, known, others)[row]

    return np.array([without(row) for row in range(len(seconds))])


def extrapolate(
    columns: np.ndarray, seconds: np.ndarray, known: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fit the smaller half of the points, and predict the larger half.

    Returns:
        Predicted and measured seconds of the half that takes longer.
    """
    order = np.argsort(seconds, kind="stable")
    small, large = np.array_split(order, 2)
    return _predict(columns, seconds, known, small)[large], seconds[large]


def _predict(
    columns: np.ndarray, seconds: np.ndarray, known: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Return predictions for all rows by a model that was fitted to some."""
    return known + columns @ fit(columns[rows], seconds[rows], known[rows])


@dataclass(frozen=True)
class Network:
    """What lies between workers.

    Attributes:
        bits: it moves in a second; none where the workers share a machine.
        latency: seconds until a message arrives, beyond those of the loopback.
    """

    bits: float = np.inf
    latency: float = 0.0


@dataclass(frozen=True)
class Exchange:
    """What training together costs.

    Attributes:
        spread: w.
        slowdown: s.
        latency: alpha, seconds.
        per_byte: beta, seconds.
    """

    spread: float
    slowdown: float
    latency: float
    per_byte: float


def waiting(alone: float, workers: int, spread: float) -> float:
    """Return the seconds that workers work and wait for the slowest of them.

    Args:
        alone: seconds of one process with one worker's share of the batch.
        workers: n.
        spread: w.
    """
    return alone * (1.0 + spread * expected_maximum(workers))


def cluster_seconds(
    work: Work, workers: int, alone: float, exchange: Exchange, network: Network
) -> float:
    """Return the modelled seconds of a step of several workers.

    Args:
        work: of the step.
        workers: n.
        alone: seconds of one process with one worker's share of the batch.
        exchange: as found on one machine.
        network: adds its own time for each message and byte.
    """
    prices = (
        exchange.slowdown,
        exchange.latency + network.latency,
        exchange.per_byte + 8.0 / network.bits,
    )
    columns = exchange_columns(work, workers, alone)
    return waiting(alone, workers, exchange.spread) + float(np.dot(columns, prices))
