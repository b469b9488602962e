"""The first stage: a conditional GAN of faces and ages."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from chapter03_agecgan.ages import AGE_CLASSES, one_hot
from chapter03_agecgan.config import Config
from chapter03_agecgan.networks import (
    EACH_AGE,
    build_discriminator,
    build_generator,
)
from common.gan import losses, optimizers
from common.gan.adversarial_model import AdversarialModel, build_adversarial_model
from common.gan.augment import shift_and_mirror
from common.gan.latents import sample_latents
from common.gan.step import Logs, Phase, Step
from common.images.grids import image_grid
from common.training.fit import Gallery

GALLERY_PEOPLE = 8
# Axis of one image (S, S, 3) along which mirroring flips it: its width.
LEFT_RIGHT = 1


def build_model(config: Config) -> AdversarialModel:
    """Build the generator, the discriminator and the two phases that train them.

    A batch is (images (B, S, S, 3) in [-1, 1], ages one-hot (B, 6)). G draws its
    faces at the ages of the batch, so that the ages of real and generated pairs
    (face, age) have the same distribution.

    Args:
        config: uses the options of the networks, the losses, the optimizers, the
            penalty and the augmentation.

    Reference: Antipov et al. 2017, arXiv:1702.01983, equation 1; Reed et al. 2016,
        arXiv:1605.05396, section 4.2 (real images with a wrong condition).
    """
    generator, discriminator = build_generator(config), build_discriminator(config)
    rules = losses.GAMES[config.loss]
    discriminate = discriminator_of(discriminator)

    def augment(step: Step, images: tf.Tensor) -> tf.Tensor:
        """Return images as D sees them: shifted and mirrored at random."""
        axis = LEFT_RIGHT if config.mirror else None
        return shift_and_mirror(images, step.new_key(), config.augment_shift, axis)

    def forward(step: Step) -> tf.Tensor:
        """Return D's logits (B, 1) of generated faces at the ages of the batch."""
        _, ages = step.batch
        latents = step.latents(config.latent_dim, config.prior)
        images = generator([latents, ages], training=True)
        # The same augmentation for real and generated images: otherwise G would have
        # to imitate it.
        return discriminate(augment(step, images), [ages])[0]

    def d_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        """Return D's loss on real, generated and mismatched pairs, with R1."""
        fake_logits = step.shared()
        images, ages = step.batch
        # Each real photo with its own age is a real pair; with a wrong age it is
        # one more fake, so that D has to look at the age.
        wrong = other_ages(ages, step.uniform((tf.shape(ages)[0],)))
        labels = [ages, wrong] if config.wrong_age else [ages]
        # Real and generated images pass through D separately, because their
        # BatchNorm statistics must not mix.
        real_logits, *wrong_logits = discriminate(augment(step, images), labels)
        # R1 penalises the gradient of D at real pairs; it takes the original images.
        penalty = losses.lazy_r1(
            step,
            lambda x, training: discriminator([x, ages], training=training),
            images,
            config.r1_gamma,
            config.r1_every,
        )
        return pairs_loss(config, real_logits, fake_logits, wrong_logits, penalty)

    def g_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        """Return G's adversarial loss on the logits of its own faces."""
        return rules.generator(step.shared()), {}

    # Each network has its own optimizer, so that their learning rates can differ.
    d_optimizer = optimizers.adam(config.d_learning_rate, config.beta_1, config.beta_2)
    g_optimizer = optimizers.adam(config.g_learning_rate, config.beta_1, config.beta_2)
    # D learns first; in alternating mode G then plays against the updated D.
    phases = [
        Phase("d", discriminator, d_optimizer, d_loss),
        Phase("g", generator, g_optimizer, g_loss),
    ]
    return build_adversarial_model(config, generator, phases, forward)


