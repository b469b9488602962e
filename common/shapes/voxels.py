"""Voxel files and sizes: .mat of 3D ShapeNets, .npy, .npz and .binvox.

A shape is a bool array (S, S, S); axis 2 is up and its index grows upward.
"""

from pathlib import Path

import numpy as np
from scipy import ndimage

from common.errors import UserError
from common.files import atomic_path, read_limited
from common.shapes.binvox import MAX_SIZE, read_binvox, write_binvox
from common.shapes.finding import SUFFIXES, ShapeFile, find_shapes
from common.shapes.mat5 import encode_variable, read_variables
from common.shapes.npy import MAX_ARRAY_BYTES, decoding, load_array, load_npz_key

__all__ = [
    "SUFFIXES",
    "ShapeFile",
    "encode_mat",
    "find_shapes",
    "fit_to_size",
    "read_array",
    "read_binvox",
    "read_mat",
    "read_split",
    "read_voxels",
    "write_binvox",
    "write_mat",
]

MAX_MAT_BYTES = 64 * 2**20
_BASE_SIZES = (32, 64, 128)


def read_mat(path: Path | str) -> np.ndarray:
    """Read one shape of 3D ShapeNets: the key `instance` of a .mat file.

    Args:
        path: the file, MATLAB format 5, at most 64 MiB.

    Returns:
        bool (S, S, S), axis 2 up; S is 30 in 3D ShapeNets.

    Raises:
        UserError: the file is missing, too large, torn, no .mat file, or its
            `instance` is missing or no cube of 0 and 1.
    """
    path = Path(path)
    raw = read_limited(path, MAX_MAT_BYTES)
    _check_mat_start(path, raw)
    damaged = "a damaged .mat file, perhaps cut short"
    with decoding(path, damaged):
        variables = read_variables(raw)
    if "instance" not in variables:
        raise UserError(
            f"{path}: expected the key 'instance', found "
            f"{', '.join(sorted(variables)) or 'no keys'}; is it of 3D ShapeNets?"
        )
    instance = variables["instance"]
    # The shape is known before anything is unpacked, so a small file that would
    # unpack to a huge array is refused.
    _check_cube(path, instance.shape)
    if instance.kind != "numbers":
        raise UserError(
            f"{path}: expected numbers in 'instance', found {instance.kind}; "
            "save a plain array of 0 and 1"
        )
    with decoding(path, damaged):
        voxels = instance.load()
    return _to_bool(path, voxels)


def write_mat(path: Path | str, voxels: np.ndarray) -> None:
    """Write one shape in the format of 3D ShapeNets.

    Args:
        path: the file to write.
        voxels: bool (S, S, S), axis 2 up.

    Raises:
        UserError: `voxels` is no cube, or the file cannot be written.
    """
    content = encode_mat(voxels)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def encode_mat(voxels: np.ndarray) -> bytes:
    """Return the content of a .mat file: int8, key `instance`, compressed."""
    voxels = np.asarray(voxels)
    _check_cube("the shape to write", voxels.shape)
    return encode_variable("instance", voxels)


def read_array(path: Path | str, max_bytes: int = MAX_ARRAY_BYTES) -> np.ndarray:
    """Read shapes from a NumPy file, never unpickling anything.

    Args:
        path: a .npy file, or a .npz file with the key `voxels` or `instance`
            or with one array only. The array is (S, S, S), (N, S, S, S), or the
            same with one channel at the end, or (N, 1, S, S, S).
        max_bytes: the largest size of the unpacked array.

    Returns:
        bool (N, S, S, S), axis 2 up.

    Raises:
        UserError: the file is missing, too large, torn or pickled, or the array
            is no cube or holds other values than 0 and 1.
    """
    path = Path(path)
    return _to_shapes(path, load_array(path, max_bytes))


