"""Each stabilising technique gives the numbers calculated by hand or with NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import toy

from common.gan import losses
from common.gan.augment import add_instance_noise, linear_decay
from common.gan.weight_averages import HistoricalAverage, MovingAverage
from common.layers.blocks import normalise
from common.layers.minibatch_discrimination import MinibatchDiscrimination
from common.layers.spectral_norm import SpectralNormalization

RNG = np.random.default_rng(0)


def line(weight: float) -> keras.Model:
    """Return a network with a single weight and a bias."""
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    network.set_weights([np.full((1, 1), weight), np.zeros(1)])
    return network


def test_feature_matching_is_the_squared_distance_of_means():
    real = tf.constant([[1.0, 2.0], [3.0, 4.0]])  # mean (2, 3)
    fake = tf.constant([[0.0, 0.0], [2.0, 2.0]])  # mean (1, 1)
    assert float(losses.feature_matching(real, fake)) == pytest.approx(1.0 + 4.0)
    assert float(losses.feature_matching(real, real[::-1])) == 0.0


def test_labels_can_be_different_for_each_item():
    real, fake = tf.constant([[2.0], [-1.0]]), tf.constant([[0.0], [0.0]])
    label = tf.constant([[0.9], [0.7]])

    def loss(logit, t):
        p = 1 / (1 + np.exp(-logit))
        return -t * np.log(p) - (1 - t) * np.log(1 - p)

    expected = (loss(2.0, 0.9) + loss(-1.0, 0.7)) / 2 + np.log(2)
    found = losses.discriminator_cross_entropy(real, fake, label)
    assert float(found) == pytest.approx(expected, rel=1e-5)
    found = losses.discriminator_wasserstein(real, fake, label)
    assert float(found) == pytest.approx(-(0.9 * 2.0 - 0.7) / 2)


def test_minibatch_discrimination_by_hand():
    layer = MinibatchDiscrimination(kernels=2, dimensions=2)
    layer.build((None, 3))
    kernel = RNG.normal(size=(3, 4)).astype(np.float32)
    layer.set_weights([kernel])
    inputs = RNG.normal(size=(5, 3)).astype(np.float32)
    outputs = np.asarray(layer(inputs))
    np.testing.assert_allclose(outputs[:, :3], inputs)
    rows = (inputs @ kernel).reshape(5, 2, 2)
    for i in range(5):
        for b in range(2):
            others = [
                np.exp(-np.abs(rows[i, b] - rows[j, b]).sum())
                for j in range(5)
                if j != i
            ]
            assert outputs[i, 3 + b] == pytest.approx(sum(others), rel=1e-4)


def test_minibatch_discrimination_sees_a_collapsed_batch():
    layer = MinibatchDiscrimination(4)
    alike = np.ones((6, 3), np.float32)
    np.testing.assert_allclose(np.asarray(layer(alike))[:, 3:], 5.0, rtol=1e-5)
    varied = 10 * RNG.normal(size=(6, 3)).astype(np.float32)
    assert np.asarray(layer(varied))[:, 3:].mean() < 1.0


@pytest.mark.parametrize(
    ("inner", "shape"),
    [
        (keras.layers.Dense(6, use_bias=False), (5,)),
        (keras.layers.Conv2D(6, 3, use_bias=False), (5, 5, 2)),
    ],
)
def test_spectral_normalization_divides_by_the_largest_singular_value(inner, shape):
    layer = SpectralNormalization(inner)
    inputs = RNG.normal(size=(4, *shape)).astype(np.float32)
    for _ in range(200):
        outputs = np.asarray(layer(inputs, training=True))
    kernel = np.asarray(inner.kernel)
    largest = np.linalg.svd(kernel.reshape(-1, 6), compute_uv=False)[0]
    np.testing.assert_allclose(outputs, np.asarray(inner(inputs)) / largest, rtol=1e-3)
    np.testing.assert_allclose(outputs, np.asarray(layer(inputs)), rtol=1e-5)


def one_step(kernel: np.ndarray, u: np.ndarray) -> tuple:
    """Return v, u and sigma after one step of power iteration, by NumPy."""
    v = kernel @ u / np.linalg.norm(kernel @ u)
    u = kernel.T @ v / np.linalg.norm(kernel.T @ v)
    return v, u, (v.T @ kernel @ u).item()


def test_the_bias_of_spectral_normalization_is_not_divided():
    layer = SpectralNormalization(keras.layers.Dense(3, use_bias=False))
    inputs = RNG.normal(size=(4, 5)).astype(np.float32)
    layer(inputs)
    kernel, u = np.array(layer.layer.kernel), np.array(layer.u)
    bias = np.array([1.0, -2.0, 5.0], np.float32)
    layer.bias.assign(bias)
    _, u, sigma = one_step(kernel, u)
    outputs = layer(inputs, training=True)
    np.testing.assert_allclose(outputs, inputs @ kernel / sigma + bias, rtol=1e-4)
    np.testing.assert_allclose(layer.u, u, rtol=1e-4)
    assert {id(v) for v in layer.trainable_variables} == {
        id(layer.layer.kernel),
        id(layer.bias),
    }


def test_the_gradient_takes_both_singular_vectors_as_constants():
    """This holds even before the power iteration has converged (equation 12)."""
    layer = SpectralNormalization(keras.layers.Dense(3, use_bias=False))
    inputs = RNG.normal(size=(4, 5)).astype(np.float32)
    slopes = RNG.normal(size=(4, 3)).astype(np.float32)
    layer(inputs)
    kernel = np.array(layer.layer.kernel)
    v, u, sigma = one_step(kernel, np.array(layer.u))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(slopes * layer(tf.constant(inputs), training=True))
    gradient = tape.gradient(loss, layer.layer.kernel)
    outside = np.sum(slopes * (inputs @ kernel)) / sigma**2
    expected = inputs.T @ slopes / sigma - outside * (v @ u.T)
    np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-3)


def test_spectral_normalization_leaves_the_weights_alone():
    layer = SpectralNormalization(keras.layers.Dense(3, use_bias=False))
    inputs = RNG.normal(size=(4, 3)).astype(np.float32)
    layer(inputs)
    kernel, u = np.array(layer.layer.kernel), np.array(layer.u)
    layer(inputs, training=False)
    np.testing.assert_array_equal(u, layer.u)
    layer(inputs, training=True)
    np.testing.assert_array_equal(kernel, layer.layer.kernel)
    assert not np.array_equal(u, layer.u)


def test_the_gradient_through_spectral_normalization():
    """It is orthogonal to the weights: their scale changes nothing (equation 12)."""
    layer = SpectralNormalization(keras.layers.Dense(3, use_bias=False))
    inputs = tf.constant(RNG.normal(size=(4, 5)), tf.float32)
    for _ in range(200):
        layer(inputs, training=True)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(layer(inputs)))
    gradient = tape.gradient(loss, layer.layer.kernel)
    along = float(tf.reduce_sum(gradient * layer.layer.kernel))
    assert abs(along) < 1e-3 * float(tf.norm(gradient) * tf.norm(layer.layer.kernel))


def test_spectral_normalization_refuses_layers_that_are_not_linear():
    for inner in (keras.layers.Dense(2), keras.layers.Dense(2, "relu", use_bias=False)):
        with pytest.raises(ValueError, match="use_bias=False"):
            SpectralNormalization(inner)


def test_instance_normalisation_of_maps_and_of_vectors():
    maps = RNG.normal(3.0, 2.0, (2, 4, 4, 3)).astype(np.float32)
    inputs = keras.Input((4, 4, 3))
    out = np.asarray(keras.Model(inputs, normalise(inputs, "instance"))(maps))
    expected = (maps - maps.mean((1, 2), keepdims=True)) / maps.std(
        (1, 2), keepdims=True
    )
    np.testing.assert_allclose(out, expected, atol=2e-3)
    vectors = maps[:, 0, 0]
    inputs = keras.Input((3,))
    out = np.asarray(keras.Model(inputs, normalise(inputs, "instance"))(vectors))
    expected = (vectors - vectors.mean(1, keepdims=True)) / vectors.std(
        1, keepdims=True
    )
    np.testing.assert_allclose(out, expected, atol=2e-2)


def test_instance_noise_has_the_given_deviation_and_decays():
    items = tf.zeros((200, 50))
    key = tf.constant([1, 2])
    noisy = add_instance_noise(items, key, 0.3).numpy()
    assert noisy.std() == pytest.approx(0.3, rel=0.02)
    np.testing.assert_array_equal(noisy, add_instance_noise(items, key, 0.3))
    steps = tf.constant([0, 5, 10, 20], tf.int64)
    np.testing.assert_allclose(linear_decay(0.4, steps, 10), [0.4, 0.2, 0.0, 0.0])


def test_historical_average_is_the_mean_of_all_weights_so_far():
    network = line(1.0)
    history = HistoricalAverage(network, weight=0.5)
    assert float(history.penalty()) == 0.0
    for step, weight in enumerate((4.0, 7.0)):
        network.layers[-1].kernel.assign([[weight]])
        history.update(tf.constant(step, tf.int64))
    # The mean of 1, 4 and 7.
    assert float(history.variables[0].numpy()[0, 0]) == pytest.approx(4.0)
    assert float(history.penalty()) == pytest.approx(0.5 * 9.0)


def test_moving_average_follows_with_a_short_memory_at_first():
    network = line(0.0)
    average = MovingAverage(network, decay=0.9)
    network.layers[-1].kernel.assign([[1.0]])
    average.update(tf.constant(0, tf.int64))
    assert average.network.get_weights()[0][0, 0] == pytest.approx(0.9)
    for _ in range(3):
        average.update(tf.constant(1000, tf.int64))
    assert average.network.get_weights()[0][0, 0] == pytest.approx(1 - 0.1 * 0.9**3)


def test_all_weights_are_pulled_towards_their_own_mean():
    network = line(1.0)
    history = HistoricalAverage(network, weight=0.5)
    kernel, bias = network.trainable_variables
    kernel.assign([[3.0]])
    bias.assign([5.0])
    assert float(history.penalty()) == pytest.approx(0.5 * (2.0**2 + 5.0**2))
    with tf.GradientTape() as tape:
        penalty = history.penalty()
    slopes = tape.gradient(penalty, [kernel.value, bias.value])
    assert [float(tf.squeeze(slope)) for slope in slopes] == [2.0, 5.0]


def test_the_moving_average_follows_the_moments_of_batch_normalisation():
    """Otherwise the average of G would keep the initial mean 0 and variance 1."""
    network = keras.Sequential([keras.Input((2,)), keras.layers.BatchNormalization()])
    average = MovingAverage(network, decay=0.9)
    names = [variable.name for variable in network.variables]
    assert names == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert len(average.variables) == 4
    network.set_weights([np.full(2, value) for value in (2.0, 3.0, 10.0, 6.0)])
    # At step 5 the decay is (1 + 5) / (10 + 5) = 0.4.
    average.update(tf.constant(5, tf.int64))
    followed = [variable.numpy()[0] for variable in average.variables]
    expected = [1 + 0.6, 0.6 * 3, 0.6 * 10, 0.4 + 0.6 * 6]
    assert followed == pytest.approx(expected)
    # The network itself does not move.
    assert [w[0] for w in network.get_weights()] == [2.0, 3.0, 10.0, 6.0]


def test_historical_averaging_works_in_the_training_step():
    """It is in both losses, is saved with the state, and slows the weights down."""
    models = {weight: toy.build(history=weight) for weight in (0.0, 10.0)}
    start = toy.weights(models[0.0])["generator"]
    for model in models.values():
        toy.run(model, 20)
    assert "g_history_penalty" in models[10.0].read_logs()
    assert {"d_history", "g_history"} <= set(models[10.0].state())
    far = {
        weight: sum(
            np.square(a - b).sum()
            for a, b in zip(start, toy.weights(model)["generator"], strict=True)
        )
        for weight, model in models.items()
    }
    assert far[10.0] < 0.5 * far[0.0]
