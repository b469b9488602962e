"""Random numbers that depend on where they are drawn, and on nothing else.

Not on the number of devices either: each of them draws for the whole batch and keeps
the part of its own items, so that any number of devices trains alike.
"""

from collections.abc import Callable

import tensorflow as tf

Tensor = tf.Tensor


def fold(key: Tensor, number: Tensor | int) -> Tensor:
    """Return a new key (2,) int32 made of a key and a number."""
    return tf.random.experimental.stateless_fold_in(key, number)


def root_key(seed: int) -> Tensor:
    """Return the key (2,) int32 that a seed stands for."""
    return tf.constant([seed & 0x7FFFFFFF, (seed >> 31) & 0x7FFFFFFF], tf.int32)


def step_key(seed: int, step: Tensor, stream: int) -> Tensor:
    """Return the key of one phase (stream) of one step, alike on all devices.

    Args:
        seed: of the run.
        step: scalar int64.
        stream: number of the phase.
    """
    # The 0 once was the number of the device; without it, runs that have begun would
    # go on with other numbers.
    return fold(fold(fold(root_key(seed), step), 0), stream)


def shape_of(items: Tensor) -> tuple:
    """Return the shape of a tensor as a tuple of scalars."""
    return tuple(tf.unstack(tf.shape(items)))


def of_this_device(draw: Callable[[tuple], Tensor], shape: tuple, axis: int) -> Tensor:
    """Draw for the items of all devices, and return the part of this one.

    Args:
        draw: shape -> numbers.
        shape: what this device needs.
        axis: of the items; those of the first device come first along it.
    """
    context = tf.distribute.get_replica_context()
    devices = context.num_replicas_in_sync if context else 1
    if devices == 1:
        return draw(shape)
    count = shape[axis]
    every = draw((*shape[:axis], devices * count, *shape[axis + 1 :]))
    first = context.replica_id_in_sync_group * count
    return tf.gather(every, first + tf.range(count), axis=axis)


def normal(shape: tuple, key: Tensor) -> Tensor:
    """Draw float32 of `shape` from N(0, 1); items lie along the first axis."""
    return of_this_device(lambda s: tf.random.stateless_normal(s, key), shape, 0)


def uniform(
    shape: tuple,
    key: Tensor,
    low: float | int = 0.0,
    high: float | int = 1.0,
    dtype: tf.DType = tf.float32,
    axis: int = 0,
) -> Tensor:
    """Draw numbers of `shape` from U[low, high); items lie along `axis`."""

    def draw(whole: tuple) -> Tensor:
        return tf.random.stateless_uniform(whole, key, low, high, dtype)

    return of_this_device(draw, shape, axis)
