"""smallNORB's DCGAN: the phases of both players, with and without labels."""

import checks
import numpy as np
import pytest
import tensorflow as tf
from norb_models import (
    COUNT,
    assert_phases_move_their_own_networks,
    assert_r1_of_the_real,
    config_of,
    first,
    make_batch,
    make_model,
    make_sides,
)

from common.gan.losses import GAMES
from study_norb.conditions import guess_loss, turned
from study_norb.models.dcgan import augment, random_turns

# Every use of labels.
KINDS = [
    ("none", "auxiliary"),
    ("class", "projection"),
    ("class", "auxiliary"),
    ("pose", "projection"),
    ("pose", "auxiliary"),
]
ALL_KINDS = pytest.mark.parametrize(("labels", "condition"), KINDS)
# Each output of D, and each kind of label.
SOME_KINDS = pytest.mark.parametrize(
    ("labels", "condition"), [KINDS[0], ("class", "projection"), ("pose", "auxiliary")]
)


def altered(labels="none", condition="auxiliary", **changes):
    changes = {"wrong_azimuth": False} | changes
    return make_model(labels=labels, condition=condition, **changes)


def passed(model, batch):
    """Return what G makes of a batch at step 0, and D's outputs of it."""
    images = batch[0] if isinstance(batch, tuple) else batch
    latents = checks.step_of(model, batch).latents(8, "normal")
    given = [latents, batch[1]] if isinstance(batch, tuple) else latents
    made = model.generator(given, training=True)
    network = checks.phase_of(model, "d").network
    outputs = []
    for items in (images, made):
        inputs = [items, batch[1]] if len(network.inputs) > 1 else items
        outputs.append(tf.nest.flatten(network(inputs, training=True)))
    return outputs


@ALL_KINDS
def test_every_weight_gets_a_finite_gradient(labels, condition):
    checks.assert_every_weight_learns(altered(labels, condition), make_batch(labels))


@pytest.mark.parametrize("model", ["dcgan", "capsgan"])
def test_every_weight_of_the_seeds_networks_gets_a_finite_gradient(model):
    published = make_model(model=model, variant="published")
    assert [phase.name for phase in published.phases] == ["d", "g"]
    checks.assert_every_weight_learns(published, make_batch(count=2))


@SOME_KINDS
def test_a_phase_moves_its_own_network_only(labels, condition):
    model = altered(labels, condition)
    networks = {phase.name: [phase.network] for phase in model.phases}
    assert_phases_move_their_own_networks(model, make_batch(labels), networks)


@ALL_KINDS
def test_both_losses_by_hand(labels, condition):
    """Adversarial losses and, with guesses, those of real images for D."""
    model = altered(labels, condition, auxiliary_weight=0.7)
    config = config_of(labels=labels, condition=condition)
    batch = make_batch(labels)
    real, fake = passed(model, batch)
    (real_logits, *real_guess), (fake_logits, *fake_guess) = real, fake
    rules = GAMES["non_saturating"]
    expected = {
        "d": rules.discriminator(real_logits, fake_logits),
        "g": rules.generator(fake_logits),
    }
    assert bool(real_guess) == (labels != "none" and condition == "auxiliary")
    for name, guess in (("d", real_guess), ("g", fake_guess)):
        loss, logs = checks.evaluate(model, name, batch)
        adversarial = logs.get("g_adversarial" if name == "g" else "d_loss", loss)
        np.testing.assert_allclose(adversarial, expected[name], rtol=1e-3)
        if guess:
            term, details = guess_loss(config, guess[0], batch[1])
            prefix = "g_" if name == "g" else ""
            for key, value in (details | {"guess": term}).items():
                np.testing.assert_allclose(logs[prefix + key], value, rtol=1e-3)
            adversarial += 0.7 * float(term)
        np.testing.assert_allclose(loss, adversarial, rtol=1e-3)


@pytest.mark.parametrize("condition", ["projection", "auxiliary"])
def test_images_are_generated_for_the_labels_of_the_batch(condition):
    """With the labels in another order, other images are generated and judged."""
    model = altered("class", condition)
    images, label = make_batch("class")
    other = (images, tf.roll(label, 1, axis=0))
    right, wrong = (
        checks.evaluate(model, "g", batch)[0] for batch in ((images, label), other)
    )
    assert abs(right - wrong) > 1e-4


@pytest.mark.parametrize(
    ("labels", "condition"),
    [
        KINDS[0],
        pytest.param("class", "projection", marks=pytest.mark.slow),
        pytest.param("pose", "auxiliary", marks=pytest.mark.slow),
    ],
)
def test_each_player_alone_wins_on_one_batch(labels, condition):
    model = altered(
        labels, condition, filters=4, d_learning_rate=3e-3, g_learning_rate=1e-2
    )
    sides = make_sides(labels, condition)
    losses = checks.discriminator_losses(model, sides.batch, 60)
    assert losses[-1] < 0.3 * losses[0]
    checks.assert_each_player_has_its_own_side(model, sides)


