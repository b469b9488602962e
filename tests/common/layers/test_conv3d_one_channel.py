"""The fast layers give the same results as Keras's layers with the same weights."""

import keras
import numpy as np
import tensorflow as tf

from common.layers.conv3d_one_channel import (
    Conv3DFromOneChannel,
    Conv3DTransposeToOneChannel,
    conv3d_from_one_channel,
    conv3d_transpose_to_one_channel,
)

RNG = np.random.default_rng(0)
KERNEL = tf.constant(RNG.normal(size=(4, 4, 4, 1, 5)), tf.float32)
LARGE = tf.constant(RNG.normal(size=(2, 8, 8, 8, 1)), tf.float32)
SMALL = tf.constant(RNG.normal(size=(2, 4, 4, 4, 5)), tf.float32)
STRIDES = (1, 2, 2, 2, 1)


def plain_conv(x, w):
    return tf.nn.conv3d(x, w, STRIDES, "SAME")


def plain_transpose(x, w):
    return tf.nn.conv3d_transpose(x, w, (2, 8, 8, 8, 1), STRIDES, "SAME")


def test_outputs_equal_the_plain_convolutions():
    np.testing.assert_allclose(
        conv3d_from_one_channel(LARGE, KERNEL), plain_conv(LARGE, KERNEL), atol=1e-4
    )
    np.testing.assert_allclose(
        conv3d_transpose_to_one_channel(SMALL, KERNEL),
        plain_transpose(SMALL, KERNEL),
        atol=1e-4,
    )


def gradients(function, x):
    with tf.GradientTape() as tape:
        tape.watch([x, KERNEL])
        loss = tf.reduce_sum(tf.sin(function(x, KERNEL)))
    return tape.gradient(loss, [x, KERNEL])


def test_first_gradients_equal():
    for fast, plain, x in (
        (conv3d_from_one_channel, plain_conv, LARGE),
        (conv3d_transpose_to_one_channel, plain_transpose, SMALL),
    ):
        for ours, theirs in zip(gradients(fast, x), gradients(plain, x), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-3)


def penalty_gradient(function, x):
    """Return the gradient of a gradient penalty, as for R1."""
    with tf.GradientTape() as outer:
        outer.watch(KERNEL)
        with tf.GradientTape() as inner:
            inner.watch(x)
            loss = tf.reduce_sum(tf.nn.softplus(function(x, KERNEL)))
        penalty = tf.reduce_sum(tf.square(inner.gradient(loss, x)))
    return outer.gradient(penalty, KERNEL)


def test_second_gradients_equal():
    ours = penalty_gradient(conv3d_from_one_channel, LARGE)
    theirs = penalty_gradient(plain_conv, LARGE)
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3 * np.max(theirs))


def test_layers_share_weights_with_keras_own_and_can_be_saved(tmp_path):
    for fast, plain, shape in (
        (
            Conv3DFromOneChannel(3, bias_initializer="ones"),
            keras.layers.Conv3D(3, 4, strides=2, padding="same"),
            (8, 8, 8, 1),
        ),
        (
            Conv3DTransposeToOneChannel(bias_initializer="ones"),
            keras.layers.Conv3DTranspose(1, 4, strides=2, padding="same"),
            (4, 4, 4, 5),
        ),
    ):
        x = RNG.normal(size=(2, *shape)).astype(np.float32)
        expected = fast(x)
        plain.build((None, *shape))
        plain.set_weights(fast.get_weights())
        np.testing.assert_allclose(plain(x), expected, atol=1e-4)
        model = keras.Sequential([keras.Input(shape), fast])
        model.save(tmp_path / "model.keras")
        again = keras.models.load_model(tmp_path / "model.keras")
        np.testing.assert_allclose(again(x), expected, atol=1e-6)
