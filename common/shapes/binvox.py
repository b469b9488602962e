"""The binvox format: run-length encoded voxels after a short text header.

A binvox file stores x in the outer loop, z in the middle loop and y, which
points up, in the inner loop. We rotate the grid by 90 degrees about x, so that
the object is not mirrored: our axis 0 is x, axis 1 is -z and axis 2 is y.

Reference: P. Min, "binvox", file format description.
"""

import re
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.files import atomic_path, read_limited

MAX_BYTES = 64 * 2**20
MAX_SIZE = 256
_MAX_HEADER = 4096
_DATA_LINE = re.compile(rb"\ndata[ \t]*\r?\n")


def read_binvox(path: Path | str) -> np.ndarray:
    """Read one shape from a binvox file.

    Args:
        path: the file, at most 64 MiB.

    Returns:
        bool (S, S, S), S at most 256, axis 2 up.

    Raises:
        UserError: the file is missing, too large, damaged or not a binvox
            file, or its grid is not a cube.
    """
    path = Path(path)
    raw = read_limited(path, MAX_BYTES)
    size, start = _read_header(path, raw)
    values, counts = _runs(path, raw[start:], size)
    if values.size and values.max() > 1:
        raise UserError(
            f"{path}: expected the values 0 and 1, found {values.max()}; "
            "write it again with binary voxels"
        )
    x_z_y = np.repeat(values.astype(bool), counts).reshape(size, size, size)
    return np.ascontiguousarray(x_z_y[:, ::-1, :])


def write_binvox(path: Path | str, voxels: np.ndarray) -> None:
    """Write one shape as a binvox file that spans the unit cube.

    Args:
        path: the file to write.
        voxels: bool (S, S, S), axis 2 up.

    Raises:
        UserError: `voxels` is not a cube, or the file cannot be written.
    """
    voxels = np.asarray(voxels, bool)
    if voxels.ndim != 3 or len(set(voxels.shape)) != 1:
        raise UserError(
            f"a binvox file holds one cube (S, S, S), found shape {voxels.shape}; "
            "give one shape at a time"
        )
    size = voxels.shape[0]
    header = f"#binvox 1\ndim {size} {size} {size}\ntranslate 0 0 0\nscale 1\ndata\n"
    with atomic_path(path) as temporary:
        temporary.write_bytes(header.encode() + _encode_runs(voxels[:, ::-1, :]))


def _read_header(path: Path, raw: bytes) -> tuple[int, int]:
    """Return (size of the cube, offset of the first run)."""
    if not raw.startswith(b"#binvox"):
        raise UserError(
            f"{path} is not a binvox file: it does not begin with '#binvox 1'"
        )
    end = _DATA_LINE.search(raw, 0, _MAX_HEADER)
    if end is None:
        raise _damaged(path, "its header has no line 'data'")
    lines = [line.split() for line in raw[: end.start()].splitlines()]
    dims = [line[1:] for line in lines if line[:1] == [b"dim"]]
    if len(dims) != 1 or len(dims[0]) != 3 or not all(d.isdigit() for d in dims[0]):
        raise _damaged(path, "its header has no line 'dim x y z'")
    x, y, z = (int(d) for d in dims[0])
    if not (x == y == z and 1 <= x <= MAX_SIZE):
        raise UserError(
            f"{path}: expected a cube of at most {MAX_SIZE}^3 voxels, found "
            f"{x} x {y} x {z}; voxelise it again as a cube"
        )
    return x, end.end()


def _runs(path: Path, raw: bytes, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the values and lengths of the runs that make size^3 voxels.

    White space after them, such as the line end that some programs write, is no run.
    """
    wanted = size**3
    # More runs than voxels would be empty ones; this limits memory.
    pairs = np.frombuffer(raw, np.uint8, min(len(raw) // 2, wanted) * 2).reshape(-1, 2)
    ends = np.cumsum(pairs[:, 1], dtype=np.int64)
    count = int(np.searchsorted(ends, wanted)) + 1
    if count > len(ends) or ends[count - 1] != wanted:
        found = int(ends[-1]) if len(ends) else 0
        raise _damaged(path, f"its runs make {found} voxels, not {size}^3 = {wanted}")
    if rest := raw[2 * count :].strip(b"\0 \t\r\n"):
        raise _damaged(path, f"{len(rest):,} bytes follow its last voxel")
    return pairs[:count, 0], pairs[:count, 1]


def _encode_runs(voxels: np.ndarray) -> bytes:
    """Return the run-length code: pairs of bytes (value, count up to 255)."""
    flat = np.ascontiguousarray(voxels).ravel().astype(np.uint8)
    starts = np.flatnonzero(np.diff(flat, prepend=2))
    lengths = np.diff(starts, append=flat.size)
    pieces = -(-lengths // 255)
    counts = np.full(pieces.sum(), 255, np.uint8)
    # A run longer than 255 is split; its last piece holds the remainder.
    counts[np.cumsum(pieces) - 1] = lengths - 255 * (pieces - 1)
    values = np.repeat(flat[starts], pieces)
    return np.stack([values, counts], axis=1).tobytes()


def _damaged(path: Path, what: str) -> UserError:
    """Return the error for a damaged binvox file."""
    return UserError(f"{path} is a damaged binvox file: {what}; write it again")
