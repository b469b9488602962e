"""A stand-in for photos: scenes by procedure, rich in edges and textures.

What photos have in common, these have too: things of all sizes that hide each
other, textures, fine lines, parts out of focus, a power spectrum of about 1 / f^2.
So a network for super-resolution that is trained on them works on photos.
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

_THINGS = STROKES | {paste_face: 1.5}

MAX_SCENES = 100_000
MIN_SIZE, MAX_SIZE = 32, 512
_LIMITS = {
    "train": (1, MAX_SCENES, ""),
    "test": (1, MAX_SCENES, ""),
    "size": (MIN_SIZE, MAX_SIZE, " pixels"),
}
_FIRST = {"train": 0, "test": MAX_SCENES}  # numbers of the splits' first scenes
_OVERSAMPLING = 2  # pixels of the canvas along each side of a pixel of the scene
_CHUNK = 4  # scenes that a process draws between two looks at what comes next
_ALONE = 12  # scenes that are drawn before other processes would have started


class _Job(NamedTuple):
    """Scenes of one split that are drawn and written one after the other."""

    folder: Path
    split: str
    start: int
    stop: int
    seed: int
    size: int


def draw_scene(number: int, *, seed: int = 0, size: int = 256) -> np.ndarray:
    """Draw a scene.

    Args:
        number: which, a whole number from 0.
        seed: any whole number from 0.
        size: pixels along each side, 32 to 512.

    Returns:
        uint8 (size, size, 3).

    Raises:
        UserError: a number is out of its range.
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

    They appear all at once, when the last one is done. A folder that was written
    with the same arguments before, or by another process meanwhile, is left as it
    is.

    Args:
        folder: the folder to write into.
        train: how many scenes to train on, 1 to 100,000.
        test: how many scenes to test on, 1 to 100,000.
        seed: any whole number from 0; the same seed gives the same scenes.
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
        _write_pictures(temporary, counts, seed, size)

    write_once(Path(folder), numbers, files, write)


def _expose(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Return what the camera sees, uint8: a little blurred and grainy."""
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
    return f"{index:05d}.png"


def _write_pictures(folder: Path, counts: dict[str, int], seed: int, size: int) -> None:
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
        picture = Image.fromarray(draw_scene(index, seed=job.seed, size=job.size))
        picture.save(job.folder / job.split / name, compress_level=1)
    return names


def compose(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a scene on an empty canvas."""
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
    """Let leaves fall on the picture: of one shape, as pebbles are, or of many."""
    shape = sample_shape(rng) if rng.random() < 0.5 else None
    smallest = np.exp(rng.uniform(np.log(0.015), np.log(0.1)))
    count = np.exp(rng.uniform(0, np.log(most)))
    for _ in range(round(count)):
        draw_leaf(canvas, palette, sample_radius(smallest, rng), rng, shape)


def _draw_thing(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """Draw what is more than one leaf: lines, hair, a tree, text, a face."""
    shares = np.array(list(_THINGS.values()))
    choice = rng.choice(len(shares), p=shares / shares.sum())
    list(_THINGS)[choice](canvas, palette, rng)


def _defocus(canvas: Canvas, rng: np.random.Generator) -> None:
    """Blur what is drawn so far: the camera looks at what is nearer."""
    blur = canvas.side * np.exp(rng.uniform(np.log(0.002), np.log(0.015)))
    canvas.image = ndimage.gaussian_filter(canvas.image, (0, blur, blur), truncate=2.5)


def _light(canvas: Canvas, rng: np.random.Generator) -> None:
    """Let the light change slowly over the picture, and a shadow fall on it."""
    shape = (canvas.side, canvas.side)
    canvas.image *= 1 + np.float32(rng.uniform(0, 0.2)) * noise(rng, (4, 4), shape)
    if rng.random() < 0.3:
        points = rng.uniform(-0.6, 0.6, 2) + rng.uniform(0.2, 0.8) * outline(rng)
        blur = SPAN * rng.uniform(0.001, 0.03)
        shadow = canvas.mask(SPAN * points, blur=blur)
        canvas.shade(shadow, (rng.uniform(0.4, 0.9),) * 3)
