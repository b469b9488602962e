"""Chapter 3: the images and ages that D gets, its loss and penalty, the gallery."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny import CHAPTER03 as TINY

from chapter03_agecgan import training
from chapter03_agecgan.ages import one_hot
from chapter03_agecgan.data import Faces
from chapter03_agecgan.stages import gan
from common.gan.latents import sample_latents
from common.training.run_dir import RunDir

RNG = np.random.default_rng(0)
COUNT = 24
IMAGES = RNG.uniform(-1, 1, (COUNT, 32, 32, 3)).astype(np.float32)
AGES = one_hot(np.arange(COUNT) % 6)
BATCH = (tf.constant(IMAGES), tf.constant(AGES))


def model_of(**changes: object):
    """Return a model with changed options, its generator and its discriminator."""
    keras.utils.set_random_seed(0)
    model = gan.build_model(dataclasses.replace(TINY, **changes))
    return model, model.phases[1].network, model.phases[0].network


def step_of(model):
    return model._make_step(BATCH, 0)


# --- the images and ages that D gets


def move_of(seen: np.ndarray, image: np.ndarray, most: int) -> tuple[int, int, bool]:
    """Return how an image was shifted, down and to the right, and whether mirrored."""
    edge = len(image)
    for mirrored in (False, True):
        original = image[:, ::-1] if mirrored else image
        canvas = np.pad(original, ((most, most), (most, most), (0, 0)))
        for down in range(-most, most + 1):
            for right in range(-most, most + 1):
                top, left = most - down, most - right
                if np.allclose(seen, canvas[top : top + edge, left : left + edge]):
                    return down, right, mirrored
    raise AssertionError(f"no shift of at most {most} pixels gives this image")


def test_real_and_generated_images_are_shifted_and_mirrored_independently(monkeypatch):
    seen, given_ages = [], []

    def discriminate(images: tf.Tensor, labels: list[tf.Tensor]) -> list[tf.Tensor]:
        seen.append(images.numpy())
        given_ages.append([ages.numpy() for ages in labels])
        return [tf.zeros((COUNT, 1))] * len(labels)

    monkeypatch.setattr(gan, "discriminator_of", lambda discriminator: discriminate)
    model, generator, _ = model_of(augment_shift=3, mirror=True, r1_gamma=0.0)
    latents = step_of(model).latents(TINY.latent_dim, TINY.prior)
    model.phases[0].loss(step_of(model))
    generated = generator([latents, BATCH[1]], training=True).numpy()
    moves = [
        [move_of(*pair, 3) for pair in zip(found, images, strict=True)]
        for found, images in zip(seen, (generated, IMAGES), strict=True)
    ]
    for found in moves:
        for values in zip(*found, strict=True):
            assert len(set(values)) > 1
    assert moves[0] != moves[1]
    # D gets generated faces with the ages of the batch, and real ones with these ages
    # and with wrong ages.
    (of_generated,), (right, wrong) = given_ages
    np.testing.assert_array_equal(of_generated, AGES)
    np.testing.assert_array_equal(right, AGES)
    assert not np.any(wrong.argmax(axis=1) == AGES.argmax(axis=1))


@pytest.mark.parametrize(("shift", "mirror"), [(0, True), (2, False)])
def test_shifts_and_mirroring_have_separate_options(monkeypatch, shift, mirror):
    seen = []

    def discriminate(images: tf.Tensor, labels: list[tf.Tensor]) -> list[tf.Tensor]:
        seen.append(images.numpy())
        return [tf.zeros((COUNT, 1))] * len(labels)

    monkeypatch.setattr(gan, "discriminator_of", lambda discriminator: discriminate)
    model, _, _ = model_of(augment_shift=shift, mirror=mirror, r1_gamma=0.0)
    model.phases[0].loss(step_of(model))
    moves = [move_of(*pair, shift) for pair in zip(seen[1], IMAGES, strict=True)]
    down, _, mirrored = (set(values) for values in zip(*moves, strict=True))
    assert down == set(range(-shift, shift + 1))
    assert mirrored == ({False, True} if mirror else {False})


@pytest.mark.parametrize("count", [1, 5, 6, 7])
def test_the_logit_of_an_image_does_not_depend_on_the_others(count):
    """Keras's Add can mistake a batch of six for the six ages."""
    *_, discriminator = model_of()
    images, ages = BATCH[0][:count], tf.one_hot([2] * count, 6)
    one_by_one = [
        discriminator(list(pair))
        for pair in zip(tf.split(images, count), tf.split(ages, count), strict=True)
    ]
    at_once = discriminator([images, ages])
    np.testing.assert_allclose(at_once, np.concatenate(one_by_one), atol=1e-4)
    logits = gan.discriminator_of(discriminator)(images, [ages])[0]
    np.testing.assert_allclose(logits, at_once, atol=1e-4)


# --- D's loss


def cross_entropy(label: float, logit: float) -> float:
    chance = 1 / (1 + np.exp(-logit))
    return -label * np.log(chance) - (1 - label) * np.log(1 - chance)


