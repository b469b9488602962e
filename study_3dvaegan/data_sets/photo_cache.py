"""The photos of a list as squares: decoded once by all cores, then opened quickly.

The cache is two files, as that of `ImageStore`: the pixels of one photo after another,
and a JSON description.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from common.data.cache import CacheFiles, cache_key
from common.data.folders import warn_once
from common.files import default_cache_dir
from common.images.cutting import filled_box
from common.images.decoding import Written, warn_of_skipped, write_decoded
from common.images.image_file import ImageError
from common.images.reading import read_image_and_alpha
from common.images.square_store import SquaresMeta
from study_3dvaegan.data_sets.photo_list import PhotoList
from study_3dvaegan.photos.cutting import square_photo

FORMAT = 1  # a part of the caches' keys; raise it when photos are cut differently
# Decoded photos per thread that may wait to be written.
_AHEAD = 16
# Least opacity of a pixel of the object, of 255.
_OPAQUE = 128


class PhotoRows:
    """Some rows of memory-mapped photos, which are read when they are indexed.

    Attributes:
        shape: (n, H, H, 3), as of an array.
        dtype: uint8.
    """

    def __init__(self, images: np.ndarray, rows: np.ndarray) -> None:
        """Choose rows (n,), int64, of images (N, H, H, 3)."""
        self._images, self._rows = images, rows
        self.shape = (len(rows), *images.shape[1:])
        self.dtype = images.dtype

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self._rows)

    def __getitem__(self, indices: object) -> np.ndarray:
        """Return photos by integers, a bool mask or a slice along the first axis."""
        return np.asarray(self._images[self._rows[indices]])

    def __array__(self, dtype: object = None, copy: bool | None = None) -> np.ndarray:
        """Return all photos in memory."""
        return np.asarray(self._images[self._rows], dtype)


def choose_photos(
    images: np.ndarray | PhotoRows, rows: np.ndarray
) -> np.ndarray | PhotoRows:
    """Return some photos: a view of memory-mapped ones, a copy of others.

    Args:
        images: uint8 (N, H, H, 3).
        rows: int64 (n,).
    """
    if isinstance(images, PhotoRows):
        return PhotoRows(images._images, images._rows[rows])
    return PhotoRows(images, rows) if isinstance(images, np.memmap) else images[rows]


def open_photos(
    photos: PhotoList, size: int, memory_mb: float
) -> tuple[np.ndarray, np.ndarray]:
    """Open the photos of a list as squares; decode them on first use.

    Photos are cut by `square_photo`: one with transparent pixels to its object, on
    white, and others as a whole. Files that are not usable images are left out, with
    a warning at every opening.

    Args:
        photos: the photos.
        size: edge of the squares, pixels.
        memory_mb: largest total size in MB that is read into memory; larger caches
            are memory-mapped.

    Returns:
        uint8 (n, size, size, 3), RGB, read-only; and int64 (n,), their places in the
        list.

    Raises:
        UserError: no photo is usable, or the cache cannot be written.
    """
    settings = f"photos {FORMAT} {size} {photos.keep_framing}"
    key = cache_key(photos.folder, photos.names, settings)
    files = CacheFiles(default_cache_dir() / f"photos-{key}.rgb", SquaresMeta)

    def read(path: Path, tell_of_more: Callable[[Path], None]) -> np.ndarray:
        return read_square(path, size, photos.keep_framing, tell_of_more)

    def build() -> SquaresMeta:
        written: Written = write_decoded(
            files.rows, photos.folder, photos.names, read, ahead=_AHEAD
        )
        return SquaresMeta.of(size, written)

    rows, meta = files.open(build, memory_mb)
    warn_of_skipped(photos.folder, len(meta.names), meta.skipped, files.meta)
    if meta.cut:
        warn_once(
            f"{len(meta.cut)} photos in {photos.folder} have several frames or pages, "
            f"of which the first is taken ({meta.cut[0]}, for example)"
        )
    return rows.reshape(-1, size, size, 3), _places(photos.names, meta.skipped)


def read_square(
    path: Path,
    size: int,
    keep_framing: bool,
    tell_of_more: Callable[[Path], None],
) -> np.ndarray:
    """Read a photo as the encoder expects it.

    Args:
        path: path of the file.
        size: edge of the result, pixels.
        keep_framing: whether an opaque square photo is only resized.
        tell_of_more: function that is called with the path if the file has further
            frames or pages.

    Returns:
        uint8 (size, size, 3).

    Raises:
        ImageError: the file is not a usable image, or all of it is transparent.
    """
    rgb, alpha = read_image_and_alpha(path, tell_of_more)
    if alpha is not None and alpha.min() < 255:
        box = filled_box(alpha >= _OPAQUE)
        if box is None:
            raise ImageError(path, "all of it is transparent; remove it")
        return square_photo(rgb, size, box, white=True)
    if not keep_framing or rgb.shape[0] != rgb.shape[1]:
        return square_photo(rgb, size)
    if len(rgb) == size:
        return rgb
    return np.array(Image.fromarray(rgb).resize((size, size), Image.Resampling.LANCZOS))


def _places(names: Sequence[str], skipped: dict[str, str]) -> np.ndarray:
    """Return the places in a list of the names that were not skipped."""
    return np.array([i for i, name in enumerate(names) if name not in skipped], int)
