"""Batches whose order depends only on the seed and the step.

A resumed run therefore sees the same batches as an uninterrupted one.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from common.data.splits import training_rows
from common.errors import UserError

# One float32 array (B, ...), or a tuple of them, for example images and labels.
Items = np.ndarray | tuple[np.ndarray, ...]


def batch_indices(count: int, batch_size: int, seed: int, step: int) -> np.ndarray:
    """Return the indices of the items in the batch of one step.

    The items are shuffled again in each epoch. A batch may continue into the next
    epoch, so no item is left out and every batch is full.

    Args:
        count: number of items.
        batch_size: number of items in a batch, at most `count`.
        seed: seed of the run.
        step: number of the step, from 0.

    Returns:
        int64 (batch_size,), in [0, count).
    """
    first = step * batch_size
    epochs = range(first // count, (first + batch_size - 1) // count + 1)
    starts = [first - epoch * count for epoch in epochs]
    return np.concatenate(
        [
            _order(count, seed, epoch)[max(0, start) : start + batch_size]
            for epoch, start in zip(epochs, starts, strict=True)
        ]
    )


# Shuffling a million items takes longer than a short step. A batch may belong to two
# epochs, so two orders are kept, each of 8 bytes per item.
@functools.lru_cache(maxsize=2)
def _order(count: int, seed: int, epoch: int) -> np.ndarray:
    """Return the order of all items in one epoch, int64 (count,), read-only."""
    order = np.random.default_rng((seed, epoch)).permutation(count)
    order.flags.writeable = False
    return order


def batches(
    fetch: Callable[[np.ndarray], Items],
    count: int,
    batch_size: int,
    seed: int,
    steps: range,
    devices: range = range(1),
    devices_in_all: int = 1,
) -> tf.data.Dataset:
    """Return a data set that yields the batch of each step.

    If several devices share the work, it yields one part of the batch for each
    device of this process instead.

    Args:
        fetch: function from int64 indices (B,) to float32 items (B, ...).
        count: number of items that `fetch` can return.
        batch_size: number of items in a batch.
        seed: seed of the run.
        steps: numbers of the steps, from 0; a resumed run starts at a later one.
        devices: numbers of the devices to feed, from 0; each step yields one part
            for each of them.
        devices_in_all: number of devices that share each batch, in all processes.
            Device 0 gets the first part of the batch, device 1 the second, and so
            on.

    Returns:
        A data set of float32 tensors (batch_size / devices_in_all, ...), or of tuples
        of them, like the items of `fetch`.

    Raises:
        UserError: the batch is larger than the data set.
    """
    if batch_size > count:
        raise UserError(
            f"the batch size is {batch_size} but the data set has only {count} "
            f"items; use --batch-size {count} or less"
        )
    # One item is fetched here, because TensorFlow must know all shapes beforehand.
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
    """Return the number of training steps of a run.

    Args:
        count: number of items in the data set.
        batch_size: number of items in a batch.
        steps: number of steps; overrides `epochs`.
        epochs: number of passes over the data set, not necessarily whole.

    Returns:
        `steps`, or the whole number of steps nearest to `epochs`; at least 1.

    Raises:
        UserError: the number of steps is below 1.
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
    """The items to train on.

    Attributes:
        fetch: function from int64 indices (B,) to items, or to a tuple that starts
            with the items.
        count: number of items.
    """

    fetch: Callable[[np.ndarray], Items]
    count: int

    def without(self, validation_every: int | None) -> "TrainingData":
        """Return the training data without the validation items.

        Args:
            validation_every: every n-th item is for validation; None leaves out none.
        """
        rows = training_rows(self.count, validation_every)
        return TrainingData(lambda chosen: self.fetch(rows[chosen]), len(rows))
