"""Pictures: (H, W, 3) uint8 arrays, written as PNG and GIF."""

from pathlib import Path

import imageio.v3 as imageio
import numpy as np

from common.files import atomic_path

GIF_FRAMES = 60


def save_image(picture: np.ndarray, path: Path) -> None:
    """Write a picture (H, W, 3) uint8; the suffix of `path` tells the format."""
    with atomic_path(path) as temporary:
        imageio.imwrite(temporary, picture)


def load_image(path: Path) -> np.ndarray:
    """Read a picture as (H, W, 3) uint8."""
    return imageio.imread(path, mode="RGB")


def save_gif(frames: list[np.ndarray], path: Path, milliseconds: int = 200) -> None:
    """Write an endless animation; the last picture stays for two seconds.

    Args:
        frames: pictures of one size. Of more than 60, every n-th is taken.
        path: of the GIF.
        milliseconds: that one frame stays.
    """
    if not frames:
        return
    count = min(len(frames), GIF_FRAMES)
    chosen = [
        frames[i] for i in np.linspace(0, len(frames) - 1, count).round().astype(int)
    ]
    # Pillow takes no list for a single picture.
    durations = [milliseconds] * (count - 1) + [2000] if count > 1 else 2000
    with atomic_path(path) as temporary:
        imageio.imwrite(temporary, chosen, duration=durations, loop=0)
