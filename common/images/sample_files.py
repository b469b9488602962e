"""Files of generated images: sheets, single images, and their nearest neighbours."""

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
# Smallest height in pixels of an image in a file of its own.
PICTURE_SIZE = 112
# Smallest height in pixels of an image in the sheet of nearest neighbours.
TILE = 84
# Smallest height in pixels of the images of interpolation.gif.
WALK_SIZE = 192
# Number of training images that are drawn below each generated image.
NEIGHBOURS = 3


def check_count(count: int) -> None:
    """Check the number of images to write.

    Raises:
        UserError: `count` is not in [1, 100,000].
    """
    if not 1 <= count <= MAX_COUNT:
        raise UserError(f"--count must be from 1 to {MAX_COUNT}, found {count}")


def check_walks(rows: int, steps: int) -> None:
    """Check the numbers of latent walks and of the steps in each.

    Raises:
        UserError: `rows` is not in [1, 64], or `steps` is not in [2, 64].
    """
    if not (1 <= rows <= MAX_ROWS and 2 <= steps <= MAX_ROWS):
        raise UserError(
            f"--rows must be from 1 to {MAX_ROWS} and --steps from 2 to {MAX_ROWS}, "
            f"found {rows} and {steps}"
        )


def write_files(
    made: np.ndarray, folder: Path, format: str, columns: int | None = None
) -> list[Path]:
    """Write generated images and a sheet of them.

    Args:
        made: uint8 (N, H, W[, C]).
        folder: folder for the files.
        format: "png" for one file per image, or "npy" for one array of all images.
        columns: number of columns of the sheet; the default makes it about square.

    Returns:
        Paths of the files. The first is the sheet, which shows the first 400 images.
    """
    sheet = write_sheet(made, folder, columns)
    if format == "npy":
        return [sheet, write_array(made, folder)]
    return [sheet, *write_single(made, folder)]


def write_sheet(made: np.ndarray, folder: Path, columns: int | None = None) -> Path:
    """Write the first 400 images as one grid, sheet.png.

    Args:
        made: uint8 (N, H, W[, C]).
        folder: folder for the file.
        columns: number of columns; the default makes the sheet about square.

    Returns:
        Path of the file.
    """
    path = folder / "sheet.png"
    writing.save_image(image_grid(made[:SHEET_IMAGES], columns=columns), path)
    return path


def write_array(made: np.ndarray, folder: Path) -> Path:
    """Write all images, uint8 (N, H, W[, C]), as one array images.npy."""
    path = folder / "images.npy"
    with atomic_path(path) as temporary:
        np.save(temporary, made)
    return path


def write_single(made: np.ndarray, folder: Path) -> list[Path]:
    """Write each image, uint8 (H, W[, C]), as a PNG, enlarged by a whole number."""
    paths = [folder / f"image_{number:05d}.png" for number in range(len(made))]
    bar = tqdm(paths, "writing", unit="image", disable=None)
    for image, path in zip(made, bar, strict=True):
        writing.save_image(to_picture(image, PICTURE_SIZE), path)
    return paths


def write_walks(
    strip: np.ndarray, steps: int, tours: np.ndarray, folder: Path
) -> list[Path]:
    """Write walks between latents as interpolation.png, and round trips as a GIF.

    Args:
        strip: uint8 (rows * steps, H, W[, C]), one walk after another.
        steps: number of images in each walk.
        tours: uint8 (T, K, H, W[, C]): T frames of K round trips, which are drawn side
            by side.
        folder: folder for the files.

    Returns:
        Paths of interpolation.png and interpolation.gif.
    """
    paths = [folder / "interpolation.png", folder / "interpolation.gif"]
    writing.save_image(image_grid(strip, columns=steps), paths[0])
    frames = [
        np.concatenate([to_picture(image, WALK_SIZE) for image in images], axis=1)
        for images in tours
    ]
    writing.save_gif(frames, paths[1], milliseconds=80)
    return paths


def nearest(shown: np.ndarray, train: np.ndarray, count: int) -> np.ndarray:
    """Find the training images that are nearest to given images.

    The distance is the Euclidean distance of pixel values in [-1, 1].

    Args:
        shown: uint8 (N, H, W[, C]).
        train: uint8 (M, H, W[, C]); read in parts, because it may be memory-mapped.
        count: number of training images to find for each image.

    Returns:
        int (N, count), indices into `train`, the nearest first.
    """
    queries = to_floats(shown).reshape(len(shown), -1)
    parts = []
    for start in range(0, len(train), 1024):
        flat = to_floats(train[start : start + 1024]).reshape(-1, queries.shape[1])
        # The squared distance less |query|^2, which does not change the order.
        parts.append((flat**2).sum(axis=1) - 2 * queries @ flat.T)
    return np.argsort(np.hstack(parts), axis=1, kind="stable")[:, :count]


def draw_neighbours(shown: np.ndarray, train: np.ndarray, path: Path) -> None:
    """Draw a sheet of generated images, each above its nearest training images.

    It reveals a generator that has memorised training images.

    Args:
        shown: uint8 (N, H, W[, C]), generated images.
        train: uint8 (M, H, W[, C]), training images.
        path: path of the sheet.
    """
    found = nearest(shown, train, NEIGHBOURS)
    rows = [shown, *(train[found[:, k]] for k in range(NEIGHBOURS))]
    names = ["sample", *(f"nearest {k + 1}" for k in range(NEIGHBOURS))]
    tiles = [[(to_picture(image, TILE), None) for image in row] for row in rows]
    writing.save_image(sheet(tiles, row_labels=names), path)
