"""The Lush matrix format of smallNORB: arrays of any number of axes, plain or gzip.

A file consists of a magic number, which names the type of the numbers, the count of
axes, the sizes along at least three axes (unused ones are 1), and the numbers, those
along the last axis side by side. All integers are 32-bit and little-endian.

Reference: LeCun, Huang & Bottou, "Learning methods for generic object recognition with
invariance to pose and lighting", CVPR 2004, and the data set's page.
"""

import contextlib
import gzip
import math
import os
import struct
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import DTypeLike
from tqdm import tqdm

from common.data.cache import CacheFiles, cache_key
from common.data.gzip_stream import GZIP, inflating, torn
from common.errors import UserError
from common.files import (
    PRIVATE,
    atomic_path,
    cannot_write,
    check_file,
    default_cache_dir,
)

FORMAT = 1  # a part of the caches' keys; raise it when files are read differently
# Largest matrix that is read by default, bytes: four times smallNORB's largest.
MAX_BYTES = 2**31
# Types by their magic numbers; the first two can be read and written.
_BYTE, _INT = 0x1E3D4C55, 0x1E3D4C54
_KINDS = {
    _BYTE: "byte (uint8)",
    _INT: "integer (int32)",
    0x1E3D4C51: "float (float32)",
    0x1E3D4C52: "packed",
    0x1E3D4C53: "double (float64)",
    0x1E3D4C56: "short (int16)",
}
_MAGICS = {np.dtype(np.uint8): _BYTE, np.dtype("<i4"): _INT}
_DTYPES = {magic: dtype for dtype, magic in _MAGICS.items()}
_START = 8  # bytes of the magic number and the count of axes
_LEAST_AXES = 3  # sizes that are stored at least
_MOST_AXES = 8
# A larger matrix in a gzip file is decompressed to the disk, not to the memory, bytes.
_SMALL = 2**22
_BLOCK = 2**20  # bytes that are decompressed at once
# Files that people have under these names instead, by their first bytes.
_OTHERS = {
    b"<": "a web page, perhaps an error message of the server",
    b"MATLAB": "a MATLAB file",
    b"PK\x03\x04": "a zip archive",
}


@dataclass(frozen=True)
class Header:
    """What the header of a Lush file says.

    Attributes:
        magic: the magic number.
        shape: sizes of the matrix along its axes, all at least 1.
    """

    magic: int
    shape: tuple[int, ...]

    @property
    def kind(self) -> str:
        """Name of the type of the numbers."""
        return _KINDS[self.magic]

    @property
    def dtype(self) -> np.dtype | None:
        """Type of the numbers, or None if it is not one that is read here."""
        return _DTYPES.get(self.magic)

    @property
    def byte_count(self) -> int:
        """Size of a file's header in bytes: 20 up to three axes, 24 with four."""
        return _START + 4 * max(_LEAST_AXES, len(self.shape))

    def __str__(self) -> str:
        """Return type and sizes, such as "byte (uint8) 24,300 x 2 x 96 x 96"."""
        return f"{self.kind} {' x '.join(f'{size:,}' for size in self.shape)}"


@dataclass(frozen=True)
class MatrixMeta:
    """The description of the decompressed copy of a matrix.

    Attributes:
        shape: sizes along the axes.
        item_bytes: bytes of each number.
        rows_crc: CRC-32 of all bytes.
    """

    shape: list[int]
    item_bytes: int
    rows_crc: int

    @property
    def byte_count(self) -> int:
        """Number of bytes of the matrix."""
        return math.prod(self.shape) * self.item_bytes


def read_header(path: Path | str, max_bytes: int = MAX_BYTES) -> Header:
    """Read and check the header of a Lush file, plain or gzip.

    Args:
        path: path of the file; its content decides whether it is gzip.
        max_bytes: largest size of the file that is accepted, bytes.

    Raises:
        UserError: the file is missing, empty, too large, truncated in its header,
            big-endian, damaged, or no Lush matrix.
    """
    path = Path(path)
    with _opened(path, max_bytes) as (_, read):
        return _header(path, read)


