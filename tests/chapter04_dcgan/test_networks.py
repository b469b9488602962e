"""Chapter 4: networks, their losses, labels and options."""

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
    evaluate,
    step_of,
)
from tiny import CHAPTER04 as TINY

from chapter04_dcgan.config import PRESETS, Config
from chapter04_dcgan.networks import build_discriminator, build_generator
from chapter04_dcgan.training import build_model
from common.errors import UserError
from common.gan.latents import sample_latents
from common.gan.losses import draw_label
from common.gan.step import Step
from common.images.pixels import to_floats
from synthetic_data.anime_faces.write import make_faces

BATCH = to_floats(make_faces(8, seed=0, size=32)[0])


def make_model(config: Config):
    keras.utils.set_random_seed(0)
    return build_model(config)


SIDES = Sides(tf.constant(BATCH), tf.constant(BATCH), sample_latents(TINY, 8, 0))


def altered(**changes):
    """Return a model with changed options, without R1 penalty and augmentation.

    It always has the same initial weights.
    """
    bare = {"r1_gamma": 0.0, "augment_shift": 0, "mirror": False}
    return make_model(dataclasses.replace(TINY, **bare | changes))


def output_shapes(network: keras.Model, kinds: tuple) -> list[tuple]:
    return [x.output.shape[1:] for x in network.layers if isinstance(x, kinds)]


def test_the_books_networks():
    """Sizes are those of the two tables in the book's chapter."""
    config = PRESETS["book"]
    generator, discriminator = build_generator(config), build_discriminator(config)
    dense = 101 * 2048 + 2049 * 16384
    convolutions = (25 * 256 + 1) * 128 + (25 * 128 + 1) * 64 + (25 * 64 + 1) * 3
    assert generator.count_params() == dense + 4 * 16384 + convolutions
    kinds = (keras.layers.Conv2D, keras.layers.Dense)
    assert output_shapes(generator, kinds) == [
        (2048,),
        (16384,),
        (16, 16, 128),
        (32, 32, 64),
        (64, 64, 3),
    ]
    kinds = (keras.layers.MaxPooling2D, keras.layers.Flatten, keras.layers.Dense)
    assert output_shapes(discriminator, kinds)[:5] == [
        (32, 32, 128),
        (15, 15, 256),
        (6, 6, 512),
        (18432,),
        (1024,),
    ]
    first = next(x for x in discriminator.layers if isinstance(x, keras.layers.Conv2D))
    assert first.output.shape[1:] == (64, 64, 128)


def test_the_papers_networks():
    """Sizes are those of the paper's figure 1; nothing is pooled."""
    config = PRESETS["paper"]
    generator, discriminator = build_generator(config), build_discriminator(config)
    kinds = (keras.layers.Reshape, keras.layers.Conv2DTranspose)
    assert output_shapes(generator, kinds) == [
        (4, 4, 1024),
        (8, 8, 512),
        (16, 16, 256),
        (32, 32, 128),
        (64, 64, 3),
    ]
    assert output_shapes(discriminator, (keras.layers.Conv2D,)) == [
        (32, 32, 128),
        (16, 16, 256),
        (8, 8, 512),
        (4, 4, 1024),
    ]
    assert not output_shapes(discriminator, (keras.layers.MaxPooling2D,))
    norms = (keras.layers.BatchNormalization,)
    assert len(output_shapes(generator, norms)) == 4
    assert len(output_shapes(discriminator, norms)) == 3
    weights = np.concatenate(
        [v.numpy().ravel() for v in discriminator.trainable_variables if v.ndim == 4]
    )
    assert weights.std() == pytest.approx(0.02, rel=0.01)


