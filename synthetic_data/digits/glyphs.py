"""A stand-in for MNIST: ten digits as different hands would write them.

To draw a digit, the field of the distances to its skeleton is bent and cut off at
the half width of a pen, which gives strokes with round ends. Then it is put into
its frame as the digits of MNIST are.

Reference: LeCun et al. 1998, "Gradient-based learning applied to document
    recognition", section III-A (the frame).
"""

import json
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.files import atomic_path
from common.images import idx
from synthetic_data.digits.skeletons import DIGITS, REACH, cells, distance_fields

SIZE = 28
BOX = 20
_MIDDLE = 14  # the pixel, from 0, in which MNIST has the centre of mass
_NOTE = "synthetic.json"
_CHUNK = 250  # images that are drawn together: few, so that they stay in the cache
_CANVAS = 52  # cells along each axis of what is drawn first, [-REACH, REACH]


def write_glyphs(
    folder: Path | str, train: int = 12000, test: int = 2000, seed: int = 0
) -> None:
    """Write digits as the four gzip files of MNIST.

    They appear all at once, when the last one is done. A folder that was written
    with the same arguments before, or by another process meanwhile, is left as
    it is.

    Args:
        folder: the folder to write into.
        train: how many images to train on.
        test: how many images to test on.
        seed: any whole number from 0; the same seed gives the same bytes.

    Raises:
        UserError: an argument is out of its range, `folder` holds other files, or
            it cannot be written.
    """
    folder = Path(folder)
    counts = {"train": train, "test": test}
    for split, count in counts.items():
        _check(split, count, seed)
    note = json.dumps(counts | {"seed": seed}) + "\n"
    if _is_there(folder, note):
        return
    try:
        with atomic_path(folder) as temporary:
            for split in idx.SPLITS:
                glyphs = make_glyphs(counts[split], seed, split)
                idx.write_split(temporary, split, *glyphs)
            (temporary / _NOTE).write_text(note, "utf-8")
    except UserError:
        # A folder cannot take the place of one that another process has filled.
        if not _is_there(folder, note):
            raise


def make_glyphs(
    count: int, seed: int = 0, split: idx.Split = "train"
) -> tuple[np.ndarray, np.ndarray]:
    """Draw digits, of each class as many, in random order.

    Args:
        count: how many; classes differ by one image where 10 does not divide it.
        seed: any whole number from 0; the same arguments give the same images.
        split: "train" or "test", which are drawn independently.

    Returns:
        Images uint8 (count, 28, 28), bright on black, each within 20 x 20 pixels,
        with the centre of mass as near to pixel (14, 14) as whole pixels allow;
        labels uint8 (count,), 0 to 9.

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
    """Say whether the very same digits stand in `folder` already.

    Raises:
        UserError: something else does.
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
    # A wider pen would fill the loops of an 8.
    width = np.minimum(size, 0.1) * (1 + 0.12 * _smooth_noise(count, 0.12, rng))
    edge = 2 * REACH / _CANVAS * rng.uniform(1, 1.5, (count, 1, 1))
    ink = (width - distance) / edge.astype(np.float32) + 0.5
    return _framed(ink.clip(0, 1))


def _bent_grid(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return where in the field of its digit each cell of a canvas looks.

    A grid is shaken by smooth noise (elastic distortion), then turned, slanted,
    narrowed and seen in perspective. Sizes were chosen beside MNIST's digits.

    Args:
        count: how many grids.
        rng: decides on everything.

    Returns:
        x and y, float32 (count, C, C), in heights of a digit from its middle.

    Reference:
        Simard, Steinkraus & Platt 2003, "Best practices for convolutional neural
        networks applied to visual document analysis", section 2 (the noise).
    """
    axis = cells(_CANVAS)
    # Beyond two standard deviations digits become hard to read.
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
    """Return coarse normal noise blurred by a Gaussian, of variance 1 everywhere.

    Args:
        count: how many canvases.
        sigma: of the Gaussian, in heights of a digit.
        rng: the source of the noise.

    Returns:
        float32 (count, C, C).
    """
    blur = np.exp(-0.5 * ((cells(_CANVAS)[:, None] - cells(10)) / sigma) ** 2)
    blur /= np.linalg.norm(blur, axis=1, keepdims=True)
    return blur @ rng.standard_normal((count, 10, 10), np.float32) @ blur.T


def _look_up(
    fields: np.ndarray, chosen: np.ndarray, x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """Return what field `chosen[n]` holds at (x[n], y[n]), bilinear, (N, C, C)."""
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
    """Scale digits to a box of 20 x 20, and place that by the centre of mass.

    Args:
        ink: float32 (N, C, C) in [0, 1].

    Returns:
        uint8 (N, 28, 28).
    """
    (top, bottom), (left, right) = _extent(ink.any(axis=2)), _extent(ink.any(axis=1))
    step = np.maximum(bottom - top, right - left) / BOX
    down = _area_weights((top + bottom) / 2, step)
    across = _area_weights((left + right) / 2, step)
    # A pen that covers three quarters of a pixel leaves it as bright as can be.
    box = np.minimum(down @ ink @ across.transpose(0, 2, 1) * (4 / 3), 1)
    box = np.rint(255 * box).astype(np.uint8)
    images = np.zeros((len(ink), SIZE, SIZE), np.uint8)
    rows, columns = _places(box.sum(axis=2)), _places(box.sum(axis=1))
    each = np.arange(len(ink))[:, None, None]
    images[each, rows[:, :, None], columns[:, None, :]] = box
    return images


def _extent(inked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first index with ink and the one after the last, for each row."""
    return inked.argmax(axis=1), _CANVAS - inked[:, ::-1].argmax(axis=1)


def _area_weights(middle: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return how much each cell counts in each pixel of the box, (N, 20, C).

    Args:
        middle: (N,) where the middle of the box lies, in cells.
        step: (N,) cells to a pixel.
    """
    step = step[:, None, None]
    low = middle[:, None, None] + (np.arange(BOX)[:, None] - BOX / 2) * step
    cell = np.arange(_CANVAS)
    overlap = np.minimum(low + step, cell + 1) - np.maximum(low, cell)
    return (overlap.clip(0) / step).astype(np.float32)


def _places(mass: np.ndarray) -> np.ndarray:
    """Return where the pixels of boxes go along one axis, (N, 20), by their mass."""
    index = np.arange(BOX)
    first = np.rint(_MIDDLE - mass @ index / mass.sum(axis=1)).astype(int)
    # A 7 with hardly a foot would leave the frame.
    return first.clip(0, SIZE - BOX)[:, None] + index
