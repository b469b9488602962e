"""Chapter 3: latents that keep the person, and faces at other ages."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from tiny import CHAPTER03 as TINY

from chapter03_agecgan.ageing import Ager
from chapter03_agecgan.ages import one_hot
from chapter03_agecgan.recognition.recognizer import Recognizer
from chapter03_agecgan.stages import identity

# Five people with latents of two numbers, and their age classes.
LATENTS = np.array([[1, 0], [-1, 0.5], [0.5, 1], [0, -1], [-0.5, -0.5]], np.float32)
CLASSES = np.array([0, 3, 1, 5, 2])


def make_generator() -> keras.Model:
    """Return a simple G for 4 x 4 pixels.

    Red and green are a third of the two numbers of the latent. Blue grows with the age
    from -0.9 to 0.9. The age also changes red in the right half.
    """
    z, age = keras.Input((2,)), keras.Input((6,))
    paint = layers.Dense(4 * 4 * 3, use_bias=False)
    shade = layers.Dense(4 * 4 * 3, use_bias=False)
    image = layers.Reshape((4, 4, 3))(layers.Add()([paint(z), shade(age)]))
    of_z, of_age = np.zeros((2, 4, 4, 3)), np.zeros((6, 4, 4, 3))
    of_z[0, ..., 0] = of_z[1, ..., 1] = 1 / 3
    of_age[..., 2] = np.linspace(-0.9, 0.9, 6)[:, None, None]
    # With a wrong age, this red is mistaken for the latent's.
    of_age[:, :, 2:, 0] = np.linspace(-0.3, 0.3, 6)[:, None, None]
    paint.set_weights([of_z.reshape(2, -1)])
    shade.set_weights([of_age.reshape(6, -1)])
    return keras.Model([z, age], image)


@pytest.fixture(scope="module")
def generator() -> keras.Model:
    return make_generator()


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    """A network whose embedding is the mean colour."""
    images = keras.Input((None, None, 3))
    means = layers.GlobalAveragePooling2D()(images)
    return Recognizer("file", keras.Model(images, means), "means")


@pytest.fixture(scope="module")
def photos(generator, recognizer) -> identity.Photos:
    """Photos of the five people, made by G."""
    images = np.array(generator([LATENTS, one_hot(CLASSES)]))
    embeddings = np.array(recognizer.network(images))
    return identity.Photos(images, one_hot(CLASSES), embeddings)


# --- the loss


def grey(*values: float) -> tf.Tensor:
    """Return images of 2 x 2 pixels, each of one brightness."""
    return tf.constant(values)[:, None, None, None] * tf.ones((len(values), 2, 2, 3))


def test_the_identity_loss_agrees_with_its_formula(recognizer):
    """Squares are summed over the embedding and averaged over the photos."""
    faces, images = grey(0.5, -1.0), grey(0.0, -0.5)
    wanted = tf.constant([[0.5, 0.5, 0.0], [0.0, -1.0, 1.0]])
    config = dataclasses.replace(TINY, identity_pixels=6.0)
    loss, logs = identity.identity_loss(config, recognizer, faces, wanted, images)
    assert float(logs["identity_distance"]) == pytest.approx((0.25 + 1 + 4) / 2)
    assert float(logs["identity_pixels"]) == pytest.approx(0.25)
    assert float(loss) == pytest.approx(2.625 + 6 * 0.25)


def test_long_latents_cost_more(generator, recognizer, photos):
    """If the latents are right already, the loss is the penalty on their length."""
    config = dataclasses.replace(TINY, identity_prior=3.0)
    model = identity.build_latents_model(config, generator, recognizer, LATENTS)
    batch = tf.nest.map_structure(tf.constant, photos.batch(slice(None)))
    loss, logs = model.phases[0].loss(model._make_step(batch, 0))
    assert float(logs["z_length"]) == pytest.approx(0.5)  # 5 / 10
    assert float(loss) == pytest.approx(3 * 0.5, rel=1e-4)


def test_the_rows_of_a_batch_are_numbered_from_0(photos):
    images, ages, embeddings, numbers = photos.batch(slice(3, 5))
    np.testing.assert_array_equal(images, photos.images[3:])
    np.testing.assert_array_equal(ages.argmax(axis=1), [5, 2])
    np.testing.assert_array_equal(embeddings, photos.embeddings[3:])
    assert numbers.tolist() == [0, 1] and numbers.dtype == np.float32


def test_photos_are_prepared_from_uint8_images(recognizer):
    images = np.stack([np.full((4, 4, 3), value, np.uint8) for value in (0, 255)])
    found = identity.Photos.of(recognizer, images, np.array([4, 1]))
    np.testing.assert_array_equal(found.images[:, 0, 0], [[-1] * 3, [1] * 3])
    np.testing.assert_array_equal(found.ages.argmax(axis=1), [4, 1])
    np.testing.assert_allclose(found.embeddings, [[-1] * 3, [1] * 3])


# --- the latents


def test_each_photo_gets_its_own_latent_in_several_batches(
    generator, recognizer, photos, monkeypatch
):
    monkeypatch.setattr(identity, "AT_ONCE", 2)
    config = dataclasses.replace(
        TINY, identity_steps=100, identity_pixels=5.0, identity_prior=0.0
    )
    found = identity.find_latents(
        config, generator, recognizer, photos, np.zeros_like(LATENTS)
    )
    np.testing.assert_allclose(found, LATENTS, atol=0.05)


def test_a_large_prior_weight_shortens_latents(generator, recognizer, photos):
    lengths = []
    for prior in (0.0, 1.0):
        config = dataclasses.replace(TINY, identity_steps=60, identity_prior=prior)
        found = identity.find_latents(config, generator, recognizer, photos, LATENTS)
        lengths.append(np.linalg.norm(found))
    assert lengths[1] < 0.7 * lengths[0]


def test_latents_start_from_the_encoders_guesses(
    generator, recognizer, photos, monkeypatch
):
    monkeypatch.setattr(identity, "AT_ONCE", 3)
    config = dataclasses.replace(TINY, identity_steps=1, identity_learning_rate=1e-3)
    start = LATENTS[::-1] / 2
    found = identity.find_latents(config, generator, recognizer, photos, start)
    np.testing.assert_allclose(found, start, atol=2e-3)
    assert not np.array_equal(found, start)


# --- ageing


def make_ager(**parts: object) -> Ager:
    """Return an Ager with the given networks, without a run's files."""
    ager = Ager.__new__(Ager)
    vars(ager).update(config=TINY, moves_latents=True, ages=np.arange(6), **parts)
    return ager


