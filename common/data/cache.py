"""A cache of decoded data: a file of plain bytes and a JSON description of it.

Its name contains a key, so that changed data or settings get another cache.

The description is written last and contains checksums of both files, so that a
truncated or damaged cache is detected and written again.
"""

import dataclasses
import hashlib
import json
import logging
import os
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from common.errors import UserError
from common.files import PRIVATE, atomic_path

_LOG = logging.getLogger(__name__)


def cache_key(folder: Path | str, names: Sequence[str], settings: str) -> str:
    """Return a hash of everything that decides what a cache contains.

    A file whose content was replaced is noticed even if its size and modification time
    are the same, because a system keeps the time of the last change itself. A folder
    that was moved or copied is decoded again.

    Args:
        folder: folder that contains the files; links in its path are resolved.
        names: their paths in it.
        settings: what is done to each file, and the version of the layout.

    Returns:
        20 hexadecimal digits, a hash of `settings`, of the folder's path and of the
        names, sizes, times of modification and change, and permissions of the files.
    """
    hashed = hashlib.sha256(os.fsencode(f"{settings}\n{os.path.realpath(folder)}"))
    for name in names:
        path = os.path.join(folder, name)
        try:
            info = os.stat(path)
            # A file that was skipped as unreadable may have become readable.
            readable = os.access(path, os.R_OK)
            times = f"{info.st_mtime_ns}|{info.st_ctime_ns}"
            state = f"{info.st_size}|{times}|{readable}"
        except OSError:
            state = "unreadable"  # a broken link, for example
        hashed.update(os.fsencode(f"\n{name}|{state}"))
    return hashed.hexdigest()[:20]


class Description(Protocol):
    """The description of a cache: a dataclass of values that JSON can store.

    Attributes:
        rows_crc: CRC-32 of the file of bytes.
    """

    __dataclass_fields__: dict[str, Any]
    rows_crc: int

    @property
    def byte_count(self) -> int:
        """Expected size of the file of bytes."""


AnyDescription = TypeVar("AnyDescription", bound=Description)


@dataclasses.dataclass(frozen=True)
class CacheFiles(Generic[AnyDescription]):
    """The two files of one cache.

    Attributes:
        rows: path of the file of bytes.
        kind: class of the description.
    """

    rows: Path
    kind: type[AnyDescription]

    @property
    def meta(self) -> Path:
        """Path of the JSON description, next to the file of bytes."""
        return self.rows.with_suffix(".json")

    def open(
        self, build: Callable[[], AnyDescription], memory_mb: float
    ) -> tuple[np.ndarray, AnyDescription]:
        """Open the cache. If it is missing or damaged, write it first.

        Args:
            build: function that writes the bytes to `rows` and returns their
                description.
            memory_mb: largest size in MB that is read into memory. A larger file is
                memory-mapped, and its checksum is not verified, because that would
                read the whole file.

        Returns:
            The bytes, uint8 (byte_count,), read-only, and the description.

        Raises:
            UserError: the cache cannot be written, or cannot be read after writing.
        """
        cached = self._load(memory_mb)
        if cached is None:
            self._write_meta(build())
            cached = self._load(memory_mb)
        if cached is None:
            raise UserError(
                f"the cache {self.rows} cannot be read back; check the disk or "
                "choose another cache folder"
            )
        return cached

    def _load(self, memory_mb: float) -> tuple[np.ndarray, AnyDescription] | None:
        """Return bytes and description, or None if they are missing or damaged."""
        if not self.meta.is_file():
            return None
        meta = self._read_meta()
        size = self.rows.stat().st_size if self.rows.is_file() else -1
        if meta is None or size != meta.byte_count:
            return self._damaged()
        if size > memory_mb * 1e6:
            return np.memmap(self.rows, np.uint8, "r"), meta
        data = np.fromfile(self.rows, np.uint8)
        data.flags.writeable = False  # as for a mapped file
        return (data, meta) if zlib.crc32(data) == meta.rows_crc else self._damaged()

    def _damaged(self) -> None:
        """Warn that the cache is damaged."""
        _LOG.warning("%s is damaged; it is written again", self.rows)

    def _write_meta(self, meta: AnyDescription) -> None:
        """Write the description: its checksum on the first line, then the JSON."""
        body = json.dumps(dataclasses.asdict(meta))
        with atomic_path(self.meta, PRIVATE) as temporary:
            temporary.write_text(f"{zlib.crc32(body.encode())}\n{body}\n", "utf-8")

    def _read_meta(self) -> AnyDescription | None:
        """Return the description, or None if it is damaged."""
        try:
            checksum, body = self.meta.read_text("utf-8").split("\n", 1)
            body = body.rstrip("\n")
            if int(checksum) != zlib.crc32(body.encode()):
                return None
            return self.kind(**json.loads(body))
        except (OSError, ValueError, TypeError):
            return None
