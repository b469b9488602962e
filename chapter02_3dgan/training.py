"""Training of the 3D-GAN: the losses of both phases, and `train`."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from chapter02_3dgan.config import Config
from chapter02_3dgan.data import load_split
from chapter02_3dgan.networks import build_discriminator, build_generator
from common.data.batches import TrainingData
from common.errors import UserError
from common.gan import losses
from common.gan.adversarial_model import AdversarialModel, build_adversarial_model
from common.gan.augment import shift_and_mirror
from common.gan.latents import sample_latents
from common.gan.optimizers import build_optimizers
from common.gan.step import Logs, Phase, Step
from common.shapes.rendering import render_grid
from common.training import devices
from common.training.fit import Gallery, begin, fit_run, open_run
from common.training.run_dir import RunDir

# Measured: see "Number formats" in the README.
BFLOAT16_KEEPS_QUALITY = True
GALLERY_SHAPES = 16
# The axis along which a shape is mirrored: shapes face along axis 0, axis 2 is up.
LEFT_RIGHT = 1


def build_model(config: Config, occupancy: float) -> AdversarialModel:
    """Build both networks and the two phases that train them.

    Args:
        config: options of the run.
        occupancy: mean share of filled voxels in the data, in (0, 1).

    Reference: Wu et al. 2016, arXiv:1610.07584, sections 3.1 and 3.3.
    """
    generator = build_generator(config, occupancy)
    discriminator = build_discriminator(config)
    # The losses of D and G, written out in common/gan/losses.py.
    rules = losses.GAMES[config.loss]

    def discriminate(step: Step, shapes: tf.Tensor) -> tf.Tensor:
        """Return D's logits (B, 1) of shapes that are first moved and mirrored."""
        turned = LEFT_RIGHT if config.augment_mirror else None
        shapes = shift_and_mirror(shapes, step.new_key(), config.augment_shift, turned)
        return discriminator(shapes, training=True)

    def forward(step: Step) -> tuple[tf.Tensor, tf.Tensor]:
        """Return new generated shapes and D's logits of them."""
        latents = step.latents(config.latent_dim, config.prior, config.prior_std)
        fake = generator(latents, training=True)  # (B, S, S, S, 1)
        return fake, discriminate(step, fake)

    def d_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        """Return D's loss: low where D(x) is near 1 and D(G(z)) near 0."""
        fake, fake_logits = step.shared()
        # Real and generated shapes pass D in separate batches: BatchNorm must not mix
        # their statistics.
        real_logits = discriminate(step, step.batch)
        loss = rules.discriminator(real_logits, fake_logits, config.real_label)
        # Penalties on D's gradient; the images of G are constants here.
        fake = tf.stop_gradient(fake)
        penalties = penalty(config, discriminator, step, step.batch, fake)
        return losses.with_penalty(loss, real_logits, fake_logits, penalties)

    def g_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        """Return G's loss: low where D takes generated shapes for real."""
        fake, fake_logits = step.shared()
        return rules.generator(fake_logits), {"g_occupancy": tf.reduce_mean(fake)}

    def weak_enough(logs: Logs) -> tf.Tensor:
        """Tell whether D may learn: the paper stops it while it is too accurate."""
        return logs["d_accuracy"] <= config.gate_accuracy

    gate = weak_enough if config.gate_accuracy is not None else None
    d_optimizer, g_optimizer = build_optimizers(config)
    phases = [
        Phase("d", discriminator, d_optimizer, d_loss, when=gate),
        Phase("g", generator, g_optimizer, g_loss),
    ]
    return build_adversarial_model(config, generator, phases, forward)


def penalty(
    config: Config,
    discriminator: keras.Model,
    step: Step,
    real: tf.Tensor,
    fake: tf.Tensor,
) -> tf.Tensor | None:
    """Return the sum of the penalties on D's gradient, or None without one.

    Args:
        config: uses r1_gamma, r1_every and gradient_penalty.
        discriminator: the network D.
        step: the step that runs.
        real: real shapes (B, S, S, S, 1).
        fake: generated shapes (B, S, S, S, 1), without a gradient.
    """
    # R1: on real shapes [Mescheder et al. 2018, equation 9].
    r1 = losses.lazy_r1(step, discriminator, real, config.r1_gamma, config.r1_every)
    if not config.gradient_penalty:
        return r1
    # WGAN-GP: on random mixtures of real and generated shapes [Gulrajani et al. 2017].
    mix = step.uniform((tf.shape(fake)[0], 1, 1, 1, 1))
    towards_one = config.gradient_penalty * losses.gradient_penalty(
        discriminator, real, fake, mix
    )
    return towards_one if r1 is None else r1 + towards_one


def train(
    config: Config,
    run: RunDir | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> RunDir:
    """Train a 3D-GAN, or continue from the newest checkpoint of its run.

    Args:
        config: what to train on, and how.
        run: folder of the run; by default a new one below runs/.
        callbacks: further Keras callbacks, called at every step.

    Returns:
        The run; its generator.keras is the result.

    Raises:
        UserError: an option or the data are wrong.
        TrainingError: a loss is not finite.

    Reference: Wu et al. 2016, arXiv:1610.07584, sections 3.1 and 3.3.
    """
    run = open_run(config, run)
    store = load_split(config, "train")
    occupancy = check_occupancy(store.occupancy())
    with begin(config, run, BFLOAT16_KEEPS_QUALITY) as config:
        with devices.scope(config):
            model = build_model(config, occupancy)
        gallery = make_gallery(config)
        data = TrainingData(lambda rows: store[rows].astype(np.float32), len(store))
        data = data.without(config.validation_every)
        fit_run(model, data, gallery, config, run, callbacks)
    return run


def check_occupancy(occupancy: float) -> float:
    """Return the mean occupancy of the training shapes, if they can be learnt from.

    Raises:
        UserError: all shapes are full, or all are empty.
    """
    if not 0 < occupancy < 1:
        raise UserError(
            f"the training shapes are all {'full' if occupancy else 'empty'}; "
            "there is nothing to learn from them"
        )
    return occupancy


def make_gallery(config: Config, threshold: float = 0.5) -> Gallery:
    """Return how the progress is drawn: as shaded shapes.

    Args:
        config: uses size, loss, seed and the options of the latents.
        threshold: value above which a voxel is filled.
    """
    # All pictures get one scale; otherwise the animation would jump.
    whole = np.ones((config.size,) * 3, bool)
    return Gallery(
        sample_latents(config, GALLERY_SHAPES, config.seed),
        lambda shapes: render_grid(
            shapes[..., 0], image_size=128, frame=whole, threshold=threshold
        ),
        losses.GAMES[config.loss].equilibrium,
    )
