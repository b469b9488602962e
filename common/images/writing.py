"""Writing and reading image files such as PNG, and writing animated GIFs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np

from common.files import atomic_path

GIF_FRAMES = 60  # most frames of an animation


def save_image(picture: np.ndarray, path: Path) -> None:
    """Write an image.

    Args:
        picture: uint8 (H, W, 3), RGB.
        path: path of the file; its suffix decides the format.
    """
    with atomic_path(path) as temporary:
        imageio.imwrite(temporary, picture)


def load_image(path: Path) -> np.ndarray:
    """Read an image as RGB, uint8 (H, W, 3)."""
    return imageio.imread(path, mode="RGB")


def evenly(items: Sequence[Any], most: int = GIF_FRAMES) -> list[Any]:
    """Choose at most `most` items at even intervals, the first and the last included.

    Args:
        items: the items in order.
        most: number of items to choose, at least 1.
    """
    if not items:
        return []
    places = np.linspace(0, len(items) - 1, min(len(items), most))
    return [items[place] for place in places.round().astype(int)]


def save_gif(
    frames: list[np.ndarray], path: Path, milliseconds: int = 200, last: int = 2000
) -> None:
    """Write an animated GIF that repeats forever.

    Args:
        frames: uint8 (H, W, 3), all of one size. If there are more than 60, 60 of
            them at even intervals are written, the first and the last included. If
            there are none, no file is written.
        path: path of the GIF.
        milliseconds: time that each frame but the last is shown.
        last: time that the last frame is shown, in milliseconds; by default 2 s. What
            turns or swings without an end has `milliseconds` here as well.
    """
    if not frames:
        return
    chosen = evenly(frames)
    # Pillow does not accept a list of durations for a single frame.
    durations = [*[milliseconds] * (len(chosen) - 1), last] if frames[1:] else last
    with atomic_path(path) as temporary:
        imageio.imwrite(temporary, chosen, duration=durations, loop=0)
