"""Cutting the square around an object out of a photo, and reading its mask."""

import math
from pathlib import Path

import numpy as np
from PIL import Image

from common.images.image_file import ImageError
from common.images.reading import read_image_and_alpha

# left, top, right, bottom in pixels of the upright photo; the last two are outside.
Box = tuple[int, int, int, int]
# Large photos are averaged to between this number of times the final size and twice
# as much before they are resized.
_DETAIL = 3


def cut_square(
    pixels: np.ndarray,
    size: int,
    box: Box | None = None,
    *,
    margin: float,
    fill: int | None = None,
    resample: Image.Resampling = Image.Resampling.LANCZOS,
) -> np.ndarray:
    """Cut the square around a box out of a photo.

    The square has the centre of the box, and its edge is the longer side of the box and
    a margin on either side. The aspect ratio is kept.

    Args:
        pixels: uint8 (h, w, 3), or (h, w) for a mask.
        size: edge of the result, pixels.
        box: left, top, right and bottom, inside the photo; by default all of it.
        margin: width of the border around the box, as a share of its longer side.
        fill: value of what the square has beyond the photo; by default the photo's
            outermost pixels are repeated.
        resample: filter that resizes; shrinking is antialiased.

    Returns:
        uint8 (size, size, 3), or (size, size).
    """
    height, width = pixels.shape[:2]
    left, top, right, bottom = box or (0, 0, width, height)
    edge = (1 + 2 * margin) * max(right - left, bottom - top)
    x, y = (left + right - edge) / 2, (top + bottom - edge) / 2
    # The part of the photo that the square has, in whole pixels.
    low_x, low_y = max(0, math.floor(x)), max(0, math.floor(y))
    high_x = min(width, math.ceil(x + edge))
    high_y = min(height, math.ceil(y + edge))
    # Average before the borders are added, so that a narrow photo's stay small.
    factor = max(1, int(edge / (_DETAIL * size)))
    part = Image.fromarray(pixels[low_y:high_y, low_x:high_x]).reduce(factor)
    # The square in pixels of the averaged part, and how far it reaches out of it.
    x, y, edge = (x - low_x) / factor, (y - low_y) / factor, edge / factor
    before_x, before_y = (max(0, math.ceil(-start)) for start in (x, y))
    after_x = max(0, math.ceil(x + edge - part.width))
    after_y = max(0, math.ceil(y + edge - part.height))
    padded = np.pad(
        np.asarray(part),
        ((before_y, after_y), (before_x, after_x), (0, 0))[: pixels.ndim],
        **({"mode": "edge"} if fill is None else {"constant_values": fill}),
    )
    x, y = x + before_x, y + before_y
    return np.asarray(
        Image.fromarray(padded).resize(
            (size, size), resample, (x, y, x + edge, y + edge)
        )
    )


def filled_box(filled: np.ndarray) -> Box | None:
    """Return the bounding box of the filled pixels, or None if there are none.

    Args:
        filled: bool (H, W).
    """
    columns, rows = (np.flatnonzero(filled.any(axis=axis)) for axis in (0, 1))
    if not len(rows):
        return None
    edges = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    return tuple(int(edge) for edge in edges)


def read_mask(mask: Path, photo: Path, shape: tuple[int, int]) -> np.ndarray:
    """Read the mask of a photo: where the object is.

    Args:
        mask: image file, bright where the object is; or transparent where it is not.
        photo: path of the photo, for messages.
        shape: height and width of the photo, pixels.

    Returns:
        uint8 (height, width), 255 where the object is; 128 and above counts as filled,
        and there is such a pixel.

    Raises:
        ImageError: the mask is not a usable image, has another size or is empty.
    """
    rgb, alpha = read_image_and_alpha(mask)
    if rgb.shape[:2] != shape:
        raise ImageError(
            mask,
            f"expected a mask of {shape[1]} x {shape[0]} pixels as {photo} has, found "
            f"{rgb.shape[1]} x {rgb.shape[0]}; save it in the photo's size",
        )
    if alpha is not None and alpha.min() < 255:
        filled = alpha
    else:
        # Some programs write the number of the object instead of white.
        brightness = rgb.max(axis=2)
        brightest = max(1, int(brightness.max()))
        filled = (brightness.astype(int) * 255 // brightest).astype(np.uint8)
    if filled.max() < 128:
        raise ImageError(
            mask,
            "expected a mask that is bright where the object is, found an empty one; "
            "fill the object, or leave the mask out",
        )
    return filled
