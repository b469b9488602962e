"""Finding faces in drawings by AnimeFace or OpenCV, and cropping them."""

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

# Every drawing is resized to this number of pixels before the search.
SEARCH_PIXELS = 1_200_000
# Edge of the smallest face that is searched for, in pixels of the resized drawing.
# AnimeFace's own limit is about the same.
SMALLEST = 42
# The version of the package animeface whose memory layout `_pillow_4_image` imitates.
ANIMEFACE = "2.0.3"

# A detector: takes a drawing, uint8 (H, W, 3), and returns the boxes of its faces.
Find = Callable[[np.ndarray], list[Box]]


def open_detector(name: Detector, cascade: Path | None = None) -> Find:
    """Return a function that finds the faces in a drawing.

    Each drawing is resized to 1.2 million pixels for the search. Therefore, copies of
    a drawing in different sizes give the same boxes (apart from their scale). Faces
    with an edge below about 42 pixels of the resized drawing (a thirtieth of the
    longer side of a 4:3 drawing) are not found. The same drawing gives the same boxes
    on every machine.

    Args:
        name: name of the detector. "animeface" is the package of that name, which
            includes its network (Apache licence). "cascade" is OpenCV's cascade
            classifier. "none" does not search: every drawing is a face already, and
            its middle square is the box.
        cascade: XML file for "cascade", for example lbpcascade_animeface.xml. A
            damaged one cannot crash this process.

    Returns:
        A function of one drawing, uint8 (H, W, 3), that returns the boxes of its
        faces in pixels of that drawing, sorted from top to bottom.

    Raises:
        UserError: the package is missing or has the wrong version, the cascade file
            is missing or is not a cascade, or `cascade` does not fit `name`.
        ValueError: there is no detector of this name.

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
    """Crop a square around a box from a drawing and resize it (Lanczos).

    The edge of the square is (1 + 2 margin) times the longer edge of the box, but at
    most the longer edge of the drawing. A square that extends beyond the drawing is
    moved into it. If the drawing is narrower than the square, the drawing's outermost
    pixels are repeated.

    Args:
        drawing: the drawing, uint8 (H, W, 3).
        box: box of the face, in pixels of the drawing.
        margin: margin on each side as a share of the box's longer edge, at least 0.
        size: edge of the result, pixels.

    Returns:
        The crop, uint8 (size, size, 3), and whether pixels were repeated.
    """
    height, width = drawing.shape[:2]
    edge = round(max(box.width, box.height) * (1 + 2 * margin))
    edge = max(1, min(edge, max(height, width)))
    rows, above_below = _interval(box.y + box.height / 2, edge, height)
    columns, left_right = _interval(box.x + box.width / 2, edge, width)
    padding = (above_below, left_right, (0, 0))
    square = np.pad(drawing[rows, columns], padding, "edge")
    image = Image.fromarray(square)
    # A fast reduction to about three times the final size comes first; the result
    # looks the same as filtering all pixels.
    image = image.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.asarray(image), bool(np.any(padding))


def _interval(middle: float, edge: int, whole: int) -> tuple[slice, tuple[int, int]]:
    """Compute which pixels along one axis belong to a square.

    Args:
        middle: middle of the square.
        edge: edge of the square.
        whole: length of the drawing along this axis.

    Returns:
        The slice of the drawing, and the number of pixels to pad before and after it.
    """
    first = round(middle - edge / 2)
    if edge <= whole:
        first = min(max(first, 0), whole - edge)
    last = first + edge
    padding = max(-first, 0), max(last - whole, 0)
    return slice(max(first, 0), min(last, whole)), padding


def _middle_square(drawing: np.ndarray) -> Box:
    """Return the largest square in the middle of a drawing."""
    height, width = drawing.shape[:2]
    side = min(height, width)
    return Box((width - side) // 2, (height - side) // 2, side, side)


def _open_animeface() -> Search:
    """Return AnimeFace's search, applied at full size, half, a quarter and so on.

    AnimeFace relies on sharp lines. A face that was enlarged from a small image has
    them only after the drawing is shrunk again.
    """
    try:
        from animeface import _nvxs

        version = importlib.metadata.version("animeface")
    except ImportError as error:
        raise _no_animeface("is missing or broken") from error
    # `_pillow_4_image` lays out memory for this version; others could crash.
    if version != ANIMEFACE:
        raise _no_animeface(f"is installed in version {version}")

    def search(image: Image.Image) -> list[tuple[float, Box]]:
        found = []
        scale = 1
        while min(image.size) >= SMALLEST:
            pixels = np.asarray(image.convert("RGBX"))
            for face in _nvxs.detect(_pillow_4_image(pixels)):
                box = scaled(Box(*face["face_box"]), scale)
                found.append((face["likelihood"], box))
            image = image.reduce(2)
            scale *= 2
        return found

    return search


class _Pillow4Image(ctypes.Structure):
    """The first fields of an image in the memory layout of Pillow 4.2.1."""

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
    """Wrap pixels in an object that AnimeFace's extension module accepts as an image.

    The module's `detect` was built for Pillow 4.2.1. It reads the word after an
    object's header as the address of an image of that version. Pillow 12 and later
    have another memory layout, in which it finds no faces. A ctypes object of CPython
    stores the address of its content at the same position, so it can replace the
    image.

    Args:
        pixels: RGB and one unused channel, uint8 (H, W, 4), contiguous.

    Returns:
        The wrapped pixels; they stay in memory as long as this object.

    Raises:
        UserError: this Python lays out its objects differently.
    """
    height, width = pixels.shape[:2]
    rows = (pixels.ctypes.data + pixels.strides[0] * np.arange(height)).astype(np.uintp)
    image = _Pillow4Image(
        mode=b"RGB", width=width, height=height, rows=rows.ctypes.data
    )
    image.keeps_alive = (pixels, rows)
    content = ctypes.c_void_p.from_address(id(image) + object.__basicsize__).value
    if content != ctypes.addressof(image):
        raise _no_animeface("does not work with this implementation of Python")
    return image


def _no_animeface(problem: str) -> UserError:
    """Return the error that AnimeFace cannot be used; `problem` is a predicate."""
    return UserError(
        f"--detector animeface needs the package animeface {ANIMEFACE}, which "
        f"{problem}; pip install animeface=={ANIMEFACE} (for CPython up to 3.13 on "
        "Linux x86 and macOS ARM), or use --detector cascade"
    )
