r"""Adversarial losses on logits, and what D's phase adds to them.

In reading order: the losses of D and G, `GAMES` that pairs them, the labels of D's
loss, penalties on D's gradient, and D's logs.

Real data have the label 1, generated data the label 0. Every loss takes raw logits
of shape (B, 1) or (B,), float32, and returns a scalar. With D(x) the sigmoid of
a logit l: -log D(x) = softplus(-l) and -log(1 - D(x)) = softplus(l). These forms
stay finite where log(sigmoid(l)) does not.
"""

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf
from keras import ops

from common.gan.step import Logs, Step

Tensor = tf.Tensor
# One label for the whole batch, or (B, 1), one for each item.
Label = float | Tensor
LOG2 = 0.6931471805599453


# Losses: each game has one for the discriminator and one for the generator.


def discriminator_cross_entropy(
    real_logits: Tensor,
    fake_logits: Tensor,
    real_label: Label = 1.0,
    fake_label: Label = 0.0,
) -> Tensor:
    r"""Return $H(t, D(x)) + H(s, D(G(z)))$, each averaged over the batch.

    $H(t, p) = -t \log p - (1 - t) \log(1 - p)$.

    Args:
        real_logits: logits of real data.
        fake_logits: logits of generated data.
        real_label: label t in [0, 1]. One-sided label smoothing sets it below 1, for
            example to 0.9.
        fake_label: label s in [0, 1]. One-sided smoothing leaves it at 0.

    Reference: Goodfellow et al. 2014, arXiv:1406.2661, equation 1;
        Salimans et al. 2016, arXiv:1606.03498, section 3.4 (smoothing).
    """
    real = ops.softplus(real_logits) - real_label * real_logits
    fake = ops.softplus(fake_logits) - fake_label * fake_logits
    return ops.mean(real) + ops.mean(fake)


def generator_minimax(fake_logits: Tensor) -> Tensor:
    r"""Return $E[\log(1 - D(G(z)))]$, which the generator minimises.

    Its gradient vanishes when D confidently rejects the generated data, as it does
    early in training.

    Reference: Goodfellow et al. 2014, arXiv:1406.2661, equation 1.
    """
    return -ops.mean(ops.softplus(fake_logits))


def generator_non_saturating(fake_logits: Tensor) -> Tensor:
    r"""Return $-E[\log D(G(z))]$.

    Its gradient stays large when D rejects the generated data.

    Reference: Goodfellow et al. 2014, arXiv:1406.2661, section 3.
    """
    return ops.mean(ops.softplus(-fake_logits))


def discriminator_least_squares(
    real_logits: Tensor,
    fake_logits: Tensor,
    real_label: Label = 1.0,
    fake_label: Label = 0.0,
) -> Tensor:
    r"""Return $\frac12 E[(D(x) - t)^2] + \frac12 E[(D(G(z)) - s)^2]$.

    Here D is the raw logit, not its sigmoid.

    Args:
        real_logits: logits of real data.
        fake_logits: logits of generated data.
        real_label: label t.
        fake_label: label s.

    Reference: Mao et al. 2017, arXiv:1611.04076, equation 8 (b = t, a = s).
    """
    real = ops.mean(ops.square(real_logits - real_label))
    return 0.5 * (real + ops.mean(ops.square(fake_logits - fake_label)))


def generator_least_squares(fake_logits: Tensor) -> Tensor:
    r"""Return $\frac12 E[(D(G(z)) - 1)^2]$, where D is the raw logit.

    Reference: Mao et al. 2017, arXiv:1611.04076, equation 9.
    """
    return 0.5 * ops.mean(ops.square(fake_logits - 1.0))


def discriminator_hinge(
    real_logits: Tensor, fake_logits: Tensor, real_label: Label = 1.0
) -> Tensor:
    r"""Return $E[\max(0, t - D(x))] + E[\max(0, 1 + D(G(z)))]$.

    Here D is the raw logit and t is `real_label`.

    Reference: Lim and Ye 2017, arXiv:1705.02894; Miyato et al. 2018,
        arXiv:1802.05957, equation 16.
    """
    real = ops.mean(ops.relu(real_label - real_logits))
    return real + ops.mean(ops.relu(1.0 + fake_logits))


