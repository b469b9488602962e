"""Training of the Age-cGAN in its three stages, each with a folder of its own."""

import dataclasses
import logging
from collections.abc import Callable, Sequence

import keras
import numpy as np

from chapter03_agecgan.ages import one_hot
from chapter03_agecgan.config import STAGE_FIELDS, Config
from chapter03_agecgan.data import Faces, load_split
from chapter03_agecgan.learnt import count_ages, learnt_ages, note_counts, read_counts
from chapter03_agecgan.photos.framing import FRAMING, measure_framing
from chapter03_agecgan.recognition.choose import (
    check_recognition,
    choose_recognizer,
)
from chapter03_agecgan.recognition.recognizer import Recognizer
from chapter03_agecgan.stages import encoder as encoder_stage
from chapter03_agecgan.stages import gan, identity
from common.data.batches import TrainingData
from common.data.classes import MOST_OFTEN, balanced_rows, warn_of_few
from common.data.splits import training_rows
from common.files import write_note
from common.images.grids import image_grid
from common.images.pixels import to_floats
from common.training import devices
from common.training.fit import Gallery, begin, fit_run, open_run
from common.training.network_files import load_network
from common.training.run_dir import RunDir
from common.training.stages import begin_stage, fit_stage, has_ended, note_end

# At 16 filters bfloat16 gains nothing (README).
BFLOAT16_KEEPS_QUALITY = True
Callbacks = Sequence[keras.callbacks.Callback]
logger = logging.getLogger(__name__)


def train(
    config: Config,
    run: RunDir | None = None,
    callbacks: Callbacks = (),
) -> RunDir:
    """Train the stages that the configuration names, or continue them.

    The first stage lies in the run's folder itself, the others in its folders encoder
    and identity. A stage that has ended is skipped unless the option `stage` names it.
    A stage starts again if the stage that it builds on has changed.

    Args:
        config: what to train on, and how.
        run: folder of the run; by default a new one below runs/.
        callbacks: further Keras callbacks, called at every step.

    Returns:
        The run.

    Raises:
        UserError: an option or the data are wrong, or a stage is missing that the one
            to train builds on.
        TrainingError: a loss is not finite.

    Reference: Antipov et al. 2017, arXiv:1702.01983, section 2.
    """
    run = open_run(config, run)
    faces = load_split(config, "train")
    if config.validation_every:
        rows = training_rows(len(faces.images), config.validation_every)
        faces = faces.subset(rows)
    if config.stage in ("all", "identity"):
        check_recognition(config)
    warn_of_few(faces.folder, count_ages(faces.classes), "photos")
    with begin(config, run, BFLOAT16_KEEPS_QUALITY) as config:
        wanted = list(STAGES) if config.stage == "all" else [config.stage]
        for name in wanted:
            logger.info("stage %s", name)
            # Each stage starts the same whether or not others ran before it.
            keras.utils.set_random_seed(config.seed % 2**32)
            if STAGES[name](config, run, faces, callbacks):
                break  # The training was interrupted.
    return run


def train_gan(config: Config, run: RunDir, faces: Faces, callbacks: Callbacks) -> bool:
    """Train the first stage, G and D; return whether it was interrupted."""
    if config.stage == "all" and has_ended(run):
        logger.info("this stage has ended; continue it with train --resume --stage gan")
        return False
    framing = measure_framing(faces.images)
    write_note(run.path / FRAMING, framing.to_json() if framing else {})
    if not run.checkpoints.exists():
        note_counts(run, count_ages(faces.classes))
    with devices.scope(config):
        model = gan.build_model(config)
    data = paired(faces, choose_rows(config, run, faces.classes))
    gallery = gan.make_gallery(config, learnt_ages(run))
    interrupted = fit_run(model, data, gallery, config, run, callbacks)
    if not interrupted:
        note_end(run, int(model.step.numpy()))
    return interrupted


def choose_rows(config: Config, run: RunDir, classes: np.ndarray) -> np.ndarray:
    """Return the indices of the photos that the first stage draws from, int64 (M,).

    Args:
        config: uses balanced.
        run: folder of the run. One of an earlier version, which has not noted its
            numbers of photos, goes on as it began: balanced without a bound.
        classes: age class of each training photo, int (N,), 0 to 5.
    """
    if not config.balanced:
        return np.arange(len(classes))
    bounded = read_counts(run) is not None
    return balanced_rows(classes, MOST_OFTEN if bounded else len(classes))


