"""Differentiable augmentation: what D sees is changed, real and generated alike.

With few data D learns the training set by heart and G gets no useful gradient any
more. Changes that D's opinion should not depend on make that harder. They are
applied to generated data too, and G is trained through them, so that G does not
learn to make changed data.

Reference: Zhao et al. 2020, arXiv:2006.10738, equations 4 to 6 and figure 5.
"""

import math

import tensorflow as tf

from common.gan import rng

Tensor = tf.Tensor


def shift_and_mirror(
    items: Tensor, key: Tensor, shift: int, mirror_axis: int | None
) -> Tensor:
    """Move each item by whole pixels or voxels, and mirror every second one.

    D can hardly tell a generator whose items lie anywhere within the reach of the
    moves, so the reach should be short.

    Args:
        items: images (B, H, W, C) or volumes (B, D, H, W, C). What is moved out is
            lost, zeros come in.
        key: (2,) int32; the same key, the same changes.
        shift: largest move along each axis, 0 or more; moves up to it are equally
            likely. With 0, and no axis to mirror, items come back as they are.
        mirror_axis: axis of the item to turn round with probability one half (of an
            image: 1 swaps left and right), or None.

    Returns:
        Of the same shape and type.
    """
    if not shift and mirror_axis is None:
        return items
    batch, axes = tf.shape(items)[0], items.shape.rank - 2
    moves = rng.uniform(
        (axes, batch, 1), rng.fold(key, 0), -shift, shift + 1, tf.int32, axis=1
    )
    turned = rng.uniform((batch, 1), rng.fold(key, 1)) < 0.5
    # The next axis comes to the front; after as many turns as axes all is in place.
    turn = (0, *range(2, axes + 1), 1, axes + 1)
    result = items
    for axis in range(axes):
        size = result.shape[1]
        source = tf.range(size)[None] + moves[axis]  # (B, size)
        if axis == mirror_axis:
            source = tf.where(turned, size - 1 - source, source)
        # A row of zeros where the source lies outside.
        matrix = tf.one_hot(source, size, dtype=items.dtype)  # (B, size, size)
        rest = tuple(result.shape[2:])
        rows = tf.reshape(result, (batch, size, math.prod(rest)))
        result = tf.reshape(tf.matmul(matrix, rows), (batch, size, *rest))
        result = tf.transpose(result, turn)
    return result


def add_instance_noise(items: Tensor, key: Tensor, std: Tensor | float) -> Tensor:
    """Return items plus Gaussian noise, so that real and generated ones overlap.

    Where the two distributions do not overlap, D can tell them apart perfectly and
    gives G no gradient. Both are blurred alike, and less and less in training.

    Args:
        items: (B, ...) that D is about to see, real or generated.
        key: (2,) int32; the same key, the same noise.
        std: standard deviation of the noise, in the unit of the items.

    Reference: Sønderby et al. 2017, arXiv:1610.04490, section 3.3.
    """
    values = rng.normal(rng.shape_of(items), key)
    return items + std * tf.cast(values, items.dtype)


def linear_decay(start: float, step: Tensor, steps: int) -> Tensor:
    """Return a number that falls from `start` at step 0 to 0 at `steps`, and stays."""
    left = 1.0 - tf.cast(step, tf.float32) / steps
    return start * tf.maximum(left, 0.0)
