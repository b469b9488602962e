"""Checks that the networks and the phases of every chapter must pass.

A phase is one network's turn within a training step.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from common.gan import rng
from common.gan.adversarial_model import AdversarialModel
from common.gan.step import Phase, Step


def assert_every_weight_learns(model: AdversarialModel, batch: Any) -> None:
    """Check that each phase gives each weight of its network a finite gradient.

    A gradient is a tensor for each weight; at least one of its elements must not be 0.
    """
    for phase in model.phases:
        variables = phase.network.trainable_variables
        with tf.GradientTape() as tape:
            loss, _ = phase.loss(model._make_step(batch, 0))
        for variable, gradient in zip(
            variables, tape.gradient(loss, variables), strict=True
        ):
            values = gradient.numpy()
            assert np.isfinite(values).all(), variable.path
            assert np.abs(values).max() > 0, variable.path


def discriminator_losses(
    model: AdversarialModel, batch: Any, steps: int
) -> list[float]:
    """Train the discriminator alone on one batch; return its loss at each step."""
    phase = model.phases[0]
    model.build_step(tf.nest.map_structure(tf.TensorSpec.from_tensor, batch))
    update = tf.function(
        lambda: model._train_phase(phase, model._make_step(batch, 0))["d_loss"][0]
    )
    return [float(update()) for _ in range(steps)]


@dataclasses.dataclass(frozen=True)
class Sides:
    """The real and the generated items that a chapter's discriminator discriminates.

    Attributes:
        batch: input of a training step.
        real: the real items of that batch.
        given: input from which the generator makes its items.
        condition: further inputs of the discriminator.
    """

    batch: Any
    real: Any
    given: Any
    condition: Sequence[Any] = ()

    def logits(self, model: AdversarialModel) -> tuple[tf.Tensor, tf.Tensor]:
        """Return D's logits of the real and of the generated items."""
        discriminator = phase_of(model, "d").network
        made = model.generator(self.given, training=True)
        real, fake = (
            discriminator([items, *self.condition], training=True)
            if self.condition
            else discriminator(items, training=True)
            for items in (self.real, made)
        )
        return real, fake

    def probabilities(self, model: AdversarialModel) -> tuple[float, float]:
        """Return the means of D(x) and D(G(z)) over the items, in [0, 1]."""
        real, fake = (
            float(tf.reduce_mean(tf.sigmoid(logits))) for logits in self.logits(model)
        )
        return real, fake


def phase_of(model: AdversarialModel, name: str) -> Phase:
    """Return the phase with a name, such as "d" or "g"."""
    return next(phase for phase in model.phases if phase.name == name)


def step_of(model: AdversarialModel, batch: Any, index: int = 0) -> Step:
    """Return a training step with an index; two models draw the same numbers in it."""
    number = tf.constant(index, tf.int64)
    return Step(batch, number, rng.step_key(0, number, 0), model.forward)


def evaluate(
    model: AdversarialModel, name: str, batch: Any, index: int = 0
) -> tuple[float, dict[str, float]]:
    """Return the loss and the logs of a phase at a step, without training."""
    loss, logs = phase_of(model, name).loss(step_of(model, batch, index))
    return float(loss), {name: float(value) for name, value in logs.items()}


def assert_each_player_has_its_own_side(
    model: AdversarialModel, sides: Sides, steps: int = 40
) -> None:
    """Check that D and G are trained towards opposite aims.

    A trained D gives real items high and generated items low probabilities. When G is
    trained alone after that, D gives its items high probabilities.

    Args:
        model: a model whose discriminator has been trained.
        sides: items that the discriminator discriminates.
        steps: number of training steps of the generator.
    """
    real, fake = sides.probabilities(model)
    assert real > 0.7 and fake < 0.3
    _, logs = evaluate(model, "d", sides.batch)
    assert logs["d_real"] > 0.7 and logs["d_fake"] < 0.3
    phases = [phase_of(model, "g")]
    alone = AdversarialModel(model.generator, phases, model.forward)
    alone.build_step(tf.nest.map_structure(tf.TensorSpec.from_tensor, sides.batch))
    step = tf.function(alone.train_step)
    for _ in range(steps):
        step(sides.batch)
    assert sides.probabilities(model)[1] > 0.5


