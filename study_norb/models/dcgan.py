"""DCGAN, unconditional or with labels; the published CapsGAN plays this game, too."""

from collections.abc import Callable

import keras
import tensorflow as tf

from common.gan import losses
from common.gan.adversarial_model import AdversarialModel, build_adversarial_model
from common.gan.augment import shift_and_mirror
from common.gan.optimizers import build_optimizers
from common.gan.step import Logs, Phase, Step
from study_norb.conditions import guess_loss, turned
from study_norb.config import Config
from study_norb.networks import build_discriminator, build_generator

Tensor = tf.Tensor


def build_model(config: Config) -> AdversarialModel:
    """Build both networks and the two phases that train them.

    A batch is images (B, S, S, C) in [-1, 1] or, with labels, a pair of images and
    labels (B, d). G draws its images for the labels of the batch, so that the labels
    of real and generated images have the same distribution.

    Args:
        config: options of the run.

    Reference: Radford et al. 2016, arXiv:1511.06434, section 4; for labels Miyato and
        Koyama 2018, arXiv:1802.05637, and Odena et al. 2017, arXiv:1610.09585.
    """
    generator, discriminator = build_generator(config), build_discriminator(config)
    rules = losses.GAMES[config.loss]

    def forward(step: Step) -> tuple[Tensor, Tensor | None]:
        """Return D's logits and guesses of new generated images."""
        images = generate(config, generator, step)
        _, label = images_and_label(step.batch)
        return discriminate(discriminator, augment(config, step, images), label)

    def d_loss(step: Step) -> tuple[Tensor, Logs]:
        """Return D's loss: low where D(x) is near 1 and D(G(z)) near 0."""
        fake_logits, _ = step.shared()
        images, label = images_and_label(step.batch)
        seen = augment(config, step, images)
        real_logits, guess = discriminate(discriminator, seen, label)
        # Real images with a wrong azimuth are fakes, too, so that D has to look at it.
        fakes, wrong = fake_logits, {}
        if config.labels == "pose" and config.condition == "projection":
            if config.wrong_azimuth:
                other = turned(config, label, random_turns(step))
                wrong_logits, _ = discriminate(discriminator, seen, other)
                fakes = tf.concat([fake_logits, wrong_logits], axis=0)
                wrong = {"d_wrong_azimuth": tf.reduce_mean(tf.sigmoid(wrong_logits))}
        loss = rules.discriminator(
            real_logits, fakes, config.real_label, config.fake_label
        )
        # R1 flattens D around the real images.
        penalty = losses.lazy_r1(
            step,
            lambda x, training: discriminate(discriminator, x, label)[0],
            images,
            config.r1_gamma,
            config.r1_every,
        )
        loss, logs = losses.with_penalty(loss, real_logits, fake_logits, penalty)
        logs |= wrong
        if guess is None:
            return loss, logs
        # D learns to guess from real images alone: generated ones may be wrong.
        return add_guess(config, loss, logs, guess, label)

    def g_loss(step: Step) -> tuple[Tensor, Logs]:
        """Return G's loss: low where D takes its images for real and guesses right."""
        fake_logits, guess = step.shared()
        loss = rules.generator(fake_logits)
        if guess is None:
            return loss, {}
        _, label = images_and_label(step.batch)
        return add_guess(config, loss, {"g_adversarial": loss}, guess, label, "g_")

    d_optimizer, g_optimizer = build_optimizers(config)
    phases = [
        Phase("d", discriminator, d_optimizer, d_loss),
        Phase("g", generator, g_optimizer, g_loss),
    ]
    return build_adversarial_model(config, generator, phases, forward)


def random_turns(step: Step) -> Tensor:
    """Return random shares of a turn, from 1/9 to 8/9, one for each item: (B,).

    Views that are closer than 40 degrees look too much alike to be called wrong.
    """
    images, _ = images_and_label(step.batch)
    return 1 / 9 + 7 / 9 * step.uniform((tf.shape(images)[0],))


def images_and_label(batch: Tensor | tuple[Tensor, Tensor]) -> tuple:
    """Return the images of a batch, and its labels or None."""
    return batch if isinstance(batch, tuple) else (batch, None)


def generate(config: Config, generator: keras.Model, step: Step) -> Tensor:
    """Return new images (B, S, S, C), for the labels of the batch if there are any.

    Args:
        config: uses latent_dim and prior.
        generator: z, or [z, label], -> images.
        step: the running step.
    """
    _, label = images_and_label(step.batch)
    latents = step.latents(config.latent_dim, config.prior)
    inputs = latents if label is None else [latents, label]
    return generator(inputs, training=True)


def augment(config: Config, step: Step, images: Tensor) -> Tensor:
    """Return images as D sees them: shifted at random, never mirrored.

    A mirrored toy would look to another side, and its shadow would fall to another.

    Args:
        config: uses augment_shift.
        step: the running step.
        images: (B, S, S, C).
    """
    return shift_and_mirror(images, step.new_key(), config.augment_shift, None)


def discriminate(
    discriminator: keras.Model | Callable, images: Tensor, label: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """Return D's first output, and its guess of the label or None.

    Args:
        discriminator: D in any of its forms; see `networks.build_discriminator`.
        images: (B, S, S, C).
        label: (B, d), or None; only the projection takes it as an input.
    """
    takes_label = len(discriminator.inputs) > 1
    outputs = discriminator([images, label] if takes_label else images, training=True)
    return tuple(outputs) if isinstance(outputs, list) else (outputs, None)


def add_guess(
    config: Config, loss: Tensor, logs: Logs, guess: Tensor, label: Tensor, prefix=""
) -> tuple[Tensor, Logs]:
    """Add the loss of a guessed label.

    Args:
        config: uses auxiliary_weight, labels and classes.
        loss: loss without it.
        logs: logs without it.
        guess: guessed labels (B, d).
        label: labels (B, d).
        prefix: prefix of the names of the logs.
    """
    term, more = guess_loss(config, guess, label)
    more = {"guess": term} | more
    logs = logs | {f"{prefix}{name}": value for name, value in more.items()}
    return loss + config.auxiliary_weight * term, logs
