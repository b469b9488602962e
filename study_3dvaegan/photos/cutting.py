"""Cut any photo to its object and make it square, as the encoder expects it."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from common.errors import UserError
from common.images.cutting import Box, cut_square, filled_box, read_mask
from common.images.reading import read_image_and_alpha

# Width of the border around an object, as a share of its longer side.
MARGIN = 0.05
# Edge of the photos on sheets in pixels.
TILE = 160


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
        box = filled_box(read_mask(Path(mask), Path(path), rgb.shape[:2]) >= 128)
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
    fill = 255 if white else None
    return cut_square(rgb, size, box, margin=MARGIN, fill=fill)


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
