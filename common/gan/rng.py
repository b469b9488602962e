"""Random numbers that depend only on where they are drawn: seed, step and phase.

They do not depend on the number of devices. Each device draws for the whole batch and
keeps the numbers of its own items, so training gives the same result on any number of
devices.
"""

from collections.abc import Callable

import tensorflow as tf

Tensor = tf.Tensor


def root_key(seed: int) -> Tensor:
    """Return the key (2,) int32 of a seed; its lowest 62 bits count."""
    return tf.constant([seed & 0x7FFFFFFF, (seed >> 31) & 0x7FFFFFFF], tf.int32)


def fold(key: Tensor, number: Tensor | int) -> Tensor:
    """Return a new key (2,) int32 derived from a key and a number."""
    return tf.random.experimental.stateless_fold_in(key, number)


def step_key(seed: int, step: Tensor, stream: int) -> Tensor:
    """Return the key (2,) int32 of one phase in one step, the same on all devices.

    Args:
        seed: seed of the run.
        step: number of the step, scalar int64.
        stream: number of the phase.
    """
    # Earlier versions folded in the number of the device. The constant 0 keeps their
    # random numbers, so that runs that began with them resume unchanged.
    return fold(fold(fold(root_key(seed), step), 0), stream)


def normal(shape: tuple, key: Tensor) -> Tensor:
    """Draw float32 numbers of `shape` from N(0, 1); the first axis counts the items."""
    return of_this_device(lambda s: tf.random.stateless_normal(s, key), shape, 0)


def uniform(
    shape: tuple,
    key: Tensor,
    low: float | int = 0.0,
    high: float | int = 1.0,
    dtype: tf.DType = tf.float32,
    axis: int = 0,
) -> Tensor:
    """Draw numbers of `shape` from U[low, high); `axis` counts the items."""

    def draw(whole: tuple) -> Tensor:
        return tf.random.stateless_uniform(whole, key, low, high, dtype)

    return of_this_device(draw, shape, axis)


def of_this_device(draw: Callable[[tuple], Tensor], shape: tuple, axis: int) -> Tensor:
    """Draw numbers for the items of all devices, and return those of this device.

    Args:
        draw: shape -> numbers.
        shape: shape that this device needs.
        axis: axis of the items; those of the first device come first along it.
    """
    context = tf.distribute.get_replica_context()
    devices = context.num_replicas_in_sync if context else 1
    if devices == 1:
        return draw(shape)
    count = shape[axis]
    numbers = draw((*shape[:axis], devices * count, *shape[axis + 1 :]))
    first = context.replica_id_in_sync_group * count
    return tf.gather(numbers, first + tf.range(count), axis=axis)


def shape_of(items: Tensor) -> tuple:
    """Return the shape of a tensor as a tuple of scalar tensors."""
    return tuple(tf.unstack(tf.shape(items)))
