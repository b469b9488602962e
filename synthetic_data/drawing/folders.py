"""Folders of procedural files: written whole or not at all, and known again."""

import contextlib
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path

from common.errors import UserError
from common.files import atomic_path

# Says by which numbers a folder was drawn.
NOTE = "synthetic.json"
Limits = Mapping[str, tuple[int, int, str]]


def write_once(
    folder: Path,
    numbers: dict[str, int],
    files: set[str],
    write: Callable[[Path], object],
) -> None:
    """Write a folder, unless the very same one stands there already.

    All files appear at once, when the last one is done. A folder that another
    process has written meanwhile is left as it is.

    Args:
        folder: the folder.
        numbers: what decides its content.
        files: paths of all files in it, with "/", but for the note.
        write: writes them into the folder that it is given.

    Raises:
        UserError: the folder holds other files, or cannot be written.
    """
    note = json.dumps(numbers) + "\n"
    if is_there(folder, files, note):
        return
    try:
        with atomic_path(folder) as temporary:
            write(temporary)
            (temporary / NOTE).write_text(note, "utf-8")
    except UserError:
        # A folder cannot take the place of one that another process has filled.
        if not is_there(folder, files, note):
            raise


def is_there(folder: Path, files: set[str], note: str) -> bool:
    """Say whether the very same files stand in `folder` already.

    Raises:
        UserError: something else does.
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
    """Refuse numbers that are out of their ranges.

    Args:
        numbers: by name.
        limits: lowest, highest and unit by name; others are whole numbers from 0.

    Raises:
        UserError: one is.
    """
    for name, value in numbers.items():
        low, high, unit = limits.get(name, (0, math.inf, ""))
        if not low <= value <= high:
            wanted = "a whole number from 0"
            if name in limits:
                wanted = f"{low} to {high:,}{unit}"
            raise UserError(f"{name}: expected {wanted}, found {value}")
