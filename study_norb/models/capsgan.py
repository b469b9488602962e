r"""CapsGAN: the discriminator ends in capsules, and both players have a margin loss.

The capsules are "real" and "generated" or, with labels, one for each class and
"generated". A capsule's length is the probability that it is the right one. With a
single output capsule, as in CapsuleGAN (Jaiswal et al. 2018), routing would have no
choice to make.
"""

import tensorflow as tf

from common.gan.adversarial_model import AdversarialModel, build_adversarial_model
from common.gan.losses import lazy_r1
from common.gan.optimizers import build_optimizers
from common.gan.step import Logs, Phase, Step
from study_norb.config import Config
from study_norb.models.dcgan import (
    add_guess,
    augment,
    discriminate,
    generate,
    images_and_label,
)
from study_norb.networks import build_discriminator, build_generator

Tensor = tf.Tensor
# Lengths beyond which a right and a wrong capsule cost nothing, and the weight of the
# wrong ones [Sabour et al. 2017, equation 4].
RIGHT, WRONG, WRONG_WEIGHT = 0.9, 0.1, 0.5


def margin_loss(lengths: Tensor, target: Tensor) -> Tensor:
    r"""Return the margin loss of capsules, averaged over the batch.

    For each item, $\sum_k T_k \max(0, 0.9 - |v_k|)^2
    + 0.5 (1 - T_k) \max(0, |v_k| - 0.1)^2$.

    Args:
        lengths: float (B, K), in [0, 1).
        target: T, float (B, K): 1 for the right capsule, 0 for the others.

    Reference: Sabour et al. 2017, arXiv:1710.09829, equation 4.
    """
    right = tf.square(tf.nn.relu(RIGHT - lengths))
    wrong = tf.square(tf.nn.relu(lengths - WRONG))
    terms = target * right + WRONG_WEIGHT * (1 - target) * wrong
    return tf.reduce_mean(tf.reduce_sum(terms, axis=1))


def realness(lengths: Tensor) -> Tensor:
    """Return the length of the longest capsule but "generated", (B, 1).

    Args:
        lengths: float (B, K + 1); the last one is "generated".
    """
    return tf.reduce_max(lengths[:, :-1], axis=1, keepdims=True)


def build_model(config: Config) -> AdversarialModel:
    """Build the generator, the discriminator of capsules, and their two phases.

    Batches are as for DCGAN.

    Args:
        config: options of the run.

    Reference: Jaiswal et al. 2018, arXiv:1802.06167 (margin loss for both);
        Upadhyay and Schrater 2018, arXiv:1806.03796 (capsules real and generated).
    """
    generator, discriminator = build_generator(config), build_discriminator(config)

    def targets(step: Step) -> tuple[Tensor, Tensor]:
        """Return which capsule is right for real and for generated images."""
        images, label = images_and_label(step.batch)
        count = tf.shape(images)[0]
        if label is None:
            real = tf.ones((count, 1))
        else:
            real = label[:, : config.class_count]
        none = tf.zeros((count, 1))
        generated = tf.concat([tf.zeros_like(real), none + 1.0], axis=1)
        return tf.concat([real, none], axis=1), generated

    def forward(step: Step) -> tuple[Tensor, Tensor | None]:
        """Return the lengths of the capsules, and the guess, of generated images."""
        images = augment(config, step, generate(config, generator, step))
        return discriminate(discriminator, images, None)

    def d_loss(step: Step) -> tuple[Tensor, Logs]:
        """Return D's loss: the right capsule long, the others short."""
        fake_lengths, _ = step.shared()
        images, label = images_and_label(step.batch)
        real, generated = targets(step)
        real_lengths, guess = discriminate(
            discriminator, augment(config, step, images), None
        )
        loss = margin_loss(real_lengths, real) + margin_loss(fake_lengths, generated)
        logs = {
            "d_loss": loss,
            "d_real": tf.reduce_mean(realness(real_lengths)),
            "d_fake": tf.reduce_mean(realness(fake_lengths)),
            "d_generated_real": tf.reduce_mean(real_lengths[:, -1]),
            "d_generated_fake": tf.reduce_mean(fake_lengths[:, -1]),
        }
        # R1 on what tells real from generated: the difference of two lengths.
        penalty = lazy_r1(
            step,
            lambda x, training: difference(discriminate(discriminator, x, None)[0]),
            images,
            config.r1_gamma,
            config.r1_every,
        )
        if penalty is not None:
            loss, logs = loss + penalty, logs | {"d_penalty": penalty}
        if guess is None:
            return loss, logs
        return add_guess(config, loss, logs, guess, label)

    def g_loss(step: Step) -> tuple[Tensor, Logs]:
        """Return G's loss: its images make the capsules of real ones long."""
        fake_lengths, guess = step.shared()
        loss = margin_loss(fake_lengths, targets(step)[0])
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


def difference(lengths: Tensor) -> Tensor:
    """Return the lengths of all other capsules minus that of "generated", (B, 1)."""
    return tf.reduce_sum(lengths[:, :-1], axis=1, keepdims=True) - lengths[:, -1:]
