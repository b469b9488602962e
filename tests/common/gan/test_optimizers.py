"""Labels, penalties and optimizers that the phases of all games share."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from chapter04_dcgan.config import Config as Config04
from common.gan import losses, optimizers
from common.gan.optimizers import build_optimizers
from common.gan.step import Step
from study_norb.config import Config as ConfigNORB

STEP = Step(tf.zeros((4, 2)), tf.constant(4, tf.int64), tf.constant([1, 2]))


def test_a_single_label_is_returned_as_a_number():
    assert losses.draw_label((0.9,), STEP, (4, 1)) == 0.9


def test_labels_between_two_limits_are_drawn_for_each_item():
    drawn = losses.draw_label((1.0, 0.7), STEP, (1000, 1)).numpy()
    assert drawn.shape == (1000, 1)
    assert 0.7 <= drawn.min() < 0.71 and 0.99 < drawn.max() <= 1.0


def test_the_penalty_is_added_and_the_loss_logged_without_it():
    logits = tf.constant([[1.0], [-1.0]])
    loss, logs = losses.with_penalty(tf.constant(2.0), logits, logits, tf.constant(0.5))
    assert float(loss) == 2.5
    assert float(logs["d_loss"]) == 2.0 and float(logs["d_penalty"]) == 0.5
    loss, logs = losses.with_penalty(tf.constant(2.0), logits, logits, None)
    assert float(loss) == 2.0 and "d_penalty" not in logs


def test_lazy_r1_is_computed_every_fourth_step():
    """D(x) = 3 x_1 has the gradient (3, 0), so R1 is 4.5, here times 4 and gamma."""

    def discriminator(items, training):
        return 3 * items[:, :1]

    def at(index):
        step = Step(STEP.batch, tf.constant(index, tf.int64), STEP.key)
        return losses.lazy_r1(step, discriminator, step.batch, 0.1, 4)

    assert float(at(4)) == pytest.approx(0.1 * 4 * 4.5)
    assert float(at(5)) == 0.0
    assert losses.lazy_r1(STEP, discriminator, STEP.batch, 0.0, 4) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("adam", {"beta_1": 0.5, "beta_2": 0.99}),
        ("sgd", {"momentum": 0.5, "nesterov": True}),
        ("rmsprop", {"rho": 0.99, "momentum": 0.5}),
        ("adadelta", {"rho": 0.99}),
    ],
)
def test_optimizers(name, expected):
    optimizer = optimizers.optimizer(name, 1e-3, 0.5, 0.99, nesterov=True)
    assert type(optimizer).__name__.lower() == name
    assert {key: getattr(optimizer, key) for key in expected} == expected
    np.testing.assert_allclose(float(optimizer.learning_rate), 1e-3)
    keras.mixed_precision.set_global_policy("mixed_float16")
    scaled = optimizers.optimizer(name, 1e-3, 0.5, 0.99)
    assert isinstance(scaled, keras.optimizers.LossScaleOptimizer)


def test_d_has_its_own_rate_and_may_have_its_own_optimizer():
    config = Config04(d_learning_rate=0.1, g_learning_rate=0.2)
    d_optimizer, g_optimizer = build_optimizers(config)
    assert float(d_optimizer.learning_rate) == pytest.approx(0.1)
    assert float(g_optimizer.learning_rate) == pytest.approx(0.2)
    changed = dataclasses.replace(config, d_optimizer="sgd")
    assert [type(o).__name__ for o in build_optimizers(changed)] == ["SGD", "Adam"]


@pytest.mark.parametrize("name", ["adam", "sgd", "rmsprop", "adadelta"])
def test_clipnorm_reaches_every_kind_of_optimizer(name):
    assert optimizers.optimizer(name, 1e-3, 0.5, 0.99).clipnorm is None
    assert optimizers.optimizer(name, 1e-3, 0.5, 0.99, clipnorm=2.0).clipnorm == 2.0


def test_the_gradient_of_each_weight_tensor_is_clipped_by_itself():
    """A gradient of norm 5 is scaled to norm 1; one of norm 0.5 stays."""
    optimizer = optimizers.optimizer("sgd", 1.0, 0.0, 0.99, clipnorm=1.0)
    large, small = keras.Variable(np.zeros(2)), keras.Variable(np.zeros(2))
    gradients = [tf.constant([3.0, 4.0]), tf.constant([0.3, 0.4])]
    optimizer.apply_gradients(zip(gradients, [large, small], strict=True))
    np.testing.assert_allclose(large.numpy(), [-0.6, -0.8], rtol=1e-5)
    np.testing.assert_allclose(small.numpy(), [-0.3, -0.4], rtol=1e-5)


def test_only_a_chapter_with_the_option_clips():
    """The learning rates and other options stay as they are."""
    with_option = ConfigNORB(clipnorm=1.0, d_learning_rate=0.1, g_learning_rate=0.2)
    pair = build_optimizers(with_option)
    assert [optimizer.clipnorm for optimizer in pair] == [1.0, 1.0]
    rates = [float(optimizer.learning_rate) for optimizer in pair]
    np.testing.assert_allclose(rates, [0.1, 0.2], rtol=1e-5)
    for config in (ConfigNORB(), Config04()):
        assert [o.clipnorm for o in build_optimizers(config)] == [None, None]
