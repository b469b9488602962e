"""Means over the replicas that share a batch; with one replica they change nothing.

A replica is one device's copy of the training. Each sees its own part of the batch.
"""

from collections.abc import Iterable
from typing import Any

import keras
import tensorflow as tf

Tensor = tf.Tensor


def mean(values: Any) -> Any:
    """Return the mean over all replicas of each tensor in a nested structure."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, values)


def average_statistics(networks: Iterable[keras.Model]) -> None:
    """Set BatchNorm's moving moments to their mean over all replicas.

    Each replica updates them from its own part of the batch.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return
    moments = [
        variable.value
        for network in networks
        for variable in network.non_trainable_variables
        if variable.dtype.startswith("float")
    ]
    if moments:
        means = mean([tf.identity(variable) for variable in moments])
        for variable, value in zip(moments, means, strict=True):
            variable.assign(value)


def for_progress_bar(
    losses: dict[str, Tensor], strategy: tf.distribute.Strategy
) -> dict[str, Tensor]:
    """Return losses on the whole batch, in the shape that Keras's `fit` expects.

    Keras concatenates what several workers return along the first axis, so there each
    loss has the shape (1,), otherwise ().
    """
    losses = mean(losses)
    if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return {name: loss[None] for name, loss in losses.items()}
    return losses
