"""A folder of images as squares of one size: decoded once, then opened quickly.

The cache of a folder is two files named by a key: the pixels (one image after another,
RGB, uncompressed) and a JSON description, which is written last.
"""

import dataclasses
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np

from common.images.decoding import Written, open_folder
from common.images.reading import Fit, read_image

FORMAT = 2  # a part of the caches' keys; raise it when images are read differently
# Decoded images per thread that may wait to be written.
_AHEAD = 16


@dataclasses.dataclass(frozen=True)
class SquaresMeta:
    """The description of a cache of square images.

    Attributes:
        size: edge length of the images, pixels.
        rows_crc: CRC-32 of all pixels.
        names: path of each image in the folder.
        skipped: paths of the files that are not usable images, with the reasons.
        cut: paths of the images whose further frames or pages are not read.
    """

    size: int
    rows_crc: int
    names: list[str]
    skipped: dict[str, str]
    cut: list[str]

    @classmethod
    def of(cls, size: int, written: Written) -> "SquaresMeta":
        """Describe images that have been decoded and written.

        Args:
            size: edge length of the images, pixels.
            written: what was written.
        """
        return cls(size, written.crc, written.names, written.skipped, written.cut)

    @property
    def byte_count(self) -> int:
        """Number of bytes of all images."""
        return len(self.names) * self.size**2 * 3


class ImageStore:
    """The images of a folder, in memory or memory-mapped.

    Attributes:
        images: uint8 (N, H, W, 3), RGB, read-only.
        names: path of each image in the folder, with "/" as separator.
        skipped: paths of the files that are not usable images, with the reasons.
    """

    def __init__(
        self, images: np.ndarray, names: Sequence[str], skipped: dict[str, str]
    ) -> None:
        """Make a store of decoded images; usually called through `open`.

        Args:
            images: uint8 (N, H, W, 3), RGB.
            names: N paths, one for each image.
            skipped: paths of the files that are not usable images, with the reasons.
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
        known: Collection[str] = (),
        memory_mb: float = 512,
        cache_dir: Path | str | None = None,
        threads: int | None = None,
    ) -> "ImageStore":
        """Open all images below a folder as squares; decode them on first use.

        The cache belongs to `size`, `fit` and the names, sizes and times of the
        files: after a change of any of them the images are decoded again. A damaged
        cache is written again. Files that are not usable images are left out, with a
        warning at every opening.

        Args:
            folder: folder that contains the images, at any depth.
            size: edge length of the squares, pixels, at least 1.
            fit: "crop" cuts the largest square out of the middle of each image,
                "stretch" resizes the whole image.
            known: names of other files that belong there, such as a table of labels.
            memory_mb: largest total size in MB that is read into memory; larger
                caches are memory-mapped.
            cache_dir: folder of caches; default `gan-projects-in-keras` in
                $XDG_CACHE_HOME or ~/.cache.
            threads: number of threads that decode; default one per core, at most 8.

        Returns:
            The store, sorted by name.

        Raises:
            UserError: the folder is missing, unreadable or without usable images,
                or the cache cannot be written.
        """

        def read(path: Path, tell_of_more: Callable[[Path], None]) -> np.ndarray:
            return read_image(path, (size, size), fit, tell_of_more)

        def describe(written: Written) -> SquaresMeta:
            return SquaresMeta.of(size, written)

        rows, meta = open_folder(
            folder,
            read,
            describe,
            SquaresMeta,
            prefix="images",
            settings=f"{FORMAT} {size} {fit}",
            ahead=_AHEAD,
            known=known,
            memory_mb=memory_mb,
            cache_dir=cache_dir,
            threads=threads,
        )
        return cls(rows.reshape(-1, size, size, 3), meta.names, meta.skipped)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def subset(self, indices: np.ndarray | Sequence[int]) -> "ImageStore":
        """Return a store of some of the images.

        Args:
            indices: int (n,). If they are consecutive (as often from `split_names`),
                the result is a view; otherwise the images are copied.

        Returns:
            The store of n images; its `skipped` is still that of the whole folder.
        """
        chosen = np.asarray(indices, np.int64)
        names = [self.names[i] for i in chosen]
        if len(chosen) and chosen[0] >= 0 and np.all(np.diff(chosen) == 1):
            chosen = slice(chosen[0], chosen[-1] + 1)
        return ImageStore(self.images[chosen], names, self.skipped)
