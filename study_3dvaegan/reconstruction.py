"""The command `reconstruct`: from photos to shapes, as files and a sheet."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from tqdm import tqdm

from chapter02_3dgan.generation import (
    BATCH,
    MESHES,
    SHEET_SHAPES,
    VIEWER_SHAPES,
    make_shapes,
    write_shapes,
)
from common.errors import PathsLeftOut, UserError
from common.files import atomic_path
from common.gan.latents import sample_latents
from common.images import writing
from common.images.cutting import Box
from common.images.grids import sheet
from common.images.pixels import to_floats
from common.images.source_files import file_names, keep_sources, short_name
from common.shapes.rendering import render_voxels
from common.training.run_dir import RunDir
from study_3dvaegan.config import Config, PhotoFormat
from study_3dvaegan.networks import sample_posterior
from study_3dvaegan.photos.cutting import TILE, CutPhoto, cut_photo
from study_3dvaegan.slider_page import write_slider_page
from study_3dvaegan.training import load_networks, load_threshold

MAX_SAMPLES = 16
# Largest number of photos on one page with sliders, each of which has 32 more shapes.
SLIDER_PHOTOS = 8
# Directions of the viewer in degrees: from the front and from behind.
AZIMUTHS = {"front": 215.0, "back": 35.0}

logger = logging.getLogger(__name__)


class Reconstruction(NamedTuple):
    """The shape of one photo.

    Attributes:
        photo: the photo, cut to its object.
        mean: the encoder's mean, float32 (d,).
        shape: bool (S, S, S), of the mean.
        samples: bool (K, S, S, S), of samples of the encoder's Gaussian.
    """

    photo: CutPhoto
    mean: np.ndarray
    shape: np.ndarray
    samples: np.ndarray


def reconstruct(
    run: RunDir,
    config: Config | None = None,
    *,
    photos: Sequence[Path],
    mask: Path | None = None,
    box: Box | None = None,
    format: PhotoFormat = "png",
    samples: int = 4,
    seed: int = 1,
    threshold: float | None = None,
    out: Path | None = None,
) -> list[Path]:
    """Make a shape of each photo and write it, with a sheet of all photos.

    The latent is the encoder's mean. Only the largest body of a shape is kept. Photos
    that cannot be used are reported in a warning and left out. Earlier results of the
    same names are replaced, the photos and the mask never.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        photos: image files, each of one object.
        mask: image of the size of the only photo, bright where the object is; by
            default the photo's transparency, or all of it.
        box: left, top, right and bottom of the object in the only photo, pixels.
        format: format of the files. png, gif (rotating), mat, binvox, stl, obj or glb:
            one file for each photo, with the photo's name; npy: one bool array
            (N, S, S, S); html: one page on which the first 64 can be rotated; page:
            one page on which sliders also move the latents of up to 8 photos.
        samples: number of samples of the encoder's Gaussian on the sheet, 0 to 16.
        seed: seed of these samples.
        threshold: occupancy above which a voxel is filled, in (0, 1); by default the
            one that the run has chosen.
        out: folder to write to; by default `reconstructed` in the run's folder.

    Returns:
        Paths of the files: first sheet.png, which shows up to 64 photos, and
        latents.npy, float32 (N, d), the means. `PathsLeftOut` if a photo was left out,
        or if a mesh was not written because its shape is empty.

    Raises:
        UserError: no photo can be used, the run is not complete, or an option is out
            of range.
    """
    photos = [Path(photo) for photo in photos]
    folder = Path(out) if out is not None else run.path / "reconstructed"
    _check_options(photos, mask, box, format, samples, seed)
    threshold = chosen_threshold(run, threshold)
    names = file_names(photos, {"sheet"})
    results = [f"{name}.{format}" for name in names]
    results += ["sheet.png", "latents.npy", "shapes.npy", "shapes.html"]
    sources = [*photos, *([Path(mask)] if mask else [])]
    keep_sources(sources, [folder / name for name in results])
    config = run.configuration(config)
    cuts, errors = _cut_all(photos, config.image_size, mask, box)
    networks = load_networks(run)
    noise = sample_latents(config, samples, seed) if samples else None
    made = []
    for cut in tqdm(cuts.values(), "making shapes", unit="photo", disable=None):
        if len(made) == SHEET_SHAPES:
            noise = None  # The sheet, which shows the samples, is full.
        made.append(_reconstruct_one(cut, *networks, noise, threshold))
    names = [names[number] for number in cuts]
    paths = _write(made, names, folder, format, networks[1], threshold)
    empty = [name for name, one in zip(names, made, strict=True) if not one.shape.any()]
    for name in empty:
        logger.warning(
            "%s: the shape is empty, because no occupancy is above %g; lower "
            "--threshold",
            name,
            threshold,
        )
    if errors:
        logger.warning("%d of %d photos were left out", len(errors), len(photos))
    is_partial = errors or (empty and format in MESHES)
    return PathsLeftOut(paths) if is_partial else paths


def chosen_threshold(run: RunDir, threshold: float | None) -> float:
    """Return a threshold that the user has passed, or the run's.

    Raises:
        UserError: it is not in (0, 1), or the run has none.
    """
    if threshold is None:
        return load_threshold(run)
    if not 0 < threshold < 1:
        raise UserError(
            f"--threshold must be above 0 and below 1, found {threshold}; leave it out "
            "to use the run's"
        )
    return threshold


def encode(encoder: keras.Model, photos: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the encoder's Gaussians of photos.

    Args:
        encoder: photo (B, H, H, 3) in [-1, 1] -> mean and log-variance (B, d).
        photos: uint8 (N, H, H, 3).

    Returns:
        Means and log-variances, float32 (N, d) each.
    """
    parts = [
        encoder(to_floats(photos[start : start + BATCH]), training=False)
        for start in range(0, len(photos), BATCH)
    ]
    means, log_variances = zip(*parts, strict=True)
    return np.concatenate(means), np.concatenate(log_variances)