@pytest.mark.parametrize(
    ("variant", "size"), [("dcgan", 32), ("dcgan", 64), ("dcgan", 128), ("book", 32)]
)
def test_sizes(variant, size):
    config = dataclasses.replace(TINY, variant=variant, size=size)
    images = build_generator(config)(sample_latents(config, 2, 0))
    assert images.shape == (2, size, size, 3) and images.dtype == tf.float32
    assert float(tf.reduce_max(tf.abs(images))) <= 1
    assert build_discriminator(config)(images).shape == (2, 1)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_weight_gets_a_finite_gradient(preset):
    config = dataclasses.replace(PRESETS[preset], size=32, filters=4)
    assert_every_weight_learns(make_model(config), tf.constant(BATCH))


def test_a_phase_trains_its_own_network_only():
    model = make_model(TINY)
    batch = tf.constant(BATCH)
    model.build_step(tf.TensorSpec(batch.shape, tf.float32))
    for phase, other in (model.phases, model.phases[::-1]):
        before = [
            [np.array(v) for v in p.network.trainable_variables] for p in (phase, other)
        ]
        model._train_phase(phase, model._make_step(batch, 0))
        moved = [
            [
                not np.array_equal(old, new)
                for old, new in zip(values, p.network.trainable_variables, strict=True)
            ]
            for values, p in zip(before, (phase, other), strict=True)
        ]
        assert all(moved[0]) and not any(moved[1])


def test_each_network_trained_alone_wins_on_one_batch():
    config = dataclasses.replace(TINY, r1_gamma=0.0, g_learning_rate=1e-2)
    model = make_model(config)
    losses = discriminator_losses(model, SIDES.batch, 150)
    assert losses[-1] < 0.2 * losses[0]
    assert_each_player_has_its_own_side(model, SIDES)


def test_only_d_has_the_r1_penalty_and_on_real_items():
    def build(r1_gamma, r1_every):
        return altered(r1_gamma=r1_gamma, r1_every=r1_every)

    assert_r1_of_the_real_for_d_alone(build, SIDES)


def test_the_real_label_applies_to_real_items():
    smoothed = altered(real_label=(0.9,))
    assert_the_label_is_that_of_the_real(altered(), smoothed, SIDES, 0.9)


def test_augmentation_changes_real_and_generated_items():
    assert_d_sees_both_kinds_changed(altered(), altered(augment_shift=5), SIDES)


def test_each_network_has_its_own_learning_rate():
    model = altered(d_learning_rate=0.1, g_learning_rate=0.2)
    assert_own_learning_rates(model, 0.1, 0.2)


def test_the_fake_label_applies_to_generated_items():
    """The cross-entropy with the label s is that with 0, less s E[logit of G(z)]."""
    plain, smoothed = altered(), altered(fake_label=(0.2,))
    losses = [evaluate(model, "d", SIDES.batch)[0] for model in (plain, smoothed)]
    logits = plain.forward(step_of(plain, SIDES.batch))
    less = 0.2 * float(tf.reduce_mean(logits))
    assert abs(less) > 1e-3
    assert losses[0] - losses[1] == pytest.approx(less, rel=1e-2)


def test_the_books_labels_are_drawn_from_their_ranges():
    step = Step(tf.zeros((4, 2)), tf.constant(0, tf.int64), tf.constant([1, 2]))
    book = PRESETS["book"]
    for limits in (book.real_label, book.fake_label):
        drawn = draw_label(limits, step, (1000, 1)).numpy()
        assert min(limits) <= drawn.min() < min(limits) + 0.01
        assert max(limits) - 0.01 < drawn.max() <= max(limits)
    assert draw_label((1.0,), step, (4, 1)) == 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"real_label": ()}, "--real-label must be one or two numbers"),
        ({"fake_label": (0.0, 1.1)}, "--fake-label must be one or two numbers"),
        ({"size": 48}, "--size must be one of"),
        ({"augment_shift": 32}, "--augment-shift must be from 0"),
        ({"cache_mb": 0.0}, "--cache-mb must be above 0"),
        ({"beta_1": 1.0}, "--beta-1 must be from 0 to below 1"),
    ],
)
def test_wrong_options(change, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(TINY, **change).validate()
