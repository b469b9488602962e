"""Training of all three models, and the networks of a run."""

from collections.abc import Callable, Sequence

import keras
import numpy as np

from common.data.batches import TrainingData
from common.errors import UserError
from common.gan import losses
from common.gan.adversarial_model import AdversarialModel
from common.gan.latents import sample_latents
from common.images.grids import image_grid
from common.images.pixels import to_floats
from common.training import devices
from common.training.fit import Gallery, begin, fit_run, open_run
from common.training.network_files import load_network
from common.training.run_dir import RunDir
from study_norb.conditions import encode_toys
from study_norb.config import CLASSES, Config
from study_norb.data import Toys, load_split, validation_order
from study_norb.learnt_views import note_views
from study_norb.models import aegan, capsgan, dcgan

BFLOAT16_KEEPS_QUALITY = True
GALLERY_IMAGES = 50
COLUMNS = 10
ENCODER = "encoder.keras"


def build_model(config: Config) -> AdversarialModel:
    """Build the networks and the phases of the model that the options choose.

    The published CapsGAN has no capsules with lengths, so it plays DCGAN's game.

    Args:
        config: options of the run.
    """
    if config.model == "aegan":
        return aegan.build_model(config)
    if config.model == "capsgan" and config.variant == "light":
        return capsgan.build_model(config)
    return dcgan.build_model(config)


def train(
    config: Config,
    run: RunDir | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> RunDir:
    """Train a model, or continue from the newest checkpoint of its run.

    Args:
        config: what to train on, and how.
        run: folder of the run; by default a new one below runs/.
        callbacks: further Keras callbacks, called at every step.

    Returns:
        The run, with generator.keras, discriminator.keras and, for aegan,
        encoder.keras.

    Raises:
        UserError: an option or the data are wrong.
        TrainingError: a loss is not finite.
    """
    run = open_run(config, run)
    toys = load_split(config, "train")
    if config.labels != "none":
        check_classes(config, toys)
    with begin(config, run, BFLOAT16_KEEPS_QUALITY) as config:
        if config.labels == "pose":
            note_views(run, toys)
        with devices.scope(config):
            model = build_model(config)
        data = make_data(config, toys).without(config.validation_every)
        gallery = make_gallery(config, data)
        results = {run.generator: model.average_generator}
        if config.model == "aegan":
            both = model.average_generator
            results[run.generator] = both.get_layer("generator")
            if config.terms != "gan":  # which trains no encoder
                results[run.path / ENCODER] = both.get_layer("encoder")
        networks = {phase.network.name: phase.network for phase in model.phases}
        if "discriminator" in networks:
            results[run.discriminator] = networks["discriminator"]
        fit_run(model, data, gallery, config, run, callbacks, results)
    return run


def make_data(config: Config, toys: Toys) -> TrainingData:
    """Return training data: images or, with labels, images and labels.

    They are in the order of `toys` or, if validation items are to be left out, in that
    of `validation_order`.

    Args:
        config: uses labels, classes and validation_every.
        toys: the training split.
    """

    def fetch(rows: np.ndarray):
        rows = order[rows]
        images = to_floats(np.asarray(toys.images[rows]))
        return images if labels is None else (images, labels[rows])

    count = len(toys.images)
    order = np.arange(count) if not config.validation_every else validation_order(count)
    labels = None if config.labels == "none" else encode_toys(config, toys)
    return TrainingData(fetch, count)


def check_classes(config: Config, toys: Toys) -> None:
    """Check that the labels are for the classes of the data set.

    Args:
        config: uses data and classes.
        toys: one split.

    Raises:
        UserError: the data set has other classes than smallNORB, and none are named.
    """
    wanted, found = config.classes or CLASSES, tuple(toys.class_names)
    if found != wanted:
        raise UserError(
            f"{config.data} has {len(found)} classes ({found[0]}, ...), but the labels "
            f"are for {', '.join(wanted)}; name the classes, for example --classes "
            f"{' '.join(found[:2])}"
        )


def make_gallery(config: Config, data: TrainingData) -> Gallery:
    """Return how progress is drawn: as samples, for labels of training images if any.

    For aegan, two rows of samples come first, then training images above their
    reconstructions.

    Args:
        config: uses model, labels, classes, the latents and the seed.
        data: the training data.
    """
    latents = sample_latents(config, GALLERY_IMAGES, config.seed)
    spread = np.linspace(0, data.count - 1, GALLERY_IMAGES).astype(np.int64)
    equilibrium = None
    if config.model == "dcgan" and config.labels == "none":
        equilibrium = losses.GAMES[config.loss].equilibrium
    if config.model == "aegan":
        images = data.fetch(spread)
        return Gallery([latents, images], draw_both(images))
    if config.labels == "none":
        return Gallery(latents, draw_images, equilibrium)
    # The labels of training images; with poses, they are all different.
    return Gallery([latents, data.fetch(spread)[1]], draw_images)


def draw_images(images: np.ndarray) -> np.ndarray:
    """Return a grid of images (N, S, S, C): of the left camera, if there are two."""
    return image_grid(images[..., :1], columns=COLUMNS)


def draw_both(real: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that draws samples, and real images above reconstructions.

    Args:
        real: the images (N, S, S, C) that are reconstructed.
    """

    def draw(made: np.ndarray) -> np.ndarray:
        size = real.shape[1]
        if made.shape[1] == size:  # real images
            return draw_images(made)
        samples, again = made[:, :size], made[:, size:]
        rows = [samples[: 2 * COLUMNS]]
        for start in range(0, len(real) // 2, COLUMNS):
            part = slice(start, start + COLUMNS)
            rows += [real[part], again[part]]
        return draw_images(np.concatenate(rows))

    return draw


def load_encoder(run: RunDir) -> keras.Model:
    """Return the encoder of a run of aegan.

    Raises:
        UserError: the training is not finished, the file is damaged, or the run is of
            another model.
    """
    return load_network(run.path / ENCODER)
