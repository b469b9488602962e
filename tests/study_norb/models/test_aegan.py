"""smallNORB's AEGAN: the terms of its losses, its four networks, and its ablations."""

import itertools

import checks
import numpy as np
import pytest
import tensorflow as tf
from norb_models import (
    COUNT,
    SMALLER,
    assert_phases_move_their_own_networks,
    assert_r1_of_the_real,
    config_of,
    first,
    make_batch,
    make_model,
)

from common.gan.latents import sample_latents
from common.gan.step import Step
from study_norb import published_networks
from study_norb.models.aegan import TERMS, pass_both

ALL_TERMS = pytest.mark.parametrize("terms", TERMS)
BATCH = make_batch()
# What is generated, and which network discriminates it.
KINDS = {
    "x_hat": "discriminator",
    "x_tilde": "discriminator",
    "z_hat": "latent_discriminator",
    "z_tilde": "latent_discriminator",
}


def altered(**changes):
    return make_model(model="aegan", **changes)


def networks_of(model) -> dict:
    """Return all networks that a model trains, by name."""
    both = model.generator
    networks = {phase.network.name: phase.network for phase in model.phases}
    networks.pop("autoencoder", None)
    return networks | {name: both.get_layer(name) for name in ("generator", "encoder")}


def networks_by_phase(model) -> dict[str, list]:
    """Return the networks that each phase must train, by its name."""
    by_phase = {phase.name: [phase.network] for phase in model.phases}
    networks = networks_of(model)
    return by_phase | {"g": [networks["generator"], networks["encoder"]]}


def entropy(logits, label: float) -> float:
    """Return the mean cross-entropy of logits with a label, calculated naively."""
    p = 1 / (1 + np.exp(-np.asarray(logits, np.float64)))
    return float(np.mean(-label * np.log(p) - (1 - label) * np.log(1 - p)))


def passed(model, name: str):
    """Evaluate a phase; return its loss, its logs, what G and E made, and logits.

    The logits of D and D_z are calculated again from what was made.
    """
    seen, inner = [], model.forward
    model.forward = lambda step: seen.append(inner(step)) or seen[0]
    loss, logs = checks.evaluate(model, name, BATCH)
    model.forward = inner
    networks = networks_of(model)
    made = seen[0]
    logits = {
        kind: networks[network](made[kind], training=True)
        for kind, network in KINDS.items()
    }
    return loss, logs, made, logits


# --- what is made of what


def test_latents_and_images_pass_both_networks():
    """Stubs: G doubles a number to an image, E adds 1 to an image's first pixel."""

    def generator(z, training):
        return 2 * z[:, None, None, :1]

    def encoder(images, training):
        return tf.repeat(images[:, 0, 0] + 1, config.latent_dim, axis=1)

    config = config_of(model="aegan")
    batch = tf.reshape(tf.range(COUNT, dtype=tf.float32), (COUNT, 1, 1, 1))
    step = checks.step_of(altered(), batch)
    made = {
        k: np.ravel(v[..., 0])
        for k, v in pass_both(config, generator, encoder, step).items()
    }
    x, z = np.ravel(batch), made["z"]
    np.testing.assert_allclose(made["z_hat"], x + 1, rtol=1e-6)
    np.testing.assert_allclose(made["x_tilde"], 2 * (x + 1), rtol=1e-6)
    np.testing.assert_allclose(made["x_hat"], 2 * z, rtol=1e-6)
    np.testing.assert_allclose(made["z_tilde"], 2 * z + 1, rtol=1e-5)


def test_latents_are_of_the_prior_and_new_in_every_pass():
    model = altered()
    networks = networks_of(model)
    config = config_of(model="aegan", latent_dim=8)
    z = np.stack(
        [
            pass_both(
                config,
                networks["generator"],
                networks["encoder"],
                checks.step_of(model, BATCH, index),
            )["z"]
            for index in range(30)
        ]
    )
    assert len(np.unique(z)) == z.size == 30 * COUNT * 8
    assert abs(z.mean()) < 0.1 and abs(z.std() - 1) < 0.1


# --- losses


