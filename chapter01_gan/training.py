"""Training of the first GAN: the losses of both phases, every technique, `train`."""

import dataclasses
from collections.abc import Sequence

import keras
import tensorflow as tf

from chapter01_gan.config import Config
from chapter01_gan.data import load_split
from chapter01_gan.networks import build_discriminator, build_generator
from common.data.batches import TrainingData
from common.gan import losses, rng
from common.gan.adversarial_model import AdversarialModel, build_adversarial_model
from common.gan.augment import add_instance_noise, linear_decay
from common.gan.latents import sample_latents
from common.gan.optimizers import build_optimizers
from common.gan.step import Logs, Phase, Step
from common.gan.weight_averages import HistoricalAverage
from common.images.grids import image_grid
from common.images.pixels import to_floats
from common.training import devices
from common.training.fit import Gallery, begin, fit_run, open_run
from common.training.run_dir import RunDir

# Dense layers of this size are no faster in bfloat16.
BFLOAT16_KEEPS_QUALITY = False
GALLERY_IMAGES = 64


def build_model(
    config: Config, generator: keras.Model, discriminator: keras.Model
) -> AdversarialModel:
    """Build the two phases that train G and D against each other.

    Args:
        config: options of the run; they turn the stabilising techniques on.
        generator: latents (B, latent_dim) -> images (B, 28, 28) in [-1, 1].
        discriminator: images -> logits (B, 1); it has a layer named "features".

    Reference: Goodfellow et al. 2014, arXiv:1406.2661, algorithm 1.
    """
    # The losses of D and G, written out in common/gan/losses.py.
    rules = losses.GAMES[config.loss]
    # D's last hidden layer, which feature matching compares.
    inner = discriminator.get_layer("features").output
    with_features = keras.Model(discriminator.input, [discriminator.output, inner])

    def discriminate(step: Step, items: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return D's logits (B, 1) and its last hidden layer (B, units)."""
        # Instance noise blurs whatever D sees, less and less.
        if config.instance_noise:
            std = linear_decay(
                config.instance_noise, step.index, config.instance_noise_steps
            )
            items = add_instance_noise(items, step.new_key(), std)
        return with_features(items, training=True)

    def forward(step: Step) -> tuple[tf.Tensor, tf.Tensor]:
        """Return D's logits and features of new generated images."""
        latents = step.latents(config.latent_dim, config.prior)
        return discriminate(step, generator(latents, training=True))

    def d_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        """Return D's loss: low where D(x) is near 1 and D(G(z)) near 0."""
        fake_logits, _ = step.shared()
        # Real and generated images pass D in separate batches: BatchNorm must not mix
        # their statistics.
        real_logits, _ = discriminate(step, step.batch)
        # One-sided label smoothing: the label of real images may be below 1.
        label = losses.draw_label(config.real_label, step, rng.shape_of(real_logits))
        loss = rules.discriminator(real_logits, fake_logits, label)
        # R1 flattens D around the real images.
        penalty = losses.lazy_r1(
            step, discriminator, step.batch, config.r1_gamma, config.r1_every
        )
        return losses.with_penalty(loss, real_logits, fake_logits, penalty)

    def g_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        """Return G's loss: low where D takes generated images for real."""
        fake_logits, fake_features = step.shared()
        # Or, with feature matching, low where their features have the same mean.
        if config.feature_matching:
            _, real_features = discriminate(step, step.batch)
            return losses.feature_matching(real_features, fake_features), {}
        return rules.generator(fake_logits), {}

    d_optimizer, g_optimizer = build_optimizers(config)
    phases = [
        Phase("d", discriminator, d_optimizer, d_loss),
        Phase("g", generator, g_optimizer, g_loss),
    ]
    # Both networks may be pulled towards the mean of all their past weights.
    if weight := config.historical_averaging:
        phases = [
            dataclasses.replace(phase, history=HistoricalAverage(phase.network, weight))
            for phase in phases
        ]
    return build_adversarial_model(config, generator, phases, forward)


def train(
    config: Config,
    run: RunDir | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> RunDir:
    """Train the first GAN, or continue from the newest checkpoint of its run.

    Args:
        config: what to train on, and how.
        run: folder of the run; by default a new one below runs/.
        callbacks: further Keras callbacks, called at every step.

    Returns:
        The run; its generator.keras is the result.

    Raises:
        UserError: an option or the data are wrong.
        TrainingError: a loss is not finite.

    Reference: Goodfellow et al. 2014, arXiv:1406.2661, algorithm 1.
    """
    run = open_run(config, run)
    images, _ = load_split(config, "train")
    with begin(config, run, BFLOAT16_KEEPS_QUALITY) as config:
        with devices.scope(config):
            model = build_model(
                config, build_generator(config), build_discriminator(config)
            )
        gallery = Gallery(
            sample_latents(config, GALLERY_IMAGES, config.seed),
            image_grid,
            losses.GAMES[config.loss].equilibrium,
        )
        data = TrainingData(lambda rows: to_floats(images[rows]), len(images))
        data = data.without(config.validation_every)
        fit_run(model, data, gallery, config, run, callbacks)
    return run
