"""From any photo to the face that the network expects."""

import logging
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import map_coordinates

from chapter03_agecgan.photos.framing import Face, Find, Framing, open_finder
from common.errors import UserError
from common.images.reading import read_image

# Faces below that many pixels give a blurred result.
TINY = 32

_logger = logging.getLogger(__name__)


def load_face(
    path: Path,
    size: int,
    framing: Framing | None,
    whole: bool = False,
    find: Find | None = None,
) -> np.ndarray:
    """Read a photo and cut its face out as the images of a data set are cut.

    The largest face that is found counts. With its box's middle (x, y) and width w in
    pixels, and those of the framing (X, Y, W) in shares, the square has the edge
    e = w / W, and its left upper corner is at (x - X e, y - Y e). A face that was found
    tilted is turned upright. Where the square leaves the photo, the photo's outermost
    pixels are repeated.

    Args:
        path: an image file; see `read_image` for its kinds and limits.
        size: edge of the result, pixels.
        framing: of the data set; None when it could not be measured.
        whole: take the middle square of the photo, which is a face already. It is
            taken without a framing, too.
        find: finds the faces of a photo; default `open_finder`.

    Returns:
        uint8 (size, size, 3), RGB.

    Raises:
        ImageError: the file is no image, damaged, too small or too large.
        UserError: there is no face in it, or OpenCV is missing or too new.
    """
    if whole or framing is None:
        return read_image(path, (size, size))
    photo = read_image(path)
    faces = (find or open_finder())(photo)
    if not faces:
        raise UserError(
            f"no face found in {path}; use a frontal, upright photo, or --whole when "
            "the photo is a cut-out face already"
        )
    face = faces[0]
    if len(faces) > 1:
        _logger.warning(
            "%s has %d faces; taking the largest, %.0f pixels wide at (%.0f, %.0f)",
            path,
            len(faces),
            *(face.width, face.x, face.y),
        )
    if face.width < TINY:
        _logger.warning(
            "the face in %s is only %.0f pixels wide; expect a blurred result, or "
            "take a photo with at least %d",
            *(path, face.width, TINY),
        )
    return cut_face(photo, face, framing, size)


def cut_face(photo: np.ndarray, face: Face, framing: Framing, size: int) -> np.ndarray:
    """Cut the square out of a photo in which a face lies as the framing says.

    Args:
        photo: uint8 (H, W, 3).
        face: in pixels of the photo.
        framing: where the face is to lie.
        size: edge of the result, pixels. Shrinking is antialiased, else it is bilinear.

    Returns:
        uint8 (size, size, 3).
    """
    edge = face.width / framing.width
    # Averaging first leaves two to four times the size, which interpolation may read.
    factor = max(1, int(edge / (2 * size)))
    image = np.asarray(Image.fromarray(photo).reduce(factor))
    count = max(1, round(edge / factor))
    along = (np.arange(count) + 0.5) * edge / count
    right, down = along - framing.x * edge, along - framing.y * edge
    x, y = face.spot(right[None, :], down[:, None])
    places = [y / factor - 0.5, x / factor - 0.5]
    channels = [
        map_coordinates(channel, places, order=1, mode="nearest")
        for channel in np.moveaxis(image, -1, 0)
    ]
    square = Image.fromarray(np.stack(channels, axis=-1))
    return np.asarray(square.resize((size, size), Image.Resampling.LANCZOS))