@ALL_TERMS
def test_the_joint_loss_is_the_weighted_sum_of_its_logs(terms):
    """Errors of images weigh 10, of latents 5, adversarial terms 1."""
    config = config_of(model="aegan", terms=terms)
    assert (config.image_weight, config.latent_weight) == (10, 5)
    model = altered(terms=terms)
    loss, logs = checks.evaluate(model, "g", BATCH)
    weights = {"image": 10, "latent": 5}
    expected = sum(weights.get(t, 1) * logs["g_" + t] for t in TERMS[terms])
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    assert set(logs) == {"g_" + term for term in TERMS[terms]}


def test_the_terms_of_the_joint_loss_by_hand():
    """Mean absolute error of images, mean squared error of latents, D deceived."""
    _, logs, made, logits = passed(altered(), "g")
    expected = {
        "image": np.mean(np.abs(made["x_tilde"] - BATCH)),
        "latent": np.mean(np.square(made["z_tilde"] - made["z"])),
    } | {kind: entropy(logits[kind], 1.0) for kind in KINDS}
    for name, value in expected.items():
        np.testing.assert_allclose(logs["g_" + name], value, rtol=1e-3)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [("d", ("x_hat", "x_tilde")), ("dz", ("z_hat", "z_tilde"))],
)
def test_discriminators_see_both_kinds_with_smoothed_labels(monkeypatch, name, kinds):
    """Real items have the label 0.95, generated and reconstructed ones 0.05.

    D_z's real latents are others than those of which images are generated.
    """
    drawn, draw = [], Step.latents
    monkeypatch.setattr(Step, "latents", lambda *a: drawn.append(draw(*a)) or drawn[-1])
    model = altered(real_label=0.95, fake_label=0.05)
    loss, logs, made, logits = passed(model, name)
    real = BATCH
    if name == "dz":
        (real,) = [z for z in drawn if not np.array_equal(z, made["z"])]
    network = networks_of(model)[KINDS[kinds[0]]]
    real = network(real, training=True)
    fake = np.mean([entropy(logits[kind], 0.05) for kind in kinds])
    np.testing.assert_allclose(loss, entropy(real, 0.95) + fake, rtol=1e-3)
    both = tf.concat([logits[kind] for kind in kinds], axis=0)
    for key, values in (("_real", real), ("_fake", both)):
        expected = np.mean(tf.sigmoid(values))
        np.testing.assert_allclose(logs[name + key], expected, rtol=1e-3)


# --- phases


@pytest.mark.parametrize(
    ("terms", "phases"),
    [
        ("aegan", ["d", "dz", "g"]),
        ("gan", ["d", "g"]),
        ("ae", ["g"]),
        ("aae", ["dz", "g"]),
        ("egan", ["d", "g"]),
    ],
)
def test_ablations_leave_out_the_networks_that_they_do_not_need(terms, phases):
    model = altered(terms=terms)
    assert [phase.name for phase in model.phases] == phases
    checks.assert_every_weight_learns(model, BATCH)


def test_every_weight_of_lazarous_networks_gets_a_finite_gradient(monkeypatch):
    for name, value in SMALLER.items():
        monkeypatch.setattr(published_networks, name, value)
    model = altered(variant="published")
    checks.assert_every_weight_learns(model, make_batch(count=2))


def test_a_phase_moves_its_own_networks_only():
    """G and E move in one step, and no discriminator with them."""
    model = altered()
    assert_phases_move_their_own_networks(model, BATCH, networks_by_phase(model))


def test_a_game_of_images_alone_does_not_train_the_encoder():
    """Nor may what E makes change the statistics by which G's layers normalise."""
    model = altered(terms="gan")
    networks = networks_of(model)
    generator, discriminator = networks["generator"], networks["discriminator"]
    latents = checks.step_of(model, BATCH).latents(8)
    expected = entropy(
        discriminator(generator(latents, training=True), training=True), 1.0
    )
    loss, _ = checks.evaluate(model, "g", BATCH)
    np.testing.assert_allclose(loss, expected, rtol=1e-3)
    by_phase = networks_by_phase(model) | {"g": [generator]}
    by_phase["nobody"] = [networks["encoder"]]
    assert_phases_move_their_own_networks(model, BATCH, by_phase)


