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


@dataclasses.dataclass(frozen=True)
class Fingerprint:
    """What identifies a data set without reading its files.

    Attributes:
        files: number of files.
        bytes: their total size.
        names: hash of their paths in the folder and of their sizes.
    """

    files: int
    bytes: int
    names: str


def fingerprint(data: Path) -> Fingerprint:
    """Return the fingerprint of a folder, at any depth, or of a single file.

    Hidden files and notes (texts, JSON, ...) do not count. A moved folder keeps its
    fingerprint; it changes if a file is renamed, added, removed or of another size.

    Args:
        data: the folder or the file.

    Raises:
        UserError: there is no such file or folder, or a folder cannot be read.
    """
    if not data.exists():
        raise UserError(f"no such file or folder: {data}; check --data")
    folder = data if data.is_dir() else data.parent
    lines, total = [], 0
    for path in walk_files(data, "data") if data.is_dir() else [data]:
        if path.suffix.lower() in _NOTES:
            continue
        size = os.stat(path).st_size
        total += size
        name = path.relative_to(folder).as_posix()
        lines.append(os.fsencode(name) + b"|%d" % size)
    names = hashlib.sha256(b"\n".join(sorted(lines))).hexdigest()[:20]
    return Fingerprint(len(lines), total, names)
