"""The command `age`: find the latent of the face in a photo, then change its age."""

import logging
from pathlib import Path

import numpy as np

from chapter03_agecgan.ages import (
    AGE_CLASSES,
    ALL_AGES,
    MAX_AGE,
    MIN_AGE,
    age_class,
    one_hot,
)
from chapter03_agecgan.config import Config
from chapter03_agecgan.learnt import chosen_ages, learnt_ages, require_learnt
from chapter03_agecgan.photos.face_crop import load_face
from chapter03_agecgan.photos.framing import read_framing
from chapter03_agecgan.recognition.recognizer import Recognizer, from_file
from chapter03_agecgan.stages import identity
from common.errors import UserError
from common.gan.sampling import make_images
from common.images import writing
from common.images.grids import sheet, to_picture
from common.images.pixels import to_floats
from common.training.network_files import load_network
from common.training.run_dir import RunDir

# Height in pixels that faces are enlarged to on the sheets.
TILE = 128
# Caption of the face that shows the photo's own age.
REBUILT = "rebuilt"

logger = logging.getLogger(__name__)


class Ager:
    """The networks of a run, which together age photos.

    Args:
        run: folder of a run whose three stages have been trained.
        config: options of the run.

    Attributes:
        ages: age classes that the run has learnt, int (K,), ascending.

    Raises:
        UserError: a stage is missing or damaged.
    """

    def __init__(self, run: RunDir, config: Config):
        self.config = config
        self.ages = learnt_ages(run)
        folder = run.path / "identity"
        if not (folder / "recognition.keras").is_file():
            raise UserError(
                f"the stage identity of {run.path} has not been trained; continue "
                "with train --resume"
            )
        self.recognizer: Recognizer = from_file(folder / "recognition.keras")
        self.discriminator = load_network(run.discriminator)
        self.moves_latents = config.identity_method == "latents"
        if self.moves_latents:
            encoder, generator = run.path / "encoder", run.generator
        else:
            # The third stage has trained both networks further.
            encoder, generator = folder, folder / "generator.keras"
        self.encoder = load_network(encoder / "encoder.keras")
        self.generator = load_network(generator)

    def guess_classes(self, images: np.ndarray) -> np.ndarray:
        """Return the learnt class to which D gives the highest logit: int (N,).

        Args:
            images: uint8 (N, S, S, 3).
        """
        faces = to_floats(images)
        logits = [
            self.discriminator(
                [faces, np.repeat(age[None], len(faces), axis=0)], training=False
            )
            for age in one_hot(self.ages)
        ]
        return self.ages[np.hstack(logits).argmax(axis=1)]

    def first_guess(self, images: np.ndarray) -> np.ndarray:
        """Return the encoder's estimates of latents: float32 (N, latent_dim).

        Args:
            images: uint8 (N, S, S, 3).
        """
        return np.array(self.encoder(to_floats(images), training=False))

    def latents(self, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """Return latents from which the generator makes the persons on photos.

        Args:
            images: uint8 (N, S, S, 3).
            classes: age classes of the photos, int (N,).

        Returns:
            float32 (N, latent_dim).
        """
        start = self.first_guess(images)
        if not self.moves_latents:
            return start
        photos = identity.Photos.of(self.recognizer, images, classes)
        return identity.find_latents(
            self.config, self.generator, self.recognizer, photos, start
        )

    def at_ages(self, latents: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """Return the face of each latent at each age.

        Args:
            latents: float32 (N, latent_dim).
            classes: age classes, int (K,).

        Returns:
            uint8 (N, K, S, S, 3).
        """
        repeated = np.repeat(latents, len(classes), axis=0)
        ages = np.tile(one_hot(classes), (len(latents), 1))
        faces = make_images(self.generator, [repeated, ages])
        return faces.reshape(len(latents), len(classes), *faces.shape[1:])


def age(
    run: RunDir,
    config: Config | None = None,
    *,
    photo: Path,
    to: str = ALL_AGES,
    out: Path | None = None,
    whole: bool = False,
    years: int | None = None,
) -> list[Path]:
    """Show the person of a photo at other ages.

    Args:
        run: folder of a run whose three stages have been trained.
        config: options of the run; by default its own.
        photo: image file with a face.
        to: age class to show, such as "30-39", or "all" for all that the run has
            learnt, usually six.
        out: .png file for the sheet; by default aged/<name>.png in the run's folder.
            The single images are written beside it.
        whole: whether the whole photo is the face, so that none is searched for.
        years: age of the person in the photo; by default the discriminator guesses
            the age class.

    Returns:
        Paths of the sheet and of the single images.

    Raises:
        UserError: the file is no image, it shows no face, an option is out of range,
            the run has not learnt an age, or a stage of the run is missing.
    """
    classes = chosen_ages(run, to, "--to")
    photo = Path(photo)
    out = out or run.path / "aged" / f"{photo.stem}.png"
    if out.suffix.lower() != ".png":
        raise UserError(f"--out must end in .png, found {out}")
    if years is not None and not MIN_AGE <= years <= MAX_AGE:
        raise UserError(f"--years must be from {MIN_AGE} to {MAX_AGE}, found {years}")
    if years is not None:
        advice = "leave --years out, so that the most similar is guessed"
        learnt = learnt_ages(run)
        require_learnt(age_class(years), learnt, f"--years {years}", advice)
    config = run.configuration(config)
    ager = Ager(run, config)
    framing = read_framing(run)
    if framing is None and not whole:
        logger.warning(
            "no faces were found in this run's training data, so all of %s is used",
            photo,
        )
    face = load_face(photo, config.size, framing, whole)[None]
    own = ager.guess_classes(face) if years is None else np.array([age_class(years)])
    logger.info(
        "the person is taken for %s years old%s",
        AGE_CLASSES[own[0]],
        " (if you know the age, give it with --years)" if years is None else "",
    )
    aged = ager.at_ages(ager.latents(face, own), classes)
    draw_aged(face, aged, out, classes, own)
    paths = [out]
    for number, picture in zip(classes, aged[0], strict=True):
        paths.append(out.with_name(f"{out.stem}_{AGE_CLASSES[number]}.png"))
        writing.save_image(to_picture(picture, TILE), paths[-1])
    return paths


def draw_aged(
    photos: np.ndarray,
    aged: np.ndarray,
    path: Path,
    classes: np.ndarray,
    own: np.ndarray,
) -> None:
    """Draw photos beside the same persons at other ages, one row for each person.

    Args:
        photos: uint8 (N, S, S, 3).
        aged: uint8 (N, K, S, S, 3).
        path: file to write.
        classes: age classes of the K columns.
        own: age class of each photo, int (N,); this column has the caption "rebuilt".
    """
    rows = [
        [
            (to_picture(photo, TILE), AGE_CLASSES[was]),
            *(
                (to_picture(face, TILE), REBUILT if number == was else None)
                for face, number in zip(faces, classes, strict=True)
            ),
        ]
        for photo, faces, was in zip(photos, aged, own, strict=True)
    ]
    names = ["photo", *(AGE_CLASSES[number] for number in classes)]
    writing.save_image(sheet(rows, column_labels=names), path)


def draw_people(faces: np.ndarray, path: Path, classes: np.ndarray) -> None:
    """Draw generated persons at the same ages, one row for each person.

    Args:
        faces: uint8 (N, K, S, S, 3).
        path: file to write.
        classes: age classes of the K columns.
    """
    rows = [[(to_picture(face, TILE), None) for face in person] for person in faces]
    names = [AGE_CLASSES[number] for number in classes]
    writing.save_image(sheet(rows, column_labels=names), path)
