"""Generated toys from chosen viewpoints: turning, and in depth."""

from pathlib import Path

import numpy as np

from common.errors import UserError
from common.gan.latents import sample_latents
from common.images import writing
from common.images.grids import image_grid, sheet, to_picture
from common.training.network_files import load_network
from common.training.run_dir import RunDir
from study_norb.camera_images import anaglyphs, left
from study_norb.config import CLASSES, Config
from study_norb.generation import (
    Labels,
    make_toys,
    random_labels,
    sample,
)
from study_norb.learnt_views import read_views

MAX_TOYS = 64
MAX_FRAMES = writing.GIF_FRAMES
# Views of a toy in its row of the sheet, and their height in pixels.
SHEET_VIEWS = 18
TILE = 96
# Smallest height in pixels of up to four toys in a picture, and of more.
LARGE, SMALL = 288, 144
# Times of a frame in milliseconds.
TURN, WIGGLE = 100, 180


def turntable(
    run: RunDir,
    config: Config | None = None,
    count: int = 4,
    seed: int = 1,
    class_name: str | None = None,
    elevation: float | None = None,
    lighting: int = 0,
    frames: int = 18,
    out: Path | None = None,
) -> list[Path]:
    """Turn generated toys: turntable.png and turntable.gif.

    Each toy has one latent and one class; only the azimuth changes. Stereo runs show
    the left images.

    Args:
        run: folder of a run with poses.
        config: options of the run; by default its own.
        count: number of toys, 1 to 64.
        seed: seed of the latents; the same seed gives the same toys.
        class_name: class of all toys; by default all classes in turn.
        elevation: elevation of the camera in degrees, within those that the run has
            seen; by default in their middle, which is 50 for smallNORB.
        lighting: number of a lighting that the run has seen.
        frames: number of azimuths at equal steps, 2 to 60.
        out: folder to write to; by default the run's.

    Returns:
        Paths of the sheet, one row for each toy with up to 18 views, and of the GIF,
        in which all toys turn.

    Raises:
        UserError: the run has no poses, no such class or no generator, or an option
            is out of range.
    """
    config = run.configuration(config)
    if config.labels != "pose":
        raise UserError(
            f"turntable needs poses, but the run in {run.path} has --labels "
            f"{config.labels}; train one with --labels pose"
        )
    views = read_views(run)
    low, high = views.elevations[0], views.elevations[-1]
    elevation = (low + high) / 2 if elevation is None else elevation
    _check_range("count", count, 1, MAX_TOYS)
    _check_range("frames", frames, 2, MAX_FRAMES)
    _check_range("elevation", elevation, low, high)
    if lighting not in views.lightings:
        seen = ", ".join(map(str, views.lightings))
        raise UserError(
            f"--lighting must be one of those that the run has seen, {seen}; found "
            f"{lighting}"
        )
    classes = random_labels(config, count, seed, class_name).classes
    turned = np.arange(frames) * 360 / frames
    azimuths = np.tile(turned, count)
    labels = Labels(
        np.repeat(classes, frames),
        azimuths,
        np.full(len(azimuths), elevation),
        np.full(len(azimuths), lighting),
    )
    latents = np.repeat(sample_latents(config, count, seed), frames, axis=0)
    made = left(make_toys(config, load_network(run.generator), latents, labels))
    made = made.reshape(count, frames, *made.shape[1:])
    names = [(config.classes or CLASSES)[number] for number in classes]
    folder = out or run.path
    paths = [folder / "turntable.png", folder / "turntable.gif"]
    writing.save_image(draw_turned(made, turned, names), paths[0])
    pictures = [image_grid(made[:, k], size=_size(count)) for k in range(frames)]
    writing.save_gif(pictures, paths[1], TURN, last=TURN)
    return paths


def draw_turned(made: np.ndarray, azimuths: np.ndarray, names: list[str]) -> np.ndarray:
    """Draw one row for each toy, with the azimuths above: uint8 (H, W, 3).

    Args:
        made: uint8 (N, F, S, S, 1); of more than 18 views, 18 are drawn.
        azimuths: (F,), degrees.
        names: labels of the rows.
    """
    step = min(len(azimuths), SHEET_VIEWS)
    chosen = np.arange(step) * len(azimuths) // step
    rows = [[(to_picture(toy[k], TILE), None) for k in chosen] for toy in made]
    angles = [f"{azimuths[k]:.0f}°" for k in chosen]
    return sheet(rows, row_labels=names, column_labels=angles)


def stereo(
    run: RunDir,
    config: Config | None = None,
    count: int = 8,
    seed: int = 1,
    class_name: str | None = None,
    out: Path | None = None,
) -> list[Path]:
    """Show generated stereo pairs in depth: anaglyph.png and wiggle.gif.

    Args:
        run: folder of a run of stereo pairs.
        config: options of the run; by default its own.
        count: number of pairs, 1 to 64.
        seed: seed of the latents and labels, those of `generate`.
        class_name: class of all toys; by default all classes in turn.
        out: folder to write to; by default the run's.

    Returns:
        Paths of the anaglyphs, for glasses that are red on the left and cyan on the
        right, and of a GIF that alternates between the left and the right images.

    Raises:
        UserError: the run has one camera, no such class or no generator, or an option
            is out of range.
    """
    config = run.configuration(config)
    if config.cameras != "stereo":
        raise UserError(
            f"stereo needs pairs of images, but the run in {run.path} has --cameras "
            f"{config.cameras}; train one with --cameras stereo"
        )
    _check_range("count", count, 1, MAX_TOYS)
    pairs = sample(run, count, seed, config, class_name)
    folder = out or run.path
    paths = [folder / "anaglyph.png", folder / "wiggle.gif"]
    size = _size(count)
    writing.save_image(image_grid(anaglyphs(pairs), size=size), paths[0])
    frames = [image_grid(pairs[..., camera], size=size) for camera in (0, 1)]
    writing.save_gif(frames, paths[1], WIGGLE, last=WIGGLE)
    return paths


def _check_range(option: str, value: float, least: float, most: float) -> None:
    """Raise a UserError if the value of an option is out of range."""
    if not least <= value <= most:
        raise UserError(
            f"--{option} must be from {least:g} to {most:g}, found {value:g}"
        )


def _size(count: int) -> int:
    """Return the smallest height in pixels of a toy among so many."""
    return LARGE if count <= 4 else SMALL
