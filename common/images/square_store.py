"""A folder of images as uint8 rows: decoded once, opened in a moment after.

The cache of a folder is two files named by a key: the rows (one image each, RGB,
uncompressed) and a JSON description, which is written last.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common.data.cache import CacheFiles
from common.files import default_cache_dir
from common.images.decoding import cache_key, warn_of_skipped, write_decoded
from common.images.reading import Fit, find_images, read_image

FORMAT = 1
# Decoded images that may wait for their turn to be written, for each thread.
_AHEAD = 16


@dataclasses.dataclass(frozen=True)
class _Meta:
    """What a cache says about itself.

    Attributes:
        size: edge length of the images, pixels.
        rows_crc: CRC-32 of the rows.
        names: path of each image in the folder.
        skipped: paths of the files that are no usable images, with the reasons.
    """

    size: int
    rows_crc: int
    names: list[str]
    skipped: dict[str, str]

    @property
    def byte_count(self) -> int:
        """Bytes of all images."""
        return len(self.names) * self.size**2 * 3


class ImageStore:
    """The images of a folder, in memory or mapped from a file.

    Attributes:
        images: uint8 (N, H, W, 3), RGB, not to be written to.
        names: the path of each in the folder, with "/" in it.
        skipped: paths of the files that are no usable images, with the reasons.
    """

    def __init__(
        self, images: np.ndarray, names: Sequence[str], skipped: dict[str, str]
    ) -> None:
        """Wrap what the attributes say; `open` makes it.

        Args:
            images: uint8 (N, H, W, 3).
            names: N of them.
            skipped: path -> reason.
        """
        self.images = images
        self.names = tuple(names)
        self.skipped = skipped

    @classmethod
    def open(
        cls,
        folder: Path | str,
        size: int,
        *,
        fit: Fit = "crop",
        memory_mb: float = 512,
        cache_dir: Path | str | None = None,
        threads: int | None = None,
    ) -> "ImageStore":
        """Open all images below a folder as squares; decode on the first use only.

        The cache is found again by the names, sizes and times of the files, by
        `size` and by `fit`. A damaged cache is written anew. Files that are no
        usable images are left out, which a warning tells at every opening.

        Args:
            folder: where the images are, at any depth.
            size: edge length to bring the images to, pixels, at least 1.
            fit: "crop" cuts the largest square out of the middle, "stretch" takes
                the whole image.
            memory_mb: images of at most so many MB are read into memory; more are
                mapped from the file.
            cache_dir: folder of caches; default `gan-projects-in-keras` in
                $XDG_CACHE_HOME or ~/.cache.
            threads: how many decode; default one for each core, at most 8.

        Returns:
            The store, sorted by name.

        Raises:
            UserError: the folder is missing, unreadable or without usable images,
                or the cache cannot be written.
        """
        folder = Path(folder)
        names = [p.relative_to(folder).as_posix() for p in find_images(folder)]
        caches = default_cache_dir() if cache_dir is None else Path(cache_dir)
        key = cache_key(folder, names, f"{FORMAT} {size} {fit}")
        files = CacheFiles(caches / f"images-{key}.rgb", _Meta)

        def read(path: Path) -> np.ndarray:
            return read_image(path, (size, size), fit)

        def build() -> _Meta:
            written = write_decoded(
                files.rows, folder, names, read, ahead=_AHEAD, threads=threads
            )
            return _Meta(size, written.crc, written.names, written.skipped)

        rows, meta = files.open(build, memory_mb)
        warn_of_skipped(folder, len(meta.names), meta.skipped, files.meta)
        return cls(rows.reshape(-1, size, size, 3), meta.names, meta.skipped)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def subset(self, indices: np.ndarray | Sequence[int]) -> "ImageStore":
        """Return a store of some of the images.

        Args:
            indices: int (n,). Where each is the one before plus 1, as in
                what `split_names` returns, nothing is copied.

        Returns:
            The store of n images; `skipped` is still that of the whole folder.
        """
        chosen = np.asarray(indices, np.int64)
        names = [self.names[i] for i in chosen]
        if len(chosen) and chosen[0] >= 0 and np.all(np.diff(chosen) == 1):
            chosen = slice(chosen[0], chosen[-1] + 1)
        return ImageStore(self.images[chosen], names, self.skipped)