def test_the_age_class_with_the_largest_logit_is_guessed():
    """D's logit for class c is largest for an image of brightness 50 c."""

    def discriminator(pair: list, training: bool) -> np.ndarray:
        faces, ages = pair
        brightness = (faces.mean(axis=(1, 2, 3)) + 1) * 127.5
        return -((brightness - 50 * ages.argmax(axis=1)) ** 2)[:, None]

    ager = make_ager(discriminator=discriminator)
    classes = np.array([3, 0, 5, 1])
    images = (50 * classes)[:, None, None, None] * np.ones((1, 4, 4, 3))
    found = ager.guess_classes(images.astype(np.uint8))
    np.testing.assert_array_equal(found, classes)


def test_each_person_is_shown_at_each_age(generator):
    ager = make_ager(generator=generator)
    ages = np.array([5, 0, 2])
    found = ager.at_ages(LATENTS[:2], ages)
    assert found.shape == (2, 3, 4, 4, 3) and found.dtype == np.uint8
    for person, latent in enumerate(LATENTS[:2]):
        np.testing.assert_array_equal(
            found[person], ager.at_ages(latent[None], ages)[0]
        )
        # Green is a third of the latent's second number, blue depends on the age.
        greens = np.round((latent[1] / 3 + 1) * 127.5)
        blues = (np.linspace(-0.9, 0.9, 6)[ages] + 1) * 127.5
        assert np.abs(found[person][..., 1] - greens).max() <= 1
        assert np.abs(found[person][:, 0, 0, 2] - blues).max() <= 1


def test_the_ager_finds_the_latents_of_photos(generator, recognizer):
    """With moves_latents off, it returns the encoder's guesses."""
    config = dataclasses.replace(TINY, identity_steps=100, identity_prior=0.0)
    ager = make_ager(
        generator=generator,
        recognizer=recognizer,
        encoder=lambda images, training: np.zeros((len(images), 2), np.float32),
    )
    ager.config = config
    images = np.stack(
        [ager.at_ages(LATENTS[i : i + 1], CLASSES[i : i + 1])[0, 0] for i in range(5)]
    )
    np.testing.assert_allclose(ager.latents(images, CLASSES), LATENTS, atol=0.05)
    ager.moves_latents = False
    assert not ager.latents(images, CLASSES).any()
