"""Voxel files (.mat of 3D ShapeNets, .npy, .npz and .binvox), and resizing.

A shape is a bool array (S, S, S); axis 2 is up and its index grows upward.
"""

from pathlib import Path

import numpy as np
from scipy import ndimage

from common.errors import UserError
from common.files import atomic_path, read_limited
from common.shapes.binvox import MAX_SIZE, read_binvox, write_binvox
from common.shapes.finding import SUFFIXES, ShapeFile, find_shapes
from common.shapes.mat4 import has_start_of_format_4, read_format_4
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
# Largest class number of a labelled file; each number below it gets a name.
MAX_LABEL = 9_999


def read_mat(path: Path | str, key: str = "instance") -> np.ndarray:
    """Read one shape of 3D ShapeNets: the variable `instance` of a .mat file.

    Args:
        path: the file, at most 64 MiB, in MATLAB format 5 (MATLAB's -v6 and -v7), or
            in format 4 with the cube as a matrix (S, S^2).
        key: name of the variable, if it is another data set's.

    Returns:
        bool (S, S, S), axis 2 up; S is 30 in 3D ShapeNets.

    Raises:
        UserError: the file is missing, too large, damaged or not a .mat file, or
            its variable is missing or not a cube of 0 and 1.
    """
    path = Path(path)
    raw = read_limited(path, MAX_MAT_BYTES)
    _check_mat_start(path, raw)
    damaged = "a damaged .mat file, perhaps cut short"
    is_format_4 = has_start_of_format_4(raw)
    with decoding(path, damaged):
        variables = read_format_4(raw) if is_format_4 else read_variables(raw)
    if key not in variables:
        raise UserError(
            f"{path}: expected the key '{key}', found "
            f"{', '.join(sorted(filter(None, variables))) or 'no keys'}; use a file of "
            "3D ShapeNets, or save the voxels under that name"
        )
    instance = variables[key]
    if instance.kind != "numbers":
        raise UserError(
            f"{path}: expected numbers in '{key}', found {instance.kind}; "
            "save a plain array of 0 and 1"
        )
    # Format 4 has matrices only; MATLAB's columns one after another are the cube.
    shape = _cube_of(instance.shape) if is_format_4 else instance.shape
    # Check the shape before decompressing, so that a small file that would
    # decompress to a huge array is refused.
    _check_cube(path, shape)
    with decoding(path, damaged):
        voxels = instance.load().reshape(shape, order="F")
    return _to_bool(path, voxels)


