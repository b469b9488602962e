"""New shapes from the prior, and the way between the shapes of two photos."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from chapter02_3dgan import generation as chapter02
from common.errors import UserError
from common.gan.latents import walk_pairs
from common.images import writing
from common.images.grids import sheet
from common.images.source_files import keep_sources
from common.shapes.rendering import render_voxels
from common.training.run_dir import RunDir
from study_3dvaegan.config import Config, Format
from study_3dvaegan.photos.cutting import TILE, cut_photo
from study_3dvaegan.reconstruction import chosen_threshold, encode
from study_3dvaegan.training import load_networks, load_threshold

MAX_STEPS = 64
logger = logging.getLogger(__name__)


def sample(
    run: RunDir,
    count: int = 16,
    seed: int = 1,
    fragments: bool = False,
    config: Config | None = None,
) -> np.ndarray:
    """Return new shapes of latents from N(0, 1): bool (count, S, S, S).

    As chapter 2's `sample`, but with the threshold that the run has chosen.

    Args:
        run: folder of the run.
        count: number of shapes, 1 to 10,000.
        seed: seed of the latents; the same seed gives the same shapes.
        fragments: whether to keep parts that are separate from the largest body.
        config: options of the run; by default its own.

    Raises:
        UserError: the run is not complete, or an option is out of range.
    """
    threshold = load_threshold(run)
    return chapter02.sample(run, count, seed, fragments, config, threshold)


def generate(
    run: RunDir,
    config: Config | None = None,
    count: int = 16,
    seed: int = 1,
    format: Format = "png",
    out: Path | None = None,
    fragments: bool = False,
) -> list[Path]:
    """Write new shapes of latents from N(0, 1), and a sheet of them all.

    The files are those of chapter 2's `generate`.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        count: see `sample`.
        seed: see `sample`.
        format: format of the files; npy and html are one file of all shapes.
        out: folder to write to; by default `generated` in the run's folder.
        fragments: see `sample`.

    Returns:
        Paths of the files; the first is the sheet.

    Raises:
        UserError: the run is not complete, or an option is out of range.
    """
    shapes = sample(run, count, seed, fragments, config)
    folder = out or run.generated
    return chapter02.write_generated(shapes, folder, format, run.path.name)


def interpolate(
    run: RunDir,
    config: Config | None = None,
    *,
    photos: Sequence[Path],
    steps: int = 10,
    threshold: float | None = None,
    out: Path | None = None,
) -> list[Path]:
    """Draw the way from the shape of one photo to that of another.

    The latents are on a straight line between the means of both photos.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        photos: image files of two objects.
        steps: number of shapes, both ends included, 2 to 64.
        threshold: occupancy above which a voxel is filled, in (0, 1); by default the
            one that the run has chosen.
        out: folder to write to; by default the run's.

    Returns:
        Paths of interpolation.png, the shapes between both photos, and of
        interpolation.gif, which goes there and back.

    Raises:
        UserError: a photo cannot be used, the run is not complete, or an option is out
            of range.
    """
    if not 2 <= steps <= MAX_STEPS:
        raise UserError(f"--steps must be from 2 to {MAX_STEPS}, found {steps}")
    folder = out or run.path
    paths = [folder / f"interpolation.{suffix}" for suffix in ("png", "gif")]
    keep_sources([Path(photo) for photo in photos], paths)
    config = run.configuration(config)
    threshold = chosen_threshold(run, threshold)
    first, last = (cut_photo(photo, config.image_size) for photo in photos)
    encoder, generator = load_networks(run)
    means, _ = encode(encoder, np.stack([first.square, last.square]))
    walk = walk_pairs(means[None], steps, "linear")
    shapes = chapter02.make_shapes(generator, walk, threshold)
    frame = shapes.any(axis=0)
    tiles = [render_voxels(shape, image_size=TILE, frame=frame) for shape in shapes]
    shares = [f"{share:.2f}" for share in np.linspace(0, 1, steps)]
    row = [(tile, None) for tile in (first.tile, *tiles, last.tile)]
    if not shapes.any():
        logger.warning(
            "all shapes are empty, because no occupancy is above %g; lower --threshold",
            threshold,
        )
    picture = sheet([row], column_labels=["photo", *shares, "photo"])
    writing.save_image(picture, paths[0])
    writing.save_gif([*tiles, *tiles[-2::-1]], paths[1])
    return paths
