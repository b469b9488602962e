"""Numeric arrays in MATLAB format 5, the format of the 3D ShapeNets files.

`scipy.io.loadmat` crashes the whole process with a segmentation fault on some
damaged files (seen with SciPy 1.17 and a few flipped bytes), so untrusted
files are decoded here. Only real numeric arrays are supported.

Reference: The MathWorks, "MAT-File Format", level 5.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_HEADER = 128  # bytes before the first variable
# Types of elements.
_INT8 = 1
_INT32 = 5
_UINT32 = 6
_MATRIX = 14
_COMPRESSED = 15
# NumPy type of each type of numbers.
_DTYPES = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
# Classes of variables that are not numbers.
_CLASSES = {
    1: "cell",
    2: "struct",
    3: "object",
    4: "text",
    5: "sparse matrix",
    16: "function handle",
}
_NUMERIC_CLASSES = range(6, 16)
_INT8_CLASS = 8
# Objects of MATLAB's newer classes, such as string and table, have no dimensions.
_OPAQUE_CLASS = 17
_COMPLEX = 0x0800  # flag of complex numbers
# Flags, dimensions and name of a variable are in its first bytes.
_HEAD = 1024


@dataclass(frozen=True)
class Variable:
    """One variable of a .mat file, not yet decompressed.

    Attributes:
        kind: "numbers", or another kind, such as "struct".
        shape: dimensions of the array.
        load: function that decompresses and returns the array, of shape
            `shape`; it raises a ValueError if the data are damaged.
    """

    kind: str
    shape: tuple[int, ...]
    load: Callable[[], np.ndarray]


def read_variables(raw: bytes) -> dict[str, Variable]:
    """List the variables of a .mat file without decompressing their data.

    Args:
        raw: content of the file.

    Returns:
        The variables by name.

    Raises:
        ValueError: the file is damaged.
    """
    if len(raw) < _HEADER or raw[126:128] not in (b"IM", b"MI"):
        raise ValueError("the header is damaged")
    order = "<" if raw[126:128] == b"IM" else ">"
    variables, position = {}, _HEADER
    while position < len(raw):
        kind, data, position = _element(raw, position, order)
        if kind in (_COMPRESSED, _MATRIX):
            name, variable = _variable(data, kind == _COMPRESSED, order)
            variables[name] = variable
    return variables


def encode_variable(name: str, array: np.ndarray) -> bytes:
    """Return the content of a .mat file that holds one compressed int8 array.

    Args:
        name: name of the array, ASCII.
        array: array of any shape whose values fit int8.

    Returns:
        The bytes of the file.
    """
    flags = struct.pack("<II", _INT8_CLASS, 0)
    shape = struct.pack(f"<{array.ndim}i", *array.shape)
    data = array.astype(np.int8).tobytes(order="F")
    body = _pack(_UINT32, flags) + _pack(_INT32, shape)
    body += _pack(_INT8, name.encode("ascii")) + _pack(_INT8, data)
    packed = zlib.compress(_pack(_MATRIX, body))
    header = b"MATLAB 5.0 MAT-file".ljust(116) + bytes(8) + b"\x00\x01IM"
    return header + struct.pack("<II", _COMPRESSED, len(packed)) + packed


def _variable(data: bytes, compressed: bool, order: str) -> tuple[str, Variable]:
    """Return the name and description of one matrix element."""
    # Decompress only the head, so that listing the variables stays cheap. The
    # first 8 bytes of compressed data are the tag of the matrix inside.
    if compressed:
        head = zlib.decompressobj().decompress(data, _HEAD)[8:]
    else:
        head = data[:_HEAD]
    _, flags, position = _element(head, 0, order)
    if len(flags) != 8:
        raise ValueError("the flags of a variable are damaged")
    flag = struct.unpack(order + "I", flags[:4])[0]
    is_opaque = flag & 0xFF == _OPAQUE_CLASS
    dims = b""
    if not is_opaque:
        _, dims, position = _element(head, position, order)
    _, name, start = _element(head, position, order)
    name = name.decode("ascii")
    if len(dims) % 4 or not name.isprintable():
        raise ValueError("the head of a variable is damaged")
    shape = struct.unpack(f"{order}{len(dims) // 4}i", dims)
    kind = _CLASSES.get(flag & 0xFF, "an unknown type")
    if is_opaque:
        kind = "an object such as a string or a table"
    if flag & 0xFF in _NUMERIC_CLASSES:
        kind = "complex numbers" if flag & _COMPLEX else "numbers"

    def load() -> np.ndarray:
        # Python's integers cannot overflow on dimensions of a hostile file.
        count = int(np.prod(shape, dtype=object))
        body = data
        if compressed:
            # At most: tag, head, tag of the numbers, 8 bytes each, padding.
            body = _unpack(data, 8 + start + 8 + 8 * count + 8)[8:]
        code, values, _ = _element(body, start, order)
        if code not in _DTYPES:
            raise ValueError(f"unknown number type {code}")
        array = np.frombuffer(values, order + _DTYPES[code])
        return array.reshape(shape, order="F")

    return name, Variable(kind, shape, load)


def _unpack(data: bytes, max_bytes: int) -> bytes:
    """Decompress data of at most `max_bytes`; zlib verifies their checksum."""
    stream = zlib.decompressobj()
    unpacked = stream.decompress(data, max_bytes)
    if not stream.eof:
        raise ValueError("the compressed data are cut short or longer than stated")
    return unpacked


def _element(raw: bytes, position: int, order: str) -> tuple[int, bytes, int]:
    """Return (type, content, position of the next element)."""
    if position + 8 > len(raw):
        raise ValueError("an element is cut short")
    code, length = struct.unpack_from(order + "II", raw, position)
    if code >> 16:  # a small element: its tag contains up to four bytes of content
        code, length = code & 0xFFFF, code >> 16
        if length > 4:
            raise ValueError("a small element is damaged")
        return code, raw[position + 4 : position + 4 + length], position + 8
    start = position + 8
    if start + length > len(raw):
        raise ValueError("an element is cut short")
    # Every element but a compressed one is padded to a multiple of 8 bytes.
    padding = 0 if code == _COMPRESSED else -length % 8
    return code, raw[start : start + length], start + length + padding


def _pack(code: int, content: bytes) -> bytes:
    """Return an element: type, length, content, padding."""
    tag = struct.pack("<II", code, len(content))
    return tag + content + bytes(-len(content) % 8)
