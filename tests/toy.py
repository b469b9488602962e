"""A toy GAN on points in the plane, small enough for tests of the training step."""

import keras
import numpy as np
import tensorflow as tf
from keras.ops import convert_to_numpy

from common.gan import losses
from common.gan.adversarial_model import AdversarialModel
from common.gan.step import Phase
from common.gan.weight_averages import HistoricalAverage

COUNT, BATCH = 40, 8
POINTS = np.random.default_rng(0).normal(2.0, 0.5, (COUNT, 2)).astype(np.float32)


def build(
    mode="alternating",
    average=0.9,
    seed=0,
    when=None,
    g_every=1,
    d_norm=False,
    history=0.0,
) -> AdversarialModel:
    """Build the toy GAN; the same arguments give the same weights.

    Args:
        mode: "alternating" or "simultaneous" updates of D and G.
        average: decay of the moving average of G's weights; 0 is off.
        seed: seed of the weights and of the training.
        when: logs -> whether D is updated, see `Phase`; None updates it at every step.
        g_every: number of steps from one update of G to the next.
        d_norm: whether D has a batch normalisation.
        history: weight of the historical averages of both networks; 0 is off.
    """
    keras.utils.set_random_seed(seed)
    dense, norm = keras.layers.Dense, keras.layers.BatchNormalization
    generator = chain(3, [dense(8), keras.layers.ReLU(), dense(2)], "generator")
    hidden = [norm()] if d_norm else []
    discriminator = chain(2, [dense(8), *hidden, dense(1)], "discriminator")

    def forward(step):
        fake = generator(step.latents(3), training=True)
        return fake, discriminator(fake, training=True)

    def d_loss(step):
        real_logits = discriminator(step.batch, training=True)
        _, fake_logits = step.shared()
        loss = losses.discriminator_cross_entropy(real_logits, fake_logits)
        return loss, losses.discriminator_logs(real_logits, fake_logits)

    def g_loss(step):
        return losses.generator_non_saturating(step.shared()[1]), {}

    def phase(name, network, loss, **options):
        adam = keras.optimizers.Adam(0.01)
        past = HistoricalAverage(network, history) if history else None
        return Phase(name, network, adam, loss, history=past, **options)

    phases = [
        phase("d", discriminator, d_loss, when=when),
        phase("g", generator, g_loss, every=g_every),
    ]
    model = AdversarialModel(generator, phases, forward, mode, average, seed)
    model.build_step(tf.TensorSpec((BATCH, 2), tf.float32))
    return model


def chain(width: int, layers: list, name: str) -> keras.Model:
    """Return a network that applies layers one after another to items (B, width)."""
    x = inputs = keras.Input((width,))
    for layer in layers:
        x = layer(x)
    return keras.Model(inputs, x, name=name)


def run(model: AdversarialModel, steps: int) -> AdversarialModel:
    """Train for some steps on the same batch; return the model.

    Several steps are compiled; a single one is faster without.
    """
    step = tf.function(model.train_step) if steps > 1 else model.train_step
    for _ in range(steps):
        step(tf.constant(POINTS[:BATCH]))
    return model


def weights(model: AdversarialModel) -> dict[str, list[np.ndarray]]:
    """Return copies of all variables of the training, by their owner."""
    return {
        owner: [convert_to_numpy(variable).copy() for variable in variables]
        for owner, variables in model.state().items()
    }


def moved(before: list[np.ndarray], after: list[np.ndarray]) -> bool:
    """Return whether any of the arrays changed."""
    return any(not np.array_equal(a, b) for a, b in zip(before, after, strict=True))
