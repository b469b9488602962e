"""Training of the 3D-GAN: the losses of both phases, and `train`."""

import keras
import numpy as np
import tensorflow as tf

from chapter02_3dgan.config import NAME, Config
from chapter02_3dgan.data import load_shapes
from chapter02_3dgan.networks import build_discriminator, build_generator
from common import devices, losses, noise
from common.augment import shift_and_mirror
from common.errors import UserError
from common.fitting import Gallery, TrainingData, fit_run
from common.phases import Logs, Phase, Step
from common.rendering import render_grid
from common.runs import RunDir
from common.trainer import AdversarialModel

# README, section "Number formats": the scores of both formats after equal steps.
BFLOAT16_KEEPS_QUALITY = True
GALLERY_SHAPES = 16
# Shapes of 3D ShapeNets look along axis 0; axis 2 is up.
LEFT_RIGHT = 1


def build_model(config: Config, occupancy: float) -> AdversarialModel:
    """Build both networks and the two phases that train them.

    Args:
        config: of the run.
        occupancy: mean share of filled voxels in the data.
    """
    generator = build_generator(config, occupancy)
    discriminator = build_discriminator(config)
    game = losses.GAMES[config.loss]

    def judge(step: Step, shapes: tf.Tensor) -> tf.Tensor:
        """Return D's logits (B, 1) of shapes that are augmented first."""
        if config.augment_shift or config.augment_mirror:
            shapes = shift_and_mirror(
                shapes,
                step.new_key(),
                config.augment_shift,
                LEFT_RIGHT if config.augment_mirror else None,
            )
        return discriminator(shapes, training=True)

    def forward(step: Step) -> tuple[tf.Tensor, tf.Tensor]:
        latents = step.latents(config.latent_dim, config.prior, config.prior_std)
        fake = generator(latents, training=True)  # (B, S, S, S, 1)
        return fake, judge(step, fake)

    def d_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        fake, fake_logits = step.shared()
        # Real and generated shapes apart: their BatchNorm statistics must not mix.
        real_logits = judge(step, step.batch)
        loss = game.discriminator(real_logits, fake_logits, config.real_label)
        # Without the penalty, so that it can be held against its equilibrium.
        logs = {"d_loss": loss, **losses.discriminator_logs(real_logits, fake_logits)}
        if config.r1_gamma or config.gradient_penalty:
            logs["d_penalty"] = penalty(
                config, discriminator, step, tf.stop_gradient(fake)
            )
            loss += logs["d_penalty"]
        return loss, logs

    def g_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        fake, fake_logits = step.shared()
        return game.generator(fake_logits), {"g_occupancy": tf.reduce_mean(fake)}

    def weak_enough(logs: Logs) -> tf.Tensor:
        return logs["d_accuracy"] <= config.gate_accuracy

    gate = weak_enough if config.gate_accuracy is not None else None
    return AdversarialModel(
        generator,
        [
            Phase(
                "d",
                discriminator,
                adam(config, config.d_learning_rate),
                d_loss,
                when=gate,
            ),
            Phase("g", generator, adam(config, config.g_learning_rate), g_loss),
        ],
        forward,
        mode=config.update_mode,
        average=config.average,
        seed=config.seed,
    )


def penalty(
    config: Config, discriminator: keras.Model, step: Step, fake: tf.Tensor
) -> tf.Tensor:
    """Return the penalties on D's gradient that the configuration asks for.

    Args:
        config: uses r1_gamma, r1_every, gradient_penalty.
        discriminator: D.
        step: the one that runs; its batch is the real data.
        fake: generated shapes (B, S, S, S, 1), without a gradient.
    """
    total = 0.0
    if config.r1_gamma:
        total += config.r1_gamma * losses.lazily(
            step.index,
            config.r1_every,
            lambda: losses.r1_penalty(discriminator, step.batch),
        )
    if config.gradient_penalty:
        mix = step.uniform((tf.shape(fake)[0], 1, 1, 1, 1))
        total += config.gradient_penalty * losses.gradient_penalty(
            discriminator, step.batch, fake, mix
        )
    return total


def adam(config: Config, learning_rate: float) -> keras.optimizers.Optimizer:
    """Return an optimizer of one network, with loss scaling where needed."""
    return devices.optimizer(
        keras.optimizers.Adam(learning_rate, config.beta_1, config.beta_2)
    )


def train(config: Config, run: RunDir | None = None) -> RunDir:
    """Train a 3D-GAN, or go on where the run's newest checkpoint stands.

    Args:
        config: what to train on and how.
        run: the run's folder; by default a new one below runs/.

    Returns:
        The run's folder; its generator.keras is the result.

    Raises:
        UserError: an option or the data are wrong.
        TrainingError: a loss is not finite.

    Reference: Wu et al. 2016, arXiv:1610.07584, sections 3.1 and 3.3.
    """
    config.validate()
    run = run or RunDir.create(NAME, "custom")
    store = load_shapes(config, "train")
    occupancy = store.occupancy()
    if not 0 < occupancy < 1:
        raise UserError(
            f"the training shapes are all {'full' if occupancy else 'empty'}; "
            "there is nothing to learn from them"
        )
    with run.recording(config):
        config = devices.prepare(config, BFLOAT16_KEEPS_QUALITY)
        run.write_config(config)
        with devices.scope(config):
            model = build_model(config, occupancy)
        # One scale for all pictures, or the film of the training would jump.
        whole = np.ones((config.size,) * 3, bool)
        gallery = Gallery(
            sample_latents(config, GALLERY_SHAPES, config.seed),
            lambda shapes: render_grid(shapes[..., 0], image_size=128, frame=whole),
            losses.GAMES[config.loss].equilibrium,
        )
        data = TrainingData(lambda rows: store[rows].astype(np.float32), len(store))
        fit_run(model, data, gallery, config, run)
    return run


def sample_latents(config: Config, count: int, seed: int) -> np.ndarray:
    """Draw latents from the prior of training: float32 (count, latent_dim)."""
    shape = (count, config.latent_dim)
    return noise.sample_latents(shape, seed, config.prior, config.prior_std)
