"""A DCGAN on the photos of a run, trained for the same minutes as the run's stages.

It makes images without a notion of shape, viewpoint or texture: what the three stages
must beat. Networks and options are those of chapter 4's preset quick.

Reference: Radford et al. 2016, arXiv:1511.06434.
"""

import logging
import math
import time
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from common.config import RunConfig
from common.data.batches import TrainingData
from common.data.splits import training_rows
from common.gan import losses, optimizers
from common.gan.adversarial_model import AdversarialModel, build_adversarial_model
from common.gan.augment import shift_and_mirror
from common.gan.latents import sample_latents
from common.gan.sampling import make_images
from common.gan.step import Logs, Phase, Step
from common.images.grids import image_grid
from common.images.pixels import to_floats
from common.training import devices
from common.training.curves import read_rows
from common.training.fit import Gallery, fit_run
from common.training.network_files import load_network
from common.training.run_dir import RunDir
from common.training.stages import begin_stage, has_ended, note_end
from study_von.config import Config
from study_von.data import Photos
from study_von.training import JOINT, TEXTURE

# Folder of the DCGAN in the run's folder.
FOLDER = "baseline"
# Steps a second that no machine exceeds.
MOST_STEPS = 300
# Photos that the gallery shows.
SHOWN = 49
# Options that restart the training if they change.
FIELDS = ("data", "image_size", "minutes", "seed", "validation_every")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DcganConfig(RunConfig):
    """Options of the DCGAN: chapter 4's preset quick, with the time as its limit."""

    image_size: int = 64
    """Edge of photos and images in pixels."""

    minutes: float = 1.0
    """Minutes to train for, over all starts together."""

    filters: int = 16
    """Filters of the layers next to the image; each halving doubles them."""

    latent_dim: int = 100
    """Length of z."""

    prior: str = "normal"
    """Distribution of z."""

    r1_gamma: float = 0.5
    """Weight of the R1 penalty on D."""

    r1_every: int = 4
    """Steps from one R1 penalty to the next."""

    shift: int = 5
    """Largest random shift of all images that D sees, in pixels at size 64."""

    learning_rate: float = 1e-3
    """Learning rate of both networks."""

    beta_1: float = 0.0
    """Adam's decay of the first moment."""

    beta_2: float = 0.99
    """Adam's decay of the second moment."""

    average: float = 0.998
    """Decay of the moving average of G's weights."""


def minutes_of(run: RunDir) -> float:
    """Return the minutes that the stages of a run were trained for, together.

    They are those in the stages' metrics.csv, over all starts. What is made before the
    first step, such as sketches, does not count.
    """
    folders = [run, *(RunDir(run.path / name) for name in (TEXTURE, JOINT))]
    rows = [read_rows(folder.metrics_csv) for folder in folders]
    return sum(own[-1]["seconds"] for own in rows if own) / 60


def dcgan_images(
    run: RunDir,
    config: Config,
    photos: Photos,
    minutes: float,
    count: int,
    seed: int,
) -> np.ndarray:
    """Return images of the DCGAN: uint8 (count, H, H, 3); it is trained at first.

    Its folder is `baseline` in the run's. An interrupted training is continued. It
    starts again if the photos, the minutes or the image size have changed.

    Args:
        run: folder of the run.
        config: options of the run.
        photos: the training photos.
        minutes: minutes to train for.
        count: number of images.
        seed: seed of the latents.

    Raises:
        KeyboardInterrupt: the training was interrupted.
        TrainingError: a loss is not finite.
        UserError: there are too few photos, or a file cannot be written.
    """
    own = DcganConfig(
        seed=config.seed,
        validation_every=config.validation_every,
        data=config.photos,
        image_size=config.image_size,
        minutes=round(minutes, 2),
        # More than any machine does in this time.
        steps=math.ceil(minutes * 60 * MOST_STEPS),
        batch_size=min(16, len(photos.images)),
        precision="float32",
        update_mode="simultaneous",
        log_every=100,
        sample_every=1000,
        checkpoint_every=1000,
    )
    stage = begin_stage(run, FOLDER, own, FIELDS, [])
    if not has_ended(stage):
        train(own, stage, photos)
    latents = sample_latents(own, count, seed)
    return make_images(load_network(stage.generator), latents)


