"""What the phases of all adversarial games share: D's loss, its labels, optimizers."""

import keras

from common.config import OptimizerName, RunConfig


def build_optimizers(
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
    return with_loss_scaling(inner)


def adam(
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
    beta_1: float,
    beta_2: float,
) -> keras.optimizers.Optimizer:
    """Return Adam for one network, with loss scaling where needed."""
    return with_loss_scaling(keras.optimizers.Adam(learning_rate, beta_1, beta_2))


def with_loss_scaling(inner: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """Wrap an optimizer in loss scaling where float16 needs it."""
    if keras.mixed_precision.global_policy().name == "mixed_float16":
        return keras.optimizers.LossScaleOptimizer(inner)
    return inner