def discriminator_wasserstein(
    real_logits: Tensor, fake_logits: Tensor, real_label: Label = 1.0
) -> Tensor:
    r"""Return $E[D(G(z))] - t E[D(x)]$: minus the critic's estimate of the distance.

    Here D, the critic, is the raw logit and t is `real_label`.

    Reference: Arjovsky et al. 2017, arXiv:1701.07875, equation 3.
    """
    return ops.mean(fake_logits) - ops.mean(real_label * real_logits)


def generator_critic(fake_logits: Tensor) -> Tensor:
    r"""Return $-E[D(G(z))]$: G's loss in the hinge and the Wasserstein game."""
    return -ops.mean(fake_logits)


def feature_matching(real_features: Tensor, fake_features: Tensor) -> Tensor:
    r"""Return $\|E[f(x)] - E[f(G(z))]\|_2^2$, where f are features within D.

    A generator that minimises this instead of an adversarial loss matches the mean
    features of the real data; it does not try to deceive D.

    Args:
        real_features: features of real data (B, ...).
        fake_features: features of generated data, of the same shape.

    Reference: Salimans et al. 2016, arXiv:1606.03498, section 3.1.
    """
    real_mean = ops.mean(real_features, axis=0)
    fake_mean = ops.mean(fake_features, axis=0)
    return ops.sum(ops.square(real_mean - fake_mean))


@dataclass(frozen=True)
class Game:
    """The two losses of an adversarial game.

    Attributes:
        discriminator: (real_logits, fake_logits, real_label) -> scalar.
        generator: (fake_logits) -> scalar.
        equilibrium: values (discriminator, generator) of the losses when D cannot
            discriminate between real and generated data, or None if there are no
            such constants.
    """

    discriminator: Callable[..., Tensor]
    generator: Callable[[Tensor], Tensor]
    equilibrium: tuple[float, float] | None


# Games by the names that papers use.
GAMES = {
    "non_saturating": Game(
        discriminator_cross_entropy, generator_non_saturating, (2 * LOG2, LOG2)
    ),
    "minimax": Game(discriminator_cross_entropy, generator_minimax, (2 * LOG2, -LOG2)),
    "least_squares": Game(
        discriminator_least_squares, generator_least_squares, (0.25, 0.125)
    ),
    "hinge": Game(discriminator_hinge, generator_critic, (2.0, 0.0)),
    "wasserstein": Game(discriminator_wasserstein, generator_critic, (0.0, 0.0)),
}


# Labels of the discriminator's loss.


def draw_label(limits: tuple[float, ...], step: Step, shape: tuple) -> float | Tensor:
    """Return a label: one number, or numbers drawn between two limits.

    Args:
        limits: the label, or two limits of it in any order.
        step: the running step.
        shape: shape of the labels if they are drawn, for example (B, 1).

    Returns:
        The label if both limits are equal, else float32 of `shape`.
    """
    low, high = min(limits), max(limits)
    return low if low == high else low + (high - low) * step.uniform(shape)


# Penalties on the gradient of the discriminator with respect to its input.


def r1_penalty(discriminator: Callable[..., Tensor], real: Tensor) -> Tensor:
    r"""Return $\frac12 E[\|\nabla_x D(x)\|^2]$ on real data.

    Multiply it by gamma. The same penalty on generated data is called R2.

    Args:
        discriminator: (items, training) -> logits (B, 1).
        real: real data (B, ...), float.

    Reference: Mescheder et al. 2018, arXiv:1801.04406, equation 9.
    """
    _, gradient = input_gradient(discriminator, real)
    return 0.5 * ops.mean(_squared_norm(gradient))


def lazy_r1(
    step: Step,
    discriminator: Callable[..., Tensor],
    real: Tensor,
    gamma: float,
    every: int,
) -> Tensor | None:
    """Return gamma times the R1 penalty, computed only every n-th step.

    Args:
        step: the running step.
        discriminator: (items, training) -> logits (B, 1).
        real: real data (B, ...), float.
        gamma: weight of the penalty, 0 or above.
        every: the penalty is computed every `every`-th step, with `every` times the
            weight; in the other steps it is 0.

    Returns:
        A scalar, or None if gamma is 0.

    Reference: Mescheder et al. 2018, arXiv:1801.04406, equation 9.
    """
    if not gamma:
        return None
    return gamma * lazily(step.index, every, lambda: r1_penalty(discriminator, real))


