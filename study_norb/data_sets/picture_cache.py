"""The pictures of a split in a run's size: in memory, or memory-mapped from the disk.

Pictures are resized once. If that takes a while, the result is kept in a cache of two
files, as that of `ImageStore`: the pixels, and a JSON description.
"""

import hashlib
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from common.data.cache import CacheFiles, cache_key
from common.files import PRIVATE, atomic_path, default_cache_dir
from study_norb.config import Cameras
from study_norb.data_sets.records import Records

FORMAT = 1  # a part of the caches' keys; raise it when pictures are made differently
# Stored pictures that are read at once, bytes.
_CHUNK = 2**25
# Stored pictures that are resized at every opening instead of once, bytes.
_SMALL = 2**25
# Weights of red, green and blue in grey, of 1000 [ITU-R BT.601].
_GREY = np.array([299, 587, 114], np.uint32)


@dataclass(frozen=True)
class PicturesMeta:
    """The description of a cache of pictures.

    Attributes:
        shape: of the pictures, (n, S, S, C).
        rows_crc: CRC-32 of all pixels.
    """

    shape: list[int]
    rows_crc: int

    @property
    def byte_count(self) -> int:
        """Number of bytes of all pictures."""
        return math.prod(self.shape)


def open_pictures(
    records: Records,
    cameras: Cameras,
    size: int,
    memory_mb: float,
    cache_dir: Path | None = None,
) -> np.ndarray:
    """Return the pictures of records, grey and resized.

    Args:
        records: the records, N of them.
        cameras: "left": the first camera's pictures. "both": those of each camera, as
            further items; the pictures of a record are neighbours. "stereo": one
            channel for each camera.
        size: edge of the pictures, pixels.
        memory_mb: largest size of the result in MB that is read into memory; a larger
            one is memory-mapped.
        cache_dir: folder of caches; by default that of the project.

    Returns:
        uint8 (n, size, size, C), read-only: n is N, or 2 N for both cameras; C is 1,
        or 2 for stereo.

    Raises:
        UserError: a cache cannot be written.
    """
    stored = records.pictures
    shape = _shape(records, cameras, size)
    fits = math.prod(shape) <= memory_mb * 1e6
    is_kept = stored.ndim == 4 and stored.shape[2] == size
    all_rows = np.array_equal(records.rows, np.arange(len(stored)))
    # Pictures that are not changed at all need no copy.
    if is_kept and all_rows and not fits:
        return _arranged(stored, cameras)
    # Small ones need no cache, nor do those of which some are copied to the memory.
    read_bytes = len(records.rows) * math.prod(stored.shape[1:])
    if fits and (is_kept or read_bytes <= _SMALL):
        pictures, done = np.empty(shape, np.uint8), 0
        for chunk in _chunks(records, cameras, size):
            pictures[done : done + len(chunk)] = chunk
            done += len(chunk)
        pictures.flags.writeable = False  # as for a mapped file
        return pictures
    return _cached(records, cameras, size, memory_mb, cache_dir)


def shrink(pictures: np.ndarray, size: int) -> np.ndarray:
    """Resize grey pictures.

    If the size is a divisor of theirs, each pixel is the mean of a block of pixels,
    with a half rounded upwards. Otherwise the Lanczos filter is used, which is
    antialiased.

    Args:
        pictures: uint8 (..., S, S).
        size: edge of the result, pixels.

    Returns:
        uint8 (..., size, size).
    """
    side = pictures.shape[-1]
    if side == size:
        return pictures
    if side % size == 0:
        step = side // size
        sums = np.full((*pictures.shape[:-2], size, size), step**2 // 2, np.uint32)
        for row in range(step):
            for column in range(step):
                sums += pictures[..., row::step, column::step]
        return (sums // step**2).astype(np.uint8)
    flat = pictures.reshape(-1, side, side)
    resized = [
        Image.fromarray(picture).resize((size, size), Image.Resampling.LANCZOS)
        for picture in flat
    ]
    return np.stack([np.asarray(picture) for picture in resized]).reshape(
        *pictures.shape[:-2], size, size
    )


def _shape(records: Records, cameras: Cameras, size: int) -> tuple[int, int, int, int]:
    """Return the shape of the pictures of records."""
    count, views = len(records.rows), records.pictures.shape[1]
    items = count * views if cameras == "both" else count
    return items, size, size, views if cameras == "stereo" else 1


def _chunks(records: Records, cameras: Cameras, size: int) -> Iterator[np.ndarray]:
    """Yield the finished pictures, some records at a time."""
    step = max(1, _CHUNK // math.prod(records.pictures.shape[1:]))
    for start in range(0, len(records.rows), step):
        stored = records.pictures[records.rows[start : start + step]]
        if cameras == "left":
            stored = stored[:, :1]
        if stored.ndim == 5:
            stored = ((stored @ _GREY + 500) // 1000).astype(np.uint8)
        yield np.ascontiguousarray(_arranged(shrink(stored, size), cameras))


def _arranged(stored: np.ndarray, cameras: Cameras) -> np.ndarray:
    """Return grey pictures (n, cameras, S, S) as items (n or 2 n, S, S, 1 or 2)."""
    if cameras == "stereo":
        return np.moveaxis(stored, 1, -1)
    if cameras == "left":
        stored = stored[:, :1]
    return stored.reshape(-1, *stored.shape[2:], 1)


def _cached(
    records: Records,
    cameras: Cameras,
    size: int,
    memory_mb: float,
    cache_dir: Path | None,
) -> np.ndarray:
    """Open the cache of pictures; write it on first use."""
    rows_hash = hashlib.sha256(records.rows.astype("<i8").tobytes()).hexdigest()
    settings = f"pictures {FORMAT} {cameras} {size} {rows_hash}"
    key = cache_key(records.folder, records.files, settings)
    path = (cache_dir or default_cache_dir()) / f"toys-{key}.grey"
    shape = _shape(records, cameras, size)

    def build() -> PicturesMeta:
        crc = 0
        with (
            atomic_path(path, PRIVATE) as temporary,
            temporary.open("wb") as out,
            tqdm(
                desc="resizing pictures", total=shape[0], unit="image", disable=None
            ) as bar,
        ):
            for chunk in _chunks(records, cameras, size):
                out.write(chunk)
                crc = zlib.crc32(chunk, crc)
                bar.update(len(chunk))
        return PicturesMeta(list(shape), crc)

    pixels, meta = CacheFiles(path, PicturesMeta).open(build, memory_mb)
    return pixels.reshape(meta.shape)
