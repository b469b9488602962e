"""The idx file format of MNIST: grey images and their labels, plain or gzip.

A file consists of a magic number, the sizes of an array along its axes, and its bytes
row by row. The magic number and the sizes are 32-bit big-endian integers.

Reference: LeCun, Cortes & Burges, "The MNIST database of handwritten digits".
"""

import gzip
import math
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np

from common.data.gzip_stream import GZIP, inflating, torn
from common.errors import UserError
from common.files import atomic_path, check_file

Kind = Literal["images", "labels"]
Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")
MAX_ITEMS = 1_000_000
MAX_BYTES = 28 * 28 * MAX_ITEMS
_UINT8 = 0x0800  # the magic number is this plus the number of axes
# QMNIST's labels are rows of 8 big-endian int32 numbers; the first is the class.
_QMNIST = 0x0C02
_QMNIST_COLUMNS = 8
_AXES = {"images": 3, "labels": 1}
_PREFIXES = {"train": "train", "test": "t10k"}
_MAX_HEADER = 16


def read_images(path: Path | str, max_items: int = MAX_ITEMS) -> np.ndarray:
    """Read an idx file of images.

    Args:
        path: path of the file; its content decides whether it is gzip.
        max_items: largest number of images that is accepted.

    Returns:
        uint8 (N, H, W), N >= 1.

    Raises:
        UserError: the file is missing, too large, truncated, empty or of another
            kind.
    """
    return _read(Path(path), "images", max_items)


def read_labels(path: Path | str, max_items: int = MAX_ITEMS) -> np.ndarray:
    """Read an idx file of labels.

    The classes are read from QMNIST's rows of numbers, too.

    Args:
        path: path of the file; its content decides whether it is gzip.
        max_items: largest number of labels that is accepted.

    Returns:
        uint8 (N,), N >= 1.

    Raises:
        UserError: the file is missing, too large, truncated, empty or of another
            kind.
    """
    return _read(Path(path), "labels", max_items)


def write_split(
    folder: Path, split: Split, images: np.ndarray, labels: np.ndarray
) -> None:
    """Write images and labels as gzip files with MNIST's names.

    Args:
        folder: folder for the files; it is created if it is missing.
        split: "train" or "test".
        images: uint8 (N, H, W), N >= 1.
        labels: uint8 (N,).

    Raises:
        UserError: the files cannot be written.
        ValueError: the numbers of images and labels differ.
    """
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images need as many labels: {len(labels)}")
    write_images(folder / f"{standard_name('images', split)}.gz", images)
    write_labels(folder / f"{standard_name('labels', split)}.gz", labels)


def write_images(path: Path | str, images: np.ndarray) -> None:
    """Write an idx file of images, compressed if its name ends in .gz.

    Args:
        path: path of the file; the same images always give the same bytes.
        images: uint8 (N, H, W), not empty.

    Raises:
        UserError: the file cannot be written.
    """
    _write(Path(path), "images", images)


def write_labels(path: Path | str, labels: np.ndarray) -> None:
    """Write an idx file of labels, compressed if its name ends in .gz.

    Args:
        path: path of the file; the same labels always give the same bytes.
        labels: uint8 (N,), not empty.

    Raises:
        UserError: the file cannot be written.
    """
    _write(Path(path), "labels", labels)


def standard_name(kind: Kind, split: Split) -> str:
    """Return MNIST's name of an uncompressed file.

    Args:
        kind: "images" or "labels".
        split: "train" or "test".
    """
    return f"{_PREFIXES[split]}-{kind}-idx{_AXES[kind]}-ubyte"


def _read(path: Path, kind: Kind, max_items: int) -> np.ndarray:
    """Read an idx file and check it."""
    check_file(path, MAX_BYTES + _MAX_HEADER)
    try:
        with path.open("rb") as file:
            read = _unpacked(path, file)
            header = read(4 + 4 * _AXES[kind])
            rows = kind == "labels" and int.from_bytes(header[:4], "big") == _QMNIST
            if rows:
                header = _qmnist_header(path, header, read(4))
            shape = _shape(path, kind, header, max_items)
            size = math.prod(shape) * (4 * _QMNIST_COLUMNS if rows else 1)
            data = read(size + 1)  # one byte more, to detect a file that is too long
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    announced = f"the {size:,} bytes that its header announces"
    if len(data) < size:
        raise torn(path, "truncated", announced, f"{len(data):,}")
    if len(data) > size:
        raise torn(path, "too long", announced, "more")
    if rows:
        return _qmnist_classes(path, data)
    return np.frombuffer(data, np.uint8).reshape(shape)