def open_matrix(
    path: Path | str,
    dtype: DTypeLike,
    max_bytes: int = MAX_BYTES,
    cache_dir: Path | str | None = None,
) -> np.ndarray:
    """Open the matrix of a Lush file, plain or gzip.

    A plain file is memory-mapped. A gzip file of more than 4 MB is decompressed once
    to a cache, which is memory-mapped; it is decompressed again when the file changes.

    Args:
        path: path of the file; its content decides whether it is gzip.
        dtype: type that the numbers must have: uint8 or int32.
        max_bytes: largest size of the matrix that is accepted, bytes.
        cache_dir: folder of caches; by default that of the project.

    Returns:
        The matrix, read-only.

    Raises:
        UserError: the file is missing, empty, too large, truncated, longer than its
            header says, big-endian, damaged, of another type, or no Lush matrix; or
            the cache cannot be written.
    """
    path, dtype = Path(path), np.dtype(dtype).newbyteorder("<")
    with _opened(path, max_bytes) as (file, read):
        header = _header(path, read)
        size = _checked_size(path, header, dtype, max_bytes)
        # Compare with the file's size before anything of the header's size is made.
        if not _is_gzip(file):
            found = os.fstat(file.fileno()).st_size - header.byte_count
            _compare(path, size, found, all_counted=True)
            return np.memmap(path, dtype, "r", header.byte_count, header.shape)
        if size <= _SMALL:
            data = read(size + 1)  # one byte more, to detect a file that is too long
            _compare(path, size, len(data), all_counted=False)
            return np.frombuffer(bytes(data), dtype).reshape(header.shape)
    return _cached(path, header, dtype, cache_dir)


def write_matrix(path: Path, array: np.ndarray) -> None:
    """Write a matrix as a Lush file, compressed if its name ends in .gz.

    Args:
        path: path of the file; the same matrix always gives the same bytes.
        array: uint8 or int32, with 1 to 8 axes, not empty.

    Raises:
        UserError: the file cannot be written.
        ValueError: the array is of another type, empty, or has no or too many axes.
    """
    content = _packed_header(array.shape, array.dtype)
    content += np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    if path.suffix.lower() == ".gz":
        # Without a time stamp, the same data give the same bytes at any time.
        content = gzip.compress(content, compresslevel=6, mtime=0)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def create_matrix(path: Path, shape: Sequence[int], dtype: DTypeLike) -> np.memmap:
    """Create a Lush file of zeros, to be filled part by part.

    The file has its full size at once, so that a disk without space is noticed here.
    To make it appear only when it is complete, pass a path of `atomic_path`.

    Args:
        path: path of the file; an existing one is replaced.
        shape: sizes along the axes, 1 to 8 of them, all at least 1.
        dtype: uint8 or int32.

    Returns:
        The matrix, memory-mapped and writable.

    Raises:
        UserError: the file cannot be written.
        ValueError: the type or the shape is none of these.
    """
    shape, dtype = tuple(shape), np.dtype(dtype).newbyteorder("<")
    header = _packed_header(shape, dtype)
    total = len(header) + math.prod(shape) * dtype.itemsize
    try:
        with path.open("wb") as file:
            file.write(header)
            file.flush()
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, total)
            file.truncate(total)
    except OSError as error:
        raise cannot_write(path, error) from error
    return np.memmap(path, dtype, "r+", len(header), shape)


@contextlib.contextmanager
def _opened(
    path: Path, max_bytes: int
) -> Iterator[tuple[BinaryIO, Callable[[int], bytes | bytearray]]]:
    """Yield an open file and a function that reads its uncompressed bytes."""
    if path.is_dir():
        raise UserError(f"{path} is a folder; expected a Lush matrix in a file")
    check_file(path, max_bytes + _START + 4 * _MOST_AXES)
    try:
        with path.open("rb") as file:
            yield file, inflating(path, file) if _is_gzip(file) else file.read
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error


def _is_gzip(file: BinaryIO) -> bool:
    """Return whether an open file is gzip; its position stays."""
    place = file.tell()
    file.seek(0)
    start = file.read(len(GZIP))
    file.seek(place)
    return start == GZIP


def _header(path: Path, read: Callable[[int], bytes | bytearray]) -> Header:
    """Read and check a header."""
    start = bytes(read(_START))
    _check_magic(path, start)
    if len(start) < _START:
        raise torn(path, "truncated", f"{_START} bytes or more", f"{len(start)}")
    magic, axes = struct.unpack("<Ii", start)
    if not 1 <= axes <= _MOST_AXES:
        raise UserError(
            f"{path}: expected a matrix of 1 to {_MOST_AXES} axes, found {axes:,}; "
            "the header is damaged, so download it again"
        )
    stored = max(_LEAST_AXES, axes)
    sizes = bytes(read(4 * stored))
    if len(sizes) < 4 * stored:
        expected = f"a header of {_START + 4 * stored} bytes"
        raise torn(path, "truncated", expected, f"{_START + len(sizes)}")
    header = Header(magic, struct.unpack(f"<{stored}i", sizes)[:axes])
    if min(header.shape) < 1:
        raise UserError(
            f"{path}: expected sizes of at least 1, found {header}; the header is "
            "damaged, so download it again"
        )
    return header


