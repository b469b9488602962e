"""The idx file format of MNIST: grey images and their labels, plain or gzip.

A file consists of a magic number, the sizes of an array along its axes, and its bytes
row by row. The magic number and the sizes are 32-bit big-endian integers.

Reference: LeCun, Cortes & Burges, "The MNIST database of handwritten digits".
"""

import gzip
import logging
import math
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np

from common.errors import UserError
from common.files import atomic_path, check_file

Kind = Literal["images", "labels"]
Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")
MAX_ITEMS = 1_000_000
MAX_BYTES = 28 * 28 * MAX_ITEMS
_UINT8 = 0x0800  # the magic number is this plus the number of axes
_AXES = {"images": 3, "labels": 1}
_PREFIXES = {"train": "train", "test": "t10k"}
_MAX_HEADER = 16
_GZIP = b"\x1f\x8b"  # first bytes of every gzip file
_BLOCK = 2**16  # bytes that are read at once

_logger = logging.getLogger(__name__)


def load_split(
    folder: Path | str, split: Split
) -> tuple[np.ndarray, np.ndarray | None]:
    """Load the training or the test images of a folder, with their labels if any.

    The files have MNIST's names, such as `train-images-idx3-ubyte` and
    `t10k-labels-idx1-ubyte`. There may be a dot before `idx` instead of the hyphen,
    and `.gz` at the end; a plain file is preferred to a compressed one. If the folder
    has only one of the two image files, its images are split in the order of the
    file: the last fifth, rounded down, is "test", and the rest is "train".

    Args:
        folder: folder that contains the files.
        split: "train" or "test".

    Returns:
        Images, uint8 (N, H, W), and labels, uint8 (N,), or None if there is no file
        of labels.

    Raises:
        UserError: the folder or its images are missing, a file cannot be read,
            the numbers of images and labels differ, or the only file has too few
            images to be split.
        ValueError: `split` is unknown.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be train or test, is {split!r}")
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"no such directory: {folder}; check the path")
    found = {s: path for s in SPLITS if (path := _find(folder, "images", s))}
    if not found:
        names = " or ".join(standard_name("images", s) for s in SPLITS)
        raise UserError(
            f"{folder}: expected {names}, plain or with .gz, found neither; "
            "put the files of MNIST or of a set like it there"
        )
    # If there is one image file only, both splits are taken from it.
    source = split if split in found else next(iter(found))
    images = read_images(found[source])
    labels_path = _find(folder, "labels", source)
    labels = None if labels_path is None else read_labels(labels_path)
    if labels is not None and len(labels) != len(images):
        raise UserError(
            f"{found[source]} holds {len(images):,} images, but {labels_path} holds "
            f"{len(labels):,} labels; take both files from one set"
        )
    if len(found) == 2:
        return images, labels
    part = _part(found[source], len(images), split)
    return images[part], None if labels is None else labels[part]


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


def standard_name(kind: Kind, split: Split, mark: str = "-") -> str:
    """Return MNIST's name of an uncompressed file.

    Args:
        kind: "images" or "labels".
        split: "train" or "test".
        mark: character before "idx".
    """
    return f"{_PREFIXES[split]}-{kind}{mark}idx{_AXES[kind]}-ubyte"


def _find(folder: Path, kind: Kind, split: Split) -> Path | None:
    """Return the first existing file among the accepted names, or None."""
    names = [standard_name(kind, split, m) + end for m in "-." for end in ("", ".gz")]
    return next((folder / n for n in names if (folder / n).is_file()), None)


def _part(path: Path, count: int, split: Split) -> slice:
    """Return which images of the only file in a folder belong to `split`."""
    test = count // 5
    if test == 0:
        raise UserError(
            f"{path} is the only file of images in its folder and has to be split into "
            f"training and test images: expected at least 5, found {count}; add some"
        )
    _logger.info(
        "%s is the only file of images in its folder: of its %d images, the first %d "
        "are for training and the last %d for testing",
        path,
        count,
        count - test,
        test,
    )
    return slice(0, count - test) if split == "train" else slice(count - test, count)


def _read(path: Path, kind: Kind, max_items: int) -> np.ndarray:
    """Read an idx file and check it."""
    check_file(path, MAX_BYTES + _MAX_HEADER)
    try:
        with path.open("rb") as file:
            read = _unpacked(path, file)
            shape = _shape(path, kind, read(4 + 4 * _AXES[kind]), max_items)
            size = math.prod(shape)
            data = read(size + 1)  # one byte more, to detect a file that is too long
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    announced = f"the {size:,} bytes that its header announces"
    if len(data) < size:
        raise _torn(path, "truncated", announced, f"{len(data):,}")
    if len(data) > size:
        raise _torn(path, "too long", announced, "more")
    return np.frombuffer(data, np.uint8).reshape(shape)


def _unpacked(path: Path, file: BinaryIO) -> Callable[[int], bytearray]:
    """Return a function that reads at most a given number of uncompressed bytes."""
    start = file.read(len(_GZIP))
    file.seek(0)
    if start == _GZIP:
        return _inflating(path, file)
    if path.suffix.lower() == ".gz":
        raise UserError(
            f"{path} is named .gz but is not a gzip file: expected the first bytes "
            f"{_GZIP.hex(' ')}, found {start.hex(' ')}; rename or download it again"
        )
    # Python allocates as many bytes as are requested, so do not request more than
    # the file has.
    left = os.fstat(file.fileno()).st_size
    return lambda count: bytearray(file.read(min(count, left)))


def _inflating(path: Path, file: BinaryIO) -> Callable[[int], bytearray]:
    """Return a function that decompresses at most a given number of bytes.

    A small file that would decompress to a huge one can therefore not fill the memory.
    """
    stream = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    def read(count: int) -> bytearray:
        data = bytearray()
        while len(data) < count and not stream.eof:
            packed = stream.unconsumed_tail or file.read(_BLOCK)
            if not packed:
                raise _torn(path, "truncated", "more gzip data", "its end")
            try:
                data += stream.decompress(packed, count - len(data))
            except zlib.error as error:
                raise UserError(
                    f"{path} is a damaged gzip file ({error}); download it again"
                ) from error
        if stream.eof and (stream.unused_data or file.read(1)):
            raise _torn(path, "too long", "one stream of gzip data", "more")
        return data

    return read


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
        raise _torn(path, "truncated", f"a header of {size} bytes", f"{len(header)}")
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


def _torn(path: Path, how: str, expected: str, found: str) -> UserError:
    """Return the error for a file that is too short or too long."""
    return UserError(
        f"{path} is {how}: expected {expected}, found {found}; download it again"
    )


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
