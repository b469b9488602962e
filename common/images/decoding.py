"""What every cache of a folder of images needs: its key, and decoding in order."""

import hashlib
import logging
import os
import warnings
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from common.errors import UserError
from common.files import atomic_path
from common.images.reading import ImageError

_MAX_THREADS = 8
_TOLD = 3
_LOG = logging.getLogger(__name__)


class Written(NamedTuple):
    """What a folder of images has become.

    Attributes:
        names: paths of the images that were written, in order.
        shapes: (height, width) of each, pixels.
        skipped: paths of the files that are no usable images, with the reasons.
        crc: CRC-32 of all bytes.
    """

    names: list[str]
    shapes: list[tuple[int, int]]
    skipped: dict[str, str]
    crc: int


def cache_key(folder: Path, names: Sequence[str], settings: str) -> str:
    """Return a hash of everything that decides what a cache holds.

    Args:
        folder: where the images are.
        names: their paths in it.
        settings: what is done to each, and the version of the layout.

    Returns:
        20 hexadecimal digits, of `settings` and the names, sizes and times of the
        files.
    """
    hashed = hashlib.sha256(settings.encode())
    for name in names:
        path = os.path.join(folder, name)
        try:
            info = os.stat(path)
            # A file that was skipped for its permissions may have got others.
            readable = os.access(path, os.R_OK)
            state = f"{info.st_size}|{info.st_mtime_ns}|{readable}"
        except OSError:
            state = "unreadable"  # a broken link, for example
        hashed.update(os.fsencode(f"\n{name}|{state}"))
    return hashed.hexdigest()[:20]


def write_decoded(
    rows: Path,
    folder: Path,
    names: Sequence[str],
    read: Callable[[Path], np.ndarray],
    *,
    ahead: int,
    threads: int | None = None,
) -> Written:
    """Decode files one after the other into one file of plain bytes.

    Args:
        rows: the file to write. It appears when it is complete.
        folder: where the images are.
        names: their paths in it.
        read: path -> uint8 (H, W, 3); raises ImageError for what is no image.
        ahead: decoded images that may wait to be written, for each thread.
        threads: how many decode; default one for each core, at most 8.

    Returns:
        What was written.

    Raises:
        UserError: none of the files is a usable image, or `rows` cannot be written.
    """
    threads = threads or min(_MAX_THREADS, os.cpu_count() or 1)
    kept, shapes, skipped, crc = [], [], {}, 0
    decoded = _decode_in_order(folder, names, read, ahead * threads, threads)
    bar = tqdm(decoded, "decoding images", len(names), unit="file", disable=None)
    with (
        warnings.catch_warnings(),
        atomic_path(rows) as temporary,
        temporary.open("wb") as out,
    ):
        # Set here, because filters belong to the process and not to a thread.
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
    return Written(kept, shapes, skipped, crc)


def warn_of_skipped(
    folder: Path, count: int, skipped: dict[str, str], meta: Path
) -> None:
    """Say in one line what is missing from a store.

    Args:
        folder: where the images are.
        count: how many of them are in the store.
        skipped: path -> reason of the others.
        meta: the file that lists them all.
    """
    if not skipped:
        return
    first = [f"{name}: {reason}" for name, reason in list(skipped.items())[:_TOLD]]
    _LOG.warning(
        "%d of %d files in %s are no usable images and left out: %s; %s lists all",
        *(len(skipped), count + len(skipped), folder),
        *("; ".join(first), meta),
    )


def _decode_in_order(
    folder: Path,
    names: Sequence[str],
    read: Callable[[Path], np.ndarray],
    most: int,
    threads: int,
) -> Iterator[np.ndarray | ImageError]:
    """Yield each image, or what is wrong with it; at most `most` of them wait."""

    def decode(name: str) -> np.ndarray | ImageError:
        try:
            return read(folder / name)
        except ImageError as error:
            return error

    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future] = deque()
        for name in names:
            if len(waiting) == most:
                yield waiting.popleft().result()
            waiting.append(pool.submit(decode, name))
        while waiting:
            yield waiting.popleft().result()
