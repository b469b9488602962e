"""A cache of decoded data: a file of plain bytes and a JSON description of them.

The description is written last and holds checksums of both, so a cache that was
cut short or damaged is found out and written anew.
"""

import dataclasses
import json
import logging
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from common.errors import UserError
from common.files import atomic_path

_LOG = logging.getLogger(__name__)


class Description(Protocol):
    """What a cache says about itself: a dataclass of what JSON can hold.

    Attributes:
        rows_crc: CRC-32 of the bytes.
    """

    __dataclass_fields__: dict[str, Any]
    rows_crc: int

    @property
    def byte_count(self) -> int:
        """How many bytes belong to it."""


AnyDescription = TypeVar("AnyDescription", bound=Description)


@dataclasses.dataclass(frozen=True)
class CacheFiles(Generic[AnyDescription]):
    """The two files of one cache.

    Attributes:
        rows: path of the bytes.
        kind: class of the description.
    """

    rows: Path
    kind: type[AnyDescription]

    @property
    def meta(self) -> Path:
        """Path of the description."""
        return self.rows.with_suffix(".json")

    def open(
        self, build: Callable[[], AnyDescription], memory_mb: float
    ) -> tuple[np.ndarray, AnyDescription]:
        """Open the cache; where it is missing or damaged, write it first.

        Args:
            build: writes the bytes to `rows` and returns their description.
            memory_mb: at most so many MB are read into memory; more are mapped from
                the file, and not checked: that would read the whole file.

        Returns:
            The bytes, uint8 (byte_count,), not to be written to; the description.

        Raises:
            UserError: the cache cannot be written or not be read back.
        """
        found = self._load(memory_mb)
        if found is None:
            self._write_meta(build())
            found = self._load(memory_mb)
        if found is None:
            raise UserError(
                f"the cache {self.rows} cannot be read back; check the disk or "
                "choose another cache folder"
            )
        return found

    def _load(self, memory_mb: float) -> tuple[np.ndarray, AnyDescription] | None:
        """Return bytes and description, or None where they are missing or damaged."""
        if not self.meta.is_file():
            return None
        meta = self._read_meta()
        size = self.rows.stat().st_size if self.rows.is_file() else -1
        if meta is None or size != meta.byte_count:
            return self._damaged()
        if size > memory_mb * 1e6:
            return np.memmap(self.rows, np.uint8, "r"), meta
        data = np.fromfile(self.rows, np.uint8)
        data.flags.writeable = False  # as the mapped ones are
        return (data, meta) if zlib.crc32(data) == meta.rows_crc else self._damaged()

    def _damaged(self) -> None:
        """Say what happens to a damaged cache."""
        _LOG.warning("%s is damaged; it is written anew", self.rows)

    def _write_meta(self, meta: AnyDescription) -> None:
        body = json.dumps(dataclasses.asdict(meta))
        # The first line is the checksum of the second.
        with atomic_path(self.meta) as temporary:
            temporary.write_text(f"{zlib.crc32(body.encode())}\n{body}\n", "utf-8")

    def _read_meta(self) -> AnyDescription | None:
        """Return the description, or None where it is damaged."""
        try:
            checksum, body = self.meta.read_text("utf-8").split("\n", 1)
            body = body.rstrip("\n")
            if int(checksum) != zlib.crc32(body.encode()):
                return None
            return self.kind(**json.loads(body))
        except (OSError, ValueError, TypeError):
            return None
