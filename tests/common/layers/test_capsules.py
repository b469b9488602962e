"""Capsules against calculations by hand and loops; what dynamic routing must do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.layers.capsules import (
    CapsuleLengths,
    Capsules,
    Squash,
    lengths,
    route,
    squash,
)
from common.training.network_files import load_network, save_network

RNG = np.random.default_rng(0)
# Three items, five input capsules, four output capsules of six numbers.
PREDICTIONS = RNG.normal(size=(3, 5, 4, 6)).astype(np.float32)


def slow_squash(vector: np.ndarray) -> np.ndarray:
    square = sum(number**2 for number in vector)
    return square / (1 + square) * vector / np.sqrt(square)


def slow_route(predictions: np.ndarray, routings: int) -> tuple:
    """Return the vectors and shares of Sabour et al. 2017, procedure 1, by loops."""
    items, inputs, outputs, size = predictions.shape
    vectors = np.zeros((items, outputs, size))
    shares = np.zeros((items, inputs, outputs))
    for item in range(items):
        agreement = np.zeros((inputs, outputs))
        for _ in range(routings):
            for i in range(inputs):
                powers = [np.exp(number) for number in agreement[i]]
                shares[item, i] = [power / sum(powers) for power in powers]
            for j in range(outputs):
                total = np.zeros(size)
                for i in range(inputs):
                    total += shares[item, i, j] * predictions[item, i, j]
                vectors[item, j] = slow_squash(total)
            for i in range(inputs):
                for j in range(outputs):
                    agreement[i, j] += predictions[item, i, j] @ vectors[item, j]
    return vectors, shares


def make_network(routings: int = 3) -> keras.Model:
    """Return a network of all three layers, from (B, 7, 4) to lengths (B, 3)."""
    inputs = keras.Input((7, 4))
    x = Capsules(3, 5, routings, dtype="float32")(Squash()(inputs))
    return keras.Model(inputs, CapsuleLengths(dtype="float32")(x))


# --- squash


def test_squash_by_hand():
    """A vector of length 5 becomes one of 25 / 26, a vector of 0.1 one of 1 / 101."""
    found = squash(tf.constant([[3.0, 4.0], [0.0, 0.1]])).numpy()
    np.testing.assert_allclose(found[0], np.array([0.6, 0.8]) * 25 / 26, rtol=1e-5)
    np.testing.assert_allclose(found[1], [0, 1 / 101], rtol=1e-4)


def test_squash_keeps_directions_and_order_of_lengths():
    vectors = np.outer([0.01, 0.1, 1, 10, 100], [2 / 3, -1 / 3, 2 / 3])
    found = squash(tf.constant(vectors, tf.float32)).numpy()
    norms = np.linalg.norm(found, axis=1)
    assert (np.diff(norms) > 0).all() and norms[0] >= 0 and norms[-1] < 1
    directions = np.outer(norms, [2 / 3, -1 / 3, 2 / 3])
    np.testing.assert_allclose(found, directions, rtol=1e-4, atol=1e-7)


def test_lengths_by_hand():
    found = lengths(tf.constant([[[3.0, 4.0], [0.6, 0.8]]]))
    np.testing.assert_allclose(found, [[5.0, 1.0]], rtol=1e-5)


# --- routing


@pytest.mark.parametrize("routings", [1, 2, 3, 5])
def test_routing_equals_the_papers_procedure(routings):
    vectors, shares = route(tf.constant(PREDICTIONS), routings)
    expected_vectors, expected_shares = slow_route(PREDICTIONS, routings)
    np.testing.assert_allclose(vectors, expected_vectors, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(shares, expected_shares, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("routings", [1, 3])
def test_each_input_capsule_gives_away_one(routings):
    """The shares sum to 1 over the output capsules, not over the input capsules."""
    shares = route(tf.constant(PREDICTIONS), routings)[1].numpy()
    np.testing.assert_allclose(shares.sum(axis=2), 1, rtol=1e-5)
    # Five input capsules share out five among four output capsules.
    assert abs(shares.sum(axis=1) - 1).min() > 0.01


def test_the_first_iteration_is_uniform_and_later_ones_depend_on_the_input():
    uniform = route(tf.constant(PREDICTIONS), 1)[1].numpy()
    np.testing.assert_allclose(uniform, 0.25, rtol=1e-6)
    routed = route(tf.constant(PREDICTIONS), 3)[1].numpy()
    assert abs(routed - 0.25).max() > 0.05
    # Another item, other shares: they are computed, not learnt.
    assert abs(routed[0] - routed[1]).max() > 0.05


def test_agreement_raises_the_share():
    """All predictions for output 0 agree; those for output 1 have random directions."""
    predictions = RNG.normal(size=(1, 50, 2, 8))
    predictions[:, :, 0] = predictions[:, :1, 0]
    norms = np.linalg.norm(predictions, axis=3, keepdims=True)
    predictions = tf.constant(predictions / norms, tf.float32)
    shares = [route(predictions, n)[1][..., 0].numpy() for n in (1, 2, 3)]
    assert (shares[0] < shares[1]).all() and (shares[1] < shares[2]).all()
    lengths_of = [lengths(route(predictions, n)[0])[0].numpy() for n in (1, 3)]
    assert lengths_of[1][0] > lengths_of[0][0]
    assert lengths_of[1][1] < lengths_of[0][1]


def test_an_input_capsule_leaves_the_output_that_it_disagrees_with():
    """Nine agree for output 0; the tenth predicts the opposite for it."""
    predictions = np.zeros((1, 10, 2, 3), np.float32)
    predictions[..., 0] = 1.0
    predictions[0, 9, 0, 0] = -1.0
    shares = route(tf.constant(predictions), 3)[1][0].numpy()
    assert shares[9, 0] < 0.3 < 0.4 < shares[0, 0]


# Keras warns of this very thing.
@pytest.mark.filterwarnings("ignore:You are using a softmax over axis -1")
def test_one_output_capsule_gets_everything():
    """With one output capsule alone, the routing has no choice and does nothing."""
    predictions = tf.constant(PREDICTIONS[:, :, :1])
    vectors, shares = route(predictions, 3)
    np.testing.assert_array_equal(shares, np.ones((3, 5, 1)))
    np.testing.assert_array_equal(vectors, route(predictions, 1)[0])


def test_items_of_a_batch_do_not_affect_one_another():
    together = route(tf.constant(PREDICTIONS), 3)[0]
    for item in range(3):
        alone = route(tf.constant(PREDICTIONS[item : item + 1]), 3)[0]
        assert alone.shape == (1, 4, 6)
        np.testing.assert_allclose(alone[0], together[item], rtol=1e-4, atol=1e-6)


def test_the_shares_are_constants_for_the_gradient():
    """The gradient treats the shares as constants and passes through predictions."""
    predictions = tf.constant(PREDICTIONS)
    shares = route(predictions, 3)[1]
    gradients = []
    for function in (
        lambda: route(predictions, 3)[0],
        lambda: squash(tf.einsum("bio,biod->bod", shares, predictions)),
    ):
        with tf.GradientTape() as tape:
            tape.watch(predictions)
            total = tf.reduce_sum(function() ** 2)
        gradients.append(tape.gradient(total, predictions))
    assert abs(gradients[0].numpy()).max() > 0
    np.testing.assert_allclose(*gradients, rtol=1e-4, atol=1e-6)


def test_zero_vectors_have_finite_gradients():
    """The length has no derivative at 0, so an unguarded square root gives NaN."""
    predictions = tf.zeros((2, 5, 4, 6))
    for function in (
        lambda x: route(x, 3)[0],
        lambda x: lengths(route(x, 3)[0]),
        squash,
        lengths,
    ):
        with tf.GradientTape() as tape:
            tape.watch(predictions)
            total = tf.reduce_sum(function(predictions))
        gradient = tape.gradient(total, predictions).numpy()
        assert np.isfinite(gradient).all()


# --- layers


def test_predictions_equal_a_product_for_each_pair_of_capsules():
    layer = Capsules(3, 5)
    capsules = RNG.normal(size=(2, 7, 4)).astype(np.float32)
    layer.build(capsules.shape)
    found = layer.predictions(tf.constant(capsules)).numpy()
    assert found.shape == (2, 7, 3, 5)
    matrices = np.asarray(layer.kernel).reshape(7, 4, 3, 5)
    for item in range(2):
        for i in range(7):
            for j in range(3):
                expected = capsules[item, i] @ matrices[i, :, j]
                np.testing.assert_allclose(
                    found[item, i, j], expected, rtol=1e-3, atol=1e-5
                )


def test_the_layer_routes_its_predictions():
    inputs = tf.constant(RNG.normal(size=(2, 7, 4)), tf.float32)
    for routings in (1, 3):
        layer = Capsules(3, 5, routings)
        found = layer(inputs)
        assert found.shape == layer.compute_output_shape(inputs.shape) == (2, 3, 5)
        expected = slow_route(layer.predictions(inputs).numpy(), routings)[0]
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("count", "batch"), [(1, 1), (36, 1), (1152, 2)])
def test_any_number_of_input_capsules_starts_between_0_and_1(count, batch):
    """The start is neither silent nor saturated, however many capsules are summed."""
    keras.utils.set_random_seed(0)
    primary = squash(tf.constant(3 * RNG.normal(size=(batch, count, 8)), tf.float32))
    found = lengths(Capsules(2, 16)(primary)).numpy()
    assert found.shape == (batch, 2)
    assert 0.1 < found.min() and found.max() < 0.99


def test_every_capsule_weight_gets_a_gradient():
    network = make_network()
    inputs = tf.constant(RNG.normal(size=(2, 7, 4)), tf.float32)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(network(inputs)[:, 0])
    (gradient,) = tape.gradient(total, network.trainable_variables)
    values = gradient.numpy().reshape(7, 4, 3, 5)
    assert np.isfinite(values).all() and (values[:, :, 0] != 0).all()
    # The length of output capsule 0 depends on its own matrices alone.
    assert (values[:, :, 1:] == 0).all()


def test_a_saved_network_gives_the_same_lengths(tmp_path):
    network = make_network(routings=2)
    inputs = RNG.normal(size=(4, 7, 4)).astype(np.float32)
    save_network(network, tmp_path / "network.keras")
    loaded = load_network(tmp_path / "network.keras")
    np.testing.assert_array_equal(loaded(inputs), network(inputs))
    assert loaded.layers[2].routings == 2 and loaded.layers[2].size == 5


def test_routing_stays_in_float32_under_a_mixed_policy():
    """Primary capsules come in bfloat16; predictions and agreement are float32."""
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    network = make_network()
    squashed, capsules, found = network.layers[1:]
    assert squashed.compute_dtype == "bfloat16"
    inputs = RNG.normal(size=(4, 7, 4)).astype(np.float32)
    primary = squashed(inputs)
    assert primary.dtype == tf.bfloat16 and capsules(primary).dtype == tf.float32
    values = found(capsules(primary))
    assert values.dtype == tf.float32
    expected = slow_route(
        capsules.predictions(tf.cast(primary, tf.float32)).numpy(), 3
    )[0]
    np.testing.assert_allclose(
        values, np.linalg.norm(expected, axis=2), rtol=1e-3, atol=1e-4
    )
