"""Write files completely or not at all, and read untrusted files safely."""

import contextlib
import json
import os
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from common.errors import UserError, WritingError

# Exceptions that NumPy and zipfile raise on damaged files.
TORN = (
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@contextlib.contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path to write to; on success, move the result to `path`.

    The temporary path has the same file name, because many writers choose the
    format by its suffix. If the block fails, the temporary file is removed and an
    older file at `path` stays unchanged.

    Args:
        path: path of the finished file or folder. Missing parent folders are
            created.

    Raises:
        WritingError: the disk is full or the folder cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".writing-", dir=path.parent))
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        temporary = folder / path.name
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _flush(path: Path) -> None:
    """Force a finished file to the disk, so that a power failure cannot empty it."""
    if path.is_dir():
        return
    with path.open("rb") as file:
        os.fsync(file.fileno())


def cannot_write(path: Path, error: OSError) -> WritingError:
    """Return the error to raise if `path` cannot be written."""
    reason = error.strerror or str(error)
    return WritingError(
        f"cannot write {path}: {reason}; free some space or choose another folder"
    )


def write_note(path: Path, note: dict) -> None:
    """Write a dictionary to a small JSON file.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(note, indent=2) + "\n")


def read_note(path: Path) -> dict | None:
    """Read a JSON file of `write_note`; return None if it is missing or damaged."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def read_limited(path: Path, max_bytes: int) -> bytes:
    """Return the bytes of a file that must not be larger than `max_bytes`.

    Args:
        path: path of the file.
        max_bytes: largest size, in bytes.

    Raises:
        UserError: the file is missing, unreadable, empty or too large.
    """
    check_file(path, max_bytes)
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error


def check_file(path: Path, max_bytes: int) -> None:
    """Check that `path` is a file of 1 to `max_bytes` bytes.

    Raises:
        UserError: it is missing, empty or too large.
    """
    if not path.is_file():
        raise UserError(f"no such file: {path}; check the path")
    found = path.stat().st_size
    if found == 0:
        raise UserError(f"{path} is empty; download or write it again")
    if found > max_bytes:
        raise UserError(
            f"{path} is too large: expected at most {max_bytes:,} bytes, found "
            f"{found:,}; is it the right file?"
        )


def default_cache_dir() -> Path:
    """Return the project's cache folder, below $XDG_CACHE_HOME or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "gan-projects-in-keras"
