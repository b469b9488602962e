"""Face detection with OpenCV's cascade classifiers.

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
from common.untrusted.child import Child, ChildError

MAX_CASCADE_BYTES = 2**26
_RUNNER = Path(__file__).with_name("cascade_runner.py")
# Longest time for an image, seconds.
_MAX_SECONDS = 300
# Two boxes whose overlap is more than this share of the smaller one show the same face.
SAME_FACE = 0.5


class Box(NamedTuple):
    """The bounding box of a face: its upper left corner and its size, in pixels."""

    x: int
    y: int
    width: int
    height: int


# A function from an image to (confidence, box) for each detection. It may detect the
# same face twice.
Search = Callable[[Image.Image], list[tuple[float, Box]]]


def open_cascade(
    path: Path, smallest: int, *, file: str = "", wanted_by: str = "finding faces"
) -> Search:
    """Return a function that detects faces with a cascade file.

    The detector tries windows of growing size, each 1.1 times as large as the one
    before. Overlapping detections are merged into one box, and each is a vote for it;
    boxes with fewer than 5 votes are dropped. A file that is not part of OpenCV is
    read in a child process, because it may crash OpenCV.

    Args:
        path: path of the cascade, an XML file.
        smallest: edge length of the smallest face to detect, pixels.
        file: name of the file in error messages; default its path.
        wanted_by: name of the task that needs OpenCV, for error messages.

    Returns:
        A function of one image of any mode, which returns (confidence, box) for each
        detection. The confidence is the number of votes. It raises a UserError if the
        file crashes OpenCV.

    Raises:
        UserError: there is no such file, it is not a cascade, or OpenCV is missing
            or too new.
    """
    file = file or str(path)
    if not path.is_file():
        raise UserError(f"{file}: no such file; expected an OpenCV cascade")
    bundled = path.parent == Path(_opencv(wanted_by).data.haarcascades)
    no_cascade = UserError(
        f"{file} is not an OpenCV cascade; expected an XML file such as "
        "lbpcascade_animeface.xml; download it again"
    )
    if path.stat().st_size > MAX_CASCADE_BYTES:
        raise no_cascade
    arguments = [str(path), str(smallest)]
    if bundled:
        from common.images import cascade_runner

        ask = cascade_runner.start(*arguments)
    else:
        ask = Child(_RUNNER, arguments, max_seconds=_MAX_SECONDS).ask

    def answer(request: bytes) -> dict:
        try:
            answered = ask(request)
        except ChildError as error:
            if request:
                raise UserError(
                    f"{file} cannot be used: OpenCV crashed, or needed too much memory "
                    "or time, on an image; use another cascade"
                ) from error
            raise no_cascade from error
        if "fault" in answered:
            raise no_cascade
        return answered

    answer(b"")

    def search(image: Image.Image) -> list[tuple[float, Box]]:
        grey = np.asarray(image.convert("L"))
        found = answer(np.array(grey.shape, np.uint32).tobytes() + grey.tobytes())
        return [
            (float(vote), Box(*box))
            for vote, box in zip(found["votes"], found["boxes"], strict=True)
        ]

    return search


def bundled_cascade(name: str, wanted_by: str = "finding faces") -> Path:
    """Return the path of a cascade that is part of OpenCV.

    Args:
        name: name of the file, for example "haarcascade_frontalface_alt2.xml".
        wanted_by: name of the task that needs OpenCV, for error messages.

    Returns:
        The path of the file.

    Raises:
        UserError: OpenCV is missing or too new.
    """
    return Path(_opencv(wanted_by).data.haarcascades) / name


def scaled(box: Box, scale: float) -> Box:
    """Return the same box in an image that is `scale` times as large, rounded."""
    return Box(*(round(scale * value) for value in box))


def without_doubles(found: list[tuple[float, Box]]) -> list[Box]:
    """Keep only the most confident of several boxes that show the same face.

    Two boxes show the same face if their overlap is more than half of the smaller one.

    Args:
        found: (confidence, box) of each detection, in any order.

    Returns:
        The remaining boxes, the most confident first.
    """
    kept: list[Box] = []
    for _, box in sorted(found, reverse=True):
        if all(_shared(box, other) <= SAME_FACE for other in kept):
            kept.append(box)
    return kept


def _shared(a: Box, b: Box) -> float:
    """Return the overlap of two boxes as a share of the smaller one's area."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    smaller = min(a.width * a.height, b.width * b.height)
    return max(0, width) * max(0, height) / smaller


def _opencv(wanted_by: str) -> ModuleType:
    """Import OpenCV and check that it has the cascade classifier."""
    try:
        import cv2
    except ImportError as error:
        raise _no_opencv(wanted_by) from error
    # In OpenCV 5 only opencv-contrib-python-headless has the classifier.
    if not hasattr(cv2, "CascadeClassifier"):
        raise _no_opencv(wanted_by)
    return cv2


def _no_opencv(wanted_by: str) -> UserError:
    return UserError(
        f"{wanted_by} needs OpenCV with its CascadeClassifier: pip install "
        '"opencv-python-headless<5"'
    )
