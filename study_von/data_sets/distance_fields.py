"""Distance fields: volumes of exp(-8 d), with d the distance to the surface.

d is in units in which the volume is the cube [-1, 1]^3, so the values are 1 at the
surface and fall to 0 on both sides: meshes of ShapeNet have holes, and what is inside
is not known.

Files are expected in the published orientation: the front faces high indices of axis 1,
and axis 2 is up. They are turned to chapter 2's, in which the front faces low indices
of axis 0.

Reference: Zhu et al. 2018, arXiv:1812.02725, section 3.1; the code that its authors
have published, https://github.com/junyanz/VON.
"""

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from tqdm import tqdm

from common.data.cache import CacheFiles, cache_key
from common.data.folders import find_files, no_files
from common.data.splits import last_sixth, split_names
from common.errors import UserError
from common.files import PRIVATE, atomic_path, default_cache_dir
from common.shapes.npy import MAX_ARRAY_BYTES, load_array
from common.shapes.store import VoxelStore

FORMAT = 1  # a part of the caches' keys; raise it when fields are stored differently
DECAY = 8.0  # of the value with the distance [published code]
# A field whose greatest value is lower has no surface in it.
_LEAST_SURFACE = 0.3
_SUFFIX = ".npy"
_KIND = "distance fields"
_CHUNK = 2**22  # values whose mean is computed at once


class _Volume(NamedTuple):
    """A volume of a file; `row` is None if the file has no other."""

    path: Path
    row: int | None

    def __str__(self) -> str:
        return str(self.path) if self.row is None else f"{self.path}[{self.row}]"


@dataclass(frozen=True)
class _Meta:
    """The description of a cache of fields.

    Attributes:
        size: edge of the volumes, voxels.
        count: number of volumes.
        rows_crc: CRC-32 of all values.
    """

    size: int
    count: int
    rows_crc: int

    @property
    def byte_count(self) -> int:
        """Number of bytes of all volumes."""
        return self.count * self.size**3


class FieldStore:
    """Distance fields in 8 bits, in memory or memory-mapped."""

    def __init__(self, rows: np.ndarray) -> None:
        """Make a store of values times 255, uint8 (N, S, S, S)."""
        self._rows = rows

    def __len__(self) -> int:
        """Return the number of fields."""
        return len(self._rows)

    def __getitem__(self, indices: np.ndarray | Sequence[int] | slice) -> np.ndarray:
        """Return fields as a batch.

        Args:
            indices: integers, a bool mask (N,) or a slice.

        Returns:
            float32 (n, S, S, S, 1), values in [0, 1].
        """
        if not isinstance(indices, slice):
            indices = np.atleast_1d(np.asarray(indices))
        return self._rows[indices][..., None].astype(np.float32) / np.float32(255)

    def occupancy(self) -> float:
        """Return the mean value of all fields, 0 to 1."""
        flat = self._rows.reshape(-1)
        total = sum(
            int(flat[start : start + _CHUNK].sum(dtype=np.int64))
            for start in range(0, len(flat), _CHUNK)
        )
        return total / (255 * len(flat))


def field_of(voxels: np.ndarray) -> np.ndarray:
    """Return the distance field of a shape.

    The surface lies in the middle between the centres of full and empty voxels, and
    what is outside of the volume is empty. A voxel has the edge 2 / S.

    Args:
        voxels: bool (S, S, S), solid; at least one is filled.

    Returns:
        float32 (S, S, S), exp(-8 d) in (0, 1]. In voxels beside the surface, half a
        voxel from it, this is exp(-8 / S): 0.78 for 32 voxels and 0.94 for 128.

    Raises:
        UserError: no voxel is filled.
    """
    full = np.pad(np.asarray(voxels, bool), 1)
    if not full.any():
        raise UserError("expected a shape, found no filled voxel; it has no surface")
    # To the nearest centre of a voxel of the other kind. One of the terms is 0.
    distance = ndimage.distance_transform_edt(full)
    distance += ndimage.distance_transform_edt(~full)
    distance = (distance[1:-1, 1:-1, 1:-1] - 0.5) * (2 / len(voxels))
    return np.exp(-DECAY * distance).astype(np.float32)


def store_fields(store: VoxelStore, memory_mb: float) -> FieldStore:
    """Return the distance fields of voxels; compute them on first use.

    Args:
        store: the shapes; each has a filled voxel.
        memory_mb: largest total size in MB that is read into memory; larger caches are
            memory-mapped.

    Raises:
        UserError: the cache cannot be written.
    """
    hashed = hashlib.sha256(f"fields {FORMAT} {store.size}".encode())
    for row in range(len(store)):
        hashed.update(np.packbits(store[[row]]))
    fields = (field_of(store.voxels([row])[0]) for row in range(len(store)))
    key = hashed.hexdigest()[:20]
    return _open(key, fields, len(store), store.size, memory_mb)


def has_fields(data: Path | None) -> bool:
    """Return whether a data set is one of distance fields.

    It is a .npy file, or a folder with such files, and the first volume is of floats
    that are not all 0 and 1, which would be voxels.

    Args:
        data: path of the data set, or None.
    """
    if data is None or not data.exists():
        return False
    if data.is_dir():
        first = next(iter(sorted(data.rglob(f"*{_SUFFIX}"))), None)
    else:
        first = data if data.suffix.lower() == _SUFFIX else None
    if first is None:
        return False
    array = load_array(first, MAX_ARRAY_BYTES)
    if array.dtype.kind != "f" or array.ndim < 3:
        return False
    volume = array[0] if array.ndim > 3 and len(array) else array
    return not np.isin(volume, (0, 1)).all()


