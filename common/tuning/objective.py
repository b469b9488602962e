"""Judges that say, while options are being chosen, how good a generator is.

They measure against validation items, which nothing was learnt from, with samples of
one seed: the same network always gets the same figures. Nothing here imports
TensorFlow.
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

# Of the samples; `test` takes 1 by default.
SEED = 2


def chosen_rows(count: int, every: int, least: int, most: int) -> np.ndarray:
    """Return which of the training items to judge by.

    Args:
        count: number of training items.
        every: each so many-th is a validation item.
        least: how many validation items the measures need.
        most: of more, so many are taken, evenly spread.

    Returns:
        int64 (n,), ascending.

    Raises:
        UserError: there are fewer than `least`.
    """
    rows = validation_rows(count, every)
    if len(rows) < least:
        raise UserError(
            f"expected at least {least * every} items to choose options by, as each "
            f"{every}th of them is judged by, found {count}; give more data"
        )
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def nan_if_not_finite(names: tuple[str, ...], measure: Objective) -> Objective:
    """Wrap an objective so that every metric is NaN where samples are not finite.

    Args:
        names: of the figures.
        measure: generator -> figures, these and perhaps more; raises a TrainingError
            where a sample is not finite, as what `finite_samples` returns does.
    """

    def objective(generator: "keras.Model") -> dict[str, float]:
        try:
            figures = measure(generator)
        except TrainingError:
            return dict.fromkeys(names, math.nan)
        return {name: float(figures[name]) for name in names}

    return objective


def finite_samples(generator: "keras.Model") -> Callable[..., np.ndarray]:
    """Return a network as a function that refuses to return what is not finite.

    It is called as the network is, and raises a TrainingError.
    """

    def call(inputs: Any, training: bool = False) -> np.ndarray:
        samples = np.asarray(generator(inputs, training=training))
        if not np.isfinite(samples).all():
            raise TrainingError("the generator's values are not finite")
        return samples

    return call
