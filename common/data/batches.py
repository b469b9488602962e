"""Batches whose order is a function of (seed, step) alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from common.data.splits import training_rows
from common.errors import UserError

# Float32 (B, ...), or a tuple of such: for example images with their labels.
Items = np.ndarray | tuple[np.ndarray, ...]


def batch_indices(count: int, batch_size: int, seed: int, step: int) -> np.ndarray:
    """Return which items make up the batch of one step.

    The items are gone through in a new order each epoch. A batch may reach over
    the end of an epoch, so that no item is left out and no batch is short.

    Args:
        count: number of items.
        batch_size: items a batch, at most `count`.
        seed: of the run.
        step: number of the step, from 0.

    Returns:
        int64 (batch_size,).
    """
    first = step * batch_size
    epochs = range(first // count, (first + batch_size - 1) // count + 1)
    order = np.concatenate(
        [np.random.default_rng((seed, epoch)).permutation(count) for epoch in epochs]
    )
    start = first - epochs[0] * count
    return order[start : start + batch_size]


def batches(
    fetch: Callable[[np.ndarray], Items],
    count: int,
    batch_size: int,
    seed: int,
    steps: range,
    devices: range = range(1),
    devices_in_all: int = 1,
) -> tf.data.Dataset:
    """Return a data set of one batch for each step, or of parts of it for devices.

    Args:
        fetch: indices (B,) -> items.
        count: number of items that `fetch` knows.
        batch_size: items a batch.
        seed: of the run.
        steps: numbers of the steps; a resumed run begins where it was.
        devices: numbers of those to feed; each step yields one part for each.
        devices_in_all: how many share each batch; the first takes its first items.

    Raises:
        UserError: the batch is larger than the data set.
    """
    if batch_size > count:
        raise UserError(
            f"the batch size is {batch_size} but the data set has only {count} "
            f"items; use --batch-size {count} or less"
        )
    specimen = fetch(np.zeros(1, np.int64))
    shapes = [item.shape[1:] for item in tf.nest.flatten(specimen)]

    share = batch_size // devices_in_all

    def load(number: np.ndarray) -> list[np.ndarray]:
        step, place = divmod(int(number), len(devices))
        first = devices[place] * share
        rows = batch_indices(count, batch_size, seed, step)[first : first + share]
        return tf.nest.flatten(fetch(rows))

    def load_batch(number: tf.Tensor) -> tf.Tensor | tuple[tf.Tensor, ...]:
        types = [tf.float32] * len(shapes)
        parts = [
            tf.ensure_shape(part, (share, *shape))
            for part, shape in zip(
                tf.numpy_function(load, [number], types, stateful=False),
                shapes,
                strict=True,
            )
        ]
        return tf.nest.pack_sequence_as(specimen, parts)

    return (
        tf.data.Dataset.range(steps.start * len(devices), steps.stop * len(devices))
        .map(load_batch, num_parallel_calls=2, deterministic=True)
        .prefetch(2)
    )


def total_steps(
    count: int, batch_size: int, steps: int | None, epochs: float | None
) -> int:
    """Return how many steps a run takes; `steps` overrides `epochs`.

    Raises:
        UserError: the number is not positive.
    """
    if steps is None:
        steps = round((epochs or 0) * count / batch_size)
    if steps < 1:
        raise UserError(
            f"training needs at least one step, found {steps}; raise --steps or "
            "--epochs"
        )
    return steps


@dataclass(frozen=True)
class TrainingData:
    """The items to learn from.

    Attributes:
        fetch: indices (B,) -> items, or a tuple whose first are the items.
        count: number of items.
    """

    fetch: Callable[[np.ndarray], Items]
    count: int

    def without(self, validation_every: int | None) -> "TrainingData":
        """Return the items that are not kept for validation."""
        rows = training_rows(self.count, validation_every)
        return TrainingData(lambda chosen: self.fetch(rows[chosen]), len(rows))
