"""The idx files of MNIST: grey pictures and their labels, plain or gzip.

A file is a magic number, the sizes of an array and its bytes, row by row; all
numbers of the header are 32 bits, the highest byte first.

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
_UINT8 = 0x0800  # the magic number of bytes, less the number of axes
_AXES = {"images": 3, "labels": 1}
_PREFIXES = {"train": "train", "test": "t10k"}
_MAX_HEADER = 16
_GZIP = b"\x1f\x8b"
_BLOCK = 2**16

_logger = logging.getLogger(__name__)


def load_split(
    folder: Path | str, split: Split
) -> tuple[np.ndarray, np.ndarray | None]:
    """Load the training or the test images of a folder, with labels if there are.

    The files have MNIST's names, such as `train-images-idx3-ubyte` and
    `t10k-labels-idx1-ubyte`; a dot before `idx` and a `.gz` at the end will do
    too, and the plain file comes before the packed one. A folder that has only
    one of the two sets of images is divided: the last fifth of that set, rounded
    down, is "test", the rest is "train", in the order of the file.

    Args:
        folder: where the files are.
        split: "train" or "test".

    Returns:
        Images uint8 (N, H, W), and labels uint8 (N,) or None where their file
        is missing.

    Raises:
        UserError: the folder or its images are missing, a file cannot be read,
            the counts differ, or one set has too few images to be divided.
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
        path: the file; whether it is gzip is seen from its content.
        max_items: more images than this are refused.

    Returns:
        uint8 (N, H, W), N >= 1.

    Raises:
        UserError: the file is missing, too large, torn, empty or of another kind.
    """
    return _read(Path(path), "images", max_items)


def read_labels(path: Path | str, max_items: int = MAX_ITEMS) -> np.ndarray:
    """Read an idx file of labels.

    Args:
        path: the file; whether it is gzip is seen from its content.
        max_items: more labels than this are refused.

    Returns:
        uint8 (N,), N >= 1.

    Raises:
        UserError: the file is missing, too large, torn, empty or of another kind.
    """
    return _read(Path(path), "labels", max_items)


def write_split(
    folder: Path, split: Split, images: np.ndarray, labels: np.ndarray
) -> None:
    """Write images and labels as gzip files of MNIST's names.

    Args:
        folder: where to; it is made if it is missing.
        split: "train" or "test".
        images: uint8 (N, H, W), N >= 1.
        labels: uint8 (N,).

    Raises:
        UserError: the files cannot be written.
    """
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images need as many labels: {len(labels)}")
    write_images(folder / f"{standard_name('images', split)}.gz", images)
    write_labels(folder / f"{standard_name('labels', split)}.gz", labels)


def write_images(path: Path | str, images: np.ndarray) -> None:
    """Write an idx file of images, packed when its name ends in .gz.

    Args:
        path: the file to write; the same images give the same bytes.
        images: uint8 (N, H, W), not empty.

    Raises:
        UserError: the file cannot be written.
    """
    _write(Path(path), "images", images)


def write_labels(path: Path | str, labels: np.ndarray) -> None:
    """Write an idx file of labels, packed when its name ends in .gz.

    Args:
        path: the file to write; the same labels give the same bytes.
        labels: uint8 (N,), not empty.

    Raises:
        UserError: the file cannot be written.
    """
    _write(Path(path), "labels", labels)


def standard_name(kind: Kind, split: Split, mark: str = "-") -> str:
    """Return MNIST's name for an unpacked file; `mark` stands before "idx"."""
    return f"{_PREFIXES[split]}-{kind}{mark}idx{_AXES[kind]}-ubyte"


def _find(folder: Path, kind: Kind, split: Split) -> Path | None:
    """Return the first file of the usual names that is there."""
    names = [standard_name(kind, split, m) + end for m in "-." for end in ("", ".gz")]
    return next((folder / n for n in names if (folder / n).is_file()), None)


