"""A stand-in for photos: procedural scenes, rich in edges and textures.

The scenes share the statistics of photos: objects of all sizes that occlude each
other, textures, fine lines, parts out of focus, and a power spectrum of about
1 / f^2. So a super-resolution network that is trained on them works on photos.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from synthetic_data.drawing.canvas import SPAN, Canvas, noise
from synthetic_data.drawing.folders import check_numbers, write_once
from synthetic_data.drawing.pool import run_jobs
from synthetic_data.scenes.backdrops import draw_backdrop, paste_face
from synthetic_data.scenes.leaves import (
    Palette,
    draw_leaf,
    outline,
    sample_radius,
    sample_shape,
)
from synthetic_data.scenes.strokes import STROKES

# Functions that draw objects other than leaves, with their weights.
_THINGS = STROKES | {paste_face: 1.5}

MAX_SCENES = 100_000
MIN_SIZE, MAX_SIZE = 32, 512
_LIMITS = {
    "train": (1, MAX_SCENES, ""),
    "test": (1, MAX_SCENES, ""),
    "size": (MIN_SIZE, MAX_SIZE, " pixels"),
}
_FIRST = {"train": 0, "test": MAX_SCENES}  # number of each split's first scene
_OVERSAMPLING = 2  # pixels of the canvas per pixel of the scene, along each side
_CHUNK = 4  # scenes of one job of a process
_ALONE = 12  # for up to 12 scenes, starting more processes takes longer than drawing


class _Job(NamedTuple):
    """Scenes `start` to `stop` - 1 of a split, which one process draws and writes."""

    folder: Path
    split: str
    start: int
    stop: int
    seed: int
    size: int


def draw_scene(number: int, *, seed: int = 0, size: int = 256) -> np.ndarray:
    """Draw a scene; the same arguments give the same scene.

    Args:
        number: number of the scene, at least 0.
        seed: seed of the data set, at least 0.
        size: pixels along each side, 32 to 512.

    Returns:
        uint8 (size, size, 3).

    Raises:
        UserError: an argument is out of its range.
    """
    check_numbers({"number": number, "seed": seed, "size": size}, _LIMITS)
    rng = np.random.default_rng([seed, number])
    canvas = Canvas(_OVERSAMPLING * size)
    compose(canvas, rng)
    return _expose(canvas, rng)


def write_scenes(
    folder: Path, train: int = 200, test: int = 20, seed: int = 0, size: int = 256
) -> None:
    """Write scenes as PNG files: train/00000.png, ... and test/00000.png, ...

    All files appear at once, after the last one is complete. A folder that was
    already written with the same arguments, earlier or by another process in the
    meantime, is kept.

    Args:
        folder: folder to write to.
        train: number of training scenes, 1 to 100,000.
        test: number of test scenes, 1 to 100,000.
        seed: seed of the data set, at least 0; the same seed gives the same scenes.
        size: pixels along each side, 32 to 512.

    Raises:
        UserError: an argument is out of its range, `folder` holds other files, or
            it cannot be written.
    """
    counts = {"train": train, "test": test}
    numbers = counts | {"seed": seed, "size": size}
    check_numbers(numbers, _LIMITS)
    files = {f"{split}/{_name(i)}" for split, n in counts.items() for i in range(n)}

    def write(temporary: Path) -> None:
        _write_images(temporary, counts, seed, size)

    write_once(Path(folder), numbers, files, write)


def _expose(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Return the canvas as a camera shows it, slightly blurred and noisy.

    Returns uint8 (size, size, 3).
    """
    blur = _OVERSAMPLING * rng.uniform(0.3, 0.65)
    image = canvas.image.clip(0, 255)
    image = ndimage.gaussian_filter(image, (0, blur, blur), truncate=2.5)
    size = canvas.side // _OVERSAMPLING
    cells = image.reshape(3, size, _OVERSAMPLING, size, _OVERSAMPLING)
    grain = rng.uniform(0, 1.5) * rng.standard_normal((3, size, size), np.float32)
    pixels = cells.mean(axis=(2, 4)) + grain
    return np.ascontiguousarray(
        pixels.transpose(1, 2, 0).round().clip(0, 255).astype(np.uint8)
    )


def _name(index: int) -> str:
    """Return the file name of a scene."""
    return f"{index:05d}.png"


def _write_images(folder: Path, counts: dict[str, int], seed: int, size: int) -> None:
    """Write the scenes of all splits into a new folder."""
    jobs: list[_Job] = []
    for split, count in counts.items():
        (folder / split).mkdir(parents=True)
        for start in range(0, count, _CHUNK):
            stop = min(start + _CHUNK, count)
            jobs.append(_Job(folder, split, start, stop, seed, size))
    total = sum(counts.values())
    run_jobs(
        _write_part,
        jobs,
        total=total,
        title="drawing scenes",
        unit="scene",
        processes=1 if total <= _ALONE else None,
    )


def _write_part(job: _Job) -> list[str]:
    """Draw and write the scenes of one job; return their names."""
    names = [_name(index) for index in range(job.start, job.stop)]
    for index, name in enumerate(names, job.start + _FIRST[job.split]):
        image = Image.fromarray(draw_scene(index, seed=job.seed, size=job.size))
        image.save(job.folder / job.split / name, compress_level=1)
    return names


def compose(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a scene on an empty canvas.

    Args:
        canvas: canvas to draw on, in place.
        rng: source of the random values.
    """
    palette = Palette(rng)
    most = draw_backdrop(canvas, palette, rng)
    for depth in range(3):
        if depth and rng.random() < 0.25:
            _defocus(canvas, rng)
        _scatter(canvas, palette, most, rng)
        for _ in range(rng.integers(0, 2)):
            _draw_thing(canvas, palette, rng)
    _light(canvas, rng)


def _scatter(
    canvas: Canvas, palette: Palette, most: int, rng: np.random.Generator
) -> None:
    """Scatter leaves over the image, either all of one shape, as pebbles, or mixed."""
    shape = sample_shape(rng) if rng.random() < 0.5 else None
    smallest = np.exp(rng.uniform(np.log(0.015), np.log(0.1)))
    count = np.exp(rng.uniform(0, np.log(most)))
    for _ in range(round(count)):
        draw_leaf(canvas, palette, sample_radius(smallest, rng), rng, shape)


def _draw_thing(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """Draw an object other than a leaf: lines, hair, a tree, text or a face."""
    shares = np.array(list(_THINGS.values()))
    choice = rng.choice(len(shares), p=shares / shares.sum())
    list(_THINGS)[choice](canvas, palette, rng)


def _defocus(canvas: Canvas, rng: np.random.Generator) -> None:
    """Blur the image so far, as if the camera focuses on nearer objects."""
    blur = canvas.side * np.exp(rng.uniform(np.log(0.002), np.log(0.015)))
    canvas.image = ndimage.gaussian_filter(canvas.image, (0, blur, blur), truncate=2.5)


def _light(canvas: Canvas, rng: np.random.Generator) -> None:
    """Vary the brightness smoothly over the image; sometimes add a shadow."""
    shape = (canvas.side, canvas.side)
    canvas.image *= 1 + np.float32(rng.uniform(0, 0.2)) * noise(rng, (4, 4), shape)
    if rng.random() < 0.3:
        points = rng.uniform(-0.6, 0.6, 2) + rng.uniform(0.2, 0.8) * outline(rng)
        blur = SPAN * rng.uniform(0.001, 0.03)
        shadow = canvas.mask(SPAN * points, blur=blur)
        canvas.shade(shadow, (rng.uniform(0.4, 0.9),) * 3)
