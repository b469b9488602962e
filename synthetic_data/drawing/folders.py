"""Folders of procedural files: written completely or not at all, and only once."""

import contextlib
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path

from common.errors import UserError
from common.files import atomic_path

# File that records the arguments with which a folder was drawn.
NOTE = "synthetic.json"
# Lowest value, highest value and unit of each argument.
Limits = Mapping[str, tuple[int, int, str]]


def write_once(
    folder: Path,
    numbers: dict[str, int | str],
    files: set[str],
    write: Callable[[Path], object],
) -> None:
    """Write a folder, unless it was written with the same arguments before.

    All files appear at once, after the last one is complete. If another process
    has written the same folder in the meantime, that one is kept.

    Args:
        folder: folder to write.
        numbers: arguments that determine its content, by name.
        files: relative paths of all files in it except `NOTE`, with "/".
        write: function that writes the files into the folder it is passed.

    Raises:
        UserError: the folder holds other files, or cannot be written.
    """
    note = json.dumps(numbers) + "\n"

    def write_all(temporary: Path) -> None:
        write(temporary)
        (temporary / NOTE).write_text(note, "utf-8")

    write_if_missing(folder, lambda: is_there(folder, files, note), write_all)


def write_if_missing(
    folder: Path, is_written: Callable[[], bool], write: Callable[[Path], object]
) -> None:
    """Write a folder, unless it is written already or another process is faster.

    Args:
        folder: folder to write.
        is_written: function that returns whether the folder is complete.
        write: function that writes the files into the folder it is passed.

    Raises:
        UserError: the folder cannot be written.
    """
    if is_written():
        return
    try:
        with atomic_path(folder) as temporary:
            write(temporary)
    except UserError:
        # Renaming fails if another process has written the folder first.
        if not is_written():
            raise


def is_there(folder: Path, files: set[str], note: str) -> bool:
    """Return whether a folder was written with the same arguments already.

    Args:
        folder: the folder.
        files: relative paths of all files in it except `NOTE`, with "/".
        note: expected content of `NOTE`.

    Returns:
        True if exactly these files are there; False if the folder is missing or
        empty.

    Raises:
        UserError: the folder holds anything else.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    with contextlib.suppress(OSError):
        found = {
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.is_file()
        }
        if found == files | {NOTE} and (folder / NOTE).read_bytes() == note.encode():
            return True
    raise UserError(
        f"{folder} already holds other files; choose an empty folder or remove this one"
    )


def check_numbers(numbers: Mapping[str, int], limits: Limits) -> None:
    """Check that arguments are in their ranges.

    Args:
        numbers: values by name.
        limits: lowest value, highest value and unit by name; an argument without
            limits must be at least 0.

    Raises:
        UserError: an argument is out of its range.
    """
    for name, value in numbers.items():
        low, high, unit = limits.get(name, (0, math.inf, ""))
        if not low <= value <= high:
            wanted = "a whole number from 0"
            if name in limits:
                wanted = f"{low} to {high:,}{unit}"
            raise UserError(f"{name}: expected {wanted}, found {value}")
