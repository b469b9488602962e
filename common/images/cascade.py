"""OpenCV's cascade classifiers: opened safely, used on Pillow's images.

Reference: Viola & Jones 2001, "Rapid object detection using a boosted cascade of
simple features", CVPR.
"""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
from PIL import Image

from common.errors import UserError

MAX_CASCADE_BYTES = 2**26
# Boxes that share more than this part of the smaller one show the same face.
SAME_FACE = 0.5


class Box(NamedTuple):
    """A face in an image: its left upper corner and its size, pixels."""

    x: int
    y: int
    width: int
    height: int


# Takes an image; returns (how sure, box) for each face, the same face perhaps twice.
Search = Callable[[Image.Image], list[tuple[float, Box]]]


def open_cascade(
    path: Path, smallest: int, *, file: str = "", wanted_by: str = "finding faces"
) -> Search:
    """Return the search of a cascade file.

    Windows of the image in steps of 1.1 from size to size vote; boxes with at least
    5 votes count. From then on OpenCV uses one thread in this process.

    Args:
        path: XML file. OpenCV does not check all numbers in it: take one from a
            source that you trust.
        smallest: edge of the smallest face, pixels.
        file: what messages call the file; default its path.
        wanted_by: what messages say that needs OpenCV.

    Returns:
        A function of one image of any mode; "how sure" is the number of votes.

    Raises:
        UserError: there is no such file, it is no cascade, or OpenCV is missing or
            too new.
    """
    file = file or str(path)
    if not path.is_file():
        raise UserError(f"{file}: no such file; expected an OpenCV cascade")
    cv2 = _opencv(wanted_by)
    no_cascade = UserError(
        f"{file} is no OpenCV cascade; expected an XML file such as "
        "lbpcascade_animeface.xml, perhaps download it again"
    )
    if path.stat().st_size > MAX_CASCADE_BYTES:
        raise no_cascade
    # Several threads would give the boxes in an order that changes.
    cv2.setNumThreads(1)
    try:
        classifier = cv2.CascadeClassifier(str(path))
    except (cv2.error, SystemError) as error:
        raise no_cascade from error
    if classifier.empty():
        raise no_cascade

    def search(image: Image.Image) -> list[tuple[float, Box]]:
        boxes, votes = classifier.detectMultiScale2(
            np.asarray(image.convert("L")),
            scaleFactor=1.1,
            minNeighbors=5,
            minSize=(smallest, smallest),
        )
        found = zip(votes, boxes, strict=True)
        return [(float(vote), Box(*map(int, box))) for vote, box in found]

    return search


def bundled_cascade(name: str, wanted_by: str = "finding faces") -> Path:
    """Return where OpenCV keeps a cascade of its own.

    Args:
        name: of the file, for example "haarcascade_frontalface_alt2.xml".
        wanted_by: what messages say that needs OpenCV.

    Returns:
        The path of the file.

    Raises:
        UserError: OpenCV is missing or too new.
    """
    return Path(_opencv(wanted_by).data.haarcascades) / name


def scaled(box: Box, scale: float) -> Box:
    """Return a box of an image that is `scale` times as large, in whole pixels."""
    return Box(*(round(scale * value) for value in box))


def without_doubles(found: list[tuple[float, Box]]) -> list[Box]:
    """Keep the surest of boxes that show the same face.

    Two boxes do so when they share more than half of the smaller one.

    Args:
        found: (how sure, box), in any order.

    Returns:
        The boxes that stay, the surest first.
    """
    kept: list[Box] = []
    for _, box in sorted(found, reverse=True):
        if all(_shared(box, other) <= SAME_FACE for other in kept):
            kept.append(box)
    return kept


def _shared(a: Box, b: Box) -> float:
    """Return the area that two boxes share, as a part of the smaller one."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    smaller = min(a.width * a.height, b.width * b.height)
    return max(0, width) * max(0, height) / smaller


def _opencv(wanted_by: str) -> ModuleType:
    """Return OpenCV's module with the cascade classifier."""
    try:
        import cv2
    except ImportError as error:
        raise _no_opencv(wanted_by) from error
    # OpenCV 5 has it in opencv-contrib-python-headless only.
    if not hasattr(cv2, "CascadeClassifier"):
        raise _no_opencv(wanted_by)
    return cv2


def _no_opencv(wanted_by: str) -> UserError:
    return UserError(
        f"{wanted_by} needs OpenCV with its CascadeClassifier: pip install "
        '"opencv-python-headless<5"'
    )
