"""The losses of the three phases, and training as a run."""

import dataclasses
import json

import checks
import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from photo_sets import write_tree
from scipy.stats import norm

from common.errors import UserError
from common.gan.step import Step
from common.training.network_files import load_network
from common.training.run_dir import RunDir
from study_3dvaegan import training
from study_3dvaegan.config import PRESETS, Config
from study_3dvaegan.photos.augmentation import (
    _interpolation,
    change_photos,
    mirror_pairs,
)

PLAIN = dataclasses.replace(
    tiny.STUDY_3DVAEGAN, augment_photos=False, augment_shift=0, augment_mirror=False
)


def make_batch(count: int = 8) -> tuple[tf.Tensor, tf.Tensor]:
    """Return boxes of random sizes and noise photos."""
    rng = np.random.default_rng(0)
    shapes = np.zeros((count, 32, 32, 32, 1), np.float32)
    for shape in shapes:
        x, y, z = rng.integers(4, 28, 3)
        shape[4:x, 4:y, 4:z] = 1
    photos = rng.uniform(-1, 1, (count, 64, 64, 3)).astype(np.float32)
    return tf.constant(shapes), tf.constant(photos)


def build(**changes):
    keras.utils.set_random_seed(0)
    return training.build_model(dataclasses.replace(PLAIN, **changes), 0.1)


# --- losses


def test_the_divergence_is_that_of_numerical_integration():
    mean, deviation = 0.7, 0.4
    x = np.linspace(-8, 8, 200_001)
    p = norm.pdf(x, mean, deviation)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(
            p > 0, p * (norm.logpdf(x, mean, deviation) - norm.logpdf(x)), 0
        )
    expected = np.trapezoid(terms, x)
    # Two coordinates, of which one has no divergence; the mean over two photos.
    means = tf.constant([[mean, 0.0], [0.0, 0.0]])
    logs = tf.constant([[2 * np.log(deviation), 0.0], [0.0, 0.0]], tf.float32)
    found = training.kl_divergence(means, logs)
    np.testing.assert_allclose(found, expected / 2, rtol=1e-4)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        # Eight voxels: 0.5 from 1, 0.2 from 0, six right.
        ("squared", 0.25 + 0.04),
        ("norm", np.sqrt(0.25 + 0.04)),
        ("cross_entropy", -np.log(0.5) - np.log(0.8)),
    ],
)
def test_the_reconstruction_is_summed_over_voxels(kind, expected):
    shapes = np.zeros((1, 2, 2, 2, 1), np.float32)
    shapes[0, 0, 0, 0] = shapes[0, 1, 1, 1] = 1
    made = shapes.copy()
    made[0, 0, 0, 0], made[0, 0, 0, 1] = 0.5, 0.2
    found = training.reconstruction_loss(kind, tf.constant(made), tf.constant(shapes))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_the_papers_weight_suits_a_sum_over_the_voxels():
    paper = PRESETS["paper"]
    shapes = np.zeros((2, 64, 64, 64, 1), np.float32)
    made = shapes + 0.5
    squared = training.reconstruction_loss("squared", made, shapes)
    # 64^3 / 4 = 65,536: comparable with adversarial losses of about 1, times 1e-4.
    np.testing.assert_allclose(paper.reconstruction_weight * squared, 6.5536, rtol=1e-4)


# --- phases


def test_the_phases_run_in_the_papers_order():
    assert [phase.name for phase in build().phases] == ["d", "e", "g"]


@pytest.mark.parametrize("vae_fakes", [False, True])
def test_every_weight_learns(vae_fakes):
    checks.assert_every_weight_learns(build(vae_fakes=vae_fakes), make_batch())


def test_each_phase_moves_its_own_network_only():
    batch = make_batch()
    for name in ("d", "e", "g"):
        model = build()
        model.build_step(tf.nest.map_structure(tf.TensorSpec.from_tensor, batch))
        networks = {phase.name: phase.network for phase in model.phases}
        before = {
            key: [v.numpy() for v in network.trainable_variables]
            for key, network in networks.items()
        }
        phase = checks.phase_of(model, name)
        model._train_phase(phase, model._make_step(batch, 0))
        for key, network in networks.items():
            same = [
                np.array_equal(old, new)
                for old, new in zip(
                    before[key], network.trainable_variables, strict=True
                )
            ]
            assert all(same) != (key == name), (name, key)


