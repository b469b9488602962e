"""The optimizers of D and G, with loss scaling where float16 needs it."""

import keras

from common.config import OptimizerName, RunConfig


def build_optimizers(
    config: RunConfig, nesterov: bool = False
) -> tuple[keras.optimizers.Optimizer, keras.optimizers.Optimizer]:
    """Return the optimizers of D and G.

    Args:
        config: uses optimizer, d_optimizer, d_learning_rate, g_learning_rate, beta_1
            and beta_2, and clipnorm if the chapter has it. Without a d_optimizer, D
            uses the same kind as G.
        nesterov: whether sgd uses Nesterov momentum.
    """
    clipnorm = getattr(config, "clipnorm", None)
    d_name = config.d_optimizer or config.optimizer
    d_optimizer = optimizer(
        d_name,
        config.d_learning_rate,
        config.beta_1,
        config.beta_2,
        nesterov,
        clipnorm,
    )
    g_optimizer = optimizer(
        config.optimizer,
        config.g_learning_rate,
        config.beta_1,
        config.beta_2,
        nesterov,
        clipnorm,
    )
    return d_optimizer, g_optimizer


def optimizer(
    name: OptimizerName,
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
    beta_1: float,
    beta_2: float,
    nesterov: bool = False,
    clipnorm: float | None = None,
) -> keras.optimizers.Optimizer:
    """Return an optimizer for one network, with loss scaling if float16 needs it.

    Args:
        name: "adam", "sgd", "rmsprop" or "adadelta".
        learning_rate: learning rate, above 0, or a schedule of it.
        beta_1: in [0, 1): decay of the first moment (adam), or momentum (sgd,
            rmsprop); adadelta ignores it.
        beta_2: in [0, 1): decay of the mean of squared gradients (adam, rmsprop,
            adadelta); sgd ignores it.
        nesterov: whether sgd uses Nesterov momentum.
        clipnorm: largest norm of the gradient of one weight tensor, or None.

    Reference: Kingma and Ba 2015, arXiv:1412.6980 (adam); Tieleman and Hinton 2012,
        lecture 6.5 (rmsprop); Zeiler 2012, arXiv:1212.5701 (adadelta).
    """
    kinds = keras.optimizers
    inner = {
        "adam": lambda: kinds.Adam(learning_rate, beta_1, beta_2, clipnorm=clipnorm),
        "sgd": lambda: kinds.SGD(
            learning_rate, beta_1, nesterov=nesterov, clipnorm=clipnorm
        ),
        "rmsprop": lambda: kinds.RMSprop(
            learning_rate, beta_2, beta_1, clipnorm=clipnorm
        ),
        "adadelta": lambda: kinds.Adadelta(learning_rate, beta_2, clipnorm=clipnorm),
    }[name]()
    return with_loss_scaling(inner)


def adam(
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
    beta_1: float,
    beta_2: float,
) -> keras.optimizers.Optimizer:
    """Return Adam for one network, with loss scaling if float16 needs it.

    Args:
        learning_rate: learning rate, above 0, or a schedule of it.
        beta_1: decay of the first moment, in [0, 1).
        beta_2: decay of the mean of squared gradients, in [0, 1).

    Reference: Kingma and Ba 2015, arXiv:1412.6980.
    """
    return optimizer("adam", learning_rate, beta_1, beta_2)


def with_loss_scaling(inner: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """Wrap an optimizer in loss scaling if the networks compute in float16.

    Small gradients would be rounded to 0 in float16. The wrapper multiplies the loss
    by a large factor, divides the gradients by it again, and skips a step whose
    gradients overflow.
    """
    if keras.mixed_precision.global_policy().name == "mixed_float16":
        return keras.optimizers.LossScaleOptimizer(inner)
    return inner