def train_encoder(
    config: Config, run: RunDir, faces: Faces, callbacks: Callbacks
) -> bool:
    """Train the second stage, the encoder; return whether it was interrupted."""
    stage = begin_stage(
        run, "encoder", config, STAGE_FIELDS["encoder"], [run.generator]
    )
    with devices.scope(config):
        model = encoder_stage.build_model(config, load_network(run.generator))
    data = paired(faces, np.arange(len(faces.images)))
    shown = np.linspace(0, data.count - 1, encoder_stage.GALLERY_PHOTOS).astype(int)
    gallery = Gallery(list(data.fetch(shown)), image_grid)
    encoder = model.phases[0].network
    return fit_stage(
        model,
        data,
        gallery,
        config,
        stage,
        callbacks,
        config.encoder_steps,
        {"encoder": encoder},
    )


def train_identity(
    config: Config, run: RunDir, faces: Faces, callbacks: Callbacks
) -> bool:
    """Train the third stage; return whether it was interrupted.

    It moves the latents of photos, or the weights of G and the encoder, so that
    generated faces keep the person.
    """
    sources = [run.generator, run.path / "encoder" / "encoder.keras"]
    stage = begin_stage(run, "identity", config, STAGE_FIELDS["identity"], sources)
    recognizer = choose_recognizer(config, faces)
    results = {"recognition": recognizer.network}
    if config.identity_method == "latents":
        return _fit_latents(config, run, stage, faces, callbacks, recognizer)
    with devices.scope(config):
        generator, encoder = load_network(run.generator), load_encoder(run)
        model = identity.build_networks_model(config, generator, encoder, recognizer)
    photos = identity.Photos.of(recognizer, faces.images, faces.classes)
    data = TrainingData(photos.batch, len(faces.images))
    shown = np.linspace(0, data.count - 1, encoder_stage.GALLERY_PHOTOS).astype(int)
    gallery = Gallery([photos.images[shown], photos.ages[shown]], image_grid)
    results |= {"encoder": encoder, "generator": generator}
    return fit_stage(
        model, data, gallery, config, stage, callbacks, config.identity_steps, results
    )


def _fit_latents(
    config: Config,
    run: RunDir,
    stage: RunDir,
    faces: Faces,
    callbacks: Callbacks,
    recognizer: Recognizer,
) -> bool:
    """Find the latents of a few photos, which shows how well the person is kept.

    For so few photos, one device is enough.
    """
    generator, encoder = load_network(run.generator), load_encoder(run)
    shown = np.linspace(0, len(faces.images) - 1, encoder_stage.GALLERY_PHOTOS).astype(
        int
    )
    photos = identity.Photos.of(recognizer, faces.images[shown], faces.classes[shown])
    start = np.array(encoder(photos.images, training=False))
    model = identity.build_latents_model(config, generator, recognizer, start)
    numbers = np.arange(len(shown), dtype=np.float32)

    def fetch(rows: np.ndarray) -> tuple[np.ndarray, ...]:
        images, ages, embeddings, _ = photos.batch(rows)
        return images, ages, embeddings, numbers[rows]

    return fit_stage(
        model,
        TrainingData(fetch, len(shown)),
        Gallery([numbers, photos.ages], image_grid),
        dataclasses.replace(config, batch_size=len(shown)),
        stage,
        callbacks,
        config.identity_steps,
        {"recognition": recognizer.network},
    )


def paired(faces: Faces, rows: np.ndarray) -> TrainingData:
    """Return photos and their ages as training data.

    Args:
        faces: photos with their age classes.
        rows: indices of the photos to use, int (N,); an index may be repeated.
    """
    ages = one_hot(faces.classes)

    def fetch(chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return to_floats(faces.images[rows[chosen]]), ages[rows[chosen]]

    return TrainingData(fetch, len(rows))


def load_encoder(run: RunDir) -> keras.Model:
    """Read the encoder of the second stage."""
    return load_network(run.path / "encoder" / "encoder.keras")


STAGES: dict[str, Callable[[Config, RunDir, Faces], bool]] = {
    "gan": train_gan,
    "encoder": train_encoder,
    "identity": train_identity,
}
