"""Finding faces in drawings by AnimeFace or OpenCV, and cutting them out."""

import ctypes
import importlib.metadata
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from PIL import Image

from common.errors import UserError
from common.images.cascade import Box, Search, open_cascade, scaled, without_doubles

Detector = Literal["animeface", "cascade", "none"]

# Drawings are searched at this size, whatever their own.
SEARCH_PIXELS = 1_200_000
# Edge in pixels, at that size, of the smallest face; AnimeFace's is about as large.
SMALLEST = 42
ANIMEFACE = "2.0.3"


# Takes uint8 (H, W, 3).
Find = Callable[[np.ndarray], list[Box]]


def open_detector(name: Detector, cascade: Path | None = None) -> Find:
    """Return a function that finds the faces in a drawing, from top to bottom.

    Each drawing is searched at 1.2 million pixels. So a copy of it in another size
    gives the same boxes, and faces with an edge below about 42 of those pixels (a
    thirtieth of the longer side of a 4:3 drawing) are not found. The same drawing
    gives the same boxes on every machine.

    Args:
        name: "animeface": the package of that name, its network included (Apache
            licence). "cascade": OpenCV's cascade classifier. "none": every drawing
            is a face already; its middle square is the box.
        cascade: XML file for "cascade", for example lbpcascade_animeface.xml. OpenCV
            does not check all numbers in it: take one from a source that you trust.

    Returns:
        A function of one drawing, uint8 (H, W, 3), that returns a list of boxes.

    Raises:
        UserError: the package is missing or the wrong one, or the file is missing
            or no cascade.

    Reference:
        Viola & Jones 2001, "Rapid object detection using a boosted cascade of simple
        features", CVPR (the cascade).
    """
    if name not in get_args(Detector):
        raise ValueError(f"name must be one of {get_args(Detector)}, is {name!r}")
    if (name == "cascade") != (cascade is not None):
        raise UserError(
            "--detector cascade and --cascade FILE go together; give both (the "
            "file may be lbpcascade_animeface.xml) or neither"
        )
    if name == "none":
        return lambda drawing: [_middle_square(drawing)]
    if cascade is None:
        search = _open_animeface()
    else:
        search = open_cascade(
            cascade,
            SMALLEST,
            file=f"--cascade {cascade}",
            wanted_by="--detector cascade",
        )

    def find(drawing: np.ndarray) -> list[Box]:
        height, width = drawing.shape[:2]
        scale = (SEARCH_PIXELS / (height * width)) ** 0.5
        size = max(1, round(width * scale)), max(1, round(height * scale))
        image = Image.fromarray(drawing).resize(size, Image.Resampling.LANCZOS)
        boxes = [scaled(box, 1 / scale) for box in without_doubles(search(image))]
        return sorted(boxes, key=lambda box: (box.y, box.x))

    return find


def cut_out(
    drawing: np.ndarray, box: Box, margin: float, size: int
) -> tuple[np.ndarray, bool]:
    """Cut a square around a box out of a drawing and resize it (Lanczos).

    Its edge is (1 + 2 margin) times the longer edge of the box, at most the longer
    edge of the drawing. Where it would leave the drawing it is moved into it; only
    where the drawing is narrower than the square, its outermost pixels are repeated.

    Args:
        drawing: uint8 (H, W, 3).
        box: of the face.
        margin: at least 0.
        size: edge of the result, pixels.

    Returns:
        uint8 (size, size, 3), and whether pixels were repeated.
    """
    height, width = drawing.shape[:2]
    edge = round(max(box.width, box.height) * (1 + 2 * margin))
    edge = max(1, min(edge, max(height, width)))
    rows, above_below = _interval(box.y + box.height / 2, edge, height)
    columns, left_right = _interval(box.x + box.width / 2, edge, width)
    padding = (above_below, left_right, (0, 0))
    square = np.pad(drawing[rows, columns], padding, "edge")
    image = Image.fromarray(square)
    # Three times the size before the filter looks the same as all of it.
    image = image.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.asarray(image), bool(np.any(padding))


def _interval(middle: float, edge: int, whole: int) -> tuple[slice, tuple[int, int]]:
    """Return the pixels of one axis that a square takes, and those that it lacks."""
    first = round(middle - edge / 2)
    if edge <= whole:
        first = min(max(first, 0), whole - edge)
    last = first + edge
    lacking = max(-first, 0), max(last - whole, 0)
    return slice(max(first, 0), min(last, whole)), lacking


def _middle_square(drawing: np.ndarray) -> Box:
    height, width = drawing.shape[:2]
    side = min(height, width)
    return Box((width - side) // 2, (height - side) // 2, side, side)


def _open_animeface() -> Search:
    """Return AnimeFace's search, at full size, a half, a quarter and so on.

    It goes by sharp lines, which a face enlarged from a small picture has only after
    halving.
    """
    try:
        from animeface import _nvxs

        version = importlib.metadata.version("animeface")
    except ImportError as error:
        raise _no_animeface("is missing or broken") from error
    # What follows writes memory as this version reads it.
    if version != ANIMEFACE:
        raise _no_animeface(f"is here in version {version}")

    def search(image: Image.Image) -> list[tuple[float, Box]]:
        found, scale = [], 1
        while min(image.size) >= SMALLEST:
            with_padding = np.asarray(image.convert("RGBX"))
            for face in _nvxs.detect(_pillow_4_image(with_padding)):
                found.append(
                    (face["likelihood"], scaled(Box(*face["face_box"]), scale))
                )
            image, scale = image.reduce(2), 2 * scale
        return found

    return search


class _Pillow4Image(ctypes.Structure):
    """The start of Pillow 4.2.1's image in memory."""

    _fields_ = (
        ("mode", ctypes.c_char * 7),
        ("type", ctypes.c_int),
        ("depth", ctypes.c_int),
        ("bands", ctypes.c_int),
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
        ("palette", ctypes.c_void_p),
        ("rows_of_bytes", ctypes.c_void_p),
        ("rows_of_words", ctypes.c_void_p),
        ("rows", ctypes.c_void_p),
    )


def _pillow_4_image(pixels: np.ndarray) -> _Pillow4Image:
    """Wrap pixels as AnimeFace's extension module reads them.

    Its `detect` was built for Pillow 4.2.1. It takes the word after an object's
    header for the address of that version's image, and finds nothing in Pillow 12
    and later, which changed the image. The ctypes objects of CPython have the address
    of their content at the same place, so one of them can stand for the image.

    Args:
        pixels: uint8 (H, W, 4), contiguous: red, green, blue and one unused.
    """
    height, width = pixels.shape[:2]
    rows = (pixels.ctypes.data + pixels.strides[0] * np.arange(height)).astype(np.uintp)
    image = _Pillow4Image(
        mode=b"RGB", width=width, height=height, rows=rows.ctypes.data
    )
    image.keeps_alive = (pixels, rows)
    content = ctypes.c_void_p.from_address(id(image) + object.__basicsize__).value
    if content != ctypes.addressof(image):
        raise _no_animeface("does not fit this kind of Python")
    return image


def _no_animeface(what: str) -> UserError:
    return UserError(
        f"--detector animeface needs the package animeface {ANIMEFACE}, which {what}; "
        f"pip install animeface=={ANIMEFACE} (for CPython up to 3.13 on Linux x86 and "
        "macOS ARM), or take --detector cascade"
    )
