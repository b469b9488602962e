"""Pixel values: uint8 in [0, 255] on disk, float32 in [-1, 1] in networks."""

from collections.abc import Callable

import numpy as np

_BAND = 2**22  # values that `in_bands` converts at a time


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


def to_8_bits(values: np.ndarray) -> np.ndarray:
    """Convert uint16 to the nearest uint8, round(v / 257); uint8 stays as it is.

    Args:
        values: uint8 or uint16 of any shape.
    """
    if values.dtype == np.uint8:
        return values
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def on_white(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Put colours with straight alpha on white.

    Args:
        colours: uint8 or uint16 (..., C).
        alpha: opacity, (..., 1), of the same dtype.

    Returns:
        (..., C), of the same dtype, rounded to the nearest.
    """
    peak = np.iinfo(colours.dtype).max
    opacity = alpha.astype(np.uint32)  # products are below 2 ** 32
    mixed = colours * opacity + peak * (peak - opacity)
    return ((mixed + peak // 2) // peak).astype(colours.dtype)


def mean_channel(colours: np.ndarray) -> np.ndarray:
    """Return the mean of three channels as a grey image, rounded to the nearest.

    Args:
        colours: uint8 or uint16 (..., 3).

    Returns:
        (..., 1), of the same dtype.
    """
    total = colours.sum(axis=-1, keepdims=True, dtype=np.uint32)
    return ((total + 1) // 3).astype(colours.dtype)


def in_bands(
    function: Callable[[np.ndarray], np.ndarray], image: np.ndarray
) -> np.ndarray:
    """Apply a function of pixels to bands of rows; what it allocates stays small.

    Args:
        function: function from (h, W, C) to (h, ...).
        image: (H, W, C).

    Returns:
        The results for all rows, (H, ...).
    """
    step = max(1, _BAND // max(1, image[0].size))
    first = function(image[:step])
    out = np.empty((len(image), *first.shape[1:]), first.dtype)
    out[:step] = first
    for start in range(step, len(image), step):
        out[start : start + step] = function(image[start : start + step])
    return out
