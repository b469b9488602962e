"""What the networks and phases of every chapter must pass."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from common.gan import rng
from common.gan.adversarial_model import AdversarialModel
from common.gan.step import Phase, Step


def assert_every_weight_learns(model: AdversarialModel, batch: Any) -> None:
    """Each phase gives each weight of its network a finite, non-zero gradient."""
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
    """Train the discriminator alone on one batch; return its losses."""
    phase = model.phases[0]
    model.build_step(tf.nest.map_structure(tf.TensorSpec.from_tensor, batch))
    update = tf.function(
        lambda: model._train_phase(phase, model._make_step(batch, 0))["d_loss"][0]
    )
    return [float(update()) for _ in range(steps)]


@dataclasses.dataclass(frozen=True)
class Sides:
    """The two kinds of items that a chapter's discriminator tells apart.

    Attributes:
        batch: what a step of training gets.
        real: the real items of that batch.
        given: what the generator makes its items of.
        condition: what the discriminator takes beside the items.
    """

    batch: Any
    real: Any
    given: Any
    condition: Sequence[Any] = ()

    def logits(self, model: AdversarialModel) -> tuple[tf.Tensor, tf.Tensor]:
        """Return D's logits of real and of generated items."""
        discriminator = phase_of(model, "d").network
        made = model.generator(self.given, training=True)
        real, fake = (
            discriminator([items, *self.condition], training=True)
            if self.condition
            else discriminator(items, training=True)
            for items in (self.real, made)
        )
        return real, fake

    def opinions(self, model: AdversarialModel) -> tuple[float, float]:
        """Return D(x) and D(G(z)), means over the items."""
        real, fake = (
            float(tf.reduce_mean(tf.sigmoid(logits))) for logits in self.logits(model)
        )
        return real, fake


def phase_of(model: AdversarialModel, name: str) -> Phase:
    """Return the phase of that name."""
    return next(phase for phase in model.phases if phase.name == name)


def step_of(model: AdversarialModel, batch: Any, index: int = 0) -> Step:
    """Return a step of some number; that of two models draws the same numbers."""
    number = tf.constant(index, tf.int64)
    return Step(batch, number, rng.step_key(0, number, 0), model.forward)


def evaluate(
    model: AdversarialModel, name: str, batch: Any, index: int = 0
) -> tuple[float, dict[str, float]]:
    """Return the loss of a phase at a step, and its logs; nothing is trained."""
    loss, logs = phase_of(model, name).loss(step_of(model, batch, index))
    return float(loss), {name: float(value) for name, value in logs.items()}


def assert_each_player_has_its_own_side(
    model: AdversarialModel, sides: Sides, steps: int = 40
) -> None:
    """A trained D believes in the real items alone; then G alone learns to deceive it.

    Args:
        model: one whose discriminator has been trained.
        sides: what the discriminator is asked about.
        steps: that the generator takes.
    """
    real, fake = sides.opinions(model)
    assert real > 0.7 and fake < 0.3
    _, logs = evaluate(model, "d", sides.batch)
    assert logs["d_real"] > 0.7 and logs["d_fake"] < 0.3
    phases = [phase_of(model, "g")]
    alone = AdversarialModel(model.generator, phases, model.forward)
    alone.build_step(tf.nest.map_structure(tf.TensorSpec.from_tensor, sides.batch))
    step = tf.function(alone.train_step)
    for _ in range(steps):
        step(sides.batch)
    assert sides.opinions(model)[1] > 0.5


def assert_r1_of_the_real_for_d_alone(
    build: Callable[..., AdversarialModel], sides: Sides
) -> None:
    """D's penalty is R1 of the real items when it is due; G has none.

    Args:
        build: (r1_gamma, r1_every) -> a model, always of the same weights.
        sides: what the penalty is taken of.
    """
    gamma, every = 3.0, 2
    plain, punished = build(r1_gamma=0.0, r1_every=1), build(gamma, every)
    discriminator = phase_of(punished, "d").network
    real = tf.convert_to_tensor(sides.real)
    with tf.GradientTape() as tape:
        tape.watch(real)
        taken = [real, *sides.condition] if sides.condition else real
        total = tf.reduce_sum(discriminator(taken, training=True))
    squares = np.sum(np.square(tape.gradient(total, real)))
    expected = gamma * every * squares / (2 * len(real))
    assert expected > 0
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
    """D's cross-entropy with the label t is that with 1, plus (1 - t) E[logit of x].

    Args:
        plain: a model with the label 1, without augmentation.
        smoothed: the same, of the same weights, with another label.
        sides: the real items.
        label: t of `smoothed`.
    """
    more = (1 - label) * float(tf.reduce_mean(sides.logits(plain)[0]))
    assert abs(more) > 1e-3
    losses = [evaluate(model, "d", sides.batch)[0] for model in (plain, smoothed)]
    np.testing.assert_allclose(losses[1] - losses[0], more, rtol=1e-2)


def assert_d_sees_both_kinds_changed(
    plain: AdversarialModel, changing: AdversarialModel, sides: Sides
) -> None:
    """Augmentation changes D's opinion of the real items and of the generated ones.

    Args:
        plain: a model without augmentation.
        changing: the same, of the same weights, with it.
        sides: the items.
    """
    logs = [evaluate(model, "d", sides.batch)[1] for model in (plain, changing)]
    np.testing.assert_allclose(logs[0]["d_real"], sides.opinions(plain)[0], rtol=1e-4)
    for name in ("d_real", "d_fake"):
        assert abs(logs[0][name] - logs[1][name]) > 1e-5, name


def assert_own_learning_rates(model: AdversarialModel, d: float, g: float) -> None:
    """Each phase has the rate that the configuration gives its network."""
    for name, rate in (("d", d), ("g", g)):
        found = float(phase_of(model, name).optimizer.learning_rate)
        np.testing.assert_allclose(found, rate, rtol=1e-5)