def train(config: DcganConfig, stage: RunDir, photos: Photos) -> None:
    """Train the DCGAN, or continue its training; see `dcgan_images`.

    Args:
        config: its options.
        stage: its folder.
        photos: the training photos.
    """
    done = read_rows(stage.metrics_csv)
    minutes = config.minutes - (done[-1]["seconds"] / 60 if done else 0)
    logger.info("training a DCGAN for %.1f minutes, the baseline", max(0, minutes))
    keras.utils.set_random_seed(config.seed % 2**32)
    with devices.scope(config):
        model = build_model(config)
    rows = training_rows(len(photos.images), config.validation_every)
    data = TrainingData(
        lambda chosen: to_floats(np.asarray(photos.images[rows[chosen]])), len(rows)
    )
    latents = sample_latents(config, SHOWN, config.seed)
    gallery = Gallery(latents, image_grid, losses.GAMES["non_saturating"].equilibrium)
    if fit_run(model, data, gallery, config, stage, [Deadline(minutes)]):
        raise KeyboardInterrupt("the DCGAN's training continues with the next test")
    note_end(stage, int(model.step.numpy()))


class Deadline(keras.callbacks.Callback):
    """Ends a training after some minutes.

    Args:
        minutes: minutes from the first step on; at least one step is done.
    """

    def __init__(self, minutes: float):
        super().__init__()
        self.minutes = minutes

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.started = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if time.monotonic() - self.started >= 60 * self.minutes:
            self.model.stop_training = True


def build_model(config: DcganConfig) -> AdversarialModel:
    """Build both networks and the two phases that train them."""
    generator, discriminator = build_generator(config), build_discriminator(config)
    rules = losses.GAMES["non_saturating"]
    shift = round(config.shift * config.image_size / 64)

    def discriminate(step: Step, images: tf.Tensor) -> tf.Tensor:
        """Return D's logits (B, 1) of images that are moved; what comes in is white."""
        moved = shift_and_mirror(1 - images, step.new_key(), shift, 1)
        return discriminator(1 - moved, training=True)

    def forward(step: Step) -> tf.Tensor:
        """Return D's logits of new generated images."""
        z = step.latents(config.latent_dim)
        return discriminate(step, generator(z, training=True))

    def d_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        """Return D's loss: low where it tells photos from images."""
        fake, real = step.shared(), discriminate(step, step.batch)
        penalty = losses.lazy_r1(
            step, discriminator, step.batch, config.r1_gamma, config.r1_every
        )
        return losses.with_penalty(rules.discriminator(real, fake), real, fake, penalty)

    def g_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        """Return G's loss: low where D takes images for photos."""
        return rules.generator(step.shared()), {}

    def adam() -> keras.optimizers.Optimizer:
        return optimizers.adam(config.learning_rate, config.beta_1, config.beta_2)

    phases = [
        Phase("d", discriminator, adam(), d_loss),
        Phase("g", generator, adam(), g_loss),
    ]
    return build_adversarial_model(config, generator, phases, forward)


def build_generator(config: DcganConfig) -> keras.Model:
    """Build the network from z (B, 100) to images (B, H, H, 3) in [-1, 1]."""
    latent = keras.Input((config.latent_dim,), name="z")
    # Filters at 4 x 4, 8 x 8, ...; at size 64 they are 8, 4, 2 and 1 times `filters`.
    first, *others = reversed(widths(config))
    x = layers.Dense(4 * 4 * first, use_bias=False, kernel_initializer="he_normal")(
        latent
    )
    x = layers.Reshape((4, 4, first))(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for width in others:
        x = layers.Conv2DTranspose(
            width, 4, 2, "same", use_bias=False, kernel_initializer="he_normal"
        )(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Conv2DTranspose(3, 4, 2, "same", kernel_initializer="he_normal")(x)
    images = layers.Activation("tanh", dtype="float32")(x)
    return keras.Model(latent, images, name="generator")


def build_discriminator(config: DcganConfig) -> keras.Model:
    """Build the network from images (B, H, H, 3) in [-1, 1] to logits (B, 1)."""
    images = keras.Input((config.image_size, config.image_size, 3), name="images")
    x = images
    for width in widths(config):
        x = layers.Conv2D(width, 4, 2, "same", kernel_initializer="he_normal")(x)
        x = layers.LeakyReLU(0.2)(x)
    x = layers.Flatten()(x)
    logits = layers.Dense(1, kernel_initializer="he_normal", dtype="float32")(x)
    return keras.Model(images, logits, name="discriminator")


def widths(config: DcganConfig) -> list[int]:
    """Return the filters at each halving of an image, down to 4 x 4."""
    count = (config.image_size // 4).bit_length() - 1
    return [config.filters * 2**number for number in range(count)]
