"""Crop the face out of any photo, framed as in the training data."""

import logging
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import map_coordinates

from chapter03_agecgan.photos.framing import Face, Find, Framing, open_finder
from common.errors import UserError
from common.images.reading import read_image

# Faces of a smaller width, in pixels, give a blurred result.
TINY = 32

_logger = logging.getLogger(__name__)


def load_face(
    path: Path,
    size: int,
    framing: Framing | None,
    whole: bool = False,
    find: Find | None = None,
) -> np.ndarray:
    """Read a photo and crop its face, framed as in the images of a data set.

    The largest face is used. Let its box have the centre (x, y) and the width w in
    pixels, and let the framing have the centre (X, Y) and the width W as shares of the
    image's edge. Then the crop is a square of the edge e = w / W with its upper left
    corner at (x - X e, y - Y e). A tilted face is rotated upright. If the square
    extends beyond the photo, the photo's outermost pixels are repeated.

    Args:
        path: image file; see `read_image` for its kinds and limits.
        size: edge of the result, pixels.
        framing: framing of the data set, or None if it could not be measured; the
            photo's central square is used then.
        whole: whether to use the photo's central square, because the photo is a
            cropped face already.
        find: function that finds the faces of a photo; default `open_finder`.

    Returns:
        uint8 (size, size, 3), RGB.

    Raises:
        ImageError: the file is not an image, or it is damaged, too small or too large.
        UserError: the photo has no face, or OpenCV is missing or too new.
    """
    if whole or framing is None:
        return read_image(path, (size, size))
    photo = read_image(path)
    faces = (find or open_finder())(photo)
    if not faces:
        raise UserError(
            f"no face found in {path}; use a frontal, upright photo, or --whole if "
            "the photo is a cropped face already"
        )
    face = faces[0]
    if len(faces) > 1:
        _logger.warning(
            "%s has %d faces; taking the largest, %.0f pixels wide at (%.0f, %.0f)",
            path,
            len(faces),
            face.width,
            face.x,
            face.y,
        )
    if face.width < TINY:
        _logger.warning(
            "the face in %s is only %.0f pixels wide; expect a blurred result, or "
            "take a photo with a face of at least %d",
            path,
            face.width,
            TINY,
        )
    return cut_face(photo, face, framing, size)


def cut_face(photo: np.ndarray, face: Face, framing: Framing, size: int) -> np.ndarray:
    """Crop the square of a photo in which a face is placed as in a framing.

    Args:
        photo: uint8 (H, W, 3).
        face: face in the photo, in its pixels.
        framing: framing of the result.
        size: edge of the result, pixels. Shrinking is antialiased.

    Returns:
        uint8 (size, size, 3).
    """
    edge = face.width / framing.width
    # Reduce large squares to two to four times `size` by averaging. The bilinear
    # interpolation below reads only the nearest pixels, so it would alias without.
    factor = max(1, int(edge / (2 * size)))
    image = np.asarray(Image.fromarray(photo).reduce(factor))
    # Offsets of the square's pixels from the face's centre, in pixels of the photo.
    count = max(1, round(edge / factor))
    along = (np.arange(count) + 0.5) * edge / count
    right = along - framing.x * edge
    down = along - framing.y * edge
    # Read the pixels there; `spot` rotates a tilted face upright.
    x, y = face.spot(right[None, :], down[:, None])
    coordinates = [y / factor - 0.5, x / factor - 0.5]
    channels = [
        map_coordinates(channel, coordinates, order=1, mode="nearest")
        for channel in np.moveaxis(image, -1, 0)
    ]
    square = Image.fromarray(np.stack(channels, axis=-1))
    return np.asarray(square.resize((size, size), Image.Resampling.LANCZOS))
