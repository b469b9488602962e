r"""Adversarial losses on logits.

Real data carry the label 1, generated data 0. Every function takes raw logits
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

Tensor = tf.Tensor
# One number for the batch, or (B, 1): one for each item.
Label = float | Tensor


# Two losses for the discriminator and two for the generator make up a game.


def discriminator_cross_entropy(
    real_logits: Tensor,
    fake_logits: Tensor,
    real_label: Label = 1.0,
    fake_label: Label = 0.0,
) -> Tensor:
    r"""Return $H(t, D(x)) + H(s, D(G(z)))$, means over the batch.

    $H(t, p) = -t \log p - (1 - t) \log(1 - p)$.

    Args:
        real_logits: logits of real data.
        fake_logits: logits of generated data.
        real_label: t. One-sided label smoothing sets it below 1, for example 0.9.
        fake_label: s. One-sided smoothing leaves it at 0.

    Reference: Goodfellow et al. 2014, arXiv:1406.2661, equation 1;
        Salimans et al. 2016, arXiv:1606.03498, section 3.4 (smoothing).
    """
    real = ops.softplus(real_logits) - real_label * real_logits
    fake = ops.softplus(fake_logits) - fake_label * fake_logits
    return ops.mean(real) + ops.mean(fake)


def generator_minimax(fake_logits: Tensor) -> Tensor:
    r"""Return $E[\log(1 - D(G(z)))]$, which the generator minimises.

    Its gradient vanishes when the discriminator wins.

    Reference: Goodfellow et al. 2014, arXiv:1406.2661, equation 1.
    """
    return -ops.mean(ops.softplus(fake_logits))


def generator_non_saturating(fake_logits: Tensor) -> Tensor:
    r"""Return $-E[\log D(G(z))]$.

    Reference: Goodfellow et al. 2014, arXiv:1406.2661, section 3.
    """
    return ops.mean(ops.softplus(-fake_logits))


def discriminator_least_squares(
    real_logits: Tensor,
    fake_logits: Tensor,
    real_label: Label = 1.0,
    fake_label: Label = 0.0,
) -> Tensor:
    r"""Return $\frac12 E[(D(x) - t)^2] + \frac12 E[(D(G(z)) - s)^2]$, D the raw logit.

    t is `real_label`, s `fake_label`.

    Reference: Mao et al. 2017, arXiv:1611.04076, equation 8 (b = t, a = s).
    """
    real = ops.mean(ops.square(real_logits - real_label))
    return 0.5 * (real + ops.mean(ops.square(fake_logits - fake_label)))


def generator_least_squares(fake_logits: Tensor) -> Tensor:
    r"""Return $\frac12 E[(D(G(z)) - 1)^2]$.

    Reference: Mao et al. 2017, arXiv:1611.04076, equation 9.
    """
    return 0.5 * ops.mean(ops.square(fake_logits - 1.0))


def discriminator_hinge(
    real_logits: Tensor, fake_logits: Tensor, real_label: Label = 1.0
) -> Tensor:
    r"""Return $E[\max(0, t - D(x))] + E[\max(0, 1 + D(G(z)))]$.

    Reference: Lim and Ye 2017, arXiv:1705.02894; Miyato et al. 2018,
        arXiv:1802.05957, equation 16.
    """
    real = ops.mean(ops.relu(real_label - real_logits))
    return real + ops.mean(ops.relu(1.0 + fake_logits))


def discriminator_wasserstein(
    real_logits: Tensor, fake_logits: Tensor, real_label: Label = 1.0
) -> Tensor:
    r"""Return $E[D(G(z))] - t E[D(x)]$: the critic's estimate, sign turned.

    Reference: Arjovsky et al. 2017, arXiv:1701.07875, equation 3.
    """
    return ops.mean(fake_logits) - ops.mean(real_label * real_logits)


def generator_critic(fake_logits: Tensor) -> Tensor:
    r"""Return $-E[D(G(z))]$: the generator of the hinge and Wasserstein games."""
    return -ops.mean(fake_logits)


def feature_matching(real_features: Tensor, fake_features: Tensor) -> Tensor:
    r"""Return $\|E[f(x)] - E[f(G(z))]\|_2^2$, f being features within D.

    A generator that minimises this instead of an adversarial loss has to match
    what D sees on average, not to win.

    Args:
        real_features: (B, ...).
        fake_features: (B, ...) of the same shape.

    Reference: Salimans et al. 2016, arXiv:1606.03498, section 3.1.
    """
    means = [ops.mean(f, axis=0) for f in (real_features, fake_features)]
    return ops.sum(ops.square(means[0] - means[1]))


@dataclass(frozen=True)
class Game:
    """The two losses of an adversarial game, by the names that papers use.

    Attributes:
        discriminator: (real_logits, fake_logits, real_label) -> scalar.
        generator: (fake_logits) -> scalar.
        equilibrium: values (discriminator, generator) when D cannot tell real
            from generated, or None where no such constants exist.
    """

    discriminator: Callable[..., Tensor]
    generator: Callable[[Tensor], Tensor]
    equilibrium: tuple[float, float] | None


LOG2 = 0.6931471805599453
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


# Penalties on the gradient of the discriminator with respect to its input.


def input_gradient(
    discriminator: Callable[..., Tensor], inputs: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the logits (B, 1) and their gradient with respect to `inputs`.

    Only the outputs' sum is differentiated: with a discriminator that treats
    each item by itself this is the gradient of each item.

    Args:
        discriminator: a network or a function of (inputs, training).
        inputs: (B, ...), float.

    Returns:
        Logits and gradients, float32, the latter of the shape of `inputs`.
    """
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        logits = discriminator(inputs, training=True)
        total = ops.sum(logits)
    return logits, ops.cast(tape.gradient(total, inputs), "float32")


