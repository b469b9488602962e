"""Writing files so that nobody ever sees half of one."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from common.errors import UserError


@contextlib.contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its name on success.

    The temporary name keeps the suffix of `path`, because many writers choose
    the format by it. When the block fails, the temporary file is removed and
    an older file of that name stays as it was.

    Args:
        path: where the finished file or folder shall stand. Missing parent
            folders are made.

    Raises:
        UserError: the disk is full or the place cannot be written.
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


def cannot_write(path: Path, error: OSError) -> UserError:
    """Return the one-line message for a failed write of `path`."""
    reason = error.strerror or str(error)
    return UserError(
        f"cannot write {path}: {reason}; free some space or choose another folder"
    )


def _flush(path: Path) -> None:
    """Force a finished file to the disk, so that a power cut cannot empty it."""
    if path.is_dir():
        return
    with path.open("rb") as file:
        os.fsync(file.fileno())


def default_cache_dir() -> Path:
    """Return the folder for caches: $XDG_CACHE_HOME or ~/.cache, and our name."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "gan-projects-in-keras"
