"""Find faces with OpenCV, and measure how a data set frames them."""

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from common.errors import UserError
from common.files import read_note
from common.images.cascade import Box, bundled_cascade, open_cascade, without_doubles
from common.training.run_dir import RunDir

FRAMING = "framing.json"

# Of the cascades in OpenCV, this one mistakes the fewest flowers for faces.
CASCADE = "haarcascade_frontalface_alt2.xml"
# Photos are resized for the search, so that their longer side is in this range, pixels.
SHORTEST = 192
LONGEST = 800
# Edge of the smallest face, in pixels of the resized photo.
SMALLEST = 24
# Padding on each side before the search, as a share of the shorter side. Without it,
# faces that fill the whole image are missed or found too small. The outermost pixels
# are repeated; mirrored flowers would look like faces.
PADDING = 0.3
# Largest number of images that a framing is measured on.
MOST_MEASURED = 200
# Smallest share of the images with a face that makes a framing.
FOUND_SHARE = 0.2
# Rotations to try, degrees. The cascade itself tolerates about 10 in either direction.
TILTS = (20, -20)


class Face(NamedTuple):
    """A face in an image.

    Attributes:
        x: centre of the face's box, pixels from the left.
        y: centre of the face's box, pixels from the top.
        width: width of the box, pixels.
        tilt: rotation of the image that makes the face upright, in degrees
            counter-clockwise.
    """

    x: float
    y: float
    width: float
    tilt: float = 0.0

    def spot(
        self, right: float | np.ndarray, down: float | np.ndarray
    ) -> tuple[float | np.ndarray, float | np.ndarray]:
        """Return the point of the image at an offset from the face's centre.

        The offset is measured along the axes of the upright face. With the tilt t, the
        point is (x + right cos t - down sin t, y + right sin t + down cos t).

        Args:
            right: offset to the right, pixels; a number or an array.
            down: offset downwards, pixels; a number or an array.

        Returns:
            x and y in pixels of the image.
        """
        tilt = math.radians(self.tilt)
        cos, sin = math.cos(tilt), math.sin(tilt)
        return self.x + right * cos - down * sin, self.y + right * sin + down * cos


# Function from an image uint8 (H, W, 3) to its faces, the largest first.
Find = Callable[[np.ndarray], list[Face]]