def _qmnist_header(path: Path, start: bytearray, columns: bytearray) -> bytearray:
    """Check a header of QMNIST's labels; return that of plain labels in its place."""
    found = int.from_bytes(columns, "big")
    if len(start + columns) < 12 or found != _QMNIST_COLUMNS:
        raise UserError(
            f"{path}: expected {_QMNIST_COLUMNS} numbers for each label, as in QMNIST, "
            f"found {found}; give a file of labels"
        )
    return bytearray((_UINT8 + 1).to_bytes(4, "big")) + start[4:]


def _qmnist_classes(path: Path, data: bytearray) -> np.ndarray:
    """Return the classes, uint8 (N,), of QMNIST's rows."""
    classes = np.frombuffer(data, ">i4").reshape(-1, _QMNIST_COLUMNS)[:, 0]
    if not 0 <= classes.min() <= classes.max() <= 255:
        raise UserError(
            f"{path}: expected labels from 0 to 255, found {classes.min()} to "
            f"{classes.max()}; give a file of labels"
        )
    return classes.astype(np.uint8)


def _unpacked(path: Path, file: BinaryIO) -> Callable[[int], bytearray]:
    """Return a function that reads at most a given number of uncompressed bytes."""
    start = file.read(len(GZIP))
    file.seek(0)
    if start == GZIP:
        return inflating(path, file)
    if path.suffix.lower() == ".gz":
        raise UserError(
            f"{path} is named .gz but is not a gzip file: expected the first bytes "
            f"{GZIP.hex(' ')}, found {start.hex(' ')}; rename or download it again"
        )
    # Python allocates as many bytes as are requested, so do not request more than
    # the file has.
    left = os.fstat(file.fileno()).st_size
    return lambda count: bytearray(file.read(min(count, left)))


def _shape(
    path: Path, kind: Kind, header: bytearray, max_items: int
) -> tuple[int, ...]:
    """Check a header and return the sizes of the array."""
    size = 4 + 4 * _AXES[kind]
    wanted = _UINT8 + _AXES[kind]
    found = int.from_bytes(header[:4], "big")
    if len(header) >= 4 and found != wanted:
        kinds = {_UINT8 + axes: f"idx {name}" for name, axes in _AXES.items()}
        raise UserError(
            f"{path}: expected the magic number {wanted} ({kinds[wanted]}), found "
            f"{found} ({kinds.get(found, 'not a file of MNIST')}); give a file of "
            f"{kind}"
        )
    if len(header) < size:
        raise torn(path, "truncated", f"a header of {size} bytes", f"{len(header)}")
    shape = struct.unpack(f">{_AXES[kind]}I", header[4:])
    sizes = " x ".join(f"{n:,}" for n in shape)
    if 0 in shape:
        raise UserError(
            f"{path} contains no {kind}: expected some, found {sizes}; give another "
            "file"
        )
    if shape[0] > max_items or math.prod(shape) > MAX_BYTES:
        raise UserError(
            f"{path} is too large: expected at most {max_items:,} {kind} and "
            f"{MAX_BYTES:,} bytes, found {sizes}; is it the right file?"
        )
    return shape


def _write(path: Path, kind: Kind, array: np.ndarray) -> None:
    """Write an array as an idx file."""
    axes = _AXES[kind]
    if array.dtype != np.uint8 or array.ndim != axes or array.size == 0:
        found = f"{array.dtype} {array.shape}"
        raise ValueError(
            f"{kind} must be a non-empty uint8 array of {axes} axes, not {found}"
        )
    header = struct.pack(f">{1 + axes}I", _UINT8 + axes, *array.shape)
    content = header + array.tobytes()
    if path.suffix.lower() == ".gz":
        # Without a time stamp, the same data give the same bytes at any time.
        content = gzip.compress(content, compresslevel=6, mtime=0)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
