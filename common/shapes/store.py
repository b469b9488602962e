"""A bit-packed copy of a voxel data set: decoded once, opened in a moment after.

A voxel takes one bit, so 10,668 shapes of 32^3 take 44 MB. The cache of a list
of files is two files named by a key: the rows (one shape each, np.packbits)
and a JSON description, which is written last.
"""

import dataclasses
import hashlib
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from tqdm import tqdm

from common.data.cache import CacheFiles
from common.errors import UserError
from common.files import atomic_path, default_cache_dir
from common.shapes.voxels import ShapeFile, fit_to_size, read_voxels

FORMAT = 1
_CHUNK_BYTES = 2**24


@dataclasses.dataclass(frozen=True)
class _Meta:
    """What a cache says about itself.

    Attributes:
        format: version of this layout.
        size: edge length of the shapes, voxels.
        count: number of shapes.
        rows_crc: CRC-32 of the rows.
        labels: class number of each shape.
        class_names: names of the classes, by number.
    """

    format: int
    size: int
    count: int
    rows_crc: int
    labels: list[int]
    class_names: list[str]

    @property
    def byte_count(self) -> int:
        """Bytes of all shapes."""
        return self.count * -(-(self.size**3) // 8)


class VoxelStore:
    """Shapes packed to bits, in memory or mapped from a file.

    Attributes:
        size: edge length of the shapes, voxels.
        labels: int64 (N,), the class number of each shape.
        class_names: names of the classes, by number.
    """

    def __init__(
        self,
        rows: np.ndarray,
        size: int,
        labels: np.ndarray,
        class_names: Sequence[str],
    ) -> None:
        """Wrap packed rows; `open` and `from_array` make them.

        Args:
            rows: uint8 (N, ceil(size^3 / 8)), np.packbits of the shapes.
            size: edge length of the shapes, voxels.
            labels: int (N,), class numbers.
            class_names: names of the classes, by number.
        """
        self._rows = rows
        self.size = size
        self.labels = np.asarray(labels, np.int64)
        self.class_names = tuple(class_names)

    @classmethod
    def open(
        cls,
        files: Sequence[ShapeFile],
        size: int,
        cache_dir: Path | str | None = None,
        memory_mb: float = 512,
    ) -> "VoxelStore":
        """Open the shapes of some files; decode them on the first use only.

        The cache is found again by the names, sizes and times of the files and
        by `size`. A damaged cache is written anew.

        Args:
            files: what `find_shapes` returns.
            size: edge length to bring the shapes to, voxels.
            cache_dir: folder of caches; default `gan-projects-in-keras` in
                $XDG_CACHE_HOME or ~/.cache.
            memory_mb: packed rows of at most so many MB are read into memory;
                larger ones are mapped from the file.

        Returns:
            The store.

        Raises:
            UserError: there are no files, one of them cannot be read or fitted,
                or the cache cannot be written.
        """
        if not files:
            raise UserError("no voxel files to open; expected at least one")
        folder = default_cache_dir() if cache_dir is None else Path(cache_dir)
        cache = CacheFiles(folder / f"voxels-{_cache_key(files, size)}.bits", _Meta)
        rows, meta = cache.open(lambda: _build(files, size, cache.rows), memory_mb)
        rows = rows.reshape(meta.count, -1)
        return cls(rows, meta.size, np.array(meta.labels), meta.class_names)

    @classmethod
    def from_array(
        cls,
        voxels: np.ndarray,
        labels: np.ndarray | None = None,
        class_names: Sequence[str] = ("shape",),
    ) -> "VoxelStore":
        """Make a store of shapes that are in memory.

        Args:
            voxels: bool (N, S, S, S).
            labels: int (N,), class numbers; default all 0.
            class_names: names of the classes, by number.

        Returns:
            The store.

        Raises:
            UserError: `voxels` are no cubes, or there are none.
        """
        voxels = np.asarray(voxels, bool)
        if voxels.ndim != 4 or len(set(voxels.shape[1:])) != 1 or not voxels.size:
            raise UserError(f"expected shapes (N, S, S, S), found {voxels.shape}")
        if labels is None:
            labels = np.zeros(len(voxels), np.int64)
        rows = np.packbits(voxels.reshape(len(voxels), -1), axis=1)
        return cls(rows, voxels.shape[-1], labels, class_names)

    def __len__(self) -> int:
        """Return the number of shapes."""
        return len(self._rows)

    def __getitem__(self, indices: np.ndarray | Sequence[int] | slice) -> np.ndarray:
        """Return shapes as a batch.

        Args:
            indices: integers, a bool mask or a slice.

        Returns:
            uint8 (n, S, S, S, 1), values 0 and 1.
        """
        if not isinstance(indices, slice):
            indices = np.atleast_1d(np.asarray(indices))
        bits = np.unpackbits(self._rows[indices], axis=1, count=self.size**3)
        return bits.reshape(-1, self.size, self.size, self.size, 1)

    def voxels(self, indices: np.ndarray | Sequence[int] | None = None) -> np.ndarray:
        """Return shapes as voxels.

        Args:
            indices: which; default all.

        Returns:
            bool (n, S, S, S), axis 2 up.
        """
        chosen = slice(None) if indices is None else indices
        return self[chosen][..., 0].view(bool)

    def occupancy(self) -> float:
        """Return the mean share of filled voxels, read through in pieces."""
        step = max(1, _CHUNK_BYTES // self._rows.shape[1])
        filled = sum(
            int(np.bitwise_count(self._rows[i : i + step]).sum(dtype=np.int64))
            for i in range(0, len(self), step)
        )
        return filled / (len(self) * self.size**3)


def _cache_key(files: Sequence[ShapeFile], size: int) -> str:
    """Return a hash of everything that decides what the cache holds."""
    try:
        paths = [os.path.abspath(file.path) for file in files]
        root = os.path.commonpath([os.path.dirname(path) for path in paths])
        lines = [f"{FORMAT} {size}"]
        for file, path in zip(files, paths, strict=True):
            info = os.stat(path)
            name = path[len(root) :]
            lines.append(f"{name}|{file.class_name}|{info.st_size}|{info.st_mtime_ns}")
    except OSError as error:
        raise UserError(f"cannot read {error.filename}: {error.strerror}") from error
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:20]


def _build(files: Sequence[ShapeFile], size: int, rows: Path) -> _Meta:
    """Decode all files, one at a time, into a cache."""
    class_names = sorted({file.class_name for file in files})
    labels: list[int] = []
    crc = 0
    with atomic_path(rows) as temporary, temporary.open("wb") as out:
        for file in tqdm(files, desc="packing voxels", unit="file", disable=None):
            count, crc = _append(file, size, out, crc)
            labels += [class_names.index(file.class_name)] * count
    return _Meta(FORMAT, size, len(labels), crc, labels, class_names)


def _append(file: ShapeFile, size: int, out: BinaryIO, crc: int) -> tuple[int, int]:
    """Append the shapes of one file; return their number and the new CRC-32."""
    voxels = read_voxels(file.path)
    try:
        voxels = fit_to_size(voxels, size)
    except UserError as error:
        raise UserError(f"{file.path}: {error}") from error
    rows = np.packbits(voxels.reshape(len(voxels), -1), axis=1).tobytes()
    out.write(rows)
    return len(voxels), zlib.crc32(rows, crc)
