"""Temporary folders that killed processes leave, and files of one owner."""

import fcntl
import os

import pytest

from common import files
from common.files import PRIVATE, atomic_path, remove_unfinished


@pytest.fixture
def left_over(tmp_path):
    """Return a temporary folder as a killed process leaves it."""
    folder = tmp_path / ".writing-killed"
    folder.mkdir()
    (folder / ".writer").touch()
    (folder / "half.png").write_bytes(b"half")
    files._remove_unfinished_once.cache_clear()
    return folder


def test_the_first_writing_removes_what_a_killed_process_left(left_over, tmp_path):
    path = tmp_path / "note.txt"
    with atomic_path(path, PRIVATE) as temporary:
        assert not left_over.exists()
        temporary.write_text("x")
        # Another process that comes now leaves what is being written.
        remove_unfinished([temporary.parent])
        assert temporary.exists()
    assert [entry.name for entry in tmp_path.iterdir()] == ["note.txt"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_without_locks_only_old_folders_are_removed(left_over, monkeypatch):
    def fail(*args):
        raise OSError("not supported")

    monkeypatch.setattr(fcntl, "flock", fail)
    remove_unfinished([left_over])
    assert left_over.exists()
    os.utime(left_over, (1e9, 1e9))
    remove_unfinished([left_over])
    assert not left_over.exists()


def test_a_folder_that_is_removed_before_it_is_locked_is_made_again(
    tmp_path, monkeypatch
):
    opened = files._open_lock
    seen = []

    def remove_first(folder):
        seen.append(folder)
        if len(seen) == 1:
            folder.rmdir()
        return opened(folder)

    monkeypatch.setattr(files, "_open_lock", remove_first)
    with atomic_path(tmp_path / "x") as temporary:
        temporary.write_text("x")
    assert len(seen) == 2 and (tmp_path / "x").read_text() == "x"