@pytest.mark.parametrize("wrong_age", [False, True])
def test_the_loss_of_pairs_agrees_with_its_formula(wrong_age):
    config = dataclasses.replace(TINY, real_label=0.9)
    real, fake, wrong = (tf.constant([[a], [b]]) for a, b in ((2, -1), (-3, 1), (4, 0)))
    real, fake, wrong = (tf.cast(logits, tf.float32) for logits in (real, fake, wrong))
    loss, logs = gan.pairs_loss(
        config, real, fake, [wrong] if wrong_age else [], tf.constant(10.0)
    )
    of_real = (cross_entropy(0.9, 2) + cross_entropy(0.9, -1)) / 2
    of_fake = (cross_entropy(0, -3) + cross_entropy(0, 1)) / 2
    of_wrong = (cross_entropy(0, 4) + cross_entropy(0, 0)) / 2
    fakes = (of_fake + of_wrong) / 2 if wrong_age else of_fake
    assert float(loss) == pytest.approx(of_real + fakes + 10, rel=1e-5)
    assert float(logs["d_loss"]) == pytest.approx(of_real + of_fake, rel=1e-5)
    assert float(logs["d_penalty"]) == 10
    for name, (one, other) in (("d_real", (2, -1)), ("d_fake", (-3, 1))):
        chance = (1 / (1 + np.exp(-one)) + 1 / (1 + np.exp(-other))) / 2
        assert float(logs[name]) == pytest.approx(chance, rel=1e-5)
    assert ("d_wrong_age" in logs) == wrong_age
    if wrong_age:
        expected = (1 / (1 + np.exp(-4)) + 0.5) / 2
        assert float(logs["d_wrong_age"]) == pytest.approx(expected, rel=1e-5)


def test_the_loss_of_pairs_follows_the_option_loss():
    config = dataclasses.replace(TINY, loss="least_squares", real_label=0.9)
    loss, _ = gan.pairs_loss(
        config, tf.constant([[2.0]]), tf.constant([[-1.0]]), [], None
    )
    assert float(loss) == pytest.approx((1.1**2 + 1) / 2)


def test_the_penalty_is_r1_of_real_photos_with_their_own_ages():
    """With r1_every=2 it is doubled at every second step and 0 at the others."""
    model, _, discriminator = model_of(r1_gamma=7.0, r1_every=2)
    images = BATCH[0][:6]

    def ages_of(number: int) -> tf.Tensor:
        return tf.one_hot([number] * 6, 6)

    def r1(ages: tf.Tensor) -> float:
        norms = []
        for image, age in zip(tf.split(images, 6), tf.split(ages, 6), strict=True):
            with tf.GradientTape() as tape:
                tape.watch(image)
                logit = discriminator([image, age])
            norms.append(np.sum(np.square(tape.gradient(logit, image))))
        return np.mean(norms) / 2

    def penalty() -> float:
        step = model._make_step((images, ages_of(2)), 0)
        return float(model.phases[0].loss(step)[1]["d_penalty"])

    expected = 7 * 2 * r1(ages_of(2))
    assert expected != pytest.approx(7 * 2 * r1(ages_of(3)), rel=0.05)
    assert penalty() == pytest.approx(expected, rel=1e-4)
    model.step.assign(1)
    assert penalty() == 0


def test_each_optimizer_gets_its_learning_rate_and_decays():
    model, _, _ = model_of(
        g_learning_rate=0.25, d_learning_rate=0.5, beta_1=0.125, beta_2=0.75
    )
    found = {
        phase.network.name: (
            float(phase.optimizer.learning_rate),
            phase.optimizer.beta_1,
            phase.optimizer.beta_2,
        )
        for phase in model.phases
    }
    assert found == {
        "discriminator": (0.5, 0.125, 0.75),
        "generator": (0.25, 0.125, 0.75),
    }


# --- the gallery, the latents and the training photos


def test_the_gallery_shows_each_person_at_all_learnt_ages():
    learnt = np.array([0, 2, 3, 5])
    latents, ages = gan.make_gallery(TINY, learnt).latents
    assert latents.shape == (8 * 4, TINY.latent_dim) and latents.dtype == np.float32
    rows = latents.reshape(8, 4, TINY.latent_dim)
    np.testing.assert_array_equal(rows, rows[:, :1].repeat(4, axis=1))
    assert len(np.unique(rows[:, 0], axis=0)) == 8
    np.testing.assert_array_equal(ages.argmax(axis=1), np.tile(learnt, 8))


@pytest.mark.parametrize(
    ("prior", "low", "high"), [("uniform01", 0, 1), ("uniform11", -1, 1)]
)
def test_latents_are_drawn_from_the_prior_of_training(prior, low, high):
    config = dataclasses.replace(TINY, prior=prior)
    drawn = sample_latents(config, 500, 3)
    assert drawn.shape == (500, TINY.latent_dim)
    assert low <= drawn.min() < low + 0.02 and high - 0.02 < drawn.max() <= high
    np.testing.assert_array_equal(drawn, sample_latents(config, 500, 3))
    assert not np.array_equal(drawn, sample_latents(config, 500, 4))


@pytest.mark.parametrize(
    ("every", "learnt"), [(None, [0, 1, 2, 3, 4, 5, 6]), (3, [0, 1, 3, 4, 6])]
)
def test_no_stage_trains_on_the_validation_items(tmp_path, monkeypatch, every, learnt):
    faces = Faces(
        np.zeros((7, 32, 32, 3), np.uint8),
        np.arange(7),
        (None,) * 7,
        tuple("abcdefg"),
        tmp_path,
        {},
    )
    seen = []

    def stage(config, run, faces, callbacks) -> bool:
        seen.append(faces.ages.tolist())
        return False

    monkeypatch.setattr(training, "load_split", lambda config, part: faces)
    for name in training.STAGES:
        monkeypatch.setitem(training.STAGES, name, stage)
    config = dataclasses.replace(TINY, validation_every=every)
    training.train(config, RunDir(tmp_path / "run"))
    assert seen == [learnt] * 3
