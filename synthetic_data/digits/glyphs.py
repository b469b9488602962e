"""A stand-in for MNIST: the ten digits in the style of many writers.

A digit is drawn from the field of distances to its skeleton. The field is distorted
and thresholded at half the width of a pen, which gives strokes with round ends. The
digit is then scaled and centred in the same way as the digits of MNIST.

Reference: LeCun et al. 1998, "Gradient-based learning applied to document
    recognition", section III-A (size and position of the digits).
"""

import json
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.images import idx
from synthetic_data.digits.skeletons import DIGITS, REACH, cells, distance_fields
from synthetic_data.drawing.folders import write_if_missing

SIZE = 28  # side of an image in pixels
BOX = 20  # side of the box that a digit fills, in pixels
_MIDDLE = 14  # index of the pixel in which MNIST puts the centre of mass
_NOTE = "synthetic.json"  # file that records the arguments of a data set
_CHUNK = 250  # images drawn at once: few, so that their arrays fit the CPU's cache
_CANVAS = 52  # cells along each side of the first drawing, which spans +-REACH


def write_glyphs(
    folder: Path | str, train: int = 12000, test: int = 2000, seed: int = 0
) -> None:
    """Write digits as the four gzip files of MNIST.

    All files appear at once, after the last one is complete. A folder that was
    already written with the same arguments, earlier or by another process in the
    meantime, is kept.

    Args:
        folder: folder to write to.
        train: number of training images, at least 1.
        test: number of test images, at least 1.
        seed: seed of the data set, at least 0; the same seed gives the same bytes.

    Raises:
        UserError: an argument is out of its range, `folder` holds other files, or
            it cannot be written.
    """
    folder = Path(folder)
    counts = {"train": train, "test": test}
    for split, count in counts.items():
        _check(split, count, seed)
    note = json.dumps(counts | {"seed": seed}) + "\n"

    def write(temporary: Path) -> None:
        for split in idx.SPLITS:
            glyphs = make_glyphs(counts[split], seed, split)
            idx.write_split(temporary, split, *glyphs)
        (temporary / _NOTE).write_text(note, "utf-8")

    write_if_missing(folder, lambda: _is_there(folder, note), write)


def make_glyphs(
    count: int, seed: int = 0, split: idx.Split = "train"
) -> tuple[np.ndarray, np.ndarray]:
    """Draw digits in random order, equally many of each class.

    Args:
        count: number of images, at least 1; if it is not a multiple of 10, some
            classes get one image more.
        seed: seed of the images, at least 0; the same arguments give the same
            images.
        split: "train" or "test", which are drawn independently.

    Returns:
        Images uint8 (count, 28, 28), white on black, and labels uint8 (count,), 0
        to 9. Each digit is within 20 x 20 pixels, and its centre of mass is as near
        to pixel (14, 14) as a shift by whole pixels allows.

    Raises:
        UserError: `count` or `seed` is out of its range.
    """
    _check("count", count, seed)
    rng = np.random.default_rng([seed, idx.SPLITS.index(split)])
    labels = rng.permutation(np.arange(count) % len(DIGITS)).astype(np.uint8)
    parts = np.split(labels, range(_CHUNK, count, _CHUNK))
    return np.concatenate([_draw(part, rng) for part in parts]), labels


def _check(name: str, count: int, seed: int) -> None:
    """Raise a UserError for a count or a seed out of its range."""
    if not 1 <= count <= idx.MAX_ITEMS:
        raise UserError(
            f"{name}: expected 1 to {idx.MAX_ITEMS:,} images, found {count}"
        )
    if seed < 0:
        raise UserError(f"seed: expected a whole number from 0, found {seed}")


def _is_there(folder: Path, note: str) -> bool:
    """Return whether a folder was written with the same arguments already.

    Returns:
        False if the folder is missing or empty.

    Raises:
        UserError: the folder holds anything else.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    kinds = [(kind, split) for kind in ("images", "labels") for split in idx.SPLITS]
    names = [f"{idx.standard_name(*k)}.gz" for k in kinds] + [_NOTE]
    complete = all((folder / name).is_file() for name in names)
    if complete and (folder / _NOTE).read_bytes() == note.encode():
        return True
    raise UserError(
        f"{folder} already holds other files; choose an empty folder or remove this one"
    )


def _draw(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw one digit for each label, uint8 (N, 28, 28)."""
    count = len(labels)
    fields, first = distance_fields()
    chosen = rng.integers(first[labels], first[labels + 1])
    distance = _look_up(fields, chosen, *_bent_grid(count, rng))
    size = 0.063 * np.exp(0.3 * rng.standard_normal((count, 1, 1), np.float32))
    # A wider pen would fill the loops of an 8. The noise varies the pressure.
    width = np.minimum(size, 0.1) * (1 + 0.12 * _smooth_noise(count, 0.12, rng))
    edge = 2 * REACH / _CANVAS * rng.uniform(1, 1.5, (count, 1, 1))
    ink = (width - distance) / edge.astype(np.float32) + 0.5
    return _framed(ink.clip(0, 1))


