"""Changes of photos that leave a person the same, for a network to disregard."""

import math

import keras
import tensorflow as tf

from common import noise

SHIFT = 0.06
ZOOM = 0.08
TURN = math.radians(6)
BRIGHTNESS = 0.2
CONTRAST = 0.25
TINT = 0.08
GREY = 0.2
BLURRED = 0.5
# Binomial weights: a Gaussian of one pixel's standard deviation.
_KERNEL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def change(images: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Change each photo at random, as another photo of the person may differ.

    In turn: mirrored, shifted, zoomed and turned a little; brighter or darker, of
    more or less contrast and of another tint; some without colour, so that colour
    alone does not decide; some softer, as generated faces are.

    Args:
        images: (B, S, S, 3) float32 in [-1, 1].
        key: (2,) int32; the same key, the same changes.

    Returns:
        Of the same shape; values may leave [-1, 1] a little.
    """
    moved = _move(images, noise.fold(key, 0))
    return _soften(_colour(moved, noise.fold(key, 1)), noise.fold(key, 2))


def _move(images: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Mirror, shift, zoom and turn about the middle; edges are repeated."""
    count, size = tf.shape(images)[0], images.shape[1]
    draws = tf.random.stateless_uniform((5, count), key, -1.0, 1.0)
    zoom = tf.exp(ZOOM * draws[0])
    mirror = tf.sign(draws[1])
    cosine, sine = tf.cos(TURN * draws[2]), tf.sin(TURN * draws[2])
    middle = (size - 1) / 2
    # Each output pixel (x, y) takes its value from (a x + b y + c, d x + e y + f).
    a, b = zoom * cosine * mirror, -zoom * sine
    d, e = zoom * sine * mirror, zoom * cosine
    c = middle - (a + b) * middle + SHIFT * size * draws[3]
    f = middle - (d + e) * middle + SHIFT * size * draws[4]
    zero = tf.zeros_like(a)
    matrices = tf.stack([a, b, c, d, e, f, zero, zero], axis=1)
    return keras.ops.image.affine_transform(images, matrices, fill_mode="nearest")


def _colour(images: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Change brightness, contrast and tint, and take the colour from some."""
    count = tf.shape(images)[0]
    draws = tf.random.stateless_uniform((count, 1, 1, 6), key, -1.0, 1.0)
    grey = tf.reduce_mean(images, axis=-1, keepdims=True)
    images = tf.where(draws[..., :1] < 2 * GREY - 1, grey, images)
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    images = mean + (images - mean) * tf.exp(CONTRAST * draws[..., 1:2])
    return images + BRIGHTNESS * draws[..., 2:3] + TINT * draws[..., 3:]


def _soften(images: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Blend some with a blurred copy of theirs, more or less."""
    kernel = tf.tile(tf.reshape(_KERNEL, (5, 1, 1, 1)), (1, 1, 3, 1))
    blurred = tf.pad(images, ((0, 0), (4, 4), (4, 4), (0, 0)), "SYMMETRIC")
    for weights in (kernel, tf.transpose(kernel, (1, 0, 2, 3))) * 2:
        blurred = tf.nn.depthwise_conv2d(blurred, weights, (1, 1, 1, 1), "VALID")
    share = tf.random.stateless_uniform((tf.shape(images)[0], 1, 1, 1), key)
    share = tf.maximum(0.0, 1 - share / BLURRED)
    return images + share * (blurred - images)
