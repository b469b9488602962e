"""Images that a trained generator makes, and files of them."""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from common.errors import UserError
from common.files import atomic_path
from common.images import writing
from common.images.grids import image_grid, sheet, to_picture
from common.images.pixels import to_floats

MAX_COUNT = 100_000
MAX_ROWS = 64
SHEET_IMAGES = 400
# Height in pixels that single images are enlarged to, and those beside text.
PICTURE_SIZE = 112
TILE = 84
NEIGHBOURS = 3


def check_count(count: int) -> None:
    """Refuse numbers of images that are none or too many."""
    if not 1 <= count <= MAX_COUNT:
        raise UserError(f"--count must be from 1 to {MAX_COUNT}, found {count}")


def check_walks(rows: int, steps: int) -> None:
    """Refuse numbers of walks and of their steps that make no picture."""
    if not (1 <= rows <= MAX_ROWS and 2 <= steps <= MAX_ROWS):
        raise UserError(
            f"--rows must be from 1 to {MAX_ROWS} and --steps from 2 to {MAX_ROWS}, "
            f"found {rows} and {steps}"
        )


def write_files(
    made: np.ndarray, folder: Path, format: str, columns: int | None = None
) -> list[Path]:
    """Write images with a sheet of them.

    Args:
        made: uint8 (N, H, W[, C]).
        folder: where to write.
        format: png: one file for each; npy: one array of all.
        columns: of the sheet; by default it is about square.

    Returns:
        Paths of the files; the sheet, with the first 400, comes first.
    """
    sheet = write_sheet(made, folder, columns)
    if format == "npy":
        return [sheet, write_array(made, folder)]
    return [sheet, *write_single(made, folder)]


def write_sheet(made: np.ndarray, folder: Path, columns: int | None = None) -> Path:
    """Write the first 400 images side by side: sheet.png.

    Args:
        made: uint8 (N, H, W[, C]).
        folder: where to write.
        columns: images in a row; default makes the sheet about square.
    """
    path = folder / "sheet.png"
    writing.save_image(image_grid(made[:SHEET_IMAGES], columns=columns), path)
    return path


def write_array(made: np.ndarray, folder: Path) -> Path:
    """Write all images as one array: images.npy, uint8 (N, H, W[, C])."""
    path = folder / "images.npy"
    with atomic_path(path) as temporary:
        np.save(temporary, made)
    return path


def write_single(made: np.ndarray, folder: Path) -> list[Path]:
    """Write each image as a PNG of its own, enlarged by whole pixels."""
    paths = [folder / f"image_{number:05d}.png" for number in range(len(made))]
    bar = tqdm(paths, "writing", unit="image", disable=None)
    for image, path in zip(made, bar, strict=True):
        writing.save_image(to_picture(image, PICTURE_SIZE), path)
    return paths


def nearest(shown: np.ndarray, train: np.ndarray, count: int) -> np.ndarray:
    """Return which training images are nearest to some images.

    The distance is Euclidean, of pixels in [-1, 1].

    Args:
        shown: uint8 (N, H, W[, C]).
        train: uint8 (M, H, W[, C]); gone through in parts, as it may lie on a disk.
        count: how many for each.

    Returns:
        int (N, count), the nearest first.
    """
    queries = to_floats(shown).reshape(len(shown), -1)
    parts = []
    for start in range(0, len(train), 1024):
        flat = to_floats(train[start : start + 1024]).reshape(-1, queries.shape[1])
        parts.append((flat**2).sum(axis=1) - 2 * queries @ flat.T)
    return np.argsort(np.hstack(parts), axis=1, kind="stable")[:, :count]


def draw_neighbours(shown: np.ndarray, train: np.ndarray, path: Path) -> None:
    """Draw images above their nearest training images.

    A generator that has learnt the training images by heart would show them.
    """
    found = nearest(shown, train, NEIGHBOURS)
    rows = [shown, *(train[found[:, k]] for k in range(NEIGHBOURS))]
    names = ["sample", *(f"nearest {k + 1}" for k in range(NEIGHBOURS))]
    tiles = [[(to_picture(image, TILE), None) for image in row] for row in rows]
    writing.save_image(sheet(tiles, row_labels=names), path)
