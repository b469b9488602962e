"""A folder of pictures of any sizes: decoded once, opened in a moment after.

The cache of a folder is one file of plain bytes, RGB, where picture follows on
picture, and a JSON description. Where it is mapped instead of read, a crop touches
only the rows of pixels that it lies in.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common.data.cache import CacheFiles
from common.files import default_cache_dir
from common.images.decoding import cache_key, warn_of_skipped, write_decoded
from common.images.reading import find_images, read_image

FORMAT = 1
# Decoded pictures that may wait to be written, for each thread; they can be large.
_AHEAD = 2


@dataclasses.dataclass(frozen=True)
class _Meta:
    """What a cache says about itself.

    Attributes:
        rows_crc: CRC-32 of all pixels.
        names: path of each picture in the folder.
        shapes: height and width of each.
        skipped: paths of the files that are no usable images, with the reasons.
    """

    rows_crc: int
    names: list[str]
    shapes: list[tuple[int, int]]
    skipped: dict[str, str]

    @property
    def byte_count(self) -> int:
        """Bytes of all pictures."""
        return 3 * sum(height * width for height, width in self.shapes)


class PictureStore:
    """The pictures of a folder in their own sizes, in memory or mapped from a file.

    Attributes:
        names: the path of each in the folder, with "/" in it.
        shapes: int64 (N, 2), the height and width of each, pixels.
        skipped: paths of the files that are no usable images, with the reasons.
    """

    def __init__(
        self,
        pixels: np.ndarray,
        starts: np.ndarray,
        shapes: np.ndarray,
        names: Sequence[str],
        skipped: dict[str, str],
    ) -> None:
        """Wrap what the attributes say; `open` makes it.

        Args:
            pixels: uint8 (n,), in which the pictures lie.
            starts: int64 (N,), the place of each one's first byte.
            shapes: int64 (N, 2).
            names: N of them.
            skipped: path -> reason.
        """
        self._pixels = pixels
        self._starts = starts
        self.shapes = shapes
        self.names = tuple(names)
        self.skipped = skipped

    @classmethod
    def open(
        cls,
        folder: Path | str,
        *,
        memory_mb: float = 512,
        cache_dir: Path | str | None = None,
    ) -> "PictureStore":
        """Open all images below a folder; decode them on the first use only.

        The cache is found again by the names, sizes and times of the files. A damaged
        cache is written anew. Files that are no usable images are left out, which a
        warning tells at every opening.

        Args:
            folder: where the images are, at any depth.
            memory_mb: pictures of at most so many MB in all are read into memory;
                more are mapped from the file.
            cache_dir: folder of caches; default `gan-projects-in-keras` in
                $XDG_CACHE_HOME or ~/.cache.

        Returns:
            The store, sorted by name.

        Raises:
            UserError: the folder is missing, unreadable or without usable images,
                or the cache cannot be written.
        """
        folder = Path(folder)
        names = [p.relative_to(folder).as_posix() for p in find_images(folder)]
        caches = default_cache_dir() if cache_dir is None else Path(cache_dir)
        key = cache_key(folder, names, f"{FORMAT} pictures")
        files = CacheFiles(caches / f"pictures-{key}.rgb", _Meta)

        def build() -> _Meta:
            written = write_decoded(files.rows, folder, names, read_image, ahead=_AHEAD)
            return _Meta(written.crc, written.names, written.shapes, written.skipped)

        pixels, meta = files.open(build, memory_mb)
        warn_of_skipped(folder, len(meta.names), meta.skipped, files.meta)
        shapes = np.array(meta.shapes, np.int64)
        ends = np.cumsum(3 * shapes.prod(axis=1))
        # A plain view: slicing a memmap takes several times as long.
        return cls(
            *(pixels.view(np.ndarray), np.append(0, ends[:-1]), shapes),
            *(meta.names, meta.skipped),
        )

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.names)

    def __getitem__(self, index: int) -> np.ndarray:
        """Return a picture, uint8 (H, W, 3), not to be written to; nothing is copied.

        Raises:
            IndexError: there is no such picture.
        """
        height, width = self.shapes[index]
        start = self._starts[index]
        pixels = self._pixels[start : start + 3 * height * width]
        return pixels.reshape(height, width, 3)

    def crop(
        self, index: int, top: int, left: int, height: int, width: int
    ) -> np.ndarray:
        """Return a part of a picture; nothing is copied.

        Args:
            index: of the picture.
            top: its first row, from 0.
            left: its first column, from 0.
            height: rows, at least 1.
            width: columns, at least 1.

        Returns:
            uint8 (height, width, 3), not to be written to.

        Raises:
            IndexError: there is no such picture.
            ValueError: the part does not lie in the picture.
        """
        high, wide = self.shapes[index]
        if not (0 <= top < top + height <= high and 0 <= left < left + width <= wide):
            raise ValueError(
                f"{height} x {width} pixels from ({top}, {left}) do not lie in a "
                f"picture of {high} x {wide}"
            )
        return self[index][top : top + height, left : left + width]

    def subset(self, indices: np.ndarray | Sequence[int]) -> "PictureStore":
        """Return a store of some of the pictures; none is copied.

        Args:
            indices: int (n,).

        Returns:
            The store of n pictures; `skipped` is still that of the whole folder.
        """
        chosen = np.asarray(indices, np.int64)
        names = [self.names[i] for i in chosen]
        return PictureStore(
            *(self._pixels, self._starts[chosen], self.shapes[chosen]),
            *(names, self.skipped),
        )
