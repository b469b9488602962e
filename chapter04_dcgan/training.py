"""Training of the DCGAN: the losses of both phases, and `train`."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from chapter04_dcgan.config import Config
from chapter04_dcgan.data import load_split
from chapter04_dcgan.networks import build_discriminator, build_generator
from common.data.batches import TrainingData
from common.gan import losses, rng
from common.gan.adversarial_model import AdversarialModel, build_adversarial_model
from common.gan.augment import shift_and_mirror
from common.gan.latents import sample_latents
from common.gan.optimizers import build_optimizers
from common.gan.step import Logs, Phase, Step
from common.images.grids import image_grid
from common.images.pixels import to_floats
from common.training import devices
from common.training.fit import Gallery, begin, fit_run, open_run
from common.training.run_dir import RunDir

# At the sizes of the book and the paper; `quick` uses float32 (see the README).
BFLOAT16_KEEPS_QUALITY = True
GALLERY_IMAGES = 49
# The axis along which images are mirrored.
LEFT_RIGHT = 1


def build_model(config: Config) -> AdversarialModel:
    """Build both networks and the two phases that train them.

    Reference: Radford et al. 2016, arXiv:1511.06434, section 4.
    """
    generator, discriminator = build_generator(config), build_discriminator(config)
    # The losses of D and G, written out in common/gan/losses.py.
    rules = losses.GAMES[config.loss]

    def discriminate(step: Step, images: tf.Tensor) -> tf.Tensor:
        """Return D's logits (B, 1) of images that are first moved and mirrored."""
        turned = LEFT_RIGHT if config.mirror else None
        images = shift_and_mirror(images, step.new_key(), config.augment_shift, turned)
        return discriminator(images, training=True)

    def forward(step: Step) -> tf.Tensor:
        """Return D's logits of new generated images."""
        latents = step.latents(config.latent_dim, config.prior)
        return discriminate(step, generator(latents, training=True))

    def d_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        """Return D's loss: low where D(x) is near 1 and D(G(z)) near 0."""
        fake_logits = step.shared()
        # Real and generated images pass D in separate batches: BatchNorm must not mix
        # their statistics.
        real_logits = discriminate(step, step.batch)
        # Label smoothing: 1 and 0, or numbers drawn near them for each image.
        labels = [
            losses.draw_label(limits, step, rng.shape_of(real_logits))
            for limits in (config.real_label, config.fake_label)
        ]
        loss = rules.discriminator(real_logits, fake_logits, *labels)
        # R1 flattens D around the real images.
        penalty = losses.lazy_r1(
            step, discriminator, step.batch, config.r1_gamma, config.r1_every
        )
        return losses.with_penalty(loss, real_logits, fake_logits, penalty)

    def g_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        """Return G's loss: low where D takes generated images for real."""
        return rules.generator(step.shared()), {}

    d_optimizer, g_optimizer = build_optimizers(config, nesterov=True)
    phases = [
        Phase("d", discriminator, d_optimizer, d_loss),
        Phase("g", generator, g_optimizer, g_loss),
    ]
    return build_adversarial_model(config, generator, phases, forward)


def train(
    config: Config,
    run: RunDir | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> RunDir:
    """Train a DCGAN, or continue from the newest checkpoint of its run.

    Args:
        config: what to train on, and how.
        run: folder of the run; by default a new one below runs/.
        callbacks: further Keras callbacks, called at every step.

    Returns:
        The run; its generator.keras is the result.

    Raises:
        UserError: an option or the data are wrong.
        TrainingError: a loss is not finite.

    Reference: Radford et al. 2016, arXiv:1511.06434, section 4.
    """
    run = open_run(config, run)
    images = load_split(config, "train").images
    with begin(config, run, BFLOAT16_KEEPS_QUALITY) as config:
        with devices.scope(config):
            model = build_model(config)
        gallery = Gallery(
            sample_latents(config, GALLERY_IMAGES, config.seed),
            image_grid,
            losses.GAMES[config.loss].equilibrium,
        )
        data = TrainingData(lambda rows: to_floats(images[rows]), len(images))
        data = data.without(config.validation_every)
        fit_run(model, data, gallery, config, run, callbacks)
    return run