def gradients(model, name: str, of: str, batch) -> list[float]:
    """Return the largest gradient of each weight of a network in a phase's loss."""
    network = checks.phase_of(model, of).network
    with tf.GradientTape() as tape:
        loss, _ = checks.phase_of(model, name).loss(checks.step_of(model, batch))
    found = tape.gradient(loss, network.trainable_variables)
    return [0.0 if g is None else float(tf.reduce_max(tf.abs(g))) for g in found]


def test_the_encoder_gets_no_adversarial_gradient():
    batch = make_batch()
    model = build(reconstruction_weight=0.0, kl_weight=0.0)
    assert max(gradients(model, "e", "e", batch)) == 0
    assert max(gradients(model, "g", "g", batch)) > 0


def test_d_sees_reconstructions_only_on_request():
    """D's logits are those of samples; with --vae-fakes of reconstructions, too."""
    batch = make_batch()
    for vae_fakes in (False, True):
        model = build(vae_fakes=vae_fakes)
        passed = checks.step_of(model, batch).shared()
        generated = [passed["fake"], passed["made"]][: 1 + vae_fakes]
        network = checks.phase_of(model, "d").network
        expected = np.concatenate([network(g, training=True) for g in generated])
        np.testing.assert_allclose(passed["fake_logits"], expected, atol=1e-4)


def test_reconstructions_count_as_much_as_samples_for_d():
    batch = make_batch()
    model = build(vae_fakes=True, r1_gamma=0.0)
    passed = checks.step_of(model, batch).shared()
    network = checks.phase_of(model, "d").network
    softplus = tf.math.softplus
    expected = tf.reduce_mean(softplus(-network(batch[0], training=True)))
    for generated in (passed["fake"], passed["made"]):
        expected += 0.5 * tf.reduce_mean(softplus(network(generated, training=True)))
    loss, _ = checks.evaluate(model, "d", batch)
    np.testing.assert_allclose(loss, expected, rtol=1e-3)


def test_without_a_game_there_is_no_discriminator():
    model = build(adversarial_weight=0.0)
    assert [phase.name for phase in model.phases] == ["e", "g"]
    checks.assert_every_weight_learns(model, make_batch())


def test_the_penalty_is_that_of_the_real_shapes():
    batch = make_batch()
    bare = build(r1_gamma=0.0)
    punished = build(r1_gamma=3.0, r1_every=1)
    network = checks.phase_of(punished, "d").network
    real = batch[0]
    with tf.GradientTape() as tape:
        tape.watch(real)
        total = tf.reduce_sum(network(real, training=True))
    squares = np.sum(np.square(tape.gradient(total, real)))
    _, logs = checks.evaluate(punished, "d", batch)
    np.testing.assert_allclose(logs["d_penalty"], 3.0 * squares / 16, rtol=1e-3)
    assert "d_penalty" not in checks.evaluate(bare, "d", batch)[1]


def test_a_discriminator_that_is_too_good_waits():
    batch = make_batch()
    model = build(gate_accuracy=0.0001, r1_gamma=0.0)
    model.build_step(tf.nest.map_structure(tf.TensorSpec.from_tensor, batch))
    network = checks.phase_of(model, "d").network
    before = [v.numpy() for v in network.trainable_variables]
    model.train_step(batch)
    logs = model.read_logs()
    assert logs["d_skipped"] == 1 and logs["d_accuracy"] > 0.0001
    assert all(map(np.array_equal, before, network.trainable_variables))


def test_one_batch_is_learnt_by_heart():
    batch = make_batch(4)
    model = build(
        adversarial_weight=0.0,
        kl_weight=1e-4,
        reconstruction="cross_entropy",
        reconstruction_weight=0.01,
        width=0.2,
        encoder_width=0.1,
        e_learning_rate=3e-3,
        g_learning_rate=3e-3,
    )
    model.build_step(tf.nest.map_structure(tf.TensorSpec.from_tensor, batch))
    step = tf.function(model.train_step)
    first = float(np.ravel(step(batch)["g_loss"])[0])
    for _ in range(60):
        last = float(np.ravel(step(batch)["g_loss"])[0])
    assert last < 0.3 * first


# --- changes of photos


