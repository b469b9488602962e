"""A fingerprint of a data set, by which a resumed run recognises its own."""

import dataclasses
import hashlib
import os
from pathlib import Path

from common.data.folders import walk_files
from common.errors import UserError

# Files beside the data that may come and go.
_NOTES = frozenset(
    (".txt", ".md", ".rst", ".json", ".yaml", ".yml", ".log", ".html", ".pdf", ".py")
)


# Files whose beginnings are read, and how much of them, in bytes.
_SAMPLE = 16
_BEGINNING = 2**16


@dataclasses.dataclass(frozen=True)
class Fingerprint:
    """What identifies a data set, read in a moment.

    Attributes:
        files: number of files.
        bytes: their total size.
        hash: hash of their paths in the folder, of their sizes, and of the beginnings
            of sixteen of them: the files of MNIST and Fashion-MNIST have the same names
            and sizes.
    """

    files: int
    bytes: int
    hash: str


def fingerprint(data: Path) -> Fingerprint:
    """Return the fingerprint of a folder, at any depth, or of a single file.

    Hidden files and notes (texts, JSON, ...) do not count. A moved folder keeps its
    fingerprint; it changes if a file is renamed, added, removed or of another size.

    Args:
        data: the folder or the file.

    Raises:
        UserError: there is no such file or folder, or it cannot be read.
    """
    if not data.exists():
        raise UserError(f"no such file or folder: {data}; check --data")
    folder = data if data.is_dir() else data.parent
    found = walk_files(data, "data") if data.is_dir() else [data]
    names = {path.relative_to(folder).as_posix(): path for path in found}
    hashed, total = hashlib.sha256(), 0
    kept = sorted(n for n, path in names.items() if path.suffix.lower() not in _NOTES)
    try:
        for name in kept:
            size = os.stat(names[name]).st_size
            total += size
            hashed.update(os.fsencode(f"{name}|{size}\n"))
        for name in kept[:: max(1, len(kept) // _SAMPLE)]:
            with names[name].open("rb") as file:
                hashed.update(file.read(_BEGINNING))
    except OSError as error:
        raise UserError(f"cannot read {error.filename}: {error.strerror}") from error
    return Fingerprint(len(kept), total, hashed.hexdigest()[:20])
