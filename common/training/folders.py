"""The folder of a run or a search: create it, lock it, and log into it."""

import contextlib
import datetime
import fcntl
import itertools
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from common.errors import PrintableFormatter, UserError
from common.files import UNFINISHED, cannot_write, remove_unfinished

logger = logging.getLogger(__name__)


def new_folder(parent: Path, pattern: str) -> Path:
    """Create a folder whose name contains the time, and return its path.

    Args:
        parent: folder to create it in; it is created, too.
        pattern: name of the folder, with {time} in it. If another process has taken
            the name within the same second, _2, _3, ... follows the time.

    Raises:
        UserError: the folder cannot be created.
    """
    now = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            time = now if number == 1 else f"{now}_{number}"
            path = parent / pattern.format(time=time)
            if not os.path.lexists(path):
                with contextlib.suppress(FileExistsError):
                    path.mkdir()
                    return path
    except OSError as error:
        raise UserError(
            f"cannot create a folder in {parent}: {error.strerror}; name one with "
            "--run-dir"
        ) from error


def require_fresh(description: Path, log: Path, kind: str) -> None:
    """Check that a folder is free for a new run.

    It may contain the log and temporary files of a run that was killed at its start.

    Args:
        description: file that marks the folder of a run, for example its config.json.
        log: log file of the run, in the same folder.
        kind: name of what the folder would hold, for messages, for example "run".

    Raises:
        UserError: the folder already holds a run or other files.
    """
    folder = description.parent
    if description.exists():
        raise UserError(
            f"{folder} already holds a {kind}; add --resume to continue it, or name "
            "another folder"
        )
    if not folder.exists():
        return
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else [""]
    if not all(name == log.name or name.startswith(UNFINISHED) for name in names):
        raise UserError(f"{folder} is not an empty folder; name another one")


@contextlib.contextmanager
def own_folder(log: Path) -> Iterator[logging.FileHandler]:
    """Create a folder and lock it against other processes during the block.

    Args:
        log: log file in the folder; the lock is on this file.

    Yields:
        The handler that writes the log file.

    Raises:
        UserError: the folder cannot be written, or another process holds the lock.
    """
    folder = log.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(log)
    except OSError as error:
        raise cannot_write(folder, error, begun=False) from error
    with contextlib.closing(handler), _locked(handler, folder):
        # Remove what a killed process left half-written.
        remove_unfinished(folder.rglob(f"{UNFINISHED}*"))
        yield handler


@contextlib.contextmanager
def _locked(handler: logging.FileHandler, path: Path) -> Iterator[None]:
    """Lock the log file, so that no other process trains in the same folder."""
    try:
        fcntl.flock(handler.stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UserError(
            f"another process is training in {path}; wait for it, or name another "
            "folder"
        ) from error
    except OSError as error:
        # Some network file systems have no locks.
        logger.warning(
            "%s cannot be locked (%s): make sure that no other process trains there",
            path,
            error.strerror,
        )
    yield  # Closing the file releases the lock.


@contextlib.contextmanager
def copied_to(handler: logging.Handler) -> Iterator[None]:
    """Copy the program's messages to a file, in more detail than on the screen.

    Args:
        handler: handler of the file.
    """
    handler.setFormatter(PrintableFormatter("%(asctime)s %(message)s"))
    logging.getLogger().addHandler(handler)
    project_logger = logging.getLogger("common")
    level_before = project_logger.level
    project_logger.setLevel(logging.DEBUG)
    try:
        yield
    except Exception as error:
        logger.debug("ended by %s: %s", type(error).__name__, error)
        raise
    finally:
        project_logger.setLevel(level_before)
        logging.getLogger().removeHandler(handler)
