"""The training step: which network is updated when, noise, averages, gates, dtypes."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import toy
from checks import discriminator_losses
from keras.ops import convert_to_numpy

from common.gan import optimizers
from common.gan.adversarial_model import AdversarialModel
from common.gan.step import Phase

MODES = pytest.mark.parametrize("mode", ["alternating", "simultaneous"])


def never(logs):
    return logs["d_accuracy"] < 0.0


def test_each_phase_updates_only_its_own_network():
    """No `trainable` flag is involved, so neither network can be frozen for good."""
    model = toy.build(average=0.0)
    d_phase, g_phase = model.phases
    for phase, still in ((d_phase, "generator"), (g_phase, "discriminator")):
        before = toy.weights(model)
        step = model._make_step(tf.constant(toy.POINTS[: toy.BATCH]), 0)
        model._train_phase(phase, step)
        after = toy.weights(model)
        assert toy.moved(before[phase.network.name], after[phase.network.name])
        assert not toy.moved(before[still], after[still])


def test_every_weight_gets_a_finite_gradient_that_is_not_zero():
    model = toy.build()
    before = toy.weights(model)
    after = toy.weights(toy.run(model, 1))
    for name in ("generator", "discriminator"):
        for old, new in zip(before[name], after[name], strict=True):
            assert np.isfinite(new).all()
            assert (old != new).any()


@MODES
def test_a_closed_gate_leaves_d_and_its_optimizer_untouched(mode):
    model = toy.build(mode, when=never)
    before = toy.weights(model)
    after = toy.weights(toy.run(model, 3))
    for name in ("discriminator", "d_optimizer"):
        assert not toy.moved(before[name], after[name])
    assert toy.moved(before["generator"], after["generator"])
    assert model.read_logs()["d_skipped"] == 1.0


@MODES
def test_an_open_gate_changes_nothing(mode):
    gated = toy.run(toy.build(mode, when=lambda logs: logs["d_accuracy"] <= 1.0), 3)
    plain = toy.run(toy.build(mode), 3)
    for ours, theirs in zip(
        gated.generator.variables, plain.generator.variables, strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    assert gated.read_logs()["d_skipped"] == 0.0


@MODES
def test_the_gate_follows_the_accuracy_of_the_step(mode):
    model = toy.build(mode, when=lambda logs: logs["d_accuracy"] <= 0.8)
    step = tf.function(model.train_step)
    seen = set()
    for _ in range(60):
        before = toy.weights(model)["discriminator"]
        step(tf.constant(toy.POINTS[: toy.BATCH]))
        logs = model.read_logs()
        skipped = logs["d_accuracy"] > 0.8
        assert logs["d_skipped"] == float(skipped)
        assert toy.moved(before, toy.weights(model)["discriminator"]) != skipped
        seen.add(skipped)
    assert seen == {True, False}


def latents_of_passes(model: AdversarialModel, steps: int) -> list[np.ndarray]:
    """Run some steps and return the latents of each forward pass."""
    inner, passes = model.forward, []

    def forward(step):
        drawn = []
        draw, step.latents = step.latents, lambda *a: drawn.append(draw(*a)) or drawn[0]
        result = inner(step)
        passes.append(np.array(drawn[0]))
        return result

    model.forward = forward
    for _ in range(steps):
        model.train_step(tf.constant(toy.POINTS[: toy.BATCH]))
    return passes


@pytest.mark.parametrize(("mode", "each"), [("alternating", 2), ("simultaneous", 1)])
def test_every_pass_draws_its_own_latents(mode, each):
    """Latents differ between D and G in a step, between steps and between seeds."""
    passes = latents_of_passes(toy.build(mode), 3)
    assert len(passes) == 3 * each
    passes += latents_of_passes(toy.build(mode, seed=1), 3)
    numbers = np.concatenate([latents.ravel() for latents in passes])
    assert len(np.unique(numbers)) == len(numbers)


def test_a_phase_can_run_every_third_step():
    model = toy.build(g_every=3, average=0.0)
    step = tf.function(model.train_step)
    changes = []
    for _ in range(6):
        before = toy.weights(model)["generator"]
        step(tf.constant(toy.POINTS[: toy.BATCH]))
        changes.append(toy.moved(before, toy.weights(model)["generator"]))
    assert changes == [True, False, False, True, False, False]
    assert "g_loss" in model.read_logs()


def test_logs_are_means_since_the_last_reading():
    model = toy.build(g_every=2)
    step = tf.function(model.train_step)
    values = [step(tf.constant(toy.POINTS[: toy.BATCH])) for _ in range(4)]
    logs = model.read_logs()
    d = np.mean([float(v["d_loss"]) for v in values])
    g = np.mean([float(values[i]["g_loss"]) for i in (0, 2)])
    assert logs["d_loss"] == pytest.approx(d, rel=1e-6)
    assert logs["g_loss"] == pytest.approx(g, rel=1e-6)
    assert model.read_logs() == {}


def test_the_moving_average_of_the_generator_by_hand():
    model = toy.build(average=0.75)
    old = [convert_to_numpy(v).copy() for v in model.average_generator.variables]
    toy.run(model, 1)
    for mean, start, value in zip(
        model.average_generator.variables, old, model.generator.variables, strict=True
    ):
        # step 0: the decay is at most 1 / 10
        np.testing.assert_allclose(mean, 0.1 * start + 0.9 * value, atol=1e-6)
    model.step.assign(1000)
    old = [convert_to_numpy(v).copy() for v in model.average_generator.variables]
    toy.run(model, 1)
    for mean, start, value in zip(
        model.average_generator.variables, old, model.generator.variables, strict=True
    ):
        np.testing.assert_allclose(mean, 0.75 * start + 0.25 * value, atol=1e-6)
    latent = tf.ones((2, 3))
    np.testing.assert_array_equal(model(latent), model.average_generator(latent))


def test_without_an_average_the_model_returns_the_generators_samples():
    model = toy.build(average=0.0)
    assert model.average_generator is model.generator
    assert "average" not in model.state()


def test_simultaneous_takes_both_gradients_at_the_same_point():
    """The first update of D is the same in both modes.

    G's differs, because in simultaneous mode it sees D before its update.
    """
    one = toy.weights(toy.run(toy.build("simultaneous"), 1))
    other = toy.weights(toy.run(toy.build("alternating"), 1))
    for a, b in zip(one["discriminator"], other["discriminator"], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert toy.moved(one["generator"], other["generator"])


def test_simultaneous_runs_one_forward_pass():
    calls = []
    model = toy.build("simultaneous")
    inner = model.forward
    model.forward = lambda step: calls.append(1) or inner(step)
    model.train_step(tf.constant(toy.POINTS[: toy.BATCH]))
    assert len(calls) == 1
    with pytest.raises(ValueError, match="simultaneous"):
        toy.build("simultaneous", g_every=2)


def test_compiled_and_eager_steps_agree():
    compiled = toy.weights(toy.run(toy.build(), 2))
    model = toy.build()
    for _ in range(2):
        model.train_step(tf.constant(toy.POINTS[: toy.BATCH]))
    eager = toy.weights(model)
    for name in compiled:
        for a, b in zip(compiled[name], eager[name], strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)


def test_steps_per_execution_change_nothing():
    """With 3, the last execution has one step only."""
    weights = []
    for steps_per_execution in (1, 2, 3):
        model = toy.build()
        model.compile(optimizer=None, steps_per_execution=steps_per_execution)
        data = tf.data.Dataset.from_tensor_slices(toy.POINTS[: 4 * toy.BATCH])
        model.fit(data.batch(toy.BATCH, True), shuffle=False, verbose=0)
        assert int(model.step) == 4
        weights.append(toy.weights(model))
    for other in weights[1:]:
        for name in weights[0]:
            for a, b in zip(weights[0][name], other[name], strict=True):
                np.testing.assert_allclose(a, b, atol=1e-6)


def test_batch_statistics_are_updated_because_training_is_passed():
    model = toy.build(d_norm=True)
    norm = model.phases[0].network.layers[2]
    before = convert_to_numpy(norm.moving_mean).copy()
    toy.run(model, 1)
    assert (convert_to_numpy(norm.moving_mean) != before).all()


def test_the_discriminator_alone_overfits_one_batch():
    batch = tf.constant(toy.POINTS[: toy.BATCH])
    losses = discriminator_losses(toy.build(), batch, 200)
    assert losses[-1] < 0.3 * losses[0]


def test_float16_scales_the_loss_and_survives_an_overflow():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        optimizer = optimizers.with_loss_scaling(keras.optimizers.SGD(1.0))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)], name="n")
    start = convert_to_numpy(network.variables[0]).copy()
    factor = tf.Variable(np.inf)

    def loss(step):
        return factor * tf.reduce_sum(network(step.batch, training=True)), {}

    phase = Phase("n", network, optimizer, loss)
    model = AdversarialModel(network, [phase], lambda step: None)
    batch = tf.ones((1, 1))
    model.build_step(tf.TensorSpec((1, 1), tf.float32))
    scale = float(optimizer.dynamic_scale)
    model.train_step(batch)
    np.testing.assert_array_equal(network.variables[0], start)
    assert float(optimizer.dynamic_scale) == scale / 2
    factor.assign(0.5)
    model.train_step(batch)
    # SGD with step 1 on 0.5 * w * 1: w falls by 0.5 whatever the scale is
    np.testing.assert_allclose(network.variables[0], start - 0.5, rtol=1e-6)


def test_another_backend_is_refused_in_one_sentence(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match="KERAS_BACKEND=tensorflow, found jax"):
        toy.build()


def test_no_step_is_counted_after_the_end_of_the_data():
    """Counters do not depend on the batch, so they could advance without one."""
    model = toy.build()
    data = tf.data.Dataset.from_tensors(toy.POINTS[: toy.BATCH]).repeat(2)
    iterator = iter(data)
    step = tf.function(lambda: model.train_step(next(iterator)))
    for _ in range(2):
        step()
    for _ in range(5):
        with pytest.raises(tf.errors.OutOfRangeError):
            step()
    assert int(model.step) == 2
    assert [int(phase.optimizer.iterations) for phase in model.phases] == [2, 2]
