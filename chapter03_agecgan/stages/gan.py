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
LEFT_RIGHT = 1


def build_model(config: Config) -> AdversarialModel:
    """Build generator and discriminator and the two phases that train them.

    A batch is (images (B, S, S, 3) in [-1, 1], ages one-hot (B, 6)). Generated
    faces get the ages of the batch, so that both kinds of pairs have ages of one
    distribution.

    Reference: Antipov et al. 2017, arXiv:1702.01983, equation 1; Reed et al. 2016,
        arXiv:1605.05396, section 4.2 (real images with a wrong condition).
    """
    generator, discriminator = build_generator(config), build_discriminator(config)
    rules = losses.GAMES[config.loss]
    discriminate = discriminator_of(discriminator)

    def seen(step: Step, images: tf.Tensor) -> tf.Tensor:
        """Return images as D sees them."""
        turned = LEFT_RIGHT if config.mirror else None
        return shift_and_mirror(images, step.new_key(), config.augment_shift, turned)

    def forward(step: Step) -> tf.Tensor:
        _, ages = step.batch
        latents = step.latents(config.latent_dim, config.prior)
        images = generator([latents, ages], training=True)
        return discriminate(seen(step, images), [ages])[0]

    def d_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        fake_logits = step.shared()
        images, ages = step.batch
        # Real and generated images apart: their BatchNorm statistics must not mix.
        wrong = other_ages(ages, step.uniform((tf.shape(ages)[0],)))
        labels = [ages, wrong] if config.wrong_age else [ages]
        real_logits, *wrong_logits = discriminate(seen(step, images), labels)
        penalty = losses.lazy_r1(
            step,
            lambda x, training: discriminator([x, ages], training=training),
            images,
            config.r1_gamma,
            config.r1_every,
        )
        return pairs_loss(config, real_logits, fake_logits, wrong_logits, penalty)

    def g_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        return rules.generator(step.shared()), {}

    d_optimizer, g_optimizer = (
        optimizers.adam(rate, config.beta_1, config.beta_2)
        for rate in (config.d_learning_rate, config.g_learning_rate)
    )
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
    """Return D's loss: real pairs against generated ones and those of a wrong age.

    Args:
        config: uses loss, real_label.
        real_logits: (B, 1).
        fake_logits: (B, 1).
        wrong_logits: of real images with a wrong age, (B, 1); none or one.
        penalty: to add to the loss, or None.
    """
    rules = losses.GAMES[config.loss]
    fakes = tf.concat([fake_logits, *wrong_logits], axis=0)
    loss = rules.discriminator(real_logits, fakes, config.real_label)
    loss, logs = losses.with_penalty(loss, real_logits, fake_logits, penalty)
    # Without wrong pairs too, so that it can be held against its equilibrium.
    logs["d_loss"] = rules.discriminator(real_logits, fake_logits, config.real_label)
    for logits in wrong_logits:
        logs["d_wrong_age"] = tf.reduce_mean(tf.sigmoid(logits))
    return loss, logs


def discriminator_of(discriminator: keras.Model) -> Callable[..., list[tf.Tensor]]:
    """Return (images, list of ages) -> D's logits (B, 1) for each of the ages.

    Where D gives the logits of all ages at once, the images pass through it once.
    """
    names = {layer.name for layer in discriminator.layers}
    if EACH_AGE not in names:
        return lambda images, labels: [
            discriminator([images, ages], training=True) for ages in labels
        ]
    every = keras.Model(
        discriminator.inputs[0], discriminator.get_layer(EACH_AGE).output
    )

    def discriminate(images: tf.Tensor, labels: list[tf.Tensor]) -> list[tf.Tensor]:
        logits = tf.cast(every(images, training=True), tf.float32)  # (B, 6)
        return [tf.reduce_sum(logits * ages, axis=1, keepdims=True) for ages in labels]

    return discriminate


def other_ages(ages: tf.Tensor, chance: tf.Tensor) -> tf.Tensor:
    """Return for each age one of the five others, all equally likely.

    Args:
        ages: one-hot (B, 6).
        chance: (B,), from U[0, 1).
    """
    others = len(AGE_CLASSES) - 1
    moves = 1 + tf.cast(chance * others, tf.int32)  # 1 to 5
    classes = (tf.argmax(ages, axis=1, output_type=tf.int32) + moves) % (others + 1)
    return tf.one_hot(classes, others + 1)


def make_gallery(config: Config) -> Gallery:
    """Return latents of some people, each at all six ages: one row a person."""
    ages = len(AGE_CLASSES)
    latents = sample_latents(config, GALLERY_PEOPLE, config.seed)
    return Gallery(
        [
            np.repeat(latents, ages, axis=0),
            np.tile(one_hot(np.arange(ages)), (GALLERY_PEOPLE, 1)),
        ],
        lambda faces: image_grid(faces, columns=ages),
        losses.GAMES[config.loss].equilibrium,
    )


def balanced_rows(classes: np.ndarray) -> np.ndarray:
    """Return numbers of photos among which all classes are about equally frequent.

    Photos of rare classes come several times, each as often as the others of its
    class, give or take one.

    Args:
        classes: int (N,).
    """
    most = np.bincount(classes).max()
    rows = [np.flatnonzero(classes == number) for number in np.unique(classes)]
    return np.concatenate([np.resize(members, most) for members in rows])
