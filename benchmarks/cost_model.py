r"""A model of the time of a training step in one process and in several.

One process, with B items in its batch:

    $t_1(B) = a + b M B + c A B + d W$

a: fixed cost of a step; M: multiply-adds of one item; A: values in its feature maps; W:
weights, all of which the optimizer updates at each step.

n workers, which share B items and exchange V bytes in m arrays by a ring all-reduce:

    $t_n(B) = t_1(B / n) (1 + w e_n + s)
        + 2 (n - 1) m \alpha + 2 \frac{n - 1}{n} V \beta$

w e_n: waiting for the slowest worker, where w is the spread of a worker's time and e_n
the expected maximum of n standard normal numbers; s: slowdown of a worker that trains
with others, whatever their number; alpha: seconds per message; beta: seconds per byte.
The coefficients a, b, c, d, s, alpha and beta are fitted; w is the spread of measured
steps.

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

# Bytes of a float32.
BYTES = 4


@dataclass(frozen=True)
class Errors:
    """Absolute errors of predicted seconds, as shares of the measured seconds.

    Attributes:
        median: median error.
        largest: largest error.
    """

    median: float
    largest: float


def mean_step(seconds: Sequence[float], every: int) -> float:
    """Return the mean seconds of a step if every `every`-th step does more work.

    It is the mean of both kinds' medians, so that a few disturbed steps do not count.

    Args:
        seconds: seconds of each step in whole rounds; the first step of a round does
            more work.
        every: steps in a round, 2 or more.
    """
    more = statistics.median(seconds[::every])
    usual = [s for number, s in enumerate(seconds) if number % every]
    return (more + (every - 1) * statistics.median(usual)) / every


def spread(seconds: Sequence[float], every: int) -> float:
    """Return the standard deviation of the usual steps, as a share of their mean.

    Args:
        seconds: see `mean_step`.
        every: see `mean_step`.
    """
    usual = [s for number, s in enumerate(seconds) if number % every]
    return statistics.pstdev(usual) / statistics.fmean(usual)


def step_columns(work: Work, batch: float) -> list[float]:
    """Return the factors of a, b, c and d in the model of one process."""
    return [1.0, work.multiply_adds * batch, work.moved * batch, float(work.weights)]


def exchange_columns(work: Work, workers: int, alone: float) -> list[float]:
    """Return the factors of s, alpha and beta.

    Args:
        work: work of the step.
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
    """Return the expected maximum of `count` standard normal numbers.

    It is the integral of $n x phi(x) Phi(x)^(n - 1)$: 0 for n = 1, 1 / sqrt(pi) for 2.
    """
    if count == 1:
        return 0.0

    def integrand(x: float) -> float:
        return count * x * norm.pdf(x) * norm.cdf(x) ** (count - 1)

    return quad(integrand, -10.0, 10.0)[0]


def fit(columns: np.ndarray, seconds: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fit the coefficients by least squares of the relative errors, none below 0.

    Args:
        columns: factor of each coefficient (N, K).
        seconds: measured seconds (N,).
        known: part of the seconds that needs no coefficient (N,); 0 if there is none.

    Returns:
        Coefficients x (K,), with $known + columns x$ near the seconds.
    """
    relative = columns / seconds[:, None]
    # Scale the columns to the same size, or the smallest would be lost to rounding.
    scale = relative.max(axis=0)
    scale[scale == 0] = 1.0
    return nnls(relative / scale, 1 - known / seconds)[0] / scale


def relative_errors(predicted: np.ndarray, seconds: np.ndarray) -> Errors:
    """Return the errors of predicted seconds (N,) relative to measured ones (N,)."""
    sizes = np.abs(predicted / seconds - 1)
    return Errors(float(np.median(sizes)), float(np.max(sizes)))


def leave_one_out(
    columns: np.ndarray, seconds: np.ndarray, known: np.ndarray
) -> np.ndarray:
    """Return predictions (N,), each from a model fitted to all other points."""

    def without(row: int) -> float:
        others = np.arange(len(seconds)) != row
        return _predict(columns, seconds, known, others)[row]

    return np.array([without(row) for row in range(len(seconds))])


def extrapolate(
    columns: np.ndarray, seconds: np.ndarray, known: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fit the model to the faster half of the points and predict the slower half.

    Returns:
        Predicted and measured seconds of the slower half.
    """
    order = np.argsort(seconds, kind="stable")
    small, large = np.array_split(order, 2)
    return _predict(columns, seconds, known, small)[large], seconds[large]


def _predict(
    columns: np.ndarray, seconds: np.ndarray, known: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Return predictions for all rows from a model fitted to `rows`."""
    return known + columns @ fit(columns[rows], seconds[rows], known[rows])


@dataclass(frozen=True)
class Network:
    """The network between workers; by default they share one machine.

    Attributes:
        bits: bits per second; infinite if the workers share a machine.
        latency: seconds that a message takes in addition to its time on the loopback.
    """

    bits: float = np.inf
    latency: float = 0.0


@dataclass(frozen=True)
class Exchange:
    """The cost of training with several workers.

    Attributes:
        spread: w, a share of a worker's time.
        slowdown: s, a share of a worker's time.
        latency: alpha, seconds per message.
        per_byte: beta, seconds per byte.
    """

    spread: float
    slowdown: float
    latency: float
    per_byte: float


def waiting(alone: float, workers: int, spread: float) -> float:
    """Return the seconds of computing and of waiting for the slowest worker.

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
        work: work of the step.
        workers: n.
        alone: seconds of one process with one worker's share of the batch.
        exchange: cost of training with several workers, as fitted on one machine.
        network: network, which adds its own time for each message and byte.
    """
    coefficients = (
        exchange.slowdown,
        exchange.latency + network.latency,
        exchange.per_byte + 8.0 / network.bits,
    )
    columns = exchange_columns(work, workers, alone)
    return waiting(alone, workers, exchange.spread) + float(
        np.dot(columns, coefficients)
    )
