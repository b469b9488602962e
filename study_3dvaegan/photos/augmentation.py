"""Random changes of photos, so that the encoder learns shapes and not pixels.

Rendered photos are alike in ways that real ones are not. What the encoder must not
depend on is therefore drawn anew at every step: where the object is in the photo, its
colours and the light, noise, and parts that something else covers.
"""

import tensorflow as tf

from chapter02_3dgan.training import LEFT_RIGHT
from common.gan import rng
from common.gan.step import Step

Tensor = tf.Tensor
# Axis of shapes (B, S, S, S, 1) along which left and right are swapped.
_LEFT_RIGHT = LEFT_RIGHT + 1
_WEIGHTS_OF_GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601


def mirror_pairs(photos: Tensor, shapes: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
    """Mirror about half of the photos, each together with its shape.

    A mirrored photo shows the mirrored shape from the other side.

    Args:
        photos: (B, H, W, 3).
        shapes: (B, S, S, S, 1), facing along axis 0 of (S, S, S).
        key: (2,) int32; the same key gives the same choice.
    """
    chosen = rng.uniform((tf.shape(photos)[0], 1, 1, 1), key) < 0.5
    photos = tf.where(chosen, photos[:, :, ::-1], photos)
    turned = tf.reverse(shapes, [_LEFT_RIGHT])
    return photos, tf.where(chosen[..., None], turned, shapes)


def change_photos(photos: Tensor, step: Step) -> Tensor:
    """Change each photo at random; see the top of this file.

    Args:
        photos: float32 (B, H, W, 3) in [-1, 1].
        step: the step that runs, source of the random numbers.

    Returns:
        float32 (B, H, W, 3) in [-1, 1].
    """
    photos = _change_colours(_move(photos, step), step)
    photos = _cover(photos, step)
    strength = step.uniform((tf.shape(photos)[0], 1, 1, 1)) * 0.1
    noise = rng.normal(rng.shape_of(photos), step.new_key())
    return tf.clip_by_value(photos + strength * noise, -1.0, 1.0)


def _move(photos: Tensor, step: Step) -> Tensor:
    """Shift, scale and stretch each photo; the edge goes on where it does not reach."""
    batch, height, width = tf.shape(photos)[0], photos.shape[1], photos.shape[2]
    draws = step.uniform((batch, 4)) * 2 - 1  # (B, 4) in [-1, 1]
    size = tf.exp(0.1 * draws[:, 0])
    stretch = tf.exp(0.1 * draws[:, 1])
    high, wide = size * stretch, size / stretch
    top, left = 0.06 * draws[:, 2], 0.06 * draws[:, 3]
    # Bilinear interpolation is a product with a matrix for each axis. (XLA cannot
    # compile tf.image.crop_and_resize.)
    rows = _interpolation(0.5 + top - high / 2, high, height)
    columns = _interpolation(0.5 + left - wide / 2, wide, width)
    photos = tf.einsum("bij,bjwc->biwc", rows, photos)
    return tf.einsum("bij,bhjc->bhic", columns, photos)


def _interpolation(low: Tensor, reach: Tensor, size: int) -> Tensor:
    """Return the weights of `size` old pixels in each new one, (B, size, size).

    Args:
        low: where each photo's new part begins, in shares of its edge, (B,).
        reach: length of the new part, in shares of the edge, (B,).
        size: number of pixels along the axis.
    """
    centres = (tf.range(size, dtype=tf.float32) + 0.5) / size
    places = (low[:, None] + reach[:, None] * centres) * size - 0.5
    places = tf.clip_by_value(places, 0.0, size - 1.0)  # the edge pixels go on
    away = tf.abs(places[..., None] - tf.range(size, dtype=tf.float32))
    return tf.maximum(0.0, 1.0 - away)


def _change_colours(photos: Tensor, step: Step) -> Tensor:
    """Change brightness, contrast, colour and its strength; some become grey."""
    batch = tf.shape(photos)[0]
    draws = step.uniform((batch, 1, 1, 3)) * 2 - 1
    tint = step.uniform((batch, 1, 1, 3)) * 2 - 1
    grey = tf.reduce_sum(photos * _WEIGHTS_OF_GREY, axis=-1, keepdims=True)
    vivid = 0.8 + 0.6 * draws[..., 0:1]  # 0.2 (nearly grey) to 1.4
    photos = grey + vivid * (photos - grey)
    contrast = tf.exp(0.25 * draws[..., 1:2])
    return contrast * photos + 0.2 * draws[..., 2:3] + 0.1 * tint


def _cover(photos: Tensor, step: Step) -> Tensor:
    """Cover a random rectangle of half of the photos with one colour."""
    batch, height, width = tf.shape(photos)[0], photos.shape[1], photos.shape[2]
    draws = step.uniform((batch, 5))
    colour = step.uniform((batch, 1, 1, 3)) * 2 - 1
    size = 0.1 + 0.3 * draws[:, 2:4]
    y = tf.range(height, dtype=tf.float32)[None] / height  # (1, H)
    x = tf.range(width, dtype=tf.float32)[None] / width
    rows = tf.abs(y - draws[:, 0:1]) < size[:, 0:1] / 2  # (B, H)
    columns = tf.abs(x - draws[:, 1:2]) < size[:, 1:2] / 2
    inside = rows[:, :, None] & columns[:, None] & (draws[:, 4] < 0.5)[:, None, None]
    return tf.where(inside[..., None], colour, photos)
