"""New faces of any age, and photos made older and younger."""

import logging
from pathlib import Path

import numpy as np

from chapter03_agecgan.ageing import ALL, Ager
from chapter03_agecgan.ages import AGE_CLASSES, MAX_AGE, MIN_AGE, age_class, one_hot
from chapter03_agecgan.config import Config, Format
from chapter03_agecgan.framing import Framing
from chapter03_agecgan.gan import sample_latents
from chapter03_agecgan.photo import load_face
from chapter03_agecgan.pictures import TILE, draw_aged
from chapter03_agecgan.training import FRAMING
from common import images
from common.errors import UserError
from common.fitting import load_network
from common.generated import check_count, make_images, write_files
from common.runs import RunDir
from common.sheets import to_picture
from common.stages import read_note

logger = logging.getLogger(__name__)


def generate(
    run: RunDir,
    config: Config,
    count: int,
    seed: int,
    age: int | None,
    format: Format,
    folder: Path,
) -> list[Path]:
    """Make new faces and write them with a sheet of them all.

    Args:
        run: a folder with generator.keras.
        config: of the run.
        count: how many persons, 1 to 100,000.
        seed: same seed, same persons.
        age: class of all faces; None makes each person at all six ages.
        format: png: one file for each; npy: one uint8 array (N, S, S, 3).
        folder: where to write.

    Returns:
        Paths of the files; the sheet, with the first 400, comes first.

    Raises:
        UserError: no generator, or an option out of range.
    """
    check_count(count)
    classes = ALL if age is None else np.array([age])
    generator = load_network(run.generator)
    latents = np.repeat(sample_latents(config, count, seed), len(classes), axis=0)
    made = make_images(generator, [latents, np.tile(one_hot(classes), (count, 1))])
    return write_files(made, folder, format, len(ALL) if age is None else None)


def age_photo(
    run: RunDir,
    config: Config,
    photo: Path,
    to: int | None,
    out: Path | None,
    whole: bool,
    years: int | None,
) -> list[Path]:
    """Show the person of a photo at other ages.

    Args:
        run: whose three stages have been trained.
        config: of the run.
        photo: an image file.
        to: age class to show; None shows all six.
        out: the sheet's path, by default aged/<name>.png in the run's folder; the
            single images lie beside it.
        whole: the photo is a cut-out face already.
        years: the person's age in the photo; by default the discriminator guesses.

    Returns:
        Paths of the sheet and of the single images.

    Raises:
        UserError: no image, no face in it, or the run lacks a stage.
    """
    out = out or run.path / "aged" / f"{photo.stem}.png"
    if out.suffix.lower() != ".png":
        raise UserError(f"--out must end in .png, found {out}")
    if years is not None and not MIN_AGE <= years <= MAX_AGE:
        raise UserError(f"--years must be from {MIN_AGE} to {MAX_AGE}, found {years}")
    ager = Ager(run, config)
    framing = read_framing(run)
    if framing is None and not whole:
        logger.warning(
            "this run's data have no faces to measure; using all of %s", photo
        )
    face = load_face(photo, config.size, framing, whole)[None]
    own = ager.guess_classes(face) if years is None else np.array([age_class(years)])
    logger.info(
        "taken for %s years%s",
        AGE_CLASSES[own[0]],
        " (--years tells the age if you know it)" if years is None else "",
    )
    classes = ALL if to is None else np.array([to])
    aged = ager.at_ages(ager.latents(face, own), classes)
    draw_aged(face, aged, out, classes, own)
    paths = [out]
    for number, picture in zip(classes, aged[0], strict=True):
        paths.append(out.with_name(f"{out.stem}_{AGE_CLASSES[number]}.png"))
        images.save(to_picture(picture, TILE), paths[-1])
    return paths


def read_framing(run: RunDir) -> Framing | None:
    """Return how the run's data set frames faces, or None where it has none."""
    content = read_note(run.path / FRAMING)
    return Framing.from_json(content) if content else None