def _squared_norm(gradient: Tensor) -> Tensor:
    axes = tuple(range(1, len(gradient.shape)))
    return ops.sum(ops.square(gradient), axis=axes)


def r1_penalty(discriminator: Callable[..., Tensor], real: Tensor) -> Tensor:
    r"""Return $\frac12 E[\|\nabla_x D(x)\|^2]$ on real data.

    Multiply it by gamma. On generated data the same penalty is called R2.

    Reference: Mescheder et al. 2018, arXiv:1801.04406, equation 9.
    """
    _, gradient = input_gradient(discriminator, real)
    return 0.5 * ops.mean(_squared_norm(gradient))


def gradient_penalty(
    discriminator: Callable[..., Tensor], real: Tensor, fake: Tensor, mix: Tensor
) -> Tensor:
    r"""Return $E[(\|\nabla D(\hat x)\| - 1)^2]$ at $\hat x = u x + (1 - u) G(z)$.

    Multiply it by lambda = 10.

    Args:
        discriminator: the critic.
        real: real data (B, ...).
        fake: generated data of the same shape.
        mix: u, uniform on [0, 1), one for each item: (B, 1, ..., 1).

    Reference: Gulrajani et al. 2017, arXiv:1704.00028, equation 3.
    """
    _, gradient = input_gradient(discriminator, mix * real + (1.0 - mix) * fake)
    # The root has no gradient at zero, which a dead critic would reach.
    norm = ops.sqrt(_squared_norm(gradient) + 1e-12)
    return ops.mean(ops.square(norm - 1.0))


def lazily(step: Tensor, every: int, penalty: Callable[[], Tensor]) -> Tensor:
    """Return `every` times the penalty on each `every`-th step, else 0.

    The mean over time is that of the penalty at every step, for a fraction of
    the work.

    Reference: Karras et al. 2020, arXiv:1912.04958, appendix B.
    """
    if every == 1:
        return penalty()
    return tf.cond(step % every == 0, lambda: every * penalty(), lambda: 0.0)


# What a healthy game looks like.


def discriminator_logs(real_logits: Tensor, fake_logits: Tensor) -> dict[str, Tensor]:
    """Return what to watch of a discriminator: D(x), D(G(z)) and its accuracy.

    Accuracy is the share of the 2B items on the right side of 1/2, as in the
    3D-GAN paper's rule (Wu et al. 2016, arXiv:1610.07584, section 3.1).
    """
    right = ops.concatenate([real_logits > 0.0, fake_logits <= 0.0], axis=0)
    return {
        "d_real": ops.mean(ops.sigmoid(real_logits)),
        "d_fake": ops.mean(ops.sigmoid(fake_logits)),
        "d_accuracy": ops.mean(ops.cast(right, "float32")),
    }


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
    logs = {"d_loss": loss, **discriminator_logs(real_logits, fake_logits)}
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
    return gamma * lazily(step.index, every, lambda: r1_penalty(discriminator, real))


def draw_label(limits: tuple[float, ...], step: Step, shape: tuple) -> float | Tensor:
    """Return a label: one number, or one drawn between the limits for each item."""
    low, high = min(limits), max(limits)
    return low if low == high else low + (high - low) * step.uniform(shape)