def open_fields(data: Path, split: str, size: int, memory_mb: float) -> FieldStore:
    """Open the distance fields of one split; convert them on first use.

    In a folder, folders named train and test decide the split, or else the last sixth
    of the files, in the order of their names, is for tests. In a single file, the last
    sixth of its volumes is.

    Args:
        data: a .npy file of floats (S, S, S) or (N, S, S, S), or a folder of such
            files, in the published orientation; values in [0, 1].
        split: "train" or "test".
        size: edge of the networks' volumes, voxels. Files may have a whole multiple of
            it, of which means are taken.
        memory_mb: largest total size in MB that is read into memory; larger caches are
            memory-mapped.

    Raises:
        UserError: a file is damaged or not a field, or there is only one; the message
            says which.
    """
    volumes = _of_split(data, split)
    folder = data if data.is_dir() else data.parent
    names = list(dict.fromkeys(str(v.path.relative_to(folder)) for v in volumes))
    key = cache_key(folder, names, f"fields {FORMAT} {size} {split}")
    fields = (read_field(volume.path, volume.row, size) for volume in volumes)
    return _open(key, fields, len(volumes), size, memory_mb)


def read_field(path: Path, row: int | None, size: int) -> np.ndarray:
    """Read a distance field in the published orientation, and turn it to chapter 2's.

    Args:
        path: .npy file.
        row: number of the volume in a file (N, S, S, S); None for a file (S, S, S).
        size: edge of the result; the file's is the same or a whole multiple.

    Returns:
        float32 (size, size, size), values in [0, 1].

    Raises:
        UserError: the volume is not a cube of a suitable size, has a value that is not
            in [0, 1], or has no surface.
    """
    volume = _Volume(path, row)
    array = load_array(path, MAX_ARRAY_BYTES)
    array = array if row is None else array[row]
    if array.ndim != 3 or len(set(array.shape)) != 1:
        raise UserError(f"{volume}: expected one cube (S, S, S), found {array.shape}")
    edge = array.shape[0]
    if edge < size or edge % size:
        raise UserError(
            f"{path}: expected a volume of {size}^3, or of a whole multiple, found "
            f"{edge}^3; choose another --size, or compute it again"
        )
    values = np.asarray(array, np.float32)
    wrong = ~((values >= 0) & (values <= 1))
    if wrong.any():
        raise UserError(
            f"{volume}: expected values exp(-8 d) from 0 to 1, found "
            f"{values[wrong][0]:g}; d must be a distance, 0 or above"
        )
    if values.max() < _LEAST_SURFACE:
        raise UserError(
            f"{volume}: expected values near 1 at the surface, found at most "
            f"{values.max():.3g}; the volume has no surface in it"
        )
    factor = edge // size
    cells = values.reshape(size, factor, size, factor, size, factor)
    return np.rot90(cells.mean(axis=(1, 3, 5)), 1, (0, 1))


def _of_split(data: Path, split: str) -> list[_Volume]:
    """Return the volumes of one split, after a check of the headers of all files."""
    if data.is_file():
        volumes = _volumes_of(data)
        training, held_out = _rows(data, len(volumes))
    else:
        found = find_files(data, (_SUFFIX,), _KIND)
        if not found:
            raise no_files(data, _KIND, f"{_SUFFIX} files")
        by_file = [_volumes_of(path) for path in found]
        volumes = [volume for group in by_file for volume in group]
        if len(found) == 1:
            training, held_out = _rows(data, len(volumes))
        else:
            names = [v.path.relative_to(data).as_posix() for v in volumes]
            files = sorted(set(names))
            of_training, of_test = split_names(files)
            numbers = np.array([files.index(name) for name in names])
            training = np.flatnonzero(np.isin(numbers, of_training))
            held_out = np.flatnonzero(np.isin(numbers, of_test))
    return [volumes[row] for row in (training if split == "train" else held_out)]


def _rows(data: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of training and test volumes of a single file."""
    if count < 2:
        raise UserError(
            f"{data}: one distance field cannot be divided into training and test "
            "shapes; add at least one more"
        )
    held_out = last_sixth(count)
    return np.arange(held_out[0]), held_out


def _volumes_of(path: Path) -> list[_Volume]:
    """Return the volumes of a file after a check of its header."""
    array = load_array(path, MAX_ARRAY_BYTES)
    if array.dtype.kind != "f":
        raise UserError(
            f"{path}: expected floats exp(-8 d) in [0, 1], found {array.dtype}; for "
            "voxels, leave out files of fields, or use --representation voxels"
        )
    cube = array.shape[-3:]
    if array.ndim not in (3, 4) or len(set(cube)) != 1 or not array.size:
        raise UserError(
            f"{path}: expected a cube (S, S, S), or (N, S, S, S), found {array.shape}"
        )
    if array.ndim == 3:
        return [_Volume(path, None)]
    return [_Volume(path, row) for row in range(len(array))]


def _open(
    key: str, fields: Iterable[np.ndarray], count: int, size: int, memory_mb: float
) -> FieldStore:
    """Open the cache of a key; write the fields, float32 (S, S, S), if it is new."""
    files = CacheFiles(default_cache_dir() / f"fields-{key}.u8", _Meta)

    def build() -> _Meta:
        crc = 0
        with (
            atomic_path(files.rows, PRIVATE) as temporary,
            temporary.open("wb") as out,
        ):
            for field in tqdm(fields, _KIND, count, unit="shape", disable=None):
                row = (field * 255 + 0.5).astype(np.uint8).tobytes()
                out.write(row)
                crc = zlib.crc32(row, crc)
        return _Meta(size, count, crc)

    rows, _ = files.open(build, memory_mb)
    return FieldStore(rows.reshape(count, size, size, size))
