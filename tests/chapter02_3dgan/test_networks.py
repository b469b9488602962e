"""Chapter 2: networks, their losses and the training step."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import (
    Sides,
    assert_d_sees_both_kinds_changed,
    assert_each_player_has_its_own_side,
    assert_every_weight_learns,
    assert_own_learning_rates,
    assert_r1_of_the_real_for_d_alone,
    assert_the_label_is_that_of_the_real,
    discriminator_losses,
)
from shapes import boxes, padded
from tiny import CHAPTER02 as TINY

from chapter02_3dgan.config import PRESETS, Config
from chapter02_3dgan.networks import build_discriminator, build_generator
from chapter02_3dgan.training import build_model
from common.gan.latents import sample_latents

BATCH = tf.constant(padded(boxes(8))[..., None], tf.float32)
SIDES = Sides(BATCH, BATCH, sample_latents(TINY, 8, 0))


def altered(**changes):
    """Return a model with changed options, without R1 penalty and augmentation.

    It always has the same initial weights.
    """
    bare = {"r1_gamma": 0.0, "augment_shift": 0, "augment_mirror": False}
    keras.utils.set_random_seed(0)
    return build_model(dataclasses.replace(TINY, **bare | changes), occupancy=0.1)


def parameters(network: keras.Model) -> int:
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables)


def test_parameters_at_the_papers_size():
    generator = build_generator(PRESETS["paper"])
    # 4^3 kernels 200-512-256-128-64-1 and two BatchNorm weights for each filter
    weights = 64 * (200 * 512 + 512 * 256 + 256 * 128 + 128 * 64 + 64)
    assert weights == 17_567_744
    assert parameters(generator) == weights + 2 * (512 + 256 + 128 + 64) == 17_569_664
    discriminator = build_discriminator(PRESETS["paper"])
    # 1-64-128-256-512-1, BatchNorm from the second layer to the fourth
    weights = 64 * (64 + 64 * 128 + 128 * 256 + 256 * 512 + 512)
    assert parameters(discriminator) == weights + 2 * (128 + 256 + 512) == 11_048_704


@pytest.mark.parametrize("size", [32, 64, 128])
def test_shapes_ranges_and_types(size):
    config = Config(size=size, width=0.02)
    generator, discriminator = build_generator(config, 0.1), build_discriminator(config)
    latents = sample_latents(config, 2, seed=0)
    voxels = generator(latents, training=True)
    assert voxels.shape == (2, size, size, size, 1)
    assert voxels.dtype == tf.float32
    assert 0 <= float(tf.reduce_min(voxels)) <= float(tf.reduce_max(voxels)) <= 1
    logits = discriminator(voxels, training=True)
    assert logits.shape == (2, 1) and logits.dtype == tf.float32


def test_an_untrained_generator_makes_shapes_as_empty_as_the_data():
    """A BatchNorm before the sigmoid, as in the book, would fill half of all voxels."""
    config = dataclasses.replace(PRESETS["book"], size=32, width=0.05)
    shapes = build_generator(config, occupancy=0.04)(
        sample_latents(config, 8, seed=0), training=True
    )
    assert float(tf.reduce_mean(shapes)) == pytest.approx(0.04, abs=0.02)
    last_norm = [
        layer
        for layer in build_generator(config).layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ][-1]
    assert last_norm.output.shape[1:4] != (32, 32, 32)


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
def test_a_single_shape_gives_the_discriminator_a_gradient(norm):
    """BatchNorm on the output, as in the book's D, is constant at batch size 1."""
    discriminator = build_discriminator(Config(width=0.1, d_norm=norm))
    shape = tf.constant(boxes(1)[..., None], tf.float32)
    shape = tf.pad(shape, [[0, 0], [1, 1], [1, 1], [1, 1], [0, 0]])
    with tf.GradientTape() as tape:
        tape.watch(shape)
        logit = discriminator(shape, training=True)
    assert float(tf.reduce_max(tf.abs(tape.gradient(logit, shape)))) > 1e-6


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"d_norm": "batch", "gate_accuracy": 0.8, "r1_gamma": 0.0},
        # A bias adds the same number to the logits of x and of G(z). These losses are
        # a difference of both logits (hinge: unless a margin is met), in which a bias
        # cancels and gets no gradient.
        {"d_norm": "layer", "loss": "hinge", "bias": False},
        {
            "loss": "wasserstein",
            "gradient_penalty": 10.0,
            "r1_gamma": 0.0,
            "bias": False,
        },
        {"update_mode": "simultaneous", "loss": "minimax", "real_label": 0.9},
        {"loss": "least_squares", "prior": "uniform01", "average": 0.0},
    ],
)
def test_every_weight_gets_a_finite_gradient(change):
    keras.utils.set_random_seed(0)
    config = dataclasses.replace(TINY, **change)
    model = build_model(config, occupancy=0.1)
    batch = tf.constant(padded(boxes(8))[..., None], tf.float32)
    assert_every_weight_learns(model, batch)


