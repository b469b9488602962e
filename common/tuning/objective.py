"""Objectives: they measure how good a generator is while options are being chosen.

They compare its samples with validation items, which no trial trains on. The samples
come from one fixed seed, so the same network always gets the same metrics. Nothing here
imports TensorFlow.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from common.chapter import Objective
from common.data.splits import validation_rows
from common.errors import TrainingError, UserError

if TYPE_CHECKING:
    import keras

# Seed of the samples; not 1, the default of `test`.
SEED = 2


def chosen_rows(count: int, every: int, least: int, most: int) -> np.ndarray:
    """Return the indices of the training items that an objective compares with.

    Args:
        count: number of training items.
        every: every `every`-th training item is a validation item.
        least: number of validation items that the metrics need.
        most: largest number of items to use. If there are more validation items,
            `most` of them are used, evenly spaced.

    Returns:
        int64 (n,), ascending, with `least` <= n <= `most`.

    Raises:
        UserError: there are fewer than `least` validation items.
    """
    rows = validation_rows(count, every)
    if len(rows) < least:
        raise UserError(
            f"expected at least {least * every} items to choose options by, because "
            f"only every {every}th is a validation item, found {count}; give more data"
        )
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def nan_if_not_finite(names: tuple[str, ...], measure: Objective) -> Objective:
    """Wrap an objective so that every metric is NaN if a sample is not finite.

    Args:
        names: names of the metrics to return.
        measure: function from a generator to its metrics, which has at least these.
            It must raise a TrainingError if a sample is not finite; a generator from
            `finite_samples` does so.

    Returns:
        Objective with the metrics `names`, all of them floats.
    """

    def objective(generator: "keras.Model") -> dict[str, float]:
        try:
            metrics = measure(generator)
        except TrainingError:
            return dict.fromkeys(names, math.nan)
        return {name: float(metrics[name]) for name in names}

    return objective


def finite_samples(generator: "keras.Model") -> Callable[..., np.ndarray]:
    """Wrap a generator so that it raises a TrainingError if a sample is not finite.

    Returns:
        Function that is called like the generator and returns a NumPy array. Like a
        Keras model, it generates in inference mode unless `training` is True.
    """

    def call(inputs: Any, training: bool = False) -> np.ndarray:
        samples = np.asarray(generator(inputs, training=training))
        if not np.isfinite(samples).all():
            raise TrainingError("the generator's values are not finite")
        return samples

    return call
