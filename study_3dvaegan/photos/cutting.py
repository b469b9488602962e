"""Cut any photo to its object and make it square, as the encoder expects it."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from common.errors import UserError
from common.images.reading import read_image_and_alpha

# left, top, right, bottom in pixels of the upright photo; the last two are outside.
Box = tuple[int, int, int, int]
# Width of the border around an object, as a share of its longer side.
MARGIN = 0.05
# Edge of the photos on sheets in pixels.
TILE = 160
# Large photos are averaged to between this number of times the final size and twice
# as much before they are resized.
_DETAIL = 3


class CutPhoto(NamedTuple):
    """A photo that has been cut to its object.

    Attributes:
        square: photo for the encoder, uint8 (H, H, 3).
        tile: the same part of the photo for sheets, uint8 (160, 160, 3).
    """

    square: np.ndarray
    tile: np.ndarray


def cut_photo(
    path: Path | str,
    size: int,
    mask: Path | str | None = None,
    box: Box | None = None,
) -> CutPhoto:
    """Read a photo and cut it to its object.

    The object's box is that of the mask's filled pixels; without a mask it is `box`;
    without both it is that of the pixels that are not transparent, if the photo has
    transparent ones, or else the whole photo. The background stays, because the
    encoder was trained with backgrounds; transparent pixels are white.

    Args:
        path: image file; see `read_image` for its kinds and limits.
        size: edge of the encoder's photos, pixels.
        mask: image file of the photo's size, bright where the object is; or transparent
            where it is not.
        box: left, top, right and bottom of the object, in pixels of the upright photo.

    Raises:
        ImageError: a file is not an image, or it is damaged, too small or too large.
        UserError: mask and box are given at once, the mask has another size or is
            empty, the box is empty or reaches out of the photo, or all of the photo is
            transparent.
    """
    if mask is not None and box is not None:
        raise UserError("expected --mask or --box, found both; leave one out")
    rgb, alpha = read_image_and_alpha(path)
    is_cutout = alpha is not None and alpha.min() < 255
    if mask is not None:
        box = _mask_box(Path(mask), path, rgb.shape[:2])
    elif box is not None:
        _check_box(box, path, rgb.shape[:2])
    elif is_cutout:
        box = filled_box(alpha >= 128)
        if box is None:
            raise UserError(
                f"{path}: expected an object, found only transparent pixels; save the "
                "photo without transparency"
            )
    square = square_photo(rgb, size, box, white=is_cutout)
    return CutPhoto(square, square_photo(rgb, TILE, box, white=is_cutout))


def square_photo(
    rgb: np.ndarray, size: int, box: Box | None = None, *, white: bool = False
) -> np.ndarray:
    """Cut the square around a box out of a photo.

    The square has the centre of the box, and its edge is the longer side of the box and
    a margin of 5 % of it on either side. The aspect ratio is kept.

    Args:
        rgb: uint8 (h, w, 3).
        size: edge of the result, pixels. Shrinking is antialiased (Lanczos).
        box: left, top, right and bottom, inside the photo; by default all of it.
        white: whether what the square has beyond the photo is white; by default the
            photo's outermost pixels are repeated.

    Returns:
        uint8 (size, size, 3).
    """
    height, width, _ = rgb.shape
    left, top, right, bottom = box or (0, 0, width, height)
    edge = (1 + 2 * MARGIN) * max(right - left, bottom - top)
    x, y = (left + right - edge) / 2, (top + bottom - edge) / 2
    # The part of the photo that the square has, in whole pixels.
    low_x, low_y = max(0, math.floor(x)), max(0, math.floor(y))
    high_x = min(width, math.ceil(x + edge))
    high_y = min(height, math.ceil(y + edge))
    # Average before the borders are added, so that a narrow photo's stay small.
    factor = max(1, int(edge / (_DETAIL * size)))
    part = Image.fromarray(rgb[low_y:high_y, low_x:high_x]).reduce(factor)
    # The square in pixels of the averaged part, and how far it reaches out of it.
    x, y, edge = (x - low_x) / factor, (y - low_y) / factor, edge / factor
    before_x, before_y = (max(0, math.ceil(-start)) for start in (x, y))
    after_x = max(0, math.ceil(x + edge - part.width))
    after_y = max(0, math.ceil(y + edge - part.height))
    padded = np.pad(
        np.asarray(part),
        ((before_y, after_y), (before_x, after_x), (0, 0)),
        **({"constant_values": 255} if white else {"mode": "edge"}),
    )
    x, y = x + before_x, y + before_y
    return np.asarray(
        Image.fromarray(padded).resize(
            (size, size), Image.Resampling.LANCZOS, (x, y, x + edge, y + edge)
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


def _mask_box(mask: Path, photo: Path | str, shape: tuple[int, int]) -> Box:
    """Return the bounding box of a mask's filled pixels.

    Args:
        mask: image file.
        photo: path of the photo, for messages.
        shape: height and width of the photo.
    """
    rgb, alpha = read_image_and_alpha(mask)
    _require_size(mask, rgb.shape[:2], photo, shape)
    if alpha is not None and alpha.min() < 255:
        filled = alpha >= 128
    else:
        # Some programs write the number of the object instead of white.
        brightness = rgb.max(axis=2)
        filled = 2 * brightness.astype(int) > brightness.max()
    box = filled_box(filled)
    if box is None:
        raise UserError(
            f"{mask}: expected a mask that is bright where the object is, found an "
            "empty one; fill the object, or leave --mask out"
        )
    return box


def _require_size(
    mask: Path, found: tuple[int, int], photo: Path | str, shape: tuple[int, int]
) -> None:
    """Check that a mask has the size of its photo; both are (height, width)."""
    if found != shape:
        raise UserError(
            f"{mask}: expected a mask of {shape[1]} x {shape[0]} pixels as {photo} "
            f"has, found {found[1]} x {found[0]}; save it in the photo's size"
        )


def _check_box(box: Box, photo: Path | str, shape: tuple[int, int]) -> None:
    """Check that a box has pixels and is inside of a photo of (height, width)."""
    left, top, right, bottom = box
    height, width = shape
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise UserError(
            f"expected --box LEFT TOP RIGHT BOTTOM with LEFT below RIGHT, TOP below "
            f"BOTTOM, and all inside of {photo} of {width} x {height} pixels, found "
            f"{left} {top} {right} {bottom}; correct it"
        )