@pytest.mark.parametrize(
    ("precision", "mode"),
    [
        ("float32", "alternating"),
        ("float32", "simultaneous"),
        ("mixed_bfloat16", "simultaneous"),
        pytest.param("mixed_float16", "alternating", marks=pytest.mark.slow),
    ],
)
def test_a_compiled_step_moves_everything_and_stays_finite(precision, mode):
    """The step includes the R1 penalty, a gradient of a gradient."""
    keras.utils.set_random_seed(0)
    keras.mixed_precision.set_global_policy(precision)
    try:
        model = build_model(dataclasses.replace(TINY, update_mode=mode), 0.1)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    # Two shapes, because a CPU is slow in float16.
    batch = BATCH[:2]
    model.build_step(tf.TensorSpec(batch.shape, tf.float32))
    before = [v.numpy().copy() for p in model.phases for v in p.network.variables]
    tf.function(model.train_step)(batch)  # R1 is due at step 0
    after = [v.numpy() for p in model.phases for v in p.network.variables]
    assert all(np.isfinite(values).all() for values in after)
    assert all((a != b).any() for a, b in zip(before, after, strict=True))
    assert {v.dtype for p in model.phases for v in p.network.variables} == {"float32"}


def test_training_and_output_draw_from_the_same_prior():
    """The book's listing trains on N(0, 0.33) but predicts from N(0, 1)."""
    config = PRESETS["book"]
    assert sample_latents(config, 500, 0).std() == pytest.approx(0.33, rel=0.02)


def test_each_network_trained_alone_wins_on_one_batch():
    keras.utils.set_random_seed(0)
    config = dataclasses.replace(TINY, r1_gamma=0.0, g_learning_rate=1e-2)
    model = build_model(config, occupancy=0.1)
    losses = discriminator_losses(model, BATCH, 60)
    assert losses[-1] < 0.05 * losses[0]
    assert_each_player_has_its_own_side(model, SIDES)


def test_only_d_has_the_r1_penalty_and_on_real_items():
    def build(r1_gamma, r1_every):
        return altered(r1_gamma=r1_gamma, r1_every=r1_every)

    assert_r1_of_the_real_for_d_alone(build, SIDES)


def test_the_real_label_applies_to_real_items():
    smoothed = altered(real_label=0.9)
    assert_the_label_is_that_of_the_real(altered(), smoothed, SIDES, 0.9)


def test_augmentation_changes_real_and_generated_items():
    assert_d_sees_both_kinds_changed(altered(), altered(augment_shift=2), SIDES)


def test_each_network_has_its_own_learning_rate():
    model = altered(d_learning_rate=0.1, g_learning_rate=0.2)
    assert_own_learning_rates(model, 0.1, 0.2)


@pytest.mark.parametrize("mode", ["alternating", "simultaneous"])
@pytest.mark.parametrize(("limit", "moves"), [(0.5, True), (0.49, False)])
def test_d_is_not_trained_while_its_accuracy_is_above_the_gate(mode, limit, moves):
    """A D that gives all shapes the same logit is right about half of them."""
    model = altered(gate_accuracy=limit, update_mode=mode)
    discriminator = model.phases[0].network
    output = [x for x in discriminator.layers if x.weights][-1]
    output.set_weights([0 * values for values in output.get_weights()])
    model.build_step(tf.TensorSpec(BATCH.shape, tf.float32))
    before = discriminator.get_weights()
    model.train_step(BATCH)
    logs = model.read_logs()
    assert logs["d_accuracy"] == 0.5 and logs["d_skipped"] == float(not moves)
    pairs = zip(before, discriminator.get_weights(), strict=True)
    assert any(not np.array_equal(a, b) for a, b in pairs) == moves


def test_generator_fits_one_batch():
    """Supervised regression from latents to shapes reaches a low loss."""
    keras.utils.set_random_seed(0)
    generator = build_generator(dataclasses.replace(TINY, width=0.1), occupancy=0.1)
    shapes = tf.constant(padded(boxes(4))[..., None], tf.float32)
    latents = sample_latents(TINY, 4, seed=0)
    generator.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    history = generator.fit(latents, shapes, epochs=80, verbose=0).history["loss"]
    assert history[-1] < 0.1 * history[0]