def _bent_grid(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return distorted grids: the point of the field that each cell of a canvas shows.

    A grid is displaced by smooth noise (elastic distortion), then rotated, slanted,
    scaled in width and seen in perspective. The amounts were chosen by comparison
    with MNIST's digits.

    Args:
        count: number of grids.
        rng: source of the random values.

    Returns:
        x and y, float32 (count, C, C), C = 52, relative to the digit's centre, in
        heights of a digit.

    Reference:
        Simard, Steinkraus & Platt 2003, "Best practices for convolutional neural
        networks applied to visual document analysis", section 2 (the noise).
    """
    axis = cells(_CANVAS)
    # Digits distorted by more than two standard deviations are hard to read.
    normal = rng.standard_normal((6, count, 1, 1), np.float32).clip(-2, 2)
    bend = 0.05 * np.exp(0.25 * normal[0])
    x = axis + bend * _smooth_noise(count, 0.26, rng)
    y = axis[:, None] + bend * _smooth_noise(count, 0.26, rng)
    turn, slant = 0.12 * normal[1], 0.14 + 0.22 * normal[2]
    cos, sin = np.cos(turn), np.sin(turn)
    x, y = cos * x - sin * y, sin * x + cos * y
    x = (x + slant * y) * np.exp(0.15 * normal[3] - 0.1)
    away = 1 + 0.12 * (normal[4] * x + normal[5] * y)
    return x / away, y / away


def _smooth_noise(count: int, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Return coarse normal noise blurred by a Gaussian, with variance 1 everywhere.

    Args:
        count: number of canvases.
        sigma: standard deviation of the Gaussian, in heights of a digit.
        rng: source of the noise.

    Returns:
        float32 (count, C, C), C = 52.
    """
    blur = np.exp(-0.5 * ((cells(_CANVAS)[:, None] - cells(10)) / sigma) ** 2)
    blur /= np.linalg.norm(blur, axis=1, keepdims=True)
    return blur @ rng.standard_normal((count, 10, 10), np.float32) @ blur.T


def _look_up(
    fields: np.ndarray, chosen: np.ndarray, x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """Interpolate fields bilinearly: field `chosen[n]` at (x[n], y[n]), (N, C, C)."""
    size, flat = fields.shape[-1], fields.ravel()
    scale, last = size / (2 * REACH), size - 1
    x = ((x + REACH) * scale - 0.5).clip(0, last - 1e-3)
    y = ((y + REACH) * scale - 0.5).clip(0, last - 1e-3)
    column, row = x.astype(np.int32), y.astype(np.int32)
    x -= column
    y -= row
    place = (chosen.astype(np.int32)[:, None, None] * size + row) * size + column

    def along_row(start: np.ndarray) -> np.ndarray:
        left = flat[start]
        return left + x * (flat[start + 1] - left)

    upper = along_row(place)
    return upper + y * (along_row(place + size) - upper)


def _framed(ink: np.ndarray) -> np.ndarray:
    """Scale digits to a box of 20 x 20 pixels and centre it by the centre of mass.

    Args:
        ink: float32 (N, C, C) in [0, 1].

    Returns:
        uint8 (N, 28, 28).
    """
    (top, bottom), (left, right) = _extent(ink.any(axis=2)), _extent(ink.any(axis=1))
    step = np.maximum(bottom - top, right - left) / BOX
    down = _area_weights((top + bottom) / 2, step)
    across = _area_weights((left + right) / 2, step)
    # A pixel has full brightness if ink covers three quarters of it or more.
    box = np.minimum(down @ ink @ across.transpose(0, 2, 1) * (4 / 3), 1)
    box = np.rint(255 * box).astype(np.uint8)
    images = np.zeros((len(ink), SIZE, SIZE), np.uint8)
    rows, columns = _places(box.sum(axis=2)), _places(box.sum(axis=1))
    each = np.arange(len(ink))[:, None, None]
    images[each, rows[:, :, None], columns[:, None, :]] = box
    return images


def _extent(inked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each row, the first index with ink and the last one plus 1."""
    return inked.argmax(axis=1), _CANVAS - inked[:, ::-1].argmax(axis=1)


def _area_weights(middle: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return the weight of each cell in each pixel of the box, along one axis.

    Args:
        middle: (N,), position of the middle of the box, in cells.
        step: (N,), cells per pixel.

    Returns:
        float32 (N, 20, C), the share of the pixel that the cell covers.
    """
    step = step[:, None, None]
    low = middle[:, None, None] + (np.arange(BOX)[:, None] - BOX / 2) * step
    cell = np.arange(_CANVAS)
    overlap = np.minimum(low + step, cell + 1) - np.maximum(low, cell)
    return (overlap.clip(0) / step).astype(np.float32)


def _places(mass: np.ndarray) -> np.ndarray:
    """Return the indices (N, 20) of the boxes' pixels in the image, along one axis.

    `mass` (N, 20) is the ink in each row or column of the boxes.
    """
    index = np.arange(BOX)
    first = np.rint(_MIDDLE - mass @ index / mass.sum(axis=1)).astype(int)
    # Keep the box in the image even if the mass is far off its middle, as in some 7s.
    return first.clip(0, SIZE - BOX)[:, None] + index