@SOME_KINDS
def test_the_penalty_is_r1_of_the_real_images_for_d_alone(labels, condition):
    punished = altered(labels, condition, r1_gamma=3.0, r1_every=2)
    sides = make_sides(labels, condition)
    assert_r1_of_the_real(altered(labels, condition), punished, sides, first)


@pytest.mark.parametrize("labels", ["none", "class"])
def test_the_real_label_applies_to_real_images(labels):
    smoothed = altered(labels, real_label=0.9)
    checks.assert_the_label_is_that_of_the_real(
        altered(labels), smoothed, make_sides(labels), 0.9
    )


def test_the_fake_label_applies_to_generated_images():
    """The cross-entropy with the label s is that with 0, less s E[logit of G(z)]."""
    plain, smoothed = altered(), altered(fake_label=0.2)
    batch = make_batch()
    losses = [checks.evaluate(model, "d", batch)[0] for model in (plain, smoothed)]
    less = 0.2 * float(tf.reduce_mean(passed(plain, batch)[1][0]))
    assert abs(less) > 1e-3
    assert losses[0] - losses[1] == pytest.approx(less, rel=1e-2)


def test_augmentation_shifts_real_and_generated_images_and_mirrors_none():
    sides = make_sides("none")
    shifted = altered(augment_shift=5)
    checks.assert_d_sees_both_kinds_changed(altered(), shifted, sides)
    step = checks.step_of(shifted, sides.batch)
    # A bright pixel in the left half stays in the left half.
    one = np.zeros((COUNT, 48, 48, 1), np.float32)
    one[:, 24, 10] = 1
    seen = augment(config_of(augment_shift=5), step, tf.constant(one)).numpy()
    _, rows, columns, _ = seen.nonzero()
    assert len(rows) == COUNT and abs(rows - 24).max() <= 5
    assert abs(columns - 10).max() <= 5 and len(set(columns)) > 1
    assert augment(config_of(), step, sides.batch) is sides.batch


def test_each_network_has_its_own_learning_rate_and_clipping():
    model = altered(d_learning_rate=0.1, g_learning_rate=0.2, clipnorm=0.5)
    checks.assert_own_learning_rates(model, 0.1, 0.2)
    assert [phase.optimizer.clipnorm for phase in model.phases] == [0.5, 0.5]


@pytest.mark.parametrize("labels", ["none", "pose"])
def test_a_batch_may_be_smaller_than_the_option(labels):
    """The seed's noise has --batch-size items even if the last real batch has less."""
    model = altered(labels)
    batch = make_batch(labels, count=3)
    model.build_step(tf.nest.map_structure(tf.TensorSpec.from_tensor, batch))
    logits, _ = model.forward(checks.step_of(model, batch))
    assert logits.shape == (3, 1)
    model.train_step(batch)
    assert all(np.isfinite(value) for value in model.read_logs().values())


def test_least_squares_is_another_game():
    batch = make_batch()
    model = altered(loss="least_squares")
    (real,), (fake,) = passed(model, batch)
    expected = 0.5 * np.mean((real - 1.0) ** 2) + 0.5 * np.mean(fake**2)
    loss, _ = checks.evaluate(model, "d", batch)
    np.testing.assert_allclose(loss, expected, rtol=1e-3)


def test_real_images_with_a_wrong_azimuth_are_fakes():
    """D's loss is that of the fakes of both kinds together, by hand."""
    batch = make_batch("pose")
    options = {"augment_shift": 2}
    models = [
        altered("pose", "projection", wrong_azimuth=on, **options)
        for on in (True, False)
    ]
    config = config_of(labels="pose", **options)
    network = checks.phase_of(models[0], "d").network
    # The draws of a step: latents, shifts of the new and of the real images, turns.
    step = checks.step_of(models[0], batch)
    latents = step.latents(8, "normal")
    made = models[0].generator([latents, batch[1]], training=True)
    fake = network([augment(config, step, made), batch[1]], training=True)
    # The same shifted images with their own labels and with wrong ones: D must not
    # tell the pairs apart by their edges.
    seen = augment(config, step, batch[0])
    real = network([seen, batch[1]], training=True)
    other = turned(config, batch[1], random_turns(step))
    wrong = network([seen, other], training=True)
    rule = GAMES["non_saturating"].discriminator
    loss, logs = checks.evaluate(models[0], "d", batch)
    expected = float(rule(real, tf.concat([fake, wrong], axis=0)))
    np.testing.assert_allclose(loss, expected, rtol=1e-3)
    mean = float(tf.reduce_mean(tf.sigmoid(wrong)))
    np.testing.assert_allclose(logs["d_wrong_azimuth"], mean, rtol=1e-3)
    bare, logs = checks.evaluate(models[1], "d", batch)
    np.testing.assert_allclose(bare, float(rule(real, fake)), rtol=1e-3)
    assert "d_wrong_azimuth" not in logs


def test_wrong_azimuths_are_40_degrees_or_more_off():
    step = checks.step_of(altered(), make_batch("none"))
    shares = np.concatenate([random_turns(step).numpy() for _ in range(50)])
    assert 1 / 9 <= shares.min() < 0.2 and 0.8 < shares.max() <= 8 / 9
