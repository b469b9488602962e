"""What both stores of images share: opening the cache of a folder, and filling it."""

import logging
import os
import warnings
import zlib
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from tqdm import tqdm

from common.data.cache import CacheFiles, Description, cache_key
from common.data.folders import warn_once
from common.errors import UserError
from common.files import PRIVATE, atomic_path, default_cache_dir
from common.images.image_file import ImageError, count_pixels
from common.images.limits import MAX_PIXELS
from common.images.reading import find_images

_MAX_THREADS = 8
# Pixels of all images that are being decoded or wait: two of the largest.
_PIXELS_AT_ONCE = 2 * MAX_PIXELS
# Number of unusable files that the warning names.
_NAMED_FILES = 3
_LOG = logging.getLogger(__name__)


class Written(NamedTuple):
    """What has been decoded from a folder of images and written to a cache.

    Attributes:
        names: paths of the images that were written, in order.
        shapes: (height, width) of each image, pixels.
        skipped: paths of the files that are not usable images, with the reasons.
        cut: paths of the images whose further frames or pages are not read.
        crc: CRC-32 of all bytes.
    """

    names: list[str]
    shapes: list[tuple[int, int]]
    skipped: dict[str, str]
    cut: list[str]
    crc: int


class FolderDescription(Description, Protocol):
    """The description of the cache of a folder of images.

    Attributes:
        names: path of each image in the folder.
        skipped: paths of the files that are not usable images, with the reasons.
        cut: paths of the images whose further frames or pages are not read.
    """

    names: list[str]
    skipped: dict[str, str]
    cut: list[str]


# A function from a path to uint8 (H, W, 3), which raises an ImageError for a file that
# is not a usable image. It calls the second argument with the path if the file has
# further frames or pages.
Read = Callable[[Path, Callable[[Path], None]], np.ndarray]
AnyDescription = TypeVar("AnyDescription", bound=FolderDescription)


def open_folder(
    folder: Path | str,
    read: Read,
    describe: Callable[[Written], AnyDescription],
    kind: type[AnyDescription],
    *,
    prefix: str,
    settings: str,
    ahead: int,
    known: Collection[str] = (),
    memory_mb: float,
    cache_dir: Path | str | None,
    threads: int | None = None,
) -> tuple[np.ndarray, AnyDescription]:
    """Open the cache of all images below a folder; decode them on first use.

    Warnings name the files that are not usable images, and those of which only the
    first frame is read, at every opening.

    Args:
        folder: folder that contains the images, at any depth.
        read: function that reads an image.
        describe: function from what was written to the description of the cache.
        kind: class of the description.
        prefix: start of the names of the cache's files.
        settings: what `read` does to each image, and the version of the layout; a
            part of the cache's key.
        ahead: number of decoded images per thread that may wait to be written.
        known: names of other files that belong there, such as a table of labels.
        memory_mb: largest size in MB that is read into memory; a larger cache is
            memory-mapped.
        cache_dir: folder of caches; by default that of the project.
        threads: number of threads that decode; default one per core, at most 8.

    Returns:
        The pixels of all images in the order of their names, uint8 (n,), read-only,
        and the description.

    Raises:
        UserError: the folder is missing, unreadable or without usable images, or the
            cache cannot be written.
    """
    folder = Path(folder)
    found = find_images(folder, known)
    names = [path.relative_to(folder).as_posix() for path in found]
    caches = default_cache_dir() if cache_dir is None else Path(cache_dir)
    key = cache_key(folder, names, settings)
    files = CacheFiles(caches / f"{prefix}-{key}.rgb", kind)

    def build() -> AnyDescription:
        return describe(
            write_decoded(files.rows, folder, names, read, ahead=ahead, threads=threads)
        )

    pixels, description = files.open(build, memory_mb)
    warn_of_skipped(folder, len(description.names), description.skipped, files.meta)
    if cut := description.cut:
        warn_once(
            f"{len(cut)} of {len(description.names)} images in {folder} have several "
            f"frames or pages, of which the first is taken ({cut[0]}, for example)"
        )
    return pixels, description


def write_decoded(
    rows: Path,
    folder: Path,
    names: Sequence[str],
    read: Read,
    *,
    ahead: int,
    threads: int | None = None,
) -> Written:
    """Decode image files in order and write their pixels to one file.

    Args:
        rows: path of the file to write; it appears only when it is complete.
        folder: folder that contains the images.
        names: their paths in it.
        read: function that reads an image.
        ahead: number of decoded images per thread that may wait to be written.
        threads: number of threads that decode; default one per core, at most 8.

    Returns:
        What was written.

    Raises:
        UserError: none of the files is a usable image, or `rows` cannot be written.
    """
    threads = threads or min(_MAX_THREADS, os.cpu_count() or 1)
    kept, shapes, skipped, crc = [], [], {}, 0
    cut: list[Path] = []
    paths = [folder / name for name in names]
    decoded = _decode_in_order(
        paths, lambda path: read(path, cut.append), ahead * threads, threads
    )
    bar = tqdm(decoded, "decoding images", len(names), unit="file", disable=None)
    with (
        warnings.catch_warnings(),
        atomic_path(rows, PRIVATE) as temporary,
        temporary.open("wb") as out,
    ):
        # Set here and not in the threads: filters belong to the whole process.
        warnings.filterwarnings("ignore", module="PIL")
        for name, image in zip(names, bar, strict=True):
            if isinstance(image, ImageError):
                skipped[name] = image.reason
                continue
            out.write(image)
            crc = zlib.crc32(image, crc)
            kept.append(name)
            shapes.append(image.shape[:2])
        if not kept:
            name, reason = next(iter(skipped.items()))
            raise UserError(
                f"none of the {len(skipped)} image files in {folder} is usable; the "
                f"first is {name}: {reason}"
            )
    have_more = {path.relative_to(folder).as_posix() for path in cut}
    return Written(kept, shapes, skipped, [n for n in kept if n in have_more], crc)


def warn_of_skipped(
    folder: Path, count: int, skipped: dict[str, str], meta: Path
) -> None:
    """Warn in one line of the files that are missing from a store.

    Args:
        folder: folder that contains the images.
        count: number of images in the store.
        skipped: paths of the files that are not usable images, with the reasons.
        meta: path of the file that lists all of them.
    """
    if not skipped:
        return
    items = list(skipped.items())[:_NAMED_FILES]
    _LOG.warning(
        "%d of %d files in %s are not usable images and are left out: %s; %s lists all",
        len(skipped),
        count + len(skipped),
        folder,
        "; ".join(f"{name}: {reason}" for name, reason in items),
        meta,
    )


def _decode_in_order(
    paths: Sequence[Path],
    read: Callable[[Path], np.ndarray],
    max_waiting: int,
    threads: int,
) -> Iterator[np.ndarray | ImageError]:
    """Yield each image or its error in order.

    At most `max_waiting` images are being decoded or wait, and together they have at
    most `_PIXELS_AT_ONCE` pixels, so that large ones do not fill the memory.
    """

    def decode(path: Path) -> np.ndarray | ImageError:
        try:
            return read(path)
        except ImageError as error:
            return error

    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[tuple[Future, int]] = deque()
        in_flight = 0
        for path in paths:
            pixels = count_pixels(path)
            while waiting and (
                len(waiting) == max_waiting or in_flight + pixels > _PIXELS_AT_ONCE
            ):
                future, size = waiting.popleft()
                yield future.result()
                in_flight -= size
            waiting.append((pool.submit(decode, path), pixels))
            in_flight += pixels
        while waiting:
            yield waiting.popleft()[0].result()
