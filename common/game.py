"""What the phases of all adversarial games share: D's loss, its labels, optimizers."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from common import devices, losses
from common.config import OptimizerName, RunConfig
from common.phases import Logs, Phase, Step
from common.trainer import AdversarialModel

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


def model_of(
    config: RunConfig,
    generator: keras.Model,
    phases: list[Phase],
    forward: Callable[[Step], Any],
) -> AdversarialModel:
    """Return the model of a game, played as the configuration says.

    Args:
        config: uses update_mode, average, seed.
        generator: G.
        phases: of the players.
        forward: the pass that they have in common.
    """
    return AdversarialModel(
        generator,
        phases,
        forward,
        mode=config.update_mode,
        average=config.average,
        seed=config.seed,
    )


def draw_label(limits: tuple[float, ...], step: Step, shape: tuple) -> float | Tensor:
    """Return a label: one number, or one drawn between the limits for each item."""
    low, high = min(limits), max(limits)
    return low if low == high else low + (high - low) * step.uniform(shape)


def optimizers(
    config: RunConfig, nesterov: bool = False
) -> tuple[keras.optimizers.Optimizer, keras.optimizers.Optimizer]:
    """Return the optimizers of D and G.

    Args:
        config: uses optimizer, d_optimizer, d_learning_rate, g_learning_rate, beta_1,
            beta_2.
        nesterov: use Nesterov's kind of momentum in sgd.
    """
    kinds = (config.d_optimizer or config.optimizer, config.optimizer)
    rates = (config.d_learning_rate, config.g_learning_rate)
    d_optimizer, g_optimizer = (
        optimizer(kind, rate, config.beta_1, config.beta_2, nesterov)
        for kind, rate in zip(kinds, rates, strict=True)
    )
    return d_optimizer, g_optimizer


def optimizer(
    name: OptimizerName,
    learning_rate: float,
    beta_1: float,
    beta_2: float,
    nesterov: bool = False,
) -> keras.optimizers.Optimizer:
    """Return an optimizer of one network, with loss scaling where needed.

    Args:
        name: which one.
        learning_rate: its step.
        beta_1: decay of the first moment (adam), or momentum (sgd, rmsprop); adadelta
            has none.
        beta_2: decay of the mean of squared gradients; sgd has none.
        nesterov: use Nesterov's kind of momentum in sgd.

    Reference: Kingma and Ba 2015, arXiv:1412.6980 (adam); Tieleman and Hinton 2012,
        lecture 6.5 (rmsprop); Zeiler 2012, arXiv:1212.5701 (adadelta).
    """
    if name == "adam":
        return adam(learning_rate, beta_1, beta_2)
    kinds = keras.optimizers
    inner = {
        "sgd": lambda: kinds.SGD(learning_rate, beta_1, nesterov=nesterov),
        "rmsprop": lambda: kinds.RMSprop(learning_rate, beta_2, beta_1),
        "adadelta": lambda: kinds.Adadelta(learning_rate, beta_2),
    }[name]()
    return devices.optimizer(inner)


def adam(
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
    beta_1: float,
    beta_2: float,
) -> keras.optimizers.Optimizer:
    """Return Adam for one network, with loss scaling where needed."""
    return devices.optimizer(keras.optimizers.Adam(learning_rate, beta_1, beta_2))