def _check_options(
    photos: Sequence[Path],
    mask: Path | None,
    box: Box | None,
    format: str,
    samples: int,
    seed: int,
) -> None:
    """Raise a UserError if an option of `reconstruct` is wrong."""
    if not photos:
        raise UserError("expected at least one photo, found none; name one")
    if not 0 <= samples <= MAX_SAMPLES:
        raise UserError(f"--samples must be from 0 to {MAX_SAMPLES}, found {samples}")
    if seed < 0:
        raise UserError(f"--seed must be a whole number from 0, found {seed}")
    if len(photos) > 1 and (mask is not None or box is not None):
        option = "--box" if mask is None else "--mask"
        raise UserError(
            f"expected one photo with {option}, found {len(photos)}; pass each photo "
            "with its own in a command of its own"
        )
    if format == "page" and len(photos) > SLIDER_PHOTOS:
        raise UserError(
            f"expected at most {SLIDER_PHOTOS} photos with --format page, found "
            f"{len(photos)}; use --format html, or fewer photos"
        )


def _cut_all(
    photos: Sequence[Path], size: int, mask: Path | None, box: Box | None
) -> tuple[dict[int, CutPhoto], list[UserError]]:
    """Cut the photos that can be used, by their numbers, and return the errors.

    Raises:
        UserError: none can be used.
    """
    cuts, errors = {}, []
    for number, photo in enumerate(photos):
        try:
            cuts[number] = cut_photo(photo, size, mask, box)
        except UserError as error:
            errors.append(error)
            if len(photos) > 1:
                logger.warning("left out: %s", error)
    if not cuts:
        if len(errors) == 1:
            raise errors[0]
        raise UserError(
            f"none of the {len(errors)} photos can be used; the first: {errors[0]}"
        )
    return cuts, errors


def _reconstruct_one(
    photo: CutPhoto,
    encoder: keras.Model,
    generator: keras.Model,
    noise: np.ndarray | None,
    threshold: float,
) -> Reconstruction:
    """Return the shape of one photo, and those of samples of its posterior.

    Args:
        photo: the photo, cut to its object.
        encoder: photo -> mean and log-variance.
        generator: latent -> occupancy.
        noise: float32 (K, d), from N(0, 1); or None for no samples.
        threshold: occupancy above which a voxel is filled.
    """
    mean, log_variance = encode(encoder, photo.square[None])
    latents = mean
    if noise is not None:
        drawn = sample_posterior(mean, log_variance, noise)
        latents = np.concatenate([mean, drawn])
    shapes = make_shapes(generator, latents, threshold)
    return Reconstruction(photo, mean[0], shapes[0], shapes[1:])


def _write(
    made: Sequence[Reconstruction],
    names: Sequence[str],
    folder: Path,
    format: str,
    generator: keras.Model,
    threshold: float,
) -> list[Path]:
    """Write the files of `reconstruct`; return their paths."""
    paths = [folder / "sheet.png", folder / "latents.npy"]
    writing.save_image(draw_sheet(made[:SHEET_SHAPES], names), paths[0])
    means = np.stack([one.mean for one in made])
    with atomic_path(paths[1]) as temporary:
        np.save(temporary, means)
    title = f"Shapes of {names[0]}" if len(names) == 1 else "Shapes of photos"
    if format == "page":
        page = folder / "shapes.html"
        write_slider_page(page, generator, means, names, threshold, title)
        return [*paths, page]
    shapes = np.stack([one.shape for one in made])
    if format == "html" and len(shapes) > VIEWER_SHAPES:
        logger.warning("the page shows the first %d photos", VIEWER_SHAPES)
        shapes, names = shapes[:VIEWER_SHAPES], names[:VIEWER_SHAPES]
    return [*paths, *write_shapes(shapes, names, folder, format, title)]


def draw_sheet(made: Sequence[Reconstruction], names: Sequence[str]) -> np.ndarray:
    """Draw photos, their shapes from two sides, and samples of their posteriors.

    Args:
        made: what was made of the photos, one row for each.
        names: names of the photos, at least as many.

    Returns:
        uint8 (H, W, 3).
    """
    rows = []
    for one, name in zip(made, names, strict=False):
        frame = one.shape | one.samples.any(axis=0)
        tiles = [
            render_voxels(one.shape, image_size=TILE, azimuth=azimuth, frame=frame)
            for azimuth in AZIMUTHS.values()
        ]
        tiles += [
            render_voxels(shape, image_size=TILE, frame=frame) for shape in one.samples
        ]
        rows.append([(one.photo.tile, short_name(name)), *((t, None) for t in tiles)])
    count = len(made[0].samples)
    drawn = [f"sample {number + 1}" for number in range(count)]
    return sheet(rows, column_labels=["photo", *AZIMUTHS, *drawn])
