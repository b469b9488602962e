"""Where faces lie in images: found by OpenCV, measured over a data set."""

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

# Of the cascades that OpenCV brings, this one takes the fewest flowers for faces.
CASCADE = "haarcascade_frontalface_alt2.xml"
# Photos are searched at a size at which their longer side lies between these.
SHORTEST, LONGEST = 192, 800
# Edge in pixels, at that size, of the smallest face.
SMALLEST = 24
# What is added on each side before the search, as a part of the shorter side: faces
# that fill the whole image are missed, or found too small, without it. Mirroring
# would make faces of flowers.
PADDING = 0.3
MOST_MEASURED = 200
FOUND_SHARE = 0.2
# Degrees. The cascade itself allows for about 10 to either side.
TILTS = (20, -20)


class Face(NamedTuple):
    """A face in an image: the middle and the width of its box, pixels.

    `tilt` says by how many degrees the image, turned counter-clockwise, has the face
    upright.
    """

    x: float
    y: float
    width: float
    tilt: float = 0.0

    def spot(
        self, right: float | np.ndarray, down: float | np.ndarray
    ) -> tuple[float | np.ndarray, float | np.ndarray]:
        """Return the (x, y) that are so far right of and below the middle.

        Right and down are those of the face: with the tilt t,
        x + right cos t - down sin t and y + right sin t + down cos t.
        """
        tilt = math.radians(self.tilt)
        cos, sin = math.cos(tilt), math.sin(tilt)
        return self.x + right * cos - down * sin, self.y + right * sin + down * cos


# Takes uint8 (H, W, 3); returns its faces, the largest first.
Find = Callable[[np.ndarray], list[Face]]


@dataclass(frozen=True)
class Framing:
    """How a data set frames its faces: their box as shares of the image's edge.

    Attributes:
        x: middle of the box from the left.
        y: middle of the box from the top.
        width: of the box; above 1 when the images cut the face.
    """

    x: float
    y: float
    width: float

    def __post_init__(self) -> None:
        """Raise a ValueError about numbers that frame no face."""
        if not (0 <= self.x <= 1 and 0 <= self.y <= 1 and 0.05 <= self.width <= 4):
            raise ValueError(f"no framing of a face: {self}")

    def to_json(self) -> dict[str, float]:
        """Return the three numbers by their names."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: object) -> "Framing":
        """Return the framing that `to_json` wrote.

        Raises:
            UserError: it is something else.
        """
        try:
            return cls(**{name: float(value) for name, value in content.items()})
        except (AttributeError, TypeError, ValueError) as error:
            raise UserError(
                "expected the framing of faces as x and y from 0 to 1 and width from "
                f"0.05 to 4, found {str(content)[:100]}; train anew"
            ) from error


def open_finder(longest: int = LONGEST) -> Find:
    """Return a function that finds the frontal faces in a photo.

    A grey copy, enlarged or reduced to between 192 pixels and `longest`, is widened by
    0.3 of its shorter side, repeating its outermost pixels, and searched. As long as
    nothing is found it is searched again: with an even histogram, and turned by 20
    degrees to either side. Faces below a width of 24 of the copy's pixels are not
    found; those whose middle is outside the photo do not count.

    Args:
        longest: the most pixels that the longer side of the copy may have.

    Returns:
        A function of one photo, uint8 (H, W, 3), that returns its faces, the largest
        first.

    Raises:
        UserError: OpenCV is missing or too new.

    Reference:
        Viola & Jones 2001, "Rapid object detection using a boosted cascade of simple
        features", CVPR.
    """
    search = open_cascade(bundled_cascade(CASCADE), SMALLEST)

    def find(photo: np.ndarray) -> list[Face]:
        height, width = photo.shape[:2]
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

    x, y and width are the medians, each by itself, over the largest faces of the
    images in which any is found.

    Args:
        images: uint8 (N, S, S, 3); of more than 200, every n-th is searched.
        find: finds the faces of one image; default `open_finder`.

    Returns:
        The framing, or None where fewer than 20 % of the images have a face.

    Raises:
        UserError: OpenCV is missing or too new.
    """
    # At more than that the search takes longer and finds no more.
    find = find or open_finder(SHORTEST)
    count = min(len(images), MOST_MEASURED)
    chosen = np.linspace(0, len(images) - 1, count).round().astype(int)
    found = [faces[0] for index in chosen if (faces := find(images[index]))]
    if not found or len(found) < FOUND_SHARE * count:
        return None
    x, y, width, _ = np.median(found, axis=0) / images.shape[1]
    return Framing(float(x), float(y), float(width))


def _search_copy(photo: np.ndarray, longest: int) -> tuple[Image.Image, float]:
    """Return what is searched of a photo, widened on all sides, and its scale."""
    height, width = photo.shape[:2]
    longer = max(height, width)
    scale = min(max(longer, SHORTEST), longest) / longer
    size = max(1, round(width * scale)), max(1, round(height * scale))
    image = Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS)
    padding = int(PADDING * min(size))
    grey = np.pad(np.asarray(image.convert("L")), padding, "edge")
    return Image.fromarray(grey), scale


def _attempts(copy: Image.Image) -> Iterator[tuple[Image.Image, float]]:
    """Yield what is searched until faces are found, and by how much it was turned."""
    yield copy, 0
    yield ImageOps.equalize(copy), 0
    for tilt in TILTS:
        yield copy.rotate(tilt, Image.Resampling.BILINEAR), tilt


def _in_photo(box: Box, size: tuple[int, int], middle: Face, scale: float) -> Face:
    """Return a box of a copy as a face of the photo; `middle` is the photo's."""
    right = (box.x + box.width / 2 - size[0] / 2) / scale
    down = (box.y + box.height / 2 - size[1] / 2) / scale
    return Face(*middle.spot(right, down), box.width / scale, middle.tilt)


def read_framing(run: RunDir) -> Framing | None:
    """Return how the run's data set frames faces, or None where it has none."""
    content = read_note(run.path / FRAMING)
    return Framing.from_json(content) if content else None
