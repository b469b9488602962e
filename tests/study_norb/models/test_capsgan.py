"""smallNORB's CapsGAN: margin losses, which capsule is right, and both players."""

import checks
import numpy as np
import pytest
import tensorflow as tf
from norb_models import (
    Lengths,
    assert_phases_move_their_own_networks,
    assert_r1_of_the_real,
    config_of,
    first,
    make_batch,
    make_model,
    make_sides,
)

from study_norb.conditions import guess_loss
from study_norb.models.capsgan import difference, margin_loss, realness

ALL_LABELS = pytest.mark.parametrize("labels", ["none", "class", "pose"])


def altered(labels="none", **changes):
    return make_model(model="capsgan", labels=labels, **changes)


def slow_margin(lengths: np.ndarray, right: list[int]) -> float:
    """Return the margin loss where capsule `right[i]` is the right one of item i."""
    total = 0.0
    for item, capsule in zip(lengths, right, strict=True):
        for k, length in enumerate(item):
            if k == capsule:
                total += max(0.0, 0.9 - length) ** 2
            else:
                total += 0.5 * max(0.0, length - 0.1) ** 2
    return total / len(lengths)


def passed(model, batch) -> list[list[np.ndarray]]:
    """Return D's outputs of the real images and of those that G makes at step 0."""
    images = batch[0] if isinstance(batch, tuple) else batch
    latents = checks.step_of(model, batch).latents(8, "normal")
    given = [latents, batch[1]] if isinstance(batch, tuple) else latents
    made = model.generator(given, training=True)
    network = checks.phase_of(model, "d").network
    return [
        [np.asarray(output) for output in tf.nest.flatten(network(x, training=True))]
        for x in (images, made)
    ]


# --- losses


def test_the_margin_loss_by_hand():
    lengths = tf.constant([[0.95, 0.05], [0.5, 0.3], [0.0, 1.0]])
    target = tf.constant([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    # Right and wrong within their margins; 0.4^2 + 0.5 x 0.2^2; 0.9^2 + 0.5 x 0.9^2.
    expected = (0 + 0.16 + 0.02 + 0.81 + 0.405) / 3
    np.testing.assert_allclose(margin_loss(lengths, target), expected, rtol=1e-5)
    found = slow_margin(lengths.numpy(), [0, 0, 0])
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_margin_loss_has_no_gradient_within_the_margins():
    lengths = tf.constant([[0.93, 0.07], [0.6, 0.07]])
    target = tf.constant([[1.0, 0.0], [1.0, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(lengths)
        loss = margin_loss(lengths, target)
    np.testing.assert_allclose(
        tape.gradient(loss, lengths), [[0, 0], [-0.3, 0]], atol=1e-6
    )


def test_realness_and_difference_by_hand():
    lengths = tf.constant([[0.2, 0.6, 0.3], [0.1, 0.0, 0.8]])
    np.testing.assert_allclose(realness(lengths), [[0.6], [0.1]])
    # 1.1 and 0.9 in all, less twice the last.
    np.testing.assert_allclose(difference(lengths), [[0.5], [-0.7]], rtol=1e-5)


@ALL_LABELS
def test_which_capsule_is_right(labels):
    """The class's or "real" for real images, the last for generated ones.

    G wants its images to have the class that it was asked for.
    """
    model, batch = altered(labels, auxiliary_weight=0.0), make_batch(labels)
    (real, *_), (fake, *_) = passed(model, batch)
    count, last = len(real), real.shape[1] - 1
    assert last == (1 if labels == "none" else 5)
    right = [0] * count if labels == "none" else [i % 5 for i in range(count)]
    loss, logs = checks.evaluate(model, "d", batch)
    expected = slow_margin(real, right) + slow_margin(fake, [last] * count)
    np.testing.assert_allclose([loss, logs["d_loss"]], expected, rtol=1e-3)
    loss, _ = checks.evaluate(model, "g", batch)
    np.testing.assert_allclose(loss, slow_margin(fake, right), rtol=1e-3)
    for name, found, capsules in (
        ("d_real", real, slice(0, last)),
        ("d_fake", fake, slice(0, last)),
        ("d_generated_real", real, slice(last, None)),
        ("d_generated_fake", fake, slice(last, None)),
    ):
        expected = found[:, capsules].max(axis=1).mean()
        np.testing.assert_allclose(logs[name], expected, rtol=1e-3)


@pytest.mark.parametrize("labels", ["class", "pose"])
def test_guesses_of_real_images_are_ds_and_of_generated_ones_gs(labels):
    config = config_of(model="capsgan", labels=labels)
    batch = make_batch(labels)
    bare, model = (altered(labels, auxiliary_weight=w) for w in (0.0, 0.7))
    for name, outputs in zip("dg", passed(model, batch), strict=True):
        term, _ = guess_loss(config, tf.constant(outputs[1]), batch[1])
        losses = [checks.evaluate(m, name, batch)[0] for m in (bare, model)]
        np.testing.assert_allclose(losses[1] - losses[0], 0.7 * term, rtol=1e-3)


# --- phases


@ALL_LABELS
def test_every_weight_gets_a_finite_gradient(labels):
    checks.assert_every_weight_learns(altered(labels), make_batch(labels))


@ALL_LABELS
def test_a_phase_moves_its_own_network_only(labels):
    model = altered(labels)
    networks = {phase.name: [phase.network] for phase in model.phases}
    assert_phases_move_their_own_networks(model, make_batch(labels), networks)


@pytest.mark.parametrize(
    "labels", [pytest.param("none", marks=pytest.mark.slow), "class"]
)
def test_each_player_alone_wins_on_one_batch(labels):
    """G wins although D is good: in the seed's run G's loss stays at 15 to 25."""
    model = altered(labels, filters=4, d_learning_rate=3e-3, g_learning_rate=1e-2)
    sides = make_sides(labels, kind=Lengths)
    losses = checks.discriminator_losses(model, sides.batch, 80)
    assert losses[-1] < 0.3 * losses[0]
    checks.assert_each_player_has_its_own_side(model, sides, 60)


@pytest.mark.parametrize("labels", ["none", "pose"])
def test_the_penalty_is_r1_of_the_real_images_for_d_alone(labels):
    punished = altered(labels, r1_gamma=3.0, r1_every=2)
    sides = make_sides(labels)
    assert_r1_of_the_real(
        altered(labels), punished, sides, lambda outputs: difference(first(outputs))
    )


def test_the_routing_is_part_of_the_discriminator():
    """In the seed's no number of rounds would change which capsule gets what."""
    batch = make_batch()
    lengths = [passed(altered(routings=n), batch)[0][0] for n in (1, 3)]
    assert abs(lengths[0] - lengths[1]).max() > 1e-4


def test_augmentation_changes_real_and_generated_images():
    batch = make_batch()
    logs = [checks.evaluate(altered(augment_shift=n), "d", batch)[1] for n in (0, 5)]
    for name in ("d_real", "d_fake"):
        assert abs(logs[0][name] - logs[1][name]) > 1e-5, name


def test_a_batch_of_one_trains():
    """A published port of capsules fails for it: it drops all axes of length 1."""
    model, batch = altered("class"), make_batch("class", count=1)
    model.build_step(tf.nest.map_structure(tf.TensorSpec.from_tensor, batch))
    model.train_step(batch)
    assert all(np.isfinite(value) for value in model.read_logs().values())
