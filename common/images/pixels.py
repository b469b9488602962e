"""Pixel values: uint8 in [0, 255] on disk, float32 in [-1, 1] in networks."""

import numpy as np


def to_bytes(images: np.ndarray) -> np.ndarray:
    """Turn values in [-1, 1] into uint8; what lies outside is cut off."""
    return np.clip(np.rint((images + 1.0) * 127.5), 0, 255).astype(np.uint8)


def to_floats(images: np.ndarray) -> np.ndarray:
    """Turn uint8 in [0, 255] into float32 in [-1, 1]."""
    return images.astype(np.float32) / 127.5 - 1.0
