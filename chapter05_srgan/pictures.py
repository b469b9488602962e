"""Sheets of crops: the same piece of a picture, enlarged in several ways."""

from pathlib import Path

import numpy as np
from scipy import ndimage

from common import images
from common.sheets import sheet, to_picture

# Edge of the piece in pixels of the original, and its height on the sheet.
PIECE, TILE = 64, 192
SHOWN = 6


def draw_crops(
    originals: list[np.ndarray], made: dict[str, list[np.ndarray]], folder: Path
) -> Path:
    """Draw the most detailed piece of each picture beside its enlargements.

    Args:
        originals: uint8 (H, W, 3) each.
        made: by the name of the way, as many of the same sizes.
        folder: where crops.png is written.

    Returns:
        Its path.
    """
    shown = np.linspace(0, len(originals) - 1, min(SHOWN, len(originals))).astype(int)
    rows = []
    for number in shown:
        piece = most_detailed(originals[number])
        ways = [*(pictures[number] for pictures in made.values()), originals[number]]
        rows.append([(to_picture(way[piece], TILE), None) for way in ways])
    path = folder / "crops.png"
    images.save(sheet(rows, column_labels=[*made, "original"]), path)
    return path


def most_detailed(image: np.ndarray, size: int = PIECE) -> tuple[slice, slice]:
    """Return where the square with the steepest edges lies.

    Args:
        image: uint8 (H, W, 3).
        size: edge of the square; smaller in smaller pictures.
    """
    grey = image.mean(axis=2)
    size = min(size, *grey.shape)
    edges = np.hypot(ndimage.sobel(grey, 0), ndimage.sobel(grey, 1))
    means = ndimage.uniform_filter(edges, size, mode="constant")
    # Only squares that lie within the picture.
    half = size // 2
    inner = means[
        half : grey.shape[0] - size + half + 1, half : grey.shape[1] - size + half + 1
    ]
    top, left = np.unravel_index(inner.argmax(), inner.shape)
    return slice(top, top + size), slice(left, left + size)
