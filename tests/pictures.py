"""Images for tests, and a function that writes them to files."""

from pathlib import Path

import numpy as np
from PIL import Image


def smooth(height: int, width: int) -> np.ndarray:
    """Return a colour gradient, uint8 (H, W, 3).

    Red grows downwards, green to the right, and blue upwards.
    """
    y, x = np.mgrid[:height, :width]
    red, green = 255 * y / (height - 1), 255 * x / (width - 1)
    return np.stack([red, green, 255 - red], axis=-1).astype(np.uint8)


def noise(seed: int, height: int = 16, width: int = 16) -> np.ndarray:
    """Return random pixels, uint8 (H, W, 3)."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, 3), np.uint8)


def saved(image: Image.Image | np.ndarray, path: Path, **options: object) -> Path:
    """Write an image to a file and create its folder if needed; return the path."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path
