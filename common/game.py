"""What the phases of all adversarial games share: D's loss, its labels, optimizers."""

from collections.abc import Callable

import keras
import tensorflow as tf

from common import devices, losses
from common.phases import Logs, Step

Tensor = tf.Tensor


def with_penalty(
    loss: Tensor, real_logits: Tensor, fake_logits: Tensor, penalty: Tensor | None
) -> tuple[Tensor, Logs]:
    """Return D's loss to differentiate, and what to watch of D.

    Args:
        loss: of the game. It is logged without the penalty, so that it can be held
            against its equilibrium.
        real_logits: (B, 1).
        fake_logits: (B, 1).
        penalty: to add to the loss, or None.
    """
    logs = {"d_loss": loss, **losses.discriminator_logs(real_logits, fake_logits)}
    if penalty is None:
        return loss, logs
    return loss + penalty, logs | {"d_penalty": penalty}


def lazy_r1(
    step: Step,
    discriminator: Callable[..., Tensor],
    real: Tensor,
    gamma: float,
    every: int,
) -> Tensor | None:
    """Return gamma times R1 at every so many steps, or None where gamma is 0.

    Args:
        step: the one that runs.
        discriminator: (images, training) -> logits.
        real: items (B, ...).
        gamma: weight of the penalty.
        every: steps between two penalties, each that many times as heavy.

    Reference: Mescheder et al. 2018, arXiv:1801.04406, equation 9.
    """
    if not gamma:
        return None
    return gamma * losses.lazily(
        step.index, every, lambda: losses.r1_penalty(discriminator, real)
    )


def draw_label(limits: tuple[float, ...], step: Step, shape: tuple) -> float | Tensor:
    """Return a label: one number, or one drawn between the limits for each item."""
    low, high = min(limits), max(limits)
    return low if low == high else low + (high - low) * step.uniform(shape)


def adam(
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
    beta_1: float,
    beta_2: float,
) -> keras.optimizers.Optimizer:
    """Return Adam for one network, with loss scaling where needed."""
    return devices.optimizer(keras.optimizers.Adam(learning_rate, beta_1, beta_2))


def sgd(
    learning_rate: float, momentum: float, nesterov: bool = False
) -> keras.optimizers.Optimizer:
    """Return gradient descent for one network, with loss scaling where needed."""
    return devices.optimizer(
        keras.optimizers.SGD(learning_rate, momentum, nesterov=nesterov)
    )
