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
            of at most sixteen of them: the files of MNIST and Fashion-MNIST have the
            same names and sizes.
    """

    files: int
    bytes: int
    hash: str


def fingerprint(data: Path) -> Fingerprint:
    """Return the fingerprint of a data set: a folder at any depth, or a .npz file.

    Of another file, such as a table of labels, the folder that holds it counts. Hidden
    files and notes (texts, JSON, ...) do not count. A moved folder keeps its
    fingerprint; it changes if a file is renamed, added, removed or of another size.

    Args:
        data: the folder or the file, as in the option `--data`.

    Raises:
        UserError: there is no such file or folder, or it cannot be read.
    """
    if not os.path.exists(data):
        raise UserError(f"no such file or folder: {data}; check --data")
    folder = data if data.is_dir() else data.parent
    # A .npz is a whole data set; any other file belongs to those beside it.
    found = [data] if data.suffix.lower() == ".npz" else walk_files(folder, "data")
    names = {path.relative_to(folder).as_posix(): path for path in found}
    hashed, total = hashlib.sha256(), 0
    kept = sorted(n for n, path in names.items() if path.suffix.lower() not in _NOTES)
    try:
        for name in kept:
            size = os.stat(names[name]).st_size
            total += size
            hashed.update(os.fsencode(f"{name}|{size}\n"))
        for name in kept[:: -(-len(kept) // _SAMPLE) or 1]:
            with names[name].open("rb") as file:
                hashed.update(file.read(_BEGINNING))
    except OSError as error:
        raise UserError(f"cannot read {error.filename}: {error.strerror}") from error
    return Fingerprint(len(kept), total, hashed.hexdigest()[:20])
