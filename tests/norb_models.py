"""Tiny models of study_norb, batches for them, and checks that all three pass."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf
from checks import Sides, evaluate, phase_of
from tiny import STUDY_NORB as TINY

from common.gan.adversarial_model import AdversarialModel
from common.gan.latents import sample_latents
from common.gan.losses import r1_penalty
from study_norb.conditions import encode
from study_norb.config import Config
from study_norb.training import build_model

COUNT = TINY.batch_size
# Lazarou's networks with fewer layers and filters, which are traced sooner.
SMALLER = {
    "BLOCKS": 2,
    "AEGAN_WIDTHS": (8,) * 6,
    "AEGAN_G_WIDTHS": (8,) * 5,
    "AEGAN_START": 8,
}


def config_of(**changes) -> Config:
    """Return tiny options, without penalty, shifts and average, with changes."""
    bare = {"r1_gamma": 0.0, "augment_shift": 0, "average": 0.0}
    return dataclasses.replace(TINY, **bare | changes)


def make_model(**changes) -> AdversarialModel:
    """Return a tiny model; it always has the same initial weights."""
    keras.utils.set_random_seed(0)
    return build_model(config_of(**changes))


def make_images(count: int = COUNT, size: int = 48) -> np.ndarray:
    """Return dark squares and discs on bright ground, (count, size, size, 1)."""
    rng = np.random.default_rng(0)
    places = np.arange(size) - size / 2
    images = np.full((count, size, size, 1), 0.8, np.float32)
    for number, image in enumerate(images):
        x, y = rng.integers(-size // 6, size // 6, 2)
        across, down = abs(places - x), abs(places - y)[:, None]
        distance = np.maximum(across, down) if number % 2 else np.hypot(across, down)
        image[distance < rng.uniform(size / 10, size / 4)] = rng.uniform(-0.9, 0)
    return images


def make_labels(labels: str, count: int = COUNT) -> np.ndarray:
    """Return labels of all classes and of random poses, (count, d)."""
    rng = np.random.default_rng(1)
    return encode(
        config_of(labels=labels),
        np.arange(count) % 5,
        rng.uniform(0, 360, count),
        rng.uniform(30, 70, count),
        rng.integers(0, 6, count),
    )


def make_batch(labels: str = "none", count: int = COUNT):
    """Return the input of a training step: images or, with labels, a pair."""
    images = tf.constant(make_images(count))
    if labels == "none":
        return images
    return images, tf.constant(make_labels(labels, count))


def first(outputs) -> tf.Tensor:
    """Return the first of a discriminator's outputs."""
    return tf.nest.flatten(outputs)[0]


class FirstOutput(Sides):
    """The sides of a discriminator whose first output says how real an image is."""

    def logits(self, model: AdversarialModel) -> tuple[tf.Tensor, tf.Tensor]:
        discriminator = phase_of(model, "d").network
        made = model.generator(self.given, training=True)
        real, fake = (
            first(discriminator([items, *self.condition], training=True))
            if self.condition
            else first(discriminator(items, training=True))
            for items in (self.real, made)
        )
        return real, fake


class Lengths(FirstOutput):
    """The sides of a discriminator whose first output are lengths of capsules."""

    def probabilities(self, model: AdversarialModel) -> tuple[float, float]:
        real, fake = (
            float(np.max(lengths[:, :-1], axis=1).mean())
            for lengths in self.logits(model)
        )
        return real, fake


def make_sides(labels: str, condition: str = "auxiliary", kind=FirstOutput) -> Sides:
    """Return the real and the generated images that D discriminates."""
    batch = make_batch(labels)
    latents = tf.constant(sample_latents(TINY, COUNT, 0))
    if labels == "none":
        return kind(batch, batch, latents)
    given = [batch[1]] if condition == "projection" else []
    return kind(batch, batch[0], [latents, batch[1]], given)


def weights(network: keras.Model) -> list[np.ndarray]:
    """Return copies of the trainable weights of a network."""
    return [np.array(variable) for variable in network.trainable_variables]


def assert_phases_move_their_own_networks(model, batch, networks: dict) -> None:
    """Check that a phase changes every weight of its networks, and of no others.

    Args:
        model: model to train, phase by phase.
        batch: input of the training steps.
        networks: all networks, by the name of the phase that must train them.
    """
    model.build_step(tf.nest.map_structure(tf.TensorSpec.from_tensor, batch))
    for phase in model.phases:
        before = {name: list(map(weights, nets)) for name, nets in networks.items()}
        model._train_phase(phase, model._make_step(batch, 0))
        for name, nets in networks.items():
            for old, network in zip(before[name], nets, strict=True):
                same = list(map(np.array_equal, old, weights(network)))
                right = not any(same) if name == phase.name else all(same)
                assert right, (phase.name, network.name)


def assert_r1_of_the_real(bare, punished, sides: Sides, of_outputs) -> None:
    """Check that D's penalty is R1 of the real images, and that G has none.

    Args:
        bare: a model without penalty.
        punished: one with the same weights, gamma 3, every second step.
        sides: items that the discriminator discriminates.
        of_outputs: D's outputs -> what R1 is computed of, (B, 1).
    """
    discriminator = phase_of(punished, "d").network

    def score(items, training):
        inputs = [items, *sides.condition] if sides.condition else items
        return of_outputs(discriminator(inputs, training=training))

    expected = 3 * 2 * float(r1_penalty(score, tf.convert_to_tensor(sides.real)))
    assert expected > 0
    # R1 is due at every second step, at step 2 but not at step 3.
    for index, penalty in ((2, expected), (3, 0.0)):
        loss, logs = evaluate(punished, "d", sides.batch, index)
        plain, plain_logs = evaluate(bare, "d", sides.batch, index)
        assert "d_penalty" not in plain_logs
        np.testing.assert_allclose(logs["d_penalty"], penalty, rtol=1e-3)
        np.testing.assert_allclose(loss - plain, penalty, rtol=1e-3, atol=1e-4)
        g_losses = [evaluate(m, "g", sides.batch, index)[0] for m in (bare, punished)]
        np.testing.assert_allclose(*g_losses, rtol=1e-4)
