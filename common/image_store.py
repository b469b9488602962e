"""A folder of images as uint8 rows: decoded once, opened in a moment after.

The cache of a folder is two files named by a key: the rows (one image each, RGB,
uncompressed) and a JSON description, which is written last.
"""

import dataclasses
import hashlib
import json
import logging
import os
import warnings
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from common.errors import UserError
from common.files import atomic_path, default_cache_dir
from common.image_files import Fit, ImageError, find_images, read_image

FORMAT = 1
_MAX_THREADS = 8
# Decoded images that may wait for their turn to be written, for each thread.
_AHEAD = 16
_TOLD = 3
_LOG = logging.getLogger(__name__)


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
        stem = caches / f"images-{_cache_key(folder, names, size, fit)}"
        store = cls._load(stem, memory_mb)
        if store is None:
            threads = threads or min(_MAX_THREADS, os.cpu_count() or 1)
            _build(stem, folder, names, size, fit, threads)
            store = cls._load(stem, memory_mb)
        if store is None:
            raise UserError(
                f"the cache {_paths(stem)[0]} cannot be read back; check the disk or "
                "choose another cache folder"
            )
        _warn_of_skipped(folder, store, _paths(stem)[1])
        return store

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

    @classmethod
    def _load(cls, stem: Path, memory_mb: float) -> "ImageStore | None":
        """Return the store of a cache, or None where it is missing or damaged."""
        rows_path, meta_path = _paths(stem)
        if not meta_path.is_file():
            return None
        meta = _read_meta(meta_path)
        shape = (len(meta.names), meta.size, meta.size, 3) if meta else (0,)
        size = rows_path.stat().st_size if rows_path.is_file() else -1
        if meta is None or size != np.prod(shape, dtype=np.int64):
            _LOG.warning("%s is damaged; it is written anew", rows_path)
            return None
        if size > memory_mb * 1e6:
            images = np.memmap(rows_path, np.uint8, "r", shape=shape)
        else:
            images = np.fromfile(rows_path, np.uint8).reshape(shape)
            images.flags.writeable = False  # as the mapped ones are
            # Mapped rows are not checked: that would read the whole file.
            if zlib.crc32(images) != meta.rows_crc:
                _LOG.warning("%s is damaged; it is written anew", rows_path)
                return None
        return cls(images, meta.names, meta.skipped)


def split_names(names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Divide images into some to train on and some to test on, by name alone.

    Where there are images both below `train/` and below `test/`, those folders
    decide, and what is in neither is left out. Otherwise the last sixth of the
    names in sorted order, N / 6 rounded (a half upwards) but at least 1, is held
    out. The same names give the same parts.

    Args:
        names: paths with "/" in them, as in `ImageStore.names`.

    Returns:
        Indices of the training and of the test images, int64, each ascending.

    Raises:
        UserError: there are fewer than 2 names.
    """
    if len(names) < 2:
        raise UserError(
            "expected at least 2 images to divide into training and test images, "
            f"found {len(names)}; add some"
        )
    tops = np.array([n.split("/")[0] if "/" in n else "" for n in names])
    train, test = (np.flatnonzero(tops == part) for part in ("train", "test"))
    if not (len(train) and len(test)):
        order = sorted(range(len(names)), key=names.__getitem__)
        held_out = max(1, (len(names) + 3) // 6)
        return np.sort(order[:-held_out]), np.sort(order[-held_out:])
    if left := len(names) - len(train) - len(test):
        _LOG.warning("left out: %d images, neither in train/ nor test/", left)
    return train, test


def _cache_key(folder: Path, names: Sequence[str], size: int, fit: Fit) -> str:
    """Return a hash of everything that decides what the cache holds."""
    hashed = hashlib.sha256(f"{FORMAT} {size} {fit}".encode())
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


def _paths(stem: Path) -> tuple[Path, Path]:
    """Return the paths of the rows and of the description of a cache."""
    return stem.with_name(stem.name + ".rgb"), stem.with_name(stem.name + ".json")


def _build(
    stem: Path, folder: Path, names: Sequence[str], size: int, fit: Fit, threads: int
) -> None:
    """Decode all files into a cache; a row is forgotten once it is written."""
    rows_path, meta_path = _paths(stem)
    kept, skipped, crc = [], {}, 0
    decoded = _decode_in_order(folder, names, size, fit, threads)
    bar = tqdm(decoded, "decoding images", len(names), unit="file", disable=None)
    with (
        warnings.catch_warnings(),
        atomic_path(rows_path) as temporary,
        temporary.open("wb") as out,
    ):
        # Set here, because filters belong to the process and not to a thread.
        warnings.filterwarnings("ignore", module="PIL")
        for name, row in zip(names, bar, strict=True):
            if isinstance(row, ImageError):
                skipped[name] = row.reason
                continue
            out.write(row)
            crc = zlib.crc32(row, crc)
            kept.append(name)
        if not kept:
            name, reason = next(iter(skipped.items()))
            raise UserError(
                f"none of the {len(skipped)} image files in {folder} is usable; the "
                f"first is {name}: {reason}"
            )
    body = json.dumps(dataclasses.asdict(_Meta(size, crc, kept, skipped)))
    # The first line is the checksum of the second.
    with atomic_path(meta_path) as temporary:
        temporary.write_text(f"{zlib.crc32(body.encode())}\n{body}\n", "utf-8")


def _decode_in_order(
    folder: Path, names: Sequence[str], size: int, fit: Fit, threads: int
) -> Iterator[np.ndarray | ImageError]:
    """Yield each image, or what is wrong with it; few of them wait at a time."""

    def decode(name: str) -> np.ndarray | ImageError:
        try:
            return read_image(folder / name, (size, size), fit)
        except ImageError as error:
            return error

    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future] = deque()
        for name in names:
            if len(waiting) == _AHEAD * threads:
                yield waiting.popleft().result()
            waiting.append(pool.submit(decode, name))
        while waiting:
            yield waiting.popleft().result()


def _warn_of_skipped(folder: Path, store: ImageStore, meta_path: Path) -> None:
    """Say in one line what is missing from a store."""
    if not store.skipped:
        return
    first = [f"{n}: {reason}" for n, reason in list(store.skipped.items())[:_TOLD]]
    _LOG.warning(
        "%d of %d files in %s are no usable images and left out: %s; %s lists all",
        *(len(store.skipped), len(store) + len(store.skipped), folder),
        *("; ".join(first), meta_path),
    )


def _read_meta(path: Path) -> _Meta | None:
    """Return the description of a cache, or None where it is damaged."""
    try:
        checksum, body = path.read_text("utf-8").split("\n", 1)
        body = body.rstrip("\n")
        if int(checksum) != zlib.crc32(body.encode()):
            return None
        return _Meta(**json.loads(body))
    except (OSError, ValueError, TypeError):
        return None