def _check_magic(path: Path, start: bytes) -> None:
    """Raise a UserError that says what a file is if it is no Lush matrix."""
    magic = int.from_bytes(start[:4], "little")
    if len(start) >= 4 and magic in _KINDS:
        return
    for first, other in _OTHERS.items():
        if start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(first):
            raise UserError(
                f"{path} is {other}; expected a Lush matrix, so download it again"
            )
    if len(start) >= 4 and int.from_bytes(start[:4], "big") in _KINDS:
        raise UserError(
            f"{path} is a big-endian Lush matrix; expected a little-endian one, as "
            "smallNORB's are"
        )
    if len(start) < 4:
        raise torn(path, "truncated", f"{_START} bytes or more", f"{len(start)}")
    raise UserError(
        f"{path} is neither a Lush matrix nor gzip: expected the first bytes "
        f"{_BYTE.to_bytes(4, 'little').hex(' ')} (Lush, byte) or {GZIP.hex(' ')} "
        f"(gzip), found {start[:4].hex(' ')}; download it again"
    )


def _checked_size(path: Path, header: Header, dtype: np.dtype, most: int) -> int:
    """Check the type and the size that a header announces; return the bytes."""
    if header.dtype != dtype:
        raise UserError(
            f"{path}: expected {_KINDS[_MAGICS[dtype]]}, found {header}; is it the "
            "right file?"
        )
    size = math.prod(header.shape) * dtype.itemsize
    if size > most:
        raise UserError(
            f"{path} is too large: expected at most {most:,} bytes, found {size:,} "
            f"({header}); is it the right file?"
        )
    return size


def _compare(path: Path, expected: int, found: int, all_counted: bool) -> None:
    """Check that a matrix has the bytes that its header announces.

    Args:
        path: path of the file.
        expected: announced bytes after the header.
        found: bytes that are there.
        all_counted: whether there cannot be more of them.
    """
    if found != expected:
        announced = f"the {expected:,} bytes that its header announces"
        if found < expected:
            raise torn(path, "truncated", announced, f"{found:,}")
        least = "" if all_counted else "at least "
        raise torn(path, "too long", announced, f"{least}{found:,}")


def _cached(
    path: Path, header: Header, dtype: np.dtype, cache_dir: Path | str | None
) -> np.ndarray:
    """Return the matrix of a gzip file from its decompressed copy."""
    caches = default_cache_dir() if cache_dir is None else Path(cache_dir)
    key = cache_key(path.parent, [path.name], f"lush {FORMAT} {dtype.str}")
    files = CacheFiles(caches / f"lush-{key}.bytes", MatrixMeta)
    rows, meta = files.open(lambda: _decompress(path, header, files.rows), 0)
    return rows.view(dtype).reshape(meta.shape)


def _decompress(path: Path, header: Header, rows: Path) -> MatrixMeta:
    """Write the numbers of a gzip file to a plain file, block by block."""
    meta = MatrixMeta(list(header.shape), header.dtype.itemsize, 0)
    left, crc = meta.byte_count, 0
    with (
        _opened(path, sys.maxsize) as (_, read),
        atomic_path(rows, PRIVATE) as temporary,
        temporary.open("wb") as out,
        tqdm(
            desc=f"decompressing {path.name}",
            total=left,
            unit="B",
            unit_scale=True,
            disable=None,
        ) as bar,
    ):
        _header(path, read)
        # One byte more at the end, to detect a file that is too long.
        while block := read(min(_BLOCK, left + 1)):
            left -= len(block)
            if left < 0:
                break
            out.write(block)
            crc = zlib.crc32(block, crc)
            bar.update(len(block))
        _compare(path, meta.byte_count, meta.byte_count - left, all_counted=False)
    return MatrixMeta(meta.shape, meta.item_bytes, crc)


def _packed_header(shape: Sequence[int], dtype: np.dtype) -> bytes:
    """Return the header of a matrix."""
    magic = _MAGICS.get(dtype.newbyteorder("<"))
    if magic is None or not 1 <= len(shape) <= _MOST_AXES or min(shape) < 1:
        raise ValueError(
            f"expected a uint8 or int32 matrix of 1 to {_MOST_AXES} axes, not empty, "
            f"got {dtype} {tuple(shape)}"
        )
    sizes = [*shape, *[1] * (_LEAST_AXES - len(shape))]
    return struct.pack(f"<Ii{len(sizes)}i", magic, len(shape), *sizes)