def gradient_penalty(
    discriminator: Callable[..., Tensor], real: Tensor, fake: Tensor, mix: Tensor
) -> Tensor:
    r"""Return $E[(\|\nabla D(\hat x)\| - 1)^2]$ at $\hat x = u x + (1 - u) G(z)$.

    Multiply it by lambda = 10.

    Args:
        discriminator: critic, (items, training) -> logits (B, 1).
        real: real data (B, ...), float.
        fake: generated data of the same shape.
        mix: u, one number uniform on [0, 1) for each item: (B, 1, ..., 1).

    Reference: Gulrajani et al. 2017, arXiv:1704.00028, equation 3.
    """
    _, gradient = input_gradient(discriminator, mix * real + (1.0 - mix) * fake)
    # The square root has no finite gradient at 0, which the input gradient of a dead
    # critic reaches.
    norm = ops.sqrt(_squared_norm(gradient) + 1e-12)
    return ops.mean(ops.square(norm - 1.0))


def lazily(step: Tensor, every: int, penalty: Callable[[], Tensor]) -> Tensor:
    """Return `every` times the penalty on every `every`-th step, else 0.

    The mean over the steps is about that of the penalty at every step, for a fraction
    of the work.

    Args:
        step: number of the step, scalar int64.
        every: interval in steps, 1 or above.
        penalty: function that computes the penalty, a scalar.

    Reference: Karras et al. 2020, arXiv:1912.04958, appendix B.
    """
    if every == 1:
        return penalty()
    return tf.cond(step % every == 0, lambda: every * penalty(), lambda: 0.0)


def input_gradient(
    discriminator: Callable[..., Tensor], inputs: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the logits (B, 1) and their gradient with respect to `inputs`.

    Only the sum of the logits is differentiated. If the logit of an item depends on
    that item alone, this gives each item's own gradient.

    Args:
        discriminator: (items, training) -> logits, a network or a function.
        inputs: items (B, ...), float.

    Returns:
        Logits, and gradients in float32 of the shape of `inputs`.
    """
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        logits = discriminator(inputs, training=True)
        total = ops.sum(logits)
    # Squares of float16 gradients could overflow.
    return logits, ops.cast(tape.gradient(total, inputs), "float32")


def _squared_norm(gradient: Tensor) -> Tensor:
    """Return the squared L2 norm (B,) of each item's gradient (B, ...)."""
    axes = tuple(range(1, len(gradient.shape)))
    return ops.sum(ops.square(gradient), axis=axes)


# The loss of the discriminator's phase, and the logs that show its state.


def with_penalty(
    loss: Tensor, real_logits: Tensor, fake_logits: Tensor, penalty: Tensor | None
) -> tuple[Tensor, Logs]:
    """Add a penalty to D's loss, and return it with D's logs.

    Args:
        loss: D's loss in the game. It is logged without the penalty, so that it can be
            compared with its value at equilibrium.
        real_logits: logits of real data (B, 1).
        fake_logits: logits of generated data (B, 1).
        penalty: scalar to add to the loss, or None.

    Returns:
        The loss to differentiate, and logs: `d_loss`, those of `discriminator_logs`
        and, if there is a penalty, `d_penalty`.
    """
    logs = {"d_loss": loss, **discriminator_logs(real_logits, fake_logits)}
    if penalty is None:
        return loss, logs
    return loss + penalty, logs | {"d_penalty": penalty}


def discriminator_logs(real_logits: Tensor, fake_logits: Tensor) -> dict[str, Tensor]:
    """Return D's mean probabilities D(x) and D(G(z)), and its accuracy.

    The accuracy is the share of the 2B items that D classifies correctly: a
    probability above 1/2 means real. 3D-GAN's rule for when D is trained uses it
    (Wu et al. 2016, arXiv:1610.07584, section 3.1).

    Args:
        real_logits: logits of real data (B, 1).
        fake_logits: logits of generated data (B, 1).

    Returns:
        Scalars `d_real`, `d_fake` and `d_accuracy`, each in [0, 1].
    """
    right = ops.concatenate([real_logits > 0.0, fake_logits <= 0.0], axis=0)
    return {
        "d_real": ops.mean(ops.sigmoid(real_logits)),
        "d_fake": ops.mean(ops.sigmoid(fake_logits)),
        "d_accuracy": ops.mean(ops.cast(right, "float32")),
    }