def read_split(path: Path | str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Read one split of a labelled set in a .npz file, as ModelNet10 is passed on.

    Args:
        path: a .npz file with the keys X_train, y_train, X_test and y_test.
        split: "train" or "test".

    Returns:
        Shapes, bool (N, S, S, S), and labels, int64 (N,), from 0.

    Raises:
        UserError: the file cannot be read, or shapes and labels do not match.
    """
    path = Path(path)
    shapes = _to_shapes(path, load_npz_key(path, f"X_{split}"))
    labels = load_npz_key(path, f"y_{split}")
    if labels.shape != (len(shapes),) or labels.dtype.kind not in "iu":
        raise UserError(
            f"{path}: expected {len(shapes)} whole numbers in 'y_{split}', found "
            f"shape {labels.shape} of {labels.dtype}"
        )
    return shapes, labels.astype(np.int64)


def _to_shapes(path: Path, array: np.ndarray) -> np.ndarray:
    """Return an array of one or more shapes as bool (N, S, S, S)."""
    if array.ndim in (4, 5) and array.shape[-1] == 1 and array.shape[-2] > 1:
        array = array[..., 0]
    elif array.ndim == 5 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 3:
        array = array[None]
    _check_cube(path, array.shape[1:])
    if len(array) == 0:
        raise UserError(f"{path} holds no shapes; expected at least one")
    return _to_bool(path, array)


def read_voxels(path: Path | str) -> np.ndarray:
    """Read the shapes of any known voxel file; the suffix says which.

    Args:
        path: a .mat, .npy, .npz or .binvox file.

    Returns:
        bool (N, S, S, S), axis 2 up.

    Raises:
        UserError: the suffix is unknown, or the file cannot be read.
    """
    suffix = Path(path).suffix.lower()
    if suffix in (".npy", ".npz"):
        return read_array(path)
    readers = {".mat": read_mat, ".binvox": read_binvox}
    if suffix not in readers:
        raise UserError(f"{path}: expected a file that ends in {', '.join(SUFFIXES)}")
    return readers[suffix](path)[None]


def fit_to_size(voxels: np.ndarray, size: int) -> np.ndarray:
    """Pad, then enlarge shapes to `size`: 30 -> 32 -> 64 as the book does.

    A shape is padded about its centre to the next of 32, 64 and 128; then each
    voxel becomes a block of equal voxels, which is nearest-neighbour zoom.

    Args:
        voxels: bool (..., S, S, S).
        size: the wanted edge length in voxels.

    Returns:
        bool (..., size, size, size); `voxels` itself where it fits already.

    Raises:
        UserError: S cannot be brought to `size` in this way.
    """
    voxels = np.asarray(voxels)
    _check_cube("the shapes to fit", voxels.shape[-3:])
    found = voxels.shape[-1]
    if found == size:
        return voxels
    base = next((b for b in _BASE_SIZES if found <= b), None)
    if base is None or size < base or size % base:
        wanted = f"a multiple of {base}" if base else "the size of the shapes"
        raise UserError(
            f"cannot bring shapes of {found}^3 voxels to {size}^3; choose {found} "
            f"or {wanted}, for example 32, 64 or 128"
        )
    before = (base - found) // 2
    pad = [(0, 0)] * (voxels.ndim - 3) + [(before, base - found - before)] * 3
    voxels = np.pad(voxels, pad)
    for axis in (-3, -2, -1) if size > base else ():
        voxels = np.repeat(voxels, size // base, axis=axis)
    return voxels


def _check_mat_start(path: Path, raw: bytes) -> None:
    """Tell the things that pass for .mat files from a true one."""
    if raw.startswith(b"MATLAB 7.3"):
        raise UserError(
            f"{path} is in MATLAB format 7.3; save it again with save -v7, or as .npy"
        )
    if raw.startswith(b"MATLAB"):
        return
    start = raw[:256].lstrip().lower()
    what = "it does not begin with 'MATLAB'"
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        what = "it is a web page, perhaps a failed download"
    elif start.startswith(b"version https://git-lfs"):
        what = "it is a Git LFS pointer (git lfs pull fetches the file)"
    raise UserError(f"{path} is not a .mat file: {what}; download it again")


def _check_cube(where: Path | str, shape: tuple[int, ...]) -> None:
    """Raise a UserError unless `shape` is (S, S, S) with a sensible S."""
    if len(shape) != 3 or len(set(shape)) != 1 or not 1 <= shape[0] <= MAX_SIZE:
        raise UserError(
            f"{where}: expected a cube (S, S, S) of at most {MAX_SIZE}^3 voxels, "
            f"found shape {tuple(shape)}"
        )


def _to_bool(path: Path, array: np.ndarray) -> np.ndarray:
    """Return `array` as bool; refuse other values than 0 and 1."""
    if array.dtype.kind not in "biuf":
        raise UserError(f"{path}: expected numbers 0 and 1, found {array.dtype}")
    # A damaged bool may hold any byte, so look at the bytes.
    raw = array.view(np.uint8) if array.dtype == bool else array
    for part in np.array_split(raw, max(1, array.nbytes // 2**26), axis=0):
        wrong = (part != 0) & (part != 1)
        if wrong.any():
            raise UserError(
                f"{path}: expected the values 0 and 1 only, found "
                f"{part[wrong][0]}; threshold the voxels first"
            )
    return np.array(array, dtype=bool)


def without_fragments(voxels: np.ndarray) -> np.ndarray:
    """Return the largest body of a shape alone.

    Parts belong together across a gap of up to two empty voxels, so that a chair
    whose leg has a small hole keeps its foot.

    Args:
        voxels: bool (S, S, S).

    Returns:
        bool (S, S, S).

    Reference: the tools of Wu et al. 2016, arXiv:1610.07584, draw the largest
        component of voxels that lie up to three apart.
    """
    grown = ndimage.binary_dilation(voxels, np.ones((3, 3, 3), bool))
    labels, count = ndimage.label(grown, np.ones((3, 3, 3), bool))
    if count < 2:
        return voxels
    filled = np.bincount(labels[voxels], minlength=count + 1)
    return voxels & (labels == filled.argmax())
