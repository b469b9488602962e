"""A bit-packed cache of a voxel data set: decode once, then open within a moment.

A voxel takes one bit, so 10,668 shapes of 32^3 take 44 MB. The cache of a list
of files consists of two files, named by a key: the rows (one packed shape each,
np.packbits) and a JSON description, which is written last.
"""

import dataclasses
import json
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from tqdm import tqdm

from common.data.cache import CacheFiles, cache_key
from common.errors import UserError
from common.files import PRIVATE, atomic_path, default_cache_dir
from common.shapes.voxels import ShapeFile, fit_to_size, read_voxels

FORMAT = 1
_CHUNK_BYTES = 2**24


@dataclasses.dataclass(frozen=True)
class _Meta:
    """Description of a cache, its JSON file.

    Attributes:
        format: version of the cache's layout.
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
        """Size of the rows in bytes."""
        return self.count * -(-(self.size**3) // 8)


class VoxelStore:
    """Shapes packed to one bit per voxel, in memory or memory-mapped.

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
        """Wrap packed rows; normally, call `open` or `from_array` instead.

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
        """Open a list of voxel files; only the first call decodes them.

        Later calls find the cache by `size`, the classes and what
        `common.data.cache.cache_key` names. A damaged cache is written again.

        Args:
            files: voxel files, as `find_shapes` returns them.
            size: edge length to resize the shapes to, voxels.
            cache_dir: folder of caches; default `gan-projects-in-keras` in
                $XDG_CACHE_HOME or ~/.cache.
            memory_mb: largest size, in MB, of packed rows that are read into
                memory; larger ones are memory-mapped.

        Returns:
            The store.

        Raises:
            UserError: there are no files, one of them cannot be read or resized,
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
        """Make a store from shapes that are in memory, without a cache.

        Args:
            voxels: bool (N, S, S, S).
            labels: int (N,), class numbers; default all 0.
            class_names: names of the classes, by number.

        Returns:
            The store.

        Raises:
            UserError: the shapes are not cubes, or there are none.
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
            indices: integers, a bool mask (N,) or a slice.

        Returns:
            uint8 (n, S, S, S, 1), values 0 and 1.
        """
        if not isinstance(indices, slice):
            indices = np.atleast_1d(np.asarray(indices))
        bits = np.unpackbits(self._rows[indices], axis=1, count=self.size**3)
        return bits.reshape(-1, self.size, self.size, self.size, 1)

    def voxels(self, indices: np.ndarray | Sequence[int] | None = None) -> np.ndarray:
        """Return shapes as bool voxels, without the axis of channels.

        Args:
            indices: integers or a bool mask (N,); default all shapes.

        Returns:
            bool (n, S, S, S), axis 2 up.
        """
        chosen = slice(None) if indices is None else indices
        return self[chosen][..., 0].view(bool)

    def subset(self, indices: np.ndarray | Sequence[int]) -> "VoxelStore":
        """Return a store of some of the shapes, with the same class names.

        Args:
            indices: integers, in the order of the result.
        """
        chosen = np.asarray(indices, np.int64)
        rows, labels = self._rows[chosen], self.labels[chosen]
        return VoxelStore(rows, self.size, labels, self.class_names)

    def occupancy(self) -> float:
        """Return the mean share of filled voxels over all shapes, 0 to 1."""
        # Count in chunks, so that a memory-mapped store is never wholly in memory.
        step = max(1, _CHUNK_BYTES // self._rows.shape[1])
        filled = sum(
            int(np.bitwise_count(self._rows[i : i + step]).sum(dtype=np.int64))
            for i in range(0, len(self), step)
        )
        return filled / (len(self) * self.size**3)


def _cache_key(files: Sequence[ShapeFile], size: int) -> str:
    """Return a hash of everything that determines the content of the cache."""
    paths = [os.path.abspath(file.path) for file in files]
    folder = os.path.commonpath([os.path.dirname(path) for path in paths])
    names = [os.path.relpath(path, folder) for path in paths]
    classes = json.dumps([file.class_name for file in files])
    return cache_key(folder, names, f"{FORMAT} {size} {classes}")


def _build(files: Sequence[ShapeFile], size: int, rows: Path) -> _Meta:
    """Decode all files, one at a time, into the rows file of a cache.

    Returns the description of the cache.
    """
    class_names = sorted({file.class_name for file in files})
    labels: list[int] = []
    crc = 0
    with atomic_path(rows, PRIVATE) as temporary, temporary.open("wb") as out:
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