def test_mirrored_photos_have_mirrored_shapes():
    shapes, photos = make_batch(16)
    key = tf.constant([1, 2])
    new_photos, new_shapes = mirror_pairs(photos, shapes, key)
    kinds = set()
    for i in range(16):
        mirrored = np.array_equal(new_photos[i], photos[i][:, ::-1])
        assert mirrored or np.array_equal(new_photos[i], photos[i])
        expected = shapes[i][:, ::-1] if mirrored else shapes[i]
        np.testing.assert_array_equal(new_shapes[i], expected)
        kinds.add(mirrored)
    assert kinds == {True, False}


def test_photos_change_within_their_range_and_at_every_step():
    _, photos = make_batch()
    model = build()
    steps = [checks.step_of(model, (photos, photos), index) for index in (0, 0, 1)]
    first, again, later = (change_photos(photos, step).numpy() for step in steps)
    assert first.shape == photos.shape
    assert first.min() >= -1 and first.max() <= 1 and np.isfinite(first).all()
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - later).mean() > 0.1
    # The eight photos are changed in different ways.
    same = change_photos(tf.repeat(photos[:1], 8, axis=0), steps[0]).numpy()
    assert np.abs(same[0] - same[1]).mean() > 0.05


# --- runs


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return write_tree(tmp_path_factory.mktemp("data") / "tree", count=24)


def run_of(folder, tree, **changes):
    config = dataclasses.replace(tiny.STUDY_3DVAEGAN, data=tree, **changes)
    return training.train(config, RunDir(folder))


@pytest.fixture(scope="module")
def whole(tmp_path_factory, tree) -> RunDir:
    """Return a run that was trained without interruption."""
    return run_of(tmp_path_factory.mktemp("runs") / "whole", tree)


def test_a_run_writes_its_networks_and_the_threshold(whole):
    encoder, generator = training.load_networks(whole)
    mean, _ = encoder(np.zeros((1, 64, 64, 3), np.float32))
    assert generator(mean).shape == (1, 32, 32, 32, 1)
    assert 0.05 <= training.load_threshold(whole) <= 0.95
    assert load_network(whole.discriminator).name == "discriminator"
    for path in (whole.reals, whole.newest_samples(), whole.gif, whole.curves):
        assert path.stat().st_size > 0


def test_a_resumed_run_ends_like_an_uninterrupted_one(tmp_path, tree, whole):
    run_of(tmp_path / "parts", tree, steps=2)
    parts = run_of(tmp_path / "parts", tree)
    for pair in zip(
        training.load_networks(whole), training.load_networks(parts), strict=True
    ):
        for a, b in zip(*(network.variables for network in pair), strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert training.load_threshold(whole) == training.load_threshold(parts)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"threshold": 2.0}', '{"threshold": "a"}']
)
def test_a_damaged_threshold_is_told(tmp_path, text):
    (tmp_path / "threshold.json").write_text(text)
    with pytest.raises(UserError, match=r"threshold.json is damaged"):
        training.load_threshold(RunDir(tmp_path))


def test_a_run_that_is_not_finished_is_told(tmp_path):
    with pytest.raises(UserError, match="no threshold.json"):
        training.load_threshold(RunDir(tmp_path))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"prior": "uniform01"}, "--prior"),
        ({"prior_std": 0.33}, "--prior-std"),
        ({"views": 0}, "--views"),
        ({"views": 73}, "--views"),
        ({"kl_weight": -1.0}, "--kl-weight"),
        ({"encoder_width": 0.0}, "--encoder-width"),
        ({"image_size": 100}, "--image-size"),
        ({"game_items": 7}, "--game-items must be a divisor of --batch-size 32"),
        ({"encoder_hidden": -1}, "--encoder-hidden"),
        ({"adversarial_weight": 0.0, "vae_fakes": True}, "--adversarial-weight"),
    ],
)
def test_wrong_options_are_named(changes, named):
    with pytest.raises(UserError, match=named):
        dataclasses.replace(Config(), **changes).validate()


def test_the_papers_options():
    paper = json.loads(json.dumps(dataclasses.asdict(PRESETS["paper"])))
    expected = {
        "kl_weight": 5.0,
        "reconstruction": "squared",
        "reconstruction_weight": 1e-4,
        "gate_accuracy": 0.8,
        "latent_dim": 200,
        "image_size": 256,
        "size": 64,
        "batch_size": 100,
        "g_learning_rate": 0.0025,
        "d_learning_rate": 1e-5,
        "beta_1": 0.5,
        "update_mode": "alternating",
        "prior": "normal",
        "prior_std": 1.0,
        "vae_fakes": False,
    }
    assert {name: paper[name] for name in expected} == expected


