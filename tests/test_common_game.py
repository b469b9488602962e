"""What the phases of all games share: labels, penalties, optimizers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from common import game
from common.phases import Step

STEP = Step(tf.zeros((4, 2)), tf.constant(4, tf.int64), tf.constant([1, 2]))


def test_one_label_is_a_number():
    assert game.draw_label((0.9,), STEP, (4, 1)) == 0.9


def test_labels_between_two_limits_are_drawn_for_each_item():
    drawn = game.draw_label((1.0, 0.7), STEP, (1000, 1)).numpy()
    assert drawn.shape == (1000, 1)
    assert 0.7 <= drawn.min() < 0.71 and 0.99 < drawn.max() <= 1.0


def test_the_penalty_is_added_and_the_loss_logged_without_it():
    logits = tf.constant([[1.0], [-1.0]])
    loss, logs = game.with_penalty(tf.constant(2.0), logits, logits, tf.constant(0.5))
    assert float(loss) == 2.5
    assert float(logs["d_loss"]) == 2.0 and float(logs["d_penalty"]) == 0.5
    loss, logs = game.with_penalty(tf.constant(2.0), logits, logits, None)
    assert float(loss) == 2.0 and "d_penalty" not in logs


def test_lazy_r1_is_due_at_every_fourth_step():
    """D(x) = 3 x_1 has the gradient (3, 0): R1 is 4.5, times 4 and gamma."""

    def discriminator(items, training):
        return 3 * items[:, :1]

    def at(index):
        step = Step(STEP.batch, tf.constant(index, tf.int64), STEP.key)
        return game.lazy_r1(step, discriminator, step.batch, 0.1, 4)

    assert float(at(4)) == pytest.approx(0.1 * 4 * 4.5)
    assert float(at(5)) == 0.0
    assert game.lazy_r1(STEP, discriminator, STEP.batch, 0.0, 4) is None


def test_optimizers():
    adam = game.adam(1e-3, 0.5, 0.99)
    assert (adam.beta_1, adam.beta_2) == (0.5, 0.99)
    sgd = game.sgd(0.1, 0.9, nesterov=True)
    assert sgd.momentum == 0.9 and sgd.nesterov
    keras.mixed_precision.set_global_policy("mixed_float16")
    assert isinstance(game.sgd(0.1, 0.9), keras.optimizers.LossScaleOptimizer)
    np.testing.assert_allclose(float(adam.learning_rate), 1e-3)
