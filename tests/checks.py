"""What the networks and phases of every chapter must pass."""

from typing import Any

import numpy as np
import tensorflow as tf

from common.trainer import AdversarialModel


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
    model.prepare(tf.nest.map_structure(tf.TensorSpec.from_tensor, batch))
    update = tf.function(
        lambda: model._train_phase(phase, model._make_step(batch, 0))["d_loss"][0]
    )
    return [float(update()) for _ in range(steps)]
