"""Chapter 3: the networks, and the phases of the first two stages."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import (
    Sides,
    assert_each_player_has_its_own_side,
    assert_every_weight_learns,
    assert_own_learning_rates,
    assert_r1_of_the_real_for_d_alone,
    discriminator_losses,
)

from chapter03_agecgan.ages import age_class, one_hot
from chapter03_agecgan.config import PRESETS, Config
from chapter03_agecgan.data import Faces
from chapter03_agecgan.networks import (
    build_discriminator,
    build_encoder,
    build_generator,
)
from chapter03_agecgan.stages import gan
from chapter03_agecgan.stages.encoder import build_model
from chapter03_agecgan.training import paired
from common.errors import UserError
from common.gan.latents import sample_latents
from common.gan.step import Step
from common.images.pixels import to_bytes, to_floats
from synthetic_data.age_faces.write import draw_person

TINY = Config(
    size=32, filters=4, latent_dim=8, batch_size=6, steps=4, precision="float32"
)
IMAGES = to_floats(
    np.stack([draw_person(i, 10.0 + 12 * i, size=64)[::2, ::2] for i in range(6)])
)
AGES = one_hot(np.arange(6))
BATCH = (tf.constant(IMAGES), tf.constant(AGES))


def make_model(config: Config):
    keras.utils.set_random_seed(0)
    return gan.build_model(config)


SIDES = Sides(
    BATCH,
    BATCH[0],
    [tf.constant(sample_latents(TINY, 6, 0)), BATCH[1]],
    condition=[BATCH[1]],
)


def altered(**changes):
    """Return a model with the same weights, without penalty, shifts and wrong ages."""
    bare = {"r1_gamma": 0.0, "augment_shift": 0, "mirror": False, "wrong_age": False}
    return make_model(dataclasses.replace(TINY, **bare | changes))


def shapes(network: keras.Model, kinds: tuple) -> list[tuple]:
    return [x.output.shape[1:] for x in network.layers if isinstance(x, kinds)]


CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.Dense)


def test_the_books_generator():
    """100 + 6 -> 2048 -> 16384 -> 8x8x256 -> 16 -> 32 -> 64."""
    generator = build_generator(PRESETS["book"])
    assert [i.shape[1:] for i in generator.inputs] == [(100,), (6,)]
    assert shapes(generator, CONVOLUTIONS) == [
        (2048,),
        (16384,),
        (16, 16, 128),
        (32, 32, 64),
        (64, 64, 3),
    ]
    dense = 107 * 2048 + 2049 * 16384 + 4 * 16384
    convolutions = (25 * 256 + 1) * 128 + (25 * 128 + 1) * 64 + (25 * 64 + 1) * 3
    assert generator.count_params() == dense + convolutions + 4 * (128 + 64)


def test_the_books_discriminator():
    """The label is tiled to 32x32x6 and joins after the first convolution."""
    discriminator = build_discriminator(PRESETS["book"])
    assert shapes(discriminator, CONVOLUTIONS) == [
        (32, 32, 64),
        (16, 16, 128),
        (8, 8, 256),
        (4, 4, 512),
        (1,),
    ]
    joined = next(
        x for x in discriminator.layers if isinstance(x, keras.layers.Concatenate)
    )
    assert joined.output.shape[1:] == (32, 32, 70)
    probe = keras.Model(discriminator.inputs, joined.output)
    ages = one_hot(np.array([4]))
    planes = np.asarray(probe([np.zeros((1, 64, 64, 3), np.float32), ages]))[..., 64:]
    np.testing.assert_array_equal(planes, np.broadcast_to(ages, (1, 32, 32, 6)))


def test_the_books_encoder():
    encoder = build_encoder(PRESETS["book"])
    assert shapes(encoder, CONVOLUTIONS) == [
        (32, 32, 32),
        (16, 16, 64),
        (8, 8, 128),
        (4, 4, 256),
        (4096,),
        (100,),
    ]
    assert len(shapes(encoder, (keras.layers.BatchNormalization,))) == 4


def test_the_projection_is_an_inner_product():
    """D(x, y) = w . f + b + v_y . f, Miyato and Koyama 2018, equation 4."""
    discriminator = build_discriminator(TINY)
    features = keras.Model(
        discriminator.inputs[0], discriminator.get_layer("features").output
    )(IMAGES)
    (v,), (w, b) = (
        next(
            x for x in discriminator.layers[::-1] if getattr(x, "units", 0) == units
        ).get_weights()
        for units in (6, 1)
    )
    f = np.asarray(features)
    expected = f @ w + b + np.sum(f * v.T, axis=1, keepdims=True)
    np.testing.assert_allclose(
        np.asarray(discriminator([IMAGES, AGES])), expected, rtol=1e-4, atol=1e-5
    )


def test_logits_of_several_ages_agree_with_those_of_one_age():
    discriminator = build_discriminator(TINY)
    labels = [BATCH[1], tf.reverse(BATCH[1], [0])]
    at_once = gan.discriminator_of(discriminator)(BATCH[0], labels)
    for logits, ages in zip(at_once, labels, strict=True):
        one_by_one = discriminator([BATCH[0], ages])
        np.testing.assert_allclose(logits, one_by_one, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("variant", ["projection", "book"])
@pytest.mark.parametrize("size", [32, 64])
def test_sizes_and_ranges(variant, size):
    config = dataclasses.replace(TINY, variant=variant, size=size)
    images = build_generator(config)([np.ones((2, 8), np.float32), AGES[:2]])
    assert images.shape == (2, size, size, 3) and images.dtype == tf.float32
    assert float(tf.reduce_max(tf.abs(images))) <= 1
    assert build_discriminator(config)([images, BATCH[1][:2]]).shape == (2, 1)
    assert build_encoder(config)(images).shape == (2, 8)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_weight_of_the_gan_gets_a_finite_gradient(preset):
    config = dataclasses.replace(PRESETS[preset], size=32, filters=4)
    assert_every_weight_learns(make_model(config), BATCH)


@pytest.mark.parametrize("variant", ["projection", "book"])
def test_every_weight_of_the_encoder_gets_a_finite_gradient(variant):
    config = dataclasses.replace(TINY, variant=variant)
    model = build_model(config, build_generator(config))
    assert_every_weight_learns(model, BATCH)


def test_a_phase_updates_its_own_network_only():
    model = make_model(TINY)
    model.build_step(tf.nest.map_structure(tf.TensorSpec.from_tensor, BATCH))
    for phase, other in (model.phases, model.phases[::-1]):
        before = [np.array(v) for v in other.network.trainable_variables]
        own = [np.array(v) for v in phase.network.trainable_variables]
        model._train_phase(phase, model._make_step(BATCH, 0))
        assert all(
            np.array_equal(old, new)
            for old, new in zip(before, other.network.trainable_variables, strict=True)
        )
        assert not any(
            np.array_equal(old, new)
            for old, new in zip(own, phase.network.trainable_variables, strict=True)
        )


def test_the_encoder_stage_leaves_the_generator_as_it_is():
    generator = build_generator(TINY)
    before = [np.array(v) for v in generator.variables]
    model = build_model(TINY, generator)
    model.build_step(tf.nest.map_structure(tf.TensorSpec.from_tensor, BATCH))
    model.train_step(BATCH)
    for old, new in zip(before, generator.variables, strict=True):
        np.testing.assert_array_equal(old, new)


def test_each_player_alone_wins_on_one_batch():
    config = dataclasses.replace(TINY, r1_gamma=0.0, g_learning_rate=1e-2)
    model = make_model(config)
    losses = discriminator_losses(model, BATCH, 200)
    assert losses[-1] < 0.3 * losses[0]
    assert_each_player_has_its_own_side(model, SIDES, 100)


def test_the_penalty_is_r1_of_real_items_for_d_alone():
    def build(r1_gamma, r1_every):
        return altered(r1_gamma=r1_gamma, r1_every=r1_every)

    assert_r1_of_the_real_for_d_alone(build, SIDES)


def test_each_network_has_its_own_learning_rate():
    model = altered(d_learning_rate=0.1, g_learning_rate=0.2)
    assert_own_learning_rates(model, 0.1, 0.2)


def test_d_gets_a_generated_face_with_the_age_it_was_generated_for():
    model = altered()
    index, key = tf.constant(0, tf.int64), tf.constant([1, 2])
    latents = Step(BATCH, index, key).latents(TINY.latent_dim, TINY.prior)
    faces = model.generator([latents, BATCH[1]], training=True)
    expected = model.phases[0].network([faces, BATCH[1]], training=True)
    found = model.forward(Step(BATCH, index, key))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_photos_keep_their_own_ages():
    """The brightness of each photo here is its age; two photos are repeated."""
    ages = np.array([70, 5, 25, 45])
    images = np.zeros((4, 32, 32, 3), np.uint8) + (ages[:, None, None, None])
    names = tuple("abcd")
    faces = Faces(images, ages, (None,) * 4, names, Path("photos"), {})
    data = paired(faces, np.array([3, 1, 1, 0, 2, 2]))
    assert data.count == 6
    photos, labels = data.fetch(np.array([5, 0, 3, 2]))
    shown = to_bytes(photos)[:, 0, 0, 0]
    np.testing.assert_array_equal(shown, [25, 45, 70, 5])
    np.testing.assert_array_equal(labels, one_hot(age_class(shown)))


def test_wrong_ages_are_wrong_and_equally_likely():
    ages = one_hot(np.repeat(np.arange(6), 1000))
    chance = np.tile(np.linspace(0, 1, 1000, endpoint=False, dtype=np.float32), 6)
    wrong = gan.other_ages(tf.constant(ages), tf.constant(chance)).numpy()
    counts = ages.T @ wrong
    np.testing.assert_array_equal(counts, 200 * (1 - np.eye(6)))


def test_real_photos_with_wrong_ages_are_fakes():
    """Only with wrong_age does D learn to discriminate right from wrong ages."""
    config = dataclasses.replace(TINY, mirror=False, augment_shift=0, r1_gamma=0.0)
    differences = {}
    for wrong_age in (True, False):
        model = make_model(dataclasses.replace(config, wrong_age=wrong_age))
        discriminator_losses(model, BATCH, 120)
        discriminate = gan.discriminator_of(model.phases[0].network)
        right, wrong = discriminate(BATCH[0], [BATCH[1], tf.roll(BATCH[1], 1, axis=0)])
        differences[wrong_age] = float(tf.reduce_mean(right - wrong))
    assert differences[True] > 4 and differences[False] < 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 48}, "--size must be one of"),
        ({"real_label": 1.1}, "--real-label must be above 0"),
        ({"augment_shift": 32}, "--augment-shift must be from 0"),
        ({"encoder_steps": 0}, "--encoder-steps must be above 0"),
        ({"identity_pixels": -1.0}, "--identity-pixels must be 0 or above"),
    ],
)
def test_wrong_options(change, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(TINY, **change).validate()