def assert_r1_of_the_real_for_d_alone(
    build: Callable[..., AdversarialModel], sides: Sides
) -> None:
    """Check that D has R1 of the real items as its penalty when it is due; G has none.

    Args:
        build: (r1_gamma, r1_every) -> a model, always with the same weights.
        sides: items of which the penalty is computed.
    """
    gamma, every = 3.0, 2
    plain = build(r1_gamma=0.0, r1_every=1)
    punished = build(gamma, every)
    discriminator = phase_of(punished, "d").network
    real = tf.convert_to_tensor(sides.real)
    with tf.GradientTape() as tape:
        tape.watch(real)
        inputs = [real, *sides.condition] if sides.condition else real
        total = tf.reduce_sum(discriminator(inputs, training=True))
    squares = np.sum(np.square(tape.gradient(total, real)))
    expected = gamma * every * squares / (2 * len(real))
    assert expected > 0
    # R1 is due at every second step, at step 2 but not at step 3.
    for index, penalty in ((2, expected), (3, 0.0)):
        bare, logs = evaluate(plain, "d", sides.batch, index)
        assert "d_penalty" not in logs
        loss, logs = evaluate(punished, "d", sides.batch, index)
        np.testing.assert_allclose(logs["d_penalty"], penalty, rtol=1e-3)
        np.testing.assert_allclose(loss - bare, penalty, rtol=1e-3, atol=1e-4)
        losses = [
            evaluate(model, "g", sides.batch, index) for model in (plain, punished)
        ]
        np.testing.assert_allclose(losses[0][0], losses[1][0], rtol=1e-4)


def assert_the_label_is_that_of_the_real(
    plain: AdversarialModel, smoothed: AdversarialModel, sides: Sides, label: float
) -> None:
    """Check that the real label applies to the real items alone.

    D's cross-entropy with the label t is that with 1, plus (1 - t) E[logit of x].

    Args:
        plain: a model with the label 1, without augmentation.
        smoothed: a model with the same weights and another label.
        sides: items that the discriminator discriminates.
        label: label t of `smoothed`.
    """
    more = (1 - label) * float(tf.reduce_mean(sides.logits(plain)[0]))
    assert abs(more) > 1e-3
    losses = [evaluate(model, "d", sides.batch)[0] for model in (plain, smoothed)]
    np.testing.assert_allclose(losses[1] - losses[0], more, rtol=1e-2)


def assert_d_sees_both_kinds_changed(
    plain: AdversarialModel, changing: AdversarialModel, sides: Sides
) -> None:
    """Check that augmentation changes D(x) and D(G(z)): D sees both kinds augmented.

    Args:
        plain: a model without augmentation.
        changing: a model with the same weights and augmentation.
        sides: items that the discriminator discriminates.
    """
    logs = [evaluate(model, "d", sides.batch)[1] for model in (plain, changing)]
    expected = sides.probabilities(plain)[0]
    np.testing.assert_allclose(logs[0]["d_real"], expected, rtol=1e-4)
    for name in ("d_real", "d_fake"):
        assert abs(logs[0][name] - logs[1][name]) > 1e-5, name


def assert_own_learning_rates(model: AdversarialModel, d: float, g: float) -> None:
    """Check that each phase has the learning rate of its network.

    Args:
        model: model to check.
        d: learning rate of the discriminator.
        g: learning rate of the generator.
    """
    for name, rate in (("d", d), ("g", g)):
        found = float(phase_of(model, name).optimizer.learning_rate)
        np.testing.assert_allclose(found, rate, rtol=1e-5)