def _cube_of(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return (S, S, S) for a matrix (S, S^2), or the shape itself."""
    rows, columns = shape
    return (rows,) * 3 if columns == rows**2 else shape


def write_mat(path: Path | str, voxels: np.ndarray) -> None:
    """Write one shape in the format of 3D ShapeNets.

    Args:
        path: the file to write.
        voxels: bool (S, S, S), axis 2 up.

    Raises:
        UserError: `voxels` is not a cube, or the file cannot be written.
    """
    content = encode_mat(voxels)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def encode_mat(voxels: np.ndarray) -> bytes:
    """Return the content of a .mat file of one shape, as `write_mat` writes it.

    Args:
        voxels: bool (S, S, S), axis 2 up.

    Returns:
        The bytes of the file: one compressed int8 variable, `instance`.

    Raises:
        UserError: `voxels` is not a cube.
    """
    voxels = np.asarray(voxels)
    _check_cube("the shape to write", voxels.shape)
    return encode_variable("instance", voxels)


def read_array(path: Path | str, max_bytes: int = MAX_ARRAY_BYTES) -> np.ndarray:
    """Read shapes from a NumPy file without ever unpickling.

    Args:
        path: a .npy file, or a .npz file that has the key `voxels` or `instance`
            or only one array. The array is (S, S, S), (N, S, S, S), either of
            them with one channel at the end, or (N, 1, S, S, S).
        max_bytes: largest allowed size of the unpacked array.

    Returns:
        bool (N, S, S, S), axis 2 up.

    Raises:
        UserError: the file is missing, too large, damaged or pickled, or the
            array does not hold cubes of 0 and 1.
    """
    path = Path(path)
    return _to_shapes(path, load_array(path, max_bytes))


def read_split(path: Path | str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Read one split of a labelled data set in one .npz file.

    ModelNet10 is often shared in this form.

    Args:
        path: a .npz file with the keys X_train, y_train, X_test and y_test.
        split: "train" or "test".

    Returns:
        Shapes, bool (N, S, S, S), and labels, int64 (N,), as they are stored, from 0
        to `MAX_LABEL`.

    Raises:
        UserError: the file cannot be read, shapes and labels do not match, or a
            label is out of range.
    """
    path = Path(path)
    if path.suffix.lower() != ".npz":
        raise UserError(
            f"{path} is one file; expected a folder of voxel files, or a .npz file "
            "with X_train, y_train, X_test and y_test; put voxel files into a folder, "
            "or save the parts of an array under these names with np.savez"
        )
    shapes = _to_shapes(path, load_npz_key(path, f"X_{split}"))
    # 64 bytes for each label and for the array's own header are more than enough.
    labels = load_npz_key(path, f"y_{split}", 64 * (len(shapes) + 1000))
    if labels.shape != (len(shapes),) or labels.dtype.kind not in "iu":
        raise UserError(
            f"{path}: expected {len(shapes)} whole numbers in 'y_{split}', found "
            f"shape {labels.shape} of {labels.dtype}; save one class number per shape"
        )
    wrong = labels[(labels < 0) | (labels > MAX_LABEL)]
    if len(wrong):
        raise UserError(
            f"{path}: expected class numbers from 0 to {MAX_LABEL:,} in 'y_{split}', "
            f"found {wrong[0]}; number the classes from 0"
        )
    return shapes, labels.astype(np.int64)


def read_voxels(path: Path | str) -> np.ndarray:
    """Read the shapes of a voxel file of any supported format, by its suffix.

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
    """Bring shapes to `size`: enlarged 30 -> 32 -> 64, as in the book, or reduced.

    A shape that is not larger than `size` is padded on all sides to the next of 32, 64
    and 128; then each voxel is repeated to a block of equal voxels (nearest-neighbour
    zoom). In a larger one, 2, 4, 8 or more times as long, a block of voxels becomes one
    that is filled if any of them is (maximum pooling), so that thin parts are kept.

    Args:
        voxels: bool (..., S, S, S).
        size: edge length of the result in voxels.

    Returns:
        bool (..., size, size, size); `voxels` itself if S is `size` already.

    Raises:
        UserError: S is above 256, or `size` is neither S divided by a power of two nor
            a multiple of the padded edge length.
    """
    voxels = np.asarray(voxels)
    _check_cube("the shapes to fit", voxels.shape[-3:])
    found = voxels.shape[-1]
    if not _fits(found, size):
        sizes = [str(base) for base in _BASE_SIZES if _fits(found, base)]
        advice = f"choose {' or '.join(sizes)}"
        if not sizes:
            advice = f"pad them to {MAX_SIZE}^3, or make them smaller"
        raise UserError(
            f"cannot resize shapes of {found}^3 voxels to {size}^3; {advice}"
        )
    if found >= size:
        return _pool(voxels, found // size)
    base = _padded(found)
    before = (base - found) // 2
    pad = [(0, 0)] * (voxels.ndim - 3) + [(before, base - found - before)] * 3
    voxels = np.pad(voxels, pad)
    for axis in (-3, -2, -1) if size > base else ():
        voxels = np.repeat(voxels, size // base, axis=axis)
    return voxels


def _fits(found: int, size: int) -> bool:
    """Return whether `fit_to_size` can bring the edge length `found` to `size`."""
    if found >= size:
        return found % size == 0 and (found // size).bit_count() == 1
    return found <= _BASE_SIZES[-1] and size % _padded(found) == 0


def _padded(found: int) -> int:
    """Return the edge length to which a shape is padded before it is enlarged."""
    return next(base for base in _BASE_SIZES if found <= base)


def _pool(voxels: np.ndarray, factor: int) -> np.ndarray:
    """Return the maxima of blocks of factor^3 voxels, bool (..., S / factor, ...)."""
    if factor == 1:
        return voxels
    size = voxels.shape[-1] // factor
    blocks = voxels.reshape(*voxels.shape[:-3], *(size, factor) * 3)
    return blocks.any(axis=(-5, -3, -1))


def without_fragments(voxels: np.ndarray) -> np.ndarray:
    """Remove the loose fragments of a shape: keep its largest connected component.

    Parts count as connected across a gap of up to two empty voxels, so that a
    chair whose leg is interrupted by a small gap keeps its foot.

    Args:
        voxels: bool (S, S, S).

    Returns:
        bool (S, S, S), the shape without its fragments.

    Reference: the tools of Wu et al. 2016, arXiv:1610.07584, draw the largest
        component, where voxels up to three apart count as connected.
    """
    # Two parts touch after dilation by one voxel if the gap was up to two voxels.
    grown = ndimage.binary_dilation(voxels, np.ones((3, 3, 3), bool))
    labels, count = ndimage.label(grown, np.ones((3, 3, 3), bool))
    if count < 2:
        return voxels
    filled = np.bincount(labels[voxels], minlength=count + 1)
    return voxels & (labels == filled.argmax())


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


def _check_mat_start(path: Path, raw: bytes) -> None:
    """Raise a UserError that names what a file is if it is not a .mat file."""
    if raw.startswith(b"MATLAB 7.3"):
        raise UserError(
            f"{path} is in MATLAB format 7.3; save it again with save -v7, or as .npy"
        )
    if raw.startswith(b"\x89HDF"):
        raise UserError(
            f"{path} is an HDF5 file; save it again as .npy, or with MATLAB's save -v7"
        )
    if raw.startswith(b"MATLAB") or has_start_of_format_4(raw):
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
    """Return `array` as bool; raise a UserError on values other than 0 and 1."""
    if array.dtype.kind not in "biuf":
        raise UserError(f"{path}: expected numbers 0 and 1, found {array.dtype}")
    # The bytes of a bool array in a damaged file may have any value.
    raw = array.view(np.uint8) if array.dtype == bool else array
    # Check 64 MiB at a time, so that the masks of a large array stay small.
    for part in np.array_split(raw, max(1, array.nbytes // 2**26), axis=0):
        wrong = (part != 0) & (part != 1)
        if wrong.any():
            raise UserError(
                f"{path}: expected the values 0 and 1 only, found "
                f"{part[wrong][0]}; threshold the voxels first"
            )
    return np.array(array, dtype=bool)
