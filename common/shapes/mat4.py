"""Numeric matrices in MATLAB format 4, which save -v4 writes and SciPy can.

`scipy.io.loadmat` never ends on some damaged files of this format (sizes below 0), so
untrusted files are decoded here. Only real full matrices are supported.

Reference: The MathWorks, "MAT-File Format", level 4.
"""

import struct

import numpy as np

from common.shapes.mat5 import Variable

_HEADER = 20  # bytes before the name of a matrix: five numbers of 32 bits
# NumPy type of each type of numbers.
_DTYPES = ("f8", "f4", "i4", "i2", "u2", "u1")
_KINDS = ("numbers", "text", "sparse matrix")


def has_start_of_format_4(raw: bytes) -> bool:
    """Return whether a file begins like MATLAB format 4, which has no signature."""
    return len(raw) >= _HEADER and 0 in raw[:4] and _order(raw) is not None


def read_format_4(raw: bytes) -> dict[str, Variable]:
    """List the variables of a file in MATLAB format 4.

    Args:
        raw: content of the file.

    Returns:
        The variables by name; all have two dimensions.

    Raises:
        ValueError: the file is damaged.
    """
    variables, position = {}, 0
    while position < len(raw):
        name, variable, position = _matrix(raw, position)
        variables[name] = variable
    return variables


def _order(raw: bytes, position: int = 0) -> str | None:
    """Return the byte order of a matrix, "<" or ">", or None if it is no matrix.

    Its first number is MOPT in decimal digits: M the machine, O zero, P the type of
    the numbers and T the kind of matrix.
    """
    for order, machine in (("<", 0), (">", 1)):
        code = struct.unpack_from(order + "i", raw, position)[0]
        if code // 100 == 10 * machine and code % 100 // 10 < len(_DTYPES):
            return order if code % 10 < len(_KINDS) else None
    return None


def _matrix(raw: bytes, position: int) -> tuple[str, Variable, int]:
    """Return the name and description of a matrix, and the position behind it."""
    if position + _HEADER > len(raw) or _order(raw, position) is None:
        raise ValueError("the head of a matrix is damaged")
    order = _order(raw, position)
    code, rows, columns, is_complex, length = struct.unpack_from(
        order + "5i", raw, position
    )
    dtype = np.dtype(order + _DTYPES[code % 100 // 10])
    start = position + _HEADER + length
    end = start + rows * columns * dtype.itemsize * (2 if is_complex else 1)
    if min(rows, columns) < 0 or length < 1 or end > len(raw):
        raise ValueError("a matrix is cut short")
    name = raw[position + _HEADER : start].rstrip(b"\0").decode("ascii")
    if not name.isprintable():
        raise ValueError("the name of a matrix is damaged")

    def load() -> np.ndarray:
        values = np.frombuffer(raw, dtype, rows * columns, start)
        return values.reshape((rows, columns), order="F")

    kind = "complex numbers" if is_complex else _KINDS[code % 10]
    return name, Variable(kind, (rows, columns), load), end
