"""Losses and penalties against values computed by hand, and their gradients."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.gan import losses

REAL = tf.constant([[2.0], [-1.0]])
FAKE = tf.constant([[0.5], [-3.0]])


def log_sigmoid(x: float) -> float:
    return -math.log(1 + math.exp(-x))


def test_cross_entropy_is_the_sum_of_both_expectations():
    real = -(log_sigmoid(2) + log_sigmoid(-1)) / 2
    fake = -(log_sigmoid(-0.5) + log_sigmoid(3)) / 2
    loss = losses.discriminator_cross_entropy(REAL, FAKE)
    assert float(loss) == pytest.approx(real + fake, rel=1e-6)


def test_one_sided_smoothing_changes_only_the_real_label():
    def real_part(label):
        return sum(
            -label * log_sigmoid(x) - (1 - label) * log_sigmoid(-x) for x in (2, -1)
        )

    fake = -(log_sigmoid(-0.5) + log_sigmoid(3)) / 2
    loss = losses.discriminator_cross_entropy(REAL, FAKE, real_label=0.9)
    assert float(loss) == pytest.approx(real_part(0.9) / 2 + fake, rel=1e-6)


def test_the_cross_entropy_uses_both_labels():
    def part(label, logits):
        terms = [
            -label * log_sigmoid(x) - (1 - label) * log_sigmoid(-x) for x in logits
        ]
        return sum(terms) / 2

    loss = losses.discriminator_cross_entropy(REAL, FAKE, 0.9, 0.2)
    expected = part(0.9, (2, -1)) + part(0.2, (0.5, -3))
    assert float(loss) == pytest.approx(expected, rel=1e-6)


def test_generator_losses_by_hand():
    minimax = (log_sigmoid(-0.5) + log_sigmoid(3)) / 2
    saturating = -(log_sigmoid(0.5) + log_sigmoid(-3)) / 2
    assert float(losses.generator_minimax(FAKE)) == pytest.approx(minimax, rel=1e-6)
    assert float(losses.generator_non_saturating(FAKE)) == pytest.approx(saturating)
    # ((0.5 - 1)^2 + (-3 - 1)^2) / 2 / 2
    assert float(losses.generator_least_squares(FAKE)) == pytest.approx(4.0625)
    assert float(losses.generator_critic(FAKE)) == pytest.approx(1.25)


def test_discriminator_losses_by_hand():
    # ((2 - 1)^2 + (-1 - 1)^2) / 2 = 2.5; (0.25 + 9) / 2 = 4.625; half the sum
    squares = losses.discriminator_least_squares(REAL, FAKE)
    assert float(squares) == pytest.approx(3.5625)
    # max(0, 1 - 2), max(0, 1 + 1) -> 1; max(0, 1.5), max(0, -2) -> 0.75
    assert float(losses.discriminator_hinge(REAL, FAKE)) == pytest.approx(1.75)
    # mean fake -1.25 minus mean real 0.5
    assert float(losses.discriminator_wasserstein(REAL, FAKE)) == pytest.approx(-1.75)


def test_discriminator_losses_with_other_labels_by_hand():
    # ((2 - 0.9)^2 + (-1 - 0.9)^2) / 2 = 2.41
    # ((0.5 - 0.2)^2 + (-3 - 0.2)^2) / 2 = 5.165; half the sum
    squares = losses.discriminator_least_squares(REAL, FAKE, 0.9, 0.2)
    assert float(squares) == pytest.approx(3.7875)
    # max(0, 0.9 - 2), max(0, 0.9 + 1) -> 0.95; the generated give 0.75 as before
    hinge = losses.discriminator_hinge(REAL, FAKE, 0.9)
    assert float(hinge) == pytest.approx(1.7)
    # mean fake -1.25 minus 0.9 times mean real 0.5
    critic = losses.discriminator_wasserstein(REAL, FAKE, 0.9)
    assert float(critic) == pytest.approx(-1.7)


@pytest.mark.parametrize("name", losses.GAMES)
def test_equilibrium_constants(name):
    """At D(x) = D(G(z)) = 1/2 the losses have the values drawn in the curves."""
    game = losses.GAMES[name]
    undecided = {"least_squares": 0.5}.get(name, 0.0)
    logits = tf.fill((3, 1), undecided)
    assert float(game.discriminator(logits, logits)) == pytest.approx(
        game.equilibrium[0]
    )
    assert float(game.generator(logits)) == pytest.approx(game.equilibrium[1])


@pytest.mark.parametrize("name", losses.GAMES)
def test_losses_stay_finite_and_their_gradients_have_the_right_sign(name):
    game = losses.GAMES[name]
    real, fake = tf.constant([[-80.0]]), tf.constant([[80.0]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([real, fake])
        d_loss, g_loss = game.discriminator(real, fake), game.generator(fake)
    assert math.isfinite(float(d_loss)) and math.isfinite(float(g_loss))
    assert tape.gradient(d_loss, real)[0, 0] < 0 < tape.gradient(d_loss, fake)[0, 0]
    low = tf.constant([[0.2]])
    with tf.GradientTape() as tape:
        tape.watch(low)
        g_loss = game.generator(low)
    assert tape.gradient(g_loss, low)[0, 0] < 0


def quadratic(inputs, training):
    """D(x) = |x|^2 / 2, whose gradient is x itself."""
    assert training is True
    return 0.5 * tf.reduce_sum(tf.square(inputs), axis=(1, 2))[:, None]


def test_r1_of_a_quadratic_by_hand():
    real = tf.constant([[[1.0], [2.0]], [[0.0], [3.0]]])
    # |x|^2 is 5 and 9: half their mean
    assert float(losses.r1_penalty(quadratic, real)) == pytest.approx(3.5)


def test_large_gradients_in_half_precision_do_not_overflow():
    """The square of a slope of 300 is 90,000; the largest float16 number is 65,504."""

    def steep(inputs, training):
        return 300 * inputs

    logits, gradient = losses.input_gradient(steep, tf.ones((2, 1), tf.float16))
    assert gradient.dtype == tf.float32 and gradient.shape == (2, 1)
    np.testing.assert_array_equal(logits, [[300], [300]])
    penalty = losses.r1_penalty(steep, tf.ones((2, 1), tf.float16))
    assert float(penalty) == pytest.approx(45_000)


def test_gradient_penalty_of_a_quadratic_by_hand():
    real = tf.constant([[[3.0], [4.0]]])
    fake = tf.zeros_like(real)
    mix = tf.constant([[[0.4]]])
    # The mix is 0.4 * (3, 4), and its norm is 2: (2 - 1)^2.
    penalty = losses.gradient_penalty(quadratic, real, fake, mix)
    assert float(penalty) == pytest.approx(1.0)


def test_gradient_penalty_of_a_dead_critic_has_a_finite_gradient():
    slope = tf.Variable(0.0)

    def dead(inputs, training):
        return slope * tf.reduce_sum(inputs, axis=(1, 2))[:, None]

    real = tf.ones((2, 2, 1))
    with tf.GradientTape() as tape:
        penalty = losses.gradient_penalty(dead, real, 0 * real, tf.ones((2, 1, 1)))
    assert float(penalty) == pytest.approx(1.0, abs=1e-5)
    assert math.isfinite(float(tape.gradient(penalty, slope)))


def test_lazy_penalty_has_the_mean_of_the_penalty_at_every_step():
    values = [
        float(losses.lazily(tf.constant(step), 4, lambda: tf.constant(2.0)))
        for step in range(8)
    ]
    assert values == [8, 0, 0, 0, 8, 0, 0, 0]


def test_logs_of_the_discriminator():
    logs = losses.discriminator_logs(REAL, FAKE)
    # Classified correctly: real 2 and generated -3, two of four.
    assert float(logs["d_accuracy"]) == 0.5
    sigmoid = keras.ops.sigmoid(np.array([2.0, -1.0])).numpy().mean()
    assert float(logs["d_real"]) == pytest.approx(float(sigmoid))
    # The mean of the items' probabilities; the sigmoid of the mean logit would be 0.22.
    share = (1 / (1 + math.exp(-0.5)) + 1 / (1 + math.exp(3))) / 2
    assert float(logs["d_fake"]) == pytest.approx(share, rel=1e-6)


def test_a_probability_of_one_half_counts_as_generated():
    def accuracy(real, fake):
        logs = losses.discriminator_logs(tf.constant([[real]]), tf.constant([[fake]]))
        return float(logs["d_accuracy"])

    assert accuracy(0.0, 0.0) == 0.5
    assert accuracy(0.0, 1.0) == 0.0
    assert accuracy(1.0, 0.0) == 1.0
