"""Pixel values: uint8 in [0, 255] on disk, float32 in [-1, 1] in networks."""

import numpy as np


def to_bytes(images: np.ndarray) -> np.ndarray:
    """Convert values from [-1, 1] to uint8 in [0, 255]; clip values outside.

    Args:
        images: float of any shape.
    """
    return np.clip(np.rint((images + 1.0) * 127.5), 0, 255).astype(np.uint8)


def to_floats(images: np.ndarray) -> np.ndarray:
    """Convert uint8 in [0, 255] to float32 in [-1, 1].

    Args:
        images: uint8 of any shape.
    """
    return images.astype(np.float32) / 127.5 - 1.0