def pairs_loss(
    config: Config,
    real_logits: tf.Tensor,
    fake_logits: tf.Tensor,
    wrong_logits: list[tf.Tensor],
    penalty: tf.Tensor | None,
) -> tuple[tf.Tensor, Logs]:
    """Return D's loss: real pairs against generated pairs and pairs of a wrong age.

    Args:
        config: uses loss, real_label.
        real_logits: logits of real images with their own ages, (B, 1).
        fake_logits: logits of generated images with their ages, (B, 1).
        wrong_logits: empty, or one tensor (B, 1): the logits of real images with a
            wrong age.
        penalty: scalar to add to the loss, or None.

    Returns:
        The loss with the penalty, and the logs.

    Reference: Reed et al. 2016, arXiv:1605.05396, section 4.2.
    """
    rules = losses.GAMES[config.loss]
    # Generated and mismatched pairs have equal weight within the loss of fakes.
    fakes = tf.concat([fake_logits, *wrong_logits], axis=0)
    loss = rules.discriminator(real_logits, fakes, config.real_label)
    loss, logs = losses.with_penalty(loss, real_logits, fake_logits, penalty)
    # Log the loss without penalty and wrong ages, so that it can be compared with its
    # value at equilibrium.
    logs["d_loss"] = rules.discriminator(real_logits, fake_logits, config.real_label)
    for logits in wrong_logits:
        logs["d_wrong_age"] = tf.reduce_mean(tf.sigmoid(logits))
    return loss, logs


def discriminator_of(discriminator: keras.Model) -> Callable[..., list[tf.Tensor]]:
    """Return a function that discriminates images at several ages.

    If D has the layer EACH_AGE, which gives the logits of all six ages at once, the
    images pass through D only once.

    Args:
        discriminator: D, from [images, ages one-hot] to logits (B, 1).

    Returns:
        (images (B, S, S, 3), list of one-hot ages (B, 6)) -> list of logits (B, 1),
        one for each element of the list of ages; D runs in training mode.
    """
    names = {layer.name for layer in discriminator.layers}
    if EACH_AGE not in names:
        return lambda images, labels: [
            discriminator([images, ages], training=True) for ages in labels
        ]
    logits_of_each_age = keras.Model(
        discriminator.inputs[0], discriminator.get_layer(EACH_AGE).output
    )

    def discriminate(images: tf.Tensor, labels: list[tf.Tensor]) -> list[tf.Tensor]:
        logits = logits_of_each_age(images, training=True)  # (B, 6)
        logits = tf.cast(logits, tf.float32)
        # The one-hot age selects one of the six logits.
        return [tf.reduce_sum(logits * ages, axis=1, keepdims=True) for ages in labels]

    return discriminate


def other_ages(ages: tf.Tensor, chance: tf.Tensor) -> tf.Tensor:
    """Replace each age class by one of the five others, all equally likely.

    Args:
        ages: one-hot ages (B, 6).
        chance: random numbers from U[0, 1), (B,).

    Returns:
        One-hot float32 (B, 6).
    """
    count = len(AGE_CLASSES)
    # A cyclic shift by 1 to 5 classes never returns to the same class.
    shifts = 1 + tf.cast(chance * (count - 1), tf.int32)
    classes = (tf.argmax(ages, axis=1, output_type=tf.int32) + shifts) % count
    return tf.one_hot(classes, count)


def make_gallery(config: Config, ages: np.ndarray) -> Gallery:
    """Return the gallery: eight people, each at the same ages, one person per row.

    Args:
        config: uses the options of the latents, the seed and the loss.
        ages: age classes to show, int (K,).
    """
    latents = sample_latents(config, GALLERY_PEOPLE, config.seed)
    return Gallery(
        [
            np.repeat(latents, len(ages), axis=0),
            np.tile(one_hot(ages), (GALLERY_PEOPLE, 1)),
        ],
        lambda faces: image_grid(faces, columns=len(ages)),
        losses.GAMES[config.loss].equilibrium,
    )