def _part(path: Path, count: int, split: Split) -> slice:
    """Return which images of the only set of a folder belong to `split`."""
    test = count // 5
    if test == 0:
        raise UserError(
            f"{path} is the only file of images there and has to be divided into "
            f"training and test images: expected at least 5, found {count}"
        )
    _logger.info(
        "%s is the only file of images there: of its %d images the first %d are to "
        "train on, the last %d to test on",
        *(path, count, count - test, test),
    )
    return slice(0, count - test) if split == "train" else slice(count - test, count)


def _read(path: Path, kind: Kind, max_items: int) -> np.ndarray:
    """Return the checked array of an idx file."""
    check_file(path, MAX_BYTES + _MAX_HEADER)
    try:
        with path.open("rb") as file:
            read = _unpacked(path, file)
            shape = _shape(path, kind, read(4 + 4 * _AXES[kind]), max_items)
            size = math.prod(shape)
            data = read(size + 1)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    announced = f"the {size:,} bytes that its header announces"
    if len(data) < size:
        raise _torn(path, "truncated", announced, f"{len(data):,}")
    if len(data) > size:
        raise _torn(path, "too long", announced, "more")
    return np.frombuffer(data, np.uint8).reshape(shape)


def _unpacked(path: Path, file: BinaryIO) -> Callable[[int], bytearray]:
    """Return a function that reads up to a number of bytes of the content."""
    start = file.read(len(_GZIP))
    file.seek(0)
    if start == _GZIP:
        return _inflating(path, file)
    if path.suffix.lower() == ".gz":
        raise UserError(
            f"{path} is named .gz but is no gzip file: expected the first bytes "
            f"{_GZIP.hex(' ')}, found {start.hex(' ')}; rename or download it again"
        )
    # Python reserves what it is asked for, so do not ask for more than there is.
    left = os.fstat(file.fileno()).st_size
    return lambda count: bytearray(file.read(min(count, left)))


def _inflating(path: Path, file: BinaryIO) -> Callable[[int], bytearray]:
    """Return a function that unpacks gzip data only as far as it is asked to."""
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
    """Return the sizes that a header announces, once they are found sound."""
    size = 4 + 4 * _AXES[kind]
    wanted = _UINT8 + _AXES[kind]
    found = int.from_bytes(header[:4], "big")
    if len(header) >= 4 and found != wanted:
        known = {_UINT8 + axes: f"idx {name}" for name, axes in _AXES.items()}
        raise UserError(
            f"{path}: expected the magic number {wanted} ({known[wanted]}), found "
            f"{found} ({known.get(found, 'no file of MNIST')}); give a file of {kind}"
        )
    if len(header) < size:
        raise _torn(path, "truncated", f"a header of {size} bytes", f"{len(header)}")
    shape = struct.unpack(f">{_AXES[kind]}I", header[4:])
    sizes = " x ".join(f"{n:,}" for n in shape)
    if 0 in shape:
        raise UserError(f"{path} holds no {kind}: expected some, found {sizes}")
    if shape[0] > max_items or math.prod(shape) > MAX_BYTES:
        raise UserError(
            f"{path} is too large: expected at most {max_items:,} {kind} and "
            f"{MAX_BYTES:,} bytes, found {sizes}; is it the right file?"
        )
    return shape


def _torn(path: Path, how: str, expected: str, found: str) -> UserError:
    """Return the message for a file that does not end where it should."""
    return UserError(
        f"{path} is {how}: expected {expected}, found {found}; download it again"
    )


def _write(path: Path, kind: Kind, array: np.ndarray) -> None:
    """Write the idx file of an array."""
    axes = _AXES[kind]
    if array.dtype != np.uint8 or array.ndim != axes or array.size == 0:
        found = f"{array.dtype} {array.shape}"
        raise ValueError(f"{kind} must be filled uint8 of {axes} axes, not {found}")
    header = struct.pack(f">{1 + axes}I", _UINT8 + axes, *array.shape)
    content = header + array.tobytes()
    if path.suffix.lower() == ".gz":
        # mtime: a file of today has the bytes of one of yesterday.
        content = gzip.compress(content, compresslevel=6, mtime=0)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