def test_the_penalty_is_r1_of_the_real_images_for_d_alone():
    sides = checks.Sides(BATCH, BATCH, None)
    punished = altered(r1_gamma=3.0, r1_every=2)
    assert_r1_of_the_real(altered(), punished, sides, first)
    for index in (2, 3):
        losses = [
            checks.evaluate(m, "dz", BATCH, index)[0] for m in (altered(), punished)
        ]
        np.testing.assert_allclose(*losses, rtol=1e-4)


def test_augmentation_changes_images_and_no_latents():
    models = [altered(augment_shift=n) for n in (0, 5)]
    logs = [checks.evaluate(m, "d", BATCH)[1] for m in models]
    for name in ("d_real", "d_fake"):
        assert abs(logs[0][name] - logs[1][name]) > 1e-5, name
    logs = [checks.evaluate(m, "g", BATCH)[1] for m in models]
    assert abs(logs[0]["g_x_hat"] - logs[1]["g_x_hat"]) > 1e-5
    # Reconstructions are compared with images that are not shifted.
    assert logs[0]["g_image"] == pytest.approx(logs[1]["g_image"], rel=1e-4)


def test_lazarous_clipping_reaches_all_optimizers():
    model = altered(clipnorm=1.0, d_learning_rate=5e-4, g_learning_rate=2e-4)
    checks.assert_own_learning_rates(model, 5e-4, 2e-4)
    optimizers = [phase.optimizer for phase in model.phases]
    assert [optimizer.clipnorm for optimizer in optimizers] == [1.0, 1.0, 1.0]
    np.testing.assert_allclose(float(optimizers[1].learning_rate), 5e-4, rtol=1e-5)
    # Each has its own state.
    pairs = itertools.combinations(optimizers, 2)
    assert all(one is not other for one, other in pairs)


# --- learning


def trained(steps: int, **changes):
    model = altered(**{"filters": 4} | changes)
    model.build_step(tf.TensorSpec(BATCH.shape))
    step = tf.function(model.train_step)
    step(BATCH)
    start = model.read_logs()
    for _ in range(steps - 1):
        step(BATCH)
    model.read_logs()
    step(BATCH)
    return model, start, model.read_logs()


def test_one_batch_is_reconstructed():
    """By AEGAN better than at the start; without games, better than by one grey."""
    _, start, end = trained(60, g_learning_rate=1e-2)
    assert end["g_image"] < 0.4 * start["g_image"]
    _, _, end = trained(100, terms="ae", filters=8, g_learning_rate=1e-2)
    grey = float(np.mean(np.abs(BATCH - np.median(BATCH))))
    assert end["g_image"] < 0.8 * grey


@pytest.mark.slow
def test_latents_are_found_again():
    """A game without reconstructed images; a guess of 0 has the error 1."""
    _, start, end = trained(80, terms="egan", g_learning_rate=3e-3)
    assert start["g_latent"] > 0.8 and end["g_latent"] < 0.6


def test_each_side_alone_wins_on_one_batch():
    """First D_x and D_z are trained alone, then G and E against them."""
    model = altered(g_learning_rate=3e-3, d_learning_rate=3e-3)
    model.build_step(tf.TensorSpec(BATCH.shape))

    @tf.function
    def update(names):
        for name in names:
            phase = checks.phase_of(model, name)
            model._train_phase(phase, model._make_step(BATCH, 0))

    for _ in range(60):
        update(("d", "dz"))
    for name in ("d", "dz"):
        _, logs = checks.evaluate(model, name, BATCH)
        assert logs[name + "_real"] > 0.7 and logs[name + "_fake"] < 0.3
    _, logs = checks.evaluate(model, "g", BATCH)
    assert all(logs["g_" + kind] > 1.0 for kind in KINDS)
    for _ in range(40):
        update(("g",))
    _, logs = checks.evaluate(model, "g", BATCH)
    assert all(logs["g_" + kind] < 0.7 for kind in KINDS)


def test_the_averaged_networks_are_those_of_the_autoencoder():
    model = altered(average=0.9)
    both = model.average_generator
    assert both is not model.generator
    z = sample_latents(config_of(model="aegan"), 3, 0)
    found = both([tf.constant(z), BATCH[:3]])
    expected = both.get_layer("generator")(z)
    np.testing.assert_allclose(found[:, :48], expected, rtol=1e-4, atol=1e-6)
    assert found.shape == (3, 96, 48, 1)
