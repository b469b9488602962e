"""Images through AEGAN's encoder and back: any picture, beside its reconstruction."""

import logging
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from common.errors import PathsLeftOut, UserError
from common.files import atomic_path
from common.gan.sampling import BATCH, make_images
from common.images import writing
from common.images.grids import sheet, to_picture
from common.images.image_file import ImageError
from common.images.pixels import to_floats
from common.images.sample_files import PICTURE_SIZE
from common.images.source_files import file_names, keep_sources, short_name
from common.training.network_files import load_network
from common.training.run_dir import RunDir
from study_norb.camera_images import find_pictures, left, read_picture, side_by_side
from study_norb.config import Config
from study_norb.training import load_encoder

# Images on the sheet, and in each of its rows.
SHEET_IMAGES = 100
COLUMNS = 10
# Height in pixels of an image on the sheet.
TILE = 112
# File names without suffix that the command uses itself.
OWN = ("reconstruction", "latents")

logger = logging.getLogger(__name__)


def load_both(
    run: RunDir, config: Config, command: str
) -> tuple[keras.Model, keras.Model]:
    """Return the encoder and the generator of an aegan run.

    Args:
        run: folder of the run.
        config: its options.
        command: command that needs them, for the message.

    Raises:
        UserError: the run is of another model or has not trained its encoder, or the
            training is not finished.
    """
    if config.model != "aegan":
        raise UserError(
            f"{command} needs an encoder, but the run in {run.path} is a "
            f"{config.model}; train one with --model aegan"
        )
    if config.terms == "gan":
        raise UserError(
            f"{command} needs an encoder, but the run in {run.path} has --terms gan, "
            "which trains none; train one with other --terms"
        )
    return load_encoder(run), load_network(run.generator)


def encode_images(encoder: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return the latents of images, a batch at a time: float32 (N, d).

    Args:
        encoder: images (B, S, S, C) in [-1, 1] -> z (B, d).
        images: uint8 (N, S, S, C).
    """
    parts = [
        encoder(to_floats(images[start : start + BATCH]), training=False)
        for start in range(0, len(images), BATCH)
    ]
    return np.concatenate(parts)


def absolute_errors(images: np.ndarray, again: np.ndarray) -> np.ndarray:
    """Return the mean absolute error of each reconstruction, in grey levels of 255.

    Args:
        images: uint8 (N, S, S, C).
        again: their reconstructions, uint8 (N, S, S, C).

    Returns:
        float (N,).
    """
    differences = np.abs(images.astype(np.float32) - again)
    return differences.mean(axis=(1, 2, 3))


def reconstruct(
    run: RunDir,
    config: Config | None = None,
    *,
    images: Sequence[Path],
    out: Path | None = None,
) -> list[Path]:
    """Encode and decode image files, and write the reconstructions.

    A picture is turned to grey, cut to the largest square in its middle and resized.
    For stereo runs, a picture that is twice as wide as high is a pair, left beside
    right; any other serves as the image of both cameras. Files that cannot be used are
    reported in a warning and left out.

    Args:
        run: folder of an aegan run.
        config: options of the run; by default its own.
        images: paths of image files, or of folders of them.
        out: folder to write to; by default `reconstructed` in the run's folder.

    Returns:
        Paths of the files: reconstruction.png, which shows the first 100 images above
        their reconstructions with the mean absolute errors; latents.npy, float32
        (N, d); and one file <name>.png for each reconstruction. `PathsLeftOut` if a
        file was left out.

    Raises:
        UserError: no file can be used, a source would be replaced, or the run is no
            complete aegan run.

    Reference: Lazarou 2020, arXiv:2004.05472, section 3.
    """
    config = run.configuration(config)
    encoder, generator = load_both(run, config, "reconstruct")
    sources = find_pictures(images)
    if not sources:
        raise UserError("expected at least one image, found none; name one")
    folder = Path(out) if out is not None else run.path / "reconstructed"
    names = file_names(sources, OWN)
    files = [folder / "reconstruction.png", folder / "latents.npy"]
    keep_sources(sources, [*files, *(folder / f"{name}.png" for name in names)])
    originals, errors = _read_all(sources, config)
    names = [names[number] for number in originals]
    images = np.stack(list(originals.values()))
    latents = encode_images(encoder, images)
    again = make_images(generator, latents)
    with atomic_path(files[1]) as temporary:
        np.save(temporary, latents)
    far = absolute_errors(images, again)
    picture = draw_reconstructions(left(images), left(again), names, far)
    writing.save_image(picture, files[0])
    for name, image in zip(names, side_by_side(again), strict=True):
        files.append(folder / f"{name}.png")
        writing.save_image(to_picture(image, PICTURE_SIZE), files[-1])
    logger.info(
        "mean absolute error of %d reconstructions: %.1f of 255 grey levels",
        len(images),
        far.mean(),
    )
    if errors:
        logger.warning("%d of %d images were left out", len(errors), len(sources))
    return PathsLeftOut(files) if errors else files


def _read_all(
    sources: Sequence[Path], config: Config
) -> tuple[dict[int, np.ndarray], list[ImageError]]:
    """Read the files that can be used, by their numbers, and return the errors.

    Raises:
        ImageError: none can be used.
    """
    read, errors = {}, []
    for number, source in enumerate(sources):
        try:
            read[number] = read_picture(source, config)
        except ImageError as error:
            if len(sources) == 1:
                raise
            logger.warning("left out: %s", error)
            errors.append(error)
    if not read:
        raise errors[0]
    return read, errors


def draw_reconstructions(
    images: np.ndarray, again: np.ndarray, names: Sequence[str], errors: np.ndarray
) -> np.ndarray:
    """Draw images above their reconstructions, ten in a row: uint8 (H, W, 3).

    Args:
        images: uint8 (N, S, S, 1); the first 100 are drawn.
        again: their reconstructions, uint8 (N, S, S, 1).
        names: captions of the images.
        errors: mean absolute errors (N,), the captions of the reconstructions.
    """
    rows, row_labels = [], []
    for start in range(0, min(len(images), SHEET_IMAGES), COLUMNS):
        part = range(start, min(start + COLUMNS, len(images)))
        rows.append([(to_picture(images[i], TILE), short_name(names[i])) for i in part])
        rows.append([(to_picture(again[i], TILE), f"{errors[i]:.1f}") for i in part])
        row_labels += ["image", "reconstruction"]
    return sheet(rows, row_labels=row_labels)