@dataclass(frozen=True)
class Framing:
    """How a data set frames its faces: the face's box as shares of the image's edge.

    Attributes:
        x: centre of the box from the left, 0 to 1.
        y: centre of the box from the top, 0 to 1.
        width: width of the box, 0.05 to 4; above 1 if the box is wider than the images.
    """

    x: float
    y: float
    width: float

    def __post_init__(self) -> None:
        """Raise a ValueError if a number is out of range."""
        if not (0 <= self.x <= 1 and 0 <= self.y <= 1 and 0.05 <= self.width <= 4):
            raise ValueError(f"not a framing of a face: {self}")

    def to_json(self) -> dict[str, float]:
        """Return the three numbers by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: object) -> "Framing":
        """Return the framing from the content that `to_json` returned.

        Args:
            content: content of the JSON file, which may be damaged.

        Raises:
            UserError: the content is not a framing.
        """
        try:
            return cls(**{name: float(value) for name, value in content.items()})
        except (AttributeError, TypeError, ValueError) as error:
            raise UserError(
                "expected the framing of faces as x and y from 0 to 1 and width from "
                f"0.05 to 4, found {str(content)[:100]}; train again"
            ) from error


def open_finder(longest: int = LONGEST) -> Find:
    """Return a function that finds the frontal faces in a photo.

    The search uses a grey copy, resized so that its longer side has 192 to `longest`
    pixels, and padded on all sides by 0.3 of its shorter side with its outermost
    pixels. If no face is found, the search is repeated with an equalised histogram,
    then with the copy rotated by 20 degrees in either direction. Faces of a width below
    24 pixels of the copy are not found. Faces whose centre is outside the photo are
    ignored.

    Args:
        longest: largest length of the copy's longer side, pixels.

    Returns:
        A function from one photo, uint8 (H, W, 3), to its faces, the largest first.

    Raises:
        UserError: OpenCV is missing or too new.

    Reference:
        Viola & Jones 2001, "Rapid object detection using a boosted cascade of simple
        features", CVPR.
    """
    search = open_cascade(bundled_cascade(CASCADE), SMALLEST)

    def find(photo: np.ndarray) -> list[Face]:
        height, width = photo.shape[:2]
        # The first attempt that finds a face ends the search.
        copy, scale = _search_copy(photo, longest)
        for image, tilt in _attempts(copy):
            middle = Face(width / 2, height / 2, 0, tilt)
            boxes = without_doubles(search(image))
            faces = [_in_photo(box, image.size, middle, scale) for box in boxes]
            inside = [f for f in faces if 0 <= f.x < width and 0 <= f.y < height]
            if inside:
                return sorted(inside, key=lambda face: face.width, reverse=True)
        return []

    return find


def measure_framing(images: np.ndarray, find: Find | None = None) -> Framing | None:
    """Measure how a data set frames its faces.

    The largest face of each image is used. x, y and width are its medians over the
    images with a face, each computed separately.

    Args:
        images: uint8 (N, S, S, 3). If there are more than 200 images, 200 of them at
            equal distances are searched.
        find: function that finds the faces of one image; default `open_finder` at 192
            pixels.

    Returns:
        The framing, or None if fewer than 20 % of the searched images have a face.

    Raises:
        UserError: OpenCV is missing or too new.
    """
    # Larger copies take longer and do not find more faces.
    find = find or open_finder(SHORTEST)
    count = min(len(images), MOST_MEASURED)
    chosen = np.linspace(0, len(images) - 1, count).round().astype(int)
    found = [faces[0] for index in chosen if (faces := find(images[index]))]
    if not found or len(found) < FOUND_SHARE * count:
        return None
    x, y, width, _ = np.median(found, axis=0) / images.shape[1]
    return Framing(float(x), float(y), float(width))


def read_framing(run: RunDir) -> Framing | None:
    """Return the framing of the run's data set, or None if none was measured."""
    content = read_note(run.path / FRAMING)
    return Framing.from_json(content) if content else None


def _search_copy(photo: np.ndarray, longest: int) -> tuple[Image.Image, float]:
    """Return the grey, resized and padded copy of a photo, and its scale."""
    height, width = photo.shape[:2]
    longer = max(height, width)
    scale = min(max(longer, SHORTEST), longest) / longer
    size = max(1, round(width * scale)), max(1, round(height * scale))
    image = Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS)
    padding = int(PADDING * min(size))
    grey = np.pad(np.asarray(image.convert("L")), padding, "edge")
    return Image.fromarray(grey), scale


def _attempts(copy: Image.Image) -> Iterator[tuple[Image.Image, float]]:
    """Yield the images to search, and by how many degrees each was rotated."""
    yield copy, 0
    yield ImageOps.equalize(copy), 0
    for tilt in TILTS:
        yield copy.rotate(tilt, Image.Resampling.BILINEAR), tilt


def _in_photo(box: Box, size: tuple[int, int], middle: Face, scale: float) -> Face:
    """Convert a box found in a copy to a face in the photo.

    Args:
        box: box of the face, in pixels of the copy.
        size: width and height of the copy, pixels.
        middle: centre of the photo, in its pixels, with the copy's rotation as tilt.
        scale: size of the copy, before padding, relative to the photo.
    """
    # Padding and rotation leave the centre in place, so offsets are measured from it.
    right = (box.x + box.width / 2 - size[0] / 2) / scale
    down = (box.y + box.height / 2 - size[1] / 2) / scale
    return Face(*middle.spot(right, down), box.width / scale, middle.tilt)
