"""Finding the data files below a folder, and the names of folders that mean a split.

Every loader finds its files here, so that all of them pass over the same files and
name what they pass over.
"""

import functools
import logging
import os
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Literal

from common.errors import UserError

Split = Literal["train", "validation", "test"]
# The names that people give to the folders of a split, in lower case.
SPLIT_NAMES: dict[str, Split] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
# Reasons for passing over a file that are named in one line.
_MOST_REASONS = 5
_HIDDEN = "hidden"
_LOG = logging.getLogger(__name__)


def find_files(
    folder: Path | str,
    suffixes: Collection[str],
    kind: str,
    known: Collection[str] = (),
) -> list[Path]:
    """Find the data files below a folder by their suffixes.

    Hidden files and folders (their names begin with a dot), files with other suffixes
    and broken links are passed over; a warning counts them and names one of each kind.
    Links are followed, but each folder is entered once, under its own path if that is
    below `folder`.

    Args:
        folder: folder to search.
        suffixes: suffixes of the files wanted, in lower case, with the dot; a file's
            suffix may be in any case.
        kind: what the files are, in the plural, for messages, for example "images".
        known: names of other files that belong there, so that no warning names them.

    Returns:
        Paths that begin with `folder`, sorted by the part below it with "/" as
        separator; empty if there are none.

    Raises:
        UserError: there is no such folder, or it or one below it cannot be read.
    """
    folder = Path(folder)
    found: list[Path] = []
    passed_over: dict[str, list[str]] = {}
    for entry in _walk(folder, kind):
        reason = _reason_against(entry, suffixes)
        if reason is None:
            found.append(Path(entry.path))
        elif entry.name not in known:
            passed_over.setdefault(reason, []).append(entry.name)
    if passed_over:
        warn_once(f"{folder}: passed over {_listed(passed_over)}")
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def no_files(folder: Path | str, kind: str, expected: str) -> UserError:
    """Return the error for a folder that has none of the expected files.

    Args:
        folder: folder that was searched.
        kind: what the files are, in the plural, for example "images".
        expected: the suffixes or names of such files.
    """
    by_kind: dict[str, list[str]] = {}
    for entry in _entries(os.fspath(folder), kind):
        is_folder = _is_folder(entry) and not entry.name.startswith(".")
        found = "folder" if is_folder else _reason_against(entry, ())
        by_kind.setdefault(found, []).append(entry.name)
    return UserError(
        f"no {kind} in {folder}; expected {expected}, found "
        f"{_listed(by_kind) or 'nothing'}"
    )


def check_folder(folder: Path | str, kind: str) -> None:
    """Check that a folder exists.

    Args:
        folder: path to check.
        kind: what it should contain, in the plural, for example "images".

    Raises:
        UserError: there is nothing, or a file.
    """
    if os.path.isdir(folder):
        return
    if os.path.lexists(folder):
        raise UserError(f"{folder} is a file; expected a folder of {kind}")
    raise UserError(f"no such directory: {folder}; check the path")


def split_of(path: str, aliases: Mapping[str, Split] | None = None) -> Split | None:
    """Return the split that the folders on a path name, or None if none does.

    train and training, val, valid and validation, test and testing are such names, in
    upper or lower case. The topmost one decides.

    Args:
        path: path of a file below the data folder, with "/" as separator.
        aliases: further names of folders, with the split of each.
    """
    for name in path.split("/")[:-1]:
        split = (aliases or {}).get(name) or SPLIT_NAMES.get(name.lower())
        if split:
            return split
    return None


def walk_files(folder: Path, kind: str) -> list[Path]:
    """Find all files below a folder that are neither hidden nor broken links.

    Args:
        folder: folder to search.
        kind: what the files are, in the plural, for messages.

    Raises:
        UserError: there is no such folder, or it or one below it cannot be read.
    """
    return [
        Path(entry.path)
        for entry in _walk(folder, kind)
        if not entry.name.startswith(".") and os.path.isfile(entry.path)
    ]


def _walk(folder: Path, kind: str) -> Iterator[os.DirEntry]:
    """Yield all files, and the hidden folders, below a folder.

    Folders come before links to folders, so that a folder that is reached in two ways
    has the path without the link.
    """
    folders, links = deque([os.fspath(folder)]), deque()
    entered = set()
    while folders or links:
        current = folders.popleft() if folders else links.popleft()
        real = os.path.realpath(current)
        if real in entered:
            continue
        entered.add(real)
        for entry in _entries(current, kind):
            if not _is_folder(entry) or entry.name.startswith("."):
                yield entry
            else:
                (links if entry.is_symlink() else folders).append(entry.path)


def _entries(folder: str, kind: str) -> list[os.DirEntry]:
    """Return the entries of a folder, sorted by name."""
    check_folder(folder, kind)
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise UserError(
            f"cannot read the folder {folder}: {error.strerror}; change its "
            "permissions or move it elsewhere"
        ) from error


def _is_folder(entry: os.DirEntry) -> bool:
    """Return whether an entry is a folder or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _reason_against(entry: os.DirEntry, suffixes: Collection[str]) -> str | None:
    """Return why an entry is passed over, or None if it is a file that is wanted."""
    if entry.name.startswith("."):
        return _HIDDEN
    if _suffix(entry.name) not in suffixes:
        return _suffix(entry.name)
    if not os.path.exists(entry.path):
        return "broken link"
    return None


def _suffix(name: str) -> str:
    """Return the suffix of a file name in lower case, or what to call its absence."""
    return os.path.splitext(name)[1].lower() or "no suffix"


def _listed(names_by_reason: Mapping[str, list[str]]) -> str:
    """Return counts and one example of each kind of file, the most frequent first."""
    ordered = sorted(names_by_reason.items(), key=lambda item: -len(item[1]))
    shown, others = ordered[:_MOST_REASONS], ordered[_MOST_REASONS:]
    parts = [f"{len(names)} {reason} ({names[0]})" for reason, names in shown]
    if others:
        parts.append(f"{sum(len(names) for _, names in others)} others")
    return ", ".join(parts)


@functools.cache
def warn_once(message: str) -> None:
    """Log a warning, unless this process has logged the same before.

    The splits of a folder are read one by one, and each reading finds the same.
    """
    _LOG.warning("%s", message)
