"""Writing and reading image files such as PNG, and writing animated GIFs."""

from pathlib import Path

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


def save_gif(frames: list[np.ndarray], path: Path, milliseconds: int = 200) -> None:
    """Write an animated GIF that repeats forever and shows its last frame for 2 s.

    Args:
        frames: uint8 (H, W, 3), all of one size. If there are more than 60, 60 of
            them at even intervals are written, the first and the last included. If
            there are none, no file is written.
        path: path of the GIF.
        milliseconds: time that each frame but the last is shown.
    """
    if not frames:
        return
    count = min(len(frames), GIF_FRAMES)
    chosen = [
        frames[i] for i in np.linspace(0, len(frames) - 1, count).round().astype(int)
    ]
    # Pillow does not accept a list of durations for a single frame.
    durations = [milliseconds] * (count - 1) + [2000] if count > 1 else 2000
    with atomic_path(path) as temporary:
        imageio.imwrite(temporary, chosen, duration=durations, loop=0)
