"""Sheets of `test`: images beside photos, and textures of photos on other shapes."""

from collections.abc import Mapping, Sequence, Sized
from pathlib import Path

import numpy as np

from common.images import writing
from common.images.grids import sheet, to_picture

# Images in a row, and rows of each set of test.png.
COLUMNS, ROWS = 12, 2
# Smallest height in pixels of an image on a sheet.
TILE = 96


def draw_images(sets: Mapping[str, np.ndarray], path: Path) -> None:
    """Draw images of several sets at equal steps, two rows of each.

    Args:
        sets: uint8 (N, H, H, 3) by the labels of their rows.
        path: path of the sheet.
    """
    rows, labels = [], []
    for name, images in sets.items():
        shown = images[at_equal_steps(images, ROWS * COLUMNS)]
        for start in range(0, len(shown), COLUMNS):
            rows.append(shown[start : start + COLUMNS])
            labels.append(name if not start else "")
    _draw(rows, labels, path)


def draw_transfer(
    photos: np.ndarray, others: np.ndarray, single: np.ndarray, path: Path
) -> None:
    """Draw photos above images that have their textures.

    Args:
        photos: uint8 (n, H, H, 3).
        others: uint8 (n, H, H, 3), images of different shapes.
        single: uint8 (n, H, H, 3), images of one shape.
        path: path of the sheet.
    """
    labels = ["photo", "on other shapes", "on one shape"]
    _draw([photos, others, single], labels, path)


def at_equal_steps(items: Sized, most: int) -> np.ndarray:
    """Return at most `most` rows of some items, int (n,)."""
    return np.linspace(0, len(items) - 1, min(most, len(items))).astype(int)


def _draw(rows: Sequence[np.ndarray], labels: Sequence[str], path: Path) -> None:
    """Draw rows of images with labels."""
    tiles = [[(to_picture(image, TILE), None) for image in row] for row in rows]
    writing.save_image(sheet(tiles, row_labels=labels), path)
