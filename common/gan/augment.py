"""Differentiable augmentation: change real and generated items alike before D.

With few data D memorises the training set, and its gradient no longer helps G.
Augmentation makes memorising harder: it changes the items in ways that D's output
should not depend on. It is also applied to generated items, and G's gradient passes
through it, so that G does not learn to make augmented items.

Reference: Zhao et al. 2020, arXiv:2006.10738, equations 4 to 6 and figure 5.
"""

import math

import tensorflow as tf

from common.gan import rng

Tensor = tf.Tensor


def shift_and_mirror(
    items: Tensor, key: Tensor, shift: int, mirror_axis: int | None
) -> Tensor:
    """Shift each item by whole pixels or voxels, and mirror about half of them.

    Keep `shift` small: D can hardly discriminate between the real data and a generator
    whose items are displaced by no more than that.

    Args:
        items: images (B, H, W, C) or volumes (B, D, H, W, C), float. Whatever is
            shifted out is lost, and zeros come in.
        key: (2,) int32; the same key gives the same changes.
        shift: largest shift along each axis, 0 or more; all whole numbers from -shift
            to shift are equally likely. With shift 0 and no axis to mirror, the items
            are returned unchanged.
        mirror_axis: axis along which to mirror an item with probability 1/2, counted
            among the spatial axes from 0 (1 swaps left and right in an image), or
            None.

    Returns:
        Items of the same shape and dtype.
    """
    if not shift and mirror_axis is None:
        return items
    batch, axes = tf.shape(items)[0], items.shape.rank - 2
    # 1. Draw a shift for each item and axis, and whether to mirror the item.
    moves = rng.uniform(
        (axes, batch, 1), rng.fold(key, 0), -shift, shift + 1, tf.int32, axis=1
    )
    mirrored = rng.uniform((batch, 1), rng.fold(key, 1)) < 0.5
    # 2. Shift along one axis at a time, by a product with a matrix of zeros and ones.
    # This is always the axis after the batch: the axes are then rotated, so that the
    # next one to shift comes first. After one pass per axis the order is the original
    # again.
    rotation = (0, *range(2, axes + 1), 1, axes + 1)
    result = items
    for axis in range(axes):
        size = result.shape[1]
        source = tf.range(size)[None] + moves[axis]  # (B, size)
        if axis == mirror_axis:
            source = tf.where(mirrored, size - 1 - source, source)
        # An index outside 0 .. size - 1 gives a row of zeros.
        matrix = tf.one_hot(source, size, dtype=items.dtype)  # (B, size, size)
        rest = tuple(result.shape[2:])
        rows = tf.reshape(result, (batch, size, math.prod(rest)))
        result = tf.reshape(tf.matmul(matrix, rows), (batch, size, *rest))
        result = tf.transpose(result, rotation)
    return result


def add_instance_noise(items: Tensor, key: Tensor, std: Tensor | float) -> Tensor:
    """Return items plus Gaussian noise, so that real and generated ones overlap.

    If the two distributions do not overlap, D can discriminate perfectly and gives G
    no gradient. The noise blurs both alike; let it fall to 0 during training.

    Args:
        items: (B, ...), float, real or generated, as D is about to see them.
        key: (2,) int32; the same key gives the same noise.
        std: standard deviation of the noise, in the unit of the items.

    Returns:
        Items of the same shape and dtype.

    Reference: Sønderby et al. 2017, arXiv:1610.04490, section 3.3.
    """
    values = rng.normal(rng.shape_of(items), key)
    return items + std * tf.cast(values, items.dtype)


def linear_decay(start: float, step: Tensor, steps: int) -> Tensor:
    """Return a scalar that falls linearly from `start` to 0, and then stays 0.

    Args:
        start: value at step 0.
        step: number of the step, scalar.
        steps: number of the step at which 0 is reached.
    """
    left = 1.0 - tf.cast(step, tf.float32) / steps
    return start * tf.maximum(left, 0.0)
