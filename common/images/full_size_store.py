"""A folder of images of any sizes: decoded once, then opened quickly.

The cache of a folder is one file of plain RGB bytes, which contains one image after
another, and a JSON description. If the file is memory-mapped, a crop reads only the
rows of pixels that it covers.
"""

import dataclasses
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np

from common.images.decoding import Written, open_folder
from common.images.reading import read_image

FORMAT = 2  # a part of the caches' keys; raise it when images are read differently
# Decoded images per thread that may wait to be written; they can be large.
_AHEAD = 2


@dataclasses.dataclass(frozen=True)
class _Meta:
    """The description of a cache.

    Attributes:
        rows_crc: CRC-32 of all pixels.
        names: path of each image in the folder.
        shapes: height and width of each image, pixels.
        skipped: paths of the files that are not usable images, with the reasons.
        cut: paths of the images whose further frames or pages are not read.
    """

    rows_crc: int
    names: list[str]
    shapes: list[tuple[int, int]]
    skipped: dict[str, str]
    cut: list[str]

    @property
    def byte_count(self) -> int:
        """Number of bytes of all images."""
        return 3 * sum(height * width for height, width in self.shapes)


class PictureStore:
    """The images of a folder in their own sizes, in memory or memory-mapped.

    Attributes:
        names: path of each image in the folder, with "/" as separator.
        shapes: int64 (N, 2), the height and width of each image, pixels.
        skipped: paths of the files that are not usable images, with the reasons.
    """

    def __init__(
        self,
        pixels: np.ndarray,
        starts: np.ndarray,
        shapes: np.ndarray,
        names: Sequence[str],
        skipped: dict[str, str],
    ) -> None:
        """Make a store of decoded images; usually called through `open`.

        Args:
            pixels: uint8 (n,), the bytes of all images.
            starts: int64 (N,), the index of each image's first byte.
            shapes: int64 (N, 2), the height and width of each image, pixels.
            names: N paths, one for each image.
            skipped: paths of the files that are not usable images, with the reasons.
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
        known: Collection[str] = (),
    ) -> "PictureStore":
        """Open all images below a folder; decode them on first use.

        The cache belongs to the names, sizes and times of the files: after a change
        of any of them the images are decoded again. A damaged cache is written again.
        Files that are not usable images are left out, with a warning at every opening.

        Args:
            folder: folder that contains the images, at any depth.
            memory_mb: largest total size in MB that is read into memory; larger
                caches are memory-mapped.
            cache_dir: folder of caches; default `gan-projects-in-keras` in
                $XDG_CACHE_HOME or ~/.cache.
            known: names of other files that belong there.

        Returns:
            The store, sorted by name.

        Raises:
            UserError: the folder is missing, unreadable or without usable images,
                or the cache cannot be written.
        """

        def read(path: Path, tell_of_more: Callable[[Path], None]) -> np.ndarray:
            return read_image(path, tell_of_more=tell_of_more)

        def describe(written: Written) -> _Meta:
            return _Meta(
                written.crc,
                written.names,
                written.shapes,
                written.skipped,
                written.cut,
            )

        pixels, meta = open_folder(
            folder,
            read,
            describe,
            _Meta,
            prefix="pictures",
            settings=f"{FORMAT} pictures",
            ahead=_AHEAD,
            memory_mb=memory_mb,
            cache_dir=cache_dir,
            known=known,
        )
        shapes = np.array(meta.shapes, np.int64)
        ends = np.cumsum(3 * shapes.prod(axis=1))
        starts = np.append(0, ends[:-1])
        # A plain view, because slicing a memmap takes several times as long.
        plain = pixels.view(np.ndarray)
        return cls(plain, starts, shapes, meta.names, meta.skipped)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.names)

    def __getitem__(self, index: int) -> np.ndarray:
        """Return an image, uint8 (H, W, 3), as a read-only view.

        Raises:
            IndexError: there is no such image.
        """
        height, width = self.shapes[index]
        start = self._starts[index]
        pixels = self._pixels[start : start + 3 * height * width]
        return pixels.reshape(height, width, 3)

    def crop(
        self, index: int, top: int, left: int, height: int, width: int
    ) -> np.ndarray:
        """Return a rectangular part of an image, without a copy.

        Args:
            index: index of the image.
            top: first row, from 0.
            left: first column, from 0.
            height: number of rows, at least 1.
            width: number of columns, at least 1.

        Returns:
            uint8 (height, width, 3), a read-only view.

        Raises:
            IndexError: there is no such image.
            ValueError: the part is not inside the image.
        """
        high, wide = self.shapes[index]
        if not (0 <= top < top + height <= high and 0 <= left < left + width <= wide):
            raise ValueError(
                f"{height} x {width} pixels from ({top}, {left}) are not inside an "
                f"image of {high} x {wide}"
            )
        return self[index][top : top + height, left : left + width]

    def subset(self, indices: np.ndarray | Sequence[int]) -> "PictureStore":
        """Return a store of some of the images, without a copy of their pixels.

        Args:
            indices: int (n,).

        Returns:
            The store of n images; its `skipped` is still that of the whole folder.
        """
        chosen = np.asarray(indices, np.int64)
        return PictureStore(
            self._pixels,
            self._starts[chosen],
            self.shapes[chosen],
            [self.names[i] for i in chosen],
            self.skipped,
        )