@pytest.mark.slow
def test_the_papers_preset_builds_and_steps():
    """With two items instead of 100; D's gate decides whether D learns."""
    config = dataclasses.replace(PRESETS["paper"], batch_size=2)
    model = training.build_model(config, 0.04)
    rng = np.random.default_rng(0)
    shapes = (rng.random((2, 64, 64, 64, 1)) < 0.04).astype(np.float32)
    photos = rng.uniform(-1, 1, (2, 256, 256, 3)).astype(np.float32)
    batch = (tf.constant(shapes), tf.constant(photos))
    model.build_step(tf.nest.map_structure(tf.TensorSpec.from_tensor, batch))
    weights = [phase.network.trainable_variables for phase in model.phases[1:]]
    before = [[v.numpy() for v in variables] for variables in weights]
    model.train_step(batch)
    logs = model.read_logs()
    assert all(np.isfinite(value) for value in logs.values())
    for old, new in zip(before, weights, strict=True):
        assert not any(map(np.array_equal, old, new))


def test_xla_compiles_the_changes_of_photos():
    """On a GPU, the training step is compiled with XLA by default."""
    _, photos = make_batch(2)

    def change():
        return change_photos(photos, Step(photos, 0, tf.constant([3, 4])))

    # XLA draws other random numbers, so the photos are not those without it.
    changed = tf.function(change, jit_compile=True)().numpy()
    assert changed.shape == photos.shape and np.abs(changed).max() <= 1
    assert np.abs(changed - photos).mean() > 0.05


def test_photos_move_by_bilinear_interpolation():
    """A part of half the size in the middle is enlarged; the edges go on outside."""
    low, reach = tf.constant([0.25, -0.5]), tf.constant([0.5, 2.0])
    weights = _interpolation(low, reach, 4).numpy()
    np.testing.assert_allclose(weights.sum(axis=2), 1, rtol=1e-6)
    ramp = np.array([0.0, 1.0, 2.0, 3.0])
    np.testing.assert_allclose(weights[0] @ ramp, [0.75, 1.25, 1.75, 2.25], atol=1e-6)
    np.testing.assert_allclose(weights[1] @ ramp, [0, 0.5, 2.5, 3], atol=1e-6)


def test_rates_fall_to_zero():
    model = build(decay_steps=10)
    for name in ("e", "g"):
        rate = checks.phase_of(model, name).optimizer._learning_rate
        np.testing.assert_allclose(float(rate(0)), 1e-3, rtol=1e-5)
        np.testing.assert_allclose(float(rate(5)), 0.5e-3, rtol=1e-5)
        assert float(rate(10)) == 0
    np.testing.assert_allclose(
        float(checks.phase_of(model, "d").optimizer.learning_rate), 1e-3, rtol=1e-5
    )


def test_only_the_players_shapes_are_real_for_d():
    """With two players of eight, those are the shapes 0 and 4."""
    shapes, photos = make_batch()
    config = {"game_items": 2, "batch_size": 8, "r1_gamma": 0.0}
    losses = []
    for changed in ([], [1, 2, 3, 5, 6, 7], [4]):
        others = shapes.numpy()
        others[changed] = 1 - others[changed]
        losses.append(checks.evaluate(build(**config), "d", (others, photos))[0])
    assert losses[0] == losses[1] != losses[2]


def test_reconstructions_are_those_of_the_photos():
    """Where all photos have the same Gaussian, all reconstructions are equal."""
    model = build(game_items=4)
    encoder = checks.phase_of(model, "e").network
    bias = next(v for v in reversed(encoder.variables) if "bias" in v.path)
    kernel = next(v for v in reversed(encoder.variables) if "kernel" in v.path)
    kernel.assign(np.zeros(kernel.shape))
    bias.assign(np.repeat([0.7, -10.0], 6))
    passed = checks.step_of(model, make_batch()).shared()
    assert passed["made"].shape[0] == 8 and passed["fake"].shape[0] == 4
    made, fake = (
        float(np.std(passed[name], axis=0).max()) for name in ("made", "fake")
    )
    assert made < 0.3 * fake


def test_only_a_share_of_the_batch_plays():
    passed = checks.step_of(build(game_items=2), make_batch()).shared()
    assert passed["fake_logits"].shape == (2, 1)
    assert passed["made"].shape[0] == 8
