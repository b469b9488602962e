"""Write files completely or not at all, and read untrusted files safely."""

import contextlib
import errno
import fcntl
import functools
import json
import os
import shutil
import struct
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator
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
# Start of the names of temporary folders, and the file in each that its writer locks.
UNFINISHED = ".writing-"
_LOCK = ".writer"
# Age from which a temporary folder is left over if locks are not supported, seconds.
_DAY = 86_400
# Permissions of files that only their owner may read and write.
PRIVATE = 0o600


@contextlib.contextmanager
def atomic_path(path: Path | str, mode: int | None = None) -> Iterator[Path]:
    """Yield a temporary path to write to; on success, move the result to `path`.

    The temporary path has the same file name, because many writers choose the
    format by its suffix. If the block fails, the temporary file is removed and an
    older file at `path` stays unchanged. What a killed process left half-written
    beside `path` is removed when this process first writes there.

    Args:
        path: path of the finished file or folder. Missing parent folders are
            created.
        mode: permissions of the finished file; by default those of any new file.

    Raises:
        WritingError: the disk is full or the folder cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_unfinished_once(path.parent.resolve())
        folder, lock = _temporary_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error, begun=False) from error
    try:
        temporary = folder / path.name
        yield temporary
        if not temporary.is_dir():
            _flush(temporary)
        if mode is not None:
            temporary.chmod(mode)
        os.replace(temporary, path)
        _flush(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _temporary_folder(parent: Path) -> tuple[Path, int]:
    """Create a temporary folder and lock it; return it and the lock's descriptor.

    While the lock is held, `remove_unfinished` leaves the folder alone.
    """
    while True:
        folder = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=parent))
        # Another process may remove the folder before it is locked.
        with contextlib.suppress(FileNotFoundError):
            lock = _open_lock(folder)
            # Not every file system has locks.
            with contextlib.suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX)
            if os.path.exists(folder / _LOCK):
                return folder, lock
            os.close(lock)


def _open_lock(folder: Path) -> int:
    """Open the file of a temporary folder that its writer locks."""
    return os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, PRIVATE)


@functools.cache
def _remove_unfinished_once(folder: Path) -> None:
    """Call `remove_unfinished` once in this process for each folder."""
    remove_unfinished(folder.glob(f"{UNFINISHED}*"))


def remove_unfinished(folders: Iterable[Path]) -> None:
    """Remove the temporary folders of processes that were killed.

    Those of a process that still runs are left. Where the file system has no locks,
    folders are removed when they are a day old.

    Args:
        folders: temporary folders of `atomic_path`.
    """
    for folder in folders:
        # It may have been finished meanwhile, or be another user's.
        with contextlib.suppress(OSError):
            lock = _open_lock(folder)
            if _is_left_over(folder, lock):
                shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _is_left_over(folder: Path, lock: int) -> bool:
    """Return whether the writer of a temporary folder has ended.

    Args:
        folder: the temporary folder.
        lock: descriptor of its lock, which is held afterwards if the result is True.
    """
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return time.time() - folder.stat().st_mtime > _DAY
    return True


def _flush(path: Path) -> None:
    """Force a file, or the names in a folder, to the disk against power failures."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems cannot flush folders.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP) or not path.is_dir():
            raise
    finally:
        os.close(descriptor)


def cannot_write(path: Path, error: OSError, begun: bool = True) -> WritingError:
    """Return the error to raise if `path` cannot be written.

    Args:
        path: path of the file or folder.
        error: the error of the system.
        begun: whether anything could be written to its folder before.
    """
    reason = error.strerror or str(error)
    found = WritingError(
        f"cannot write {path}: {reason}; free some space or choose another folder"
    )
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    found.status = 1 if begun or is_full else 2
    return found


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
        note = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return None
    return note if isinstance(note, dict) else None


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


def utf_8_name(name: str) -> str:
    """Return the name of a file with escapes for the bytes that are no UTF-8."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


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
    """Return the project's cache folder, below $XDG_CACHE_HOME or ~/.cache.

    It is created, and only its owner can open it, because it holds decoded photos.
    Without a home folder that can be written to, it is in the folder for temporary
    files.

    Raises:
        UserError: the one among the temporary files belongs to another user.
    """
    name = "gan-projects-in-keras"
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    home = Path(os.path.expanduser("~"))
    if os.path.isabs(chosen):  # the standard says to ignore relative paths
        folder = Path(chosen) / name
    elif home.is_absolute() and os.access(home, os.W_OK):
        folder = home / ".cache" / name
    else:
        folder = Path(tempfile.gettempdir()) / f"{name}-{os.getuid()}"
    # If this fails, writing to the folder says why, and a shared cache can be read.
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
    temporary = folder.parent == Path(tempfile.gettempdir())
    if temporary and folder.exists() and folder.stat().st_uid != os.getuid():
        raise UserError(f"{folder} is another user's; set XDG_CACHE_HOME to a folder")
    return folder
