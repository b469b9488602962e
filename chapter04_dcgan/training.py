"""Training of the DCGAN: the losses of both phases, and `train`."""

import keras
import numpy as np
import tensorflow as tf

from chapter04_dcgan.config import NAME, Config
from chapter04_dcgan.data import load_images
from chapter04_dcgan.networks import build_discriminator, build_generator
from common import devices, losses, noise
from common.augment import shift_and_mirror
from common.fitting import Gallery, TrainingData, fit_run
from common.phases import Logs, Phase, Step
from common.runs import RunDir
from common.sheets import image_grid, to_floats
from common.trainer import AdversarialModel

# At the sizes of the book and the paper; `quick` is in float32 (README).
BFLOAT16_KEEPS_QUALITY = True
GALLERY_IMAGES = 49
LEFT_RIGHT = 1


def build_model(config: Config) -> AdversarialModel:
    """Build both networks and the two phases that train them."""
    generator, discriminator = build_generator(config), build_discriminator(config)
    game = losses.GAMES[config.loss]

    def judge(step: Step, images: tf.Tensor) -> tf.Tensor:
        """Return D's logits (B, 1) of images that are augmented first."""
        if config.augment_shift or config.mirror:
            images = shift_and_mirror(
                images,
                step.new_key(),
                config.augment_shift,
                LEFT_RIGHT if config.mirror else None,
            )
        return discriminator(images, training=True)

    def forward(step: Step) -> tf.Tensor:
        latents = step.latents(config.latent_dim, config.prior)
        return judge(step, generator(latents, training=True))

    def d_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        fake_logits = step.shared()
        # Real and generated images apart: their BatchNorm statistics must not mix.
        real_logits = judge(step, step.batch)
        labels = [
            draw_label(limits, step, tf.shape(real_logits))
            for limits in (config.real_label, config.fake_label)
        ]
        loss = game.discriminator(real_logits, fake_logits, *labels)
        # Without the penalty, so that it can be held against its equilibrium.
        logs = {"d_loss": loss, **losses.discriminator_logs(real_logits, fake_logits)}
        if config.r1_gamma:
            logs["d_penalty"] = config.r1_gamma * losses.lazily(
                step.index,
                config.r1_every,
                lambda: losses.r1_penalty(discriminator, step.batch),
            )
            loss += logs["d_penalty"]
        return loss, logs

    def g_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        return game.generator(step.shared()), {}

    return AdversarialModel(
        generator,
        [
            Phase(
                "d", discriminator, optimizer(config, config.d_learning_rate), d_loss
            ),
            Phase("g", generator, optimizer(config, config.g_learning_rate), g_loss),
        ],
        forward,
        mode=config.update_mode,
        average=config.average,
        seed=config.seed,
    )


def draw_label(
    limits: tuple[float, ...], step: Step, shape: tf.Tensor
) -> float | tf.Tensor:
    """Return a label: one number, or one drawn between the limits for each image."""
    low, high = min(limits), max(limits)
    return low if low == high else low + (high - low) * step.uniform(shape)


def optimizer(config: Config, learning_rate: float) -> keras.optimizers.Optimizer:
    """Return an optimizer of one network, with loss scaling where needed."""
    if config.optimizer == "sgd":
        sgd = keras.optimizers.SGD(learning_rate, config.beta_1, nesterov=True)
        return devices.optimizer(sgd)
    return devices.optimizer(
        keras.optimizers.Adam(learning_rate, config.beta_1, config.beta_2)
    )


def train(config: Config, run: RunDir | None = None) -> RunDir:
    """Train a DCGAN, or go on where the run's newest checkpoint stands.

    Args:
        config: what to train on and how.
        run: the run's folder; by default a new one below runs/.

    Returns:
        The run's folder; its generator.keras is the result.

    Raises:
        UserError: an option or the data are wrong.
        TrainingError: a loss is not finite.

    Reference: Radford et al. 2016, arXiv:1511.06434, section 4.
    """
    config.validate()
    run = run or RunDir.create(NAME, "custom")
    images = load_images(config, "train").images
    with run.recording(config):
        config = devices.prepare(config, BFLOAT16_KEEPS_QUALITY)
        run.write_config(config)
        with devices.scope(config):
            model = build_model(config)
        gallery = Gallery(
            sample_latents(config, GALLERY_IMAGES, config.seed),
            image_grid,
            losses.GAMES[config.loss].equilibrium,
        )
        data = TrainingData(lambda rows: to_floats(images[rows]), len(images))
        fit_run(model, data, gallery, config, run)
    return run


def sample_latents(config: Config, count: int, seed: int) -> np.ndarray:
    """Draw latents from the prior of training: float32 (count, latent_dim)."""
    return noise.sample_latents((count, config.latent_dim), seed, config.prior)
