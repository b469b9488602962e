"""The files of the stand-in for anime faces: writing, interrupts, reading."""

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import programs
import pytest
from PIL import Image

from common.errors import UserError
from synthetic_data.anime_faces import write
from synthetic_data.anime_faces.write import (
    ATTRIBUTES,
    make_faces,
    read_attributes,
    write_faces,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A small written data set, which no test may change."""
    path = tmp_path_factory.mktemp("faces") / "new"
    write_faces(path, train=12, test=5, seed=3, size=32)
    return path


def test_written_faces_equal_those_of_make_faces(folder):
    names = read_attributes(folder)
    assert len(names) == 17
    for split, count in (("train", 12), ("test", 5)):
        images, numbers = make_faces(count, 3, 32, split)
        files = sorted((folder / split).iterdir())
        assert [f.name for f in files] == [f"{i:05d}.png" for i in range(count)]
        for i, file in enumerate(files):
            np.testing.assert_array_equal(np.asarray(Image.open(file)), images[i])
            row = {name: ATTRIBUTES[name][numbers[name][i]] for name in ATTRIBUTES}
            assert names[f"{split}/{file.name}"] == row
    assert [p.name for p in folder.parent.iterdir()] == ["new"]


def test_a_complete_data_set_is_left_unchanged(folder, monkeypatch):
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    monkeypatch.delattr(write, "draw")
    write_faces(folder, 12, 5, seed=3, size=32)
    assert before == {p: p.stat().st_mtime_ns for p in folder.rglob("*")}


@pytest.mark.parametrize("arguments", [(13, 5, 3), (12, 4, 3), (12, 5, 4)])
def test_other_faces_are_not_overwritten(folder, arguments):
    with pytest.raises(UserError, match="already holds other files"):
        write_faces(folder, *arguments, size=32)


def test_other_files_and_incomplete_data_sets_are_not_overwritten(tmp_path, folder):
    with pytest.raises(UserError, match="already holds other files"):
        write_faces(folder / "attributes.csv", 12, 5)
    write_faces(tmp_path / "new", 4, 2, size=16)
    (tmp_path / "new" / "test" / "00001.png").unlink()
    with pytest.raises(UserError, match="already holds other files"):
        write_faces(tmp_path / "new", 4, 2, size=16)


def test_a_data_set_written_meanwhile_by_another_process_is_kept(tmp_path, monkeypatch):
    real = write.draw

    def overtaken(*arguments):
        monkeypatch.setattr(write, "draw", real)
        write_faces(tmp_path / "new", 3, 2, size=16)
        return real(*arguments)

    monkeypatch.setattr(write, "draw", overtaken)
    write_faces(tmp_path / "new", 3, 2, size=16)
    assert len(read_attributes(tmp_path / "new")) == 5
    assert [p.name for p in tmp_path.iterdir()] == ["new"]


def drawing(folder: Path, count: int) -> subprocess.Popen:
    """Start a program that writes faces."""
    lines = f"""\
from synthetic_data.anime_faces.write import write_faces
write_faces({str(folder / "new")!r}, {count}, 10, size=16)
"""
    return programs.start(folder, lines)


@pytest.mark.slow
def test_many_faces_are_drawn_by_several_processes(tmp_path):
    status, errors = programs.end(drawing(tmp_path, 520))
    assert status == 0, errors
    table = read_attributes(tmp_path / "new")
    assert list(table)[:520] == [f"train/{i:05d}.png" for i in range(520)]
    last = make_faces(10, size=16, split="test")[0][9]
    found = np.asarray(Image.open(tmp_path / "new" / "test" / "00009.png"))
    np.testing.assert_array_equal(found, last)


@pytest.mark.parametrize("seconds", [0, 0.1, 0.3, 0.6, 1.0, None])
def test_an_interrupt_leaves_nothing(tmp_path, seconds):
    process = drawing(tmp_path, 90_000)
    # The early interrupts come while processes start; None is when they draw.
    pattern = ".writing-*/new/train" + ("/*.png" if seconds is None else "")
    while process.poll() is None and not any(tmp_path.glob(pattern)):
        time.sleep(0.01)
    time.sleep(seconds or 0)
    os.killpg(process.pid, signal.SIGINT)
    # No other process prints a message.
    assert programs.end(process) == (130, "interrupted\n")
    assert [p.name for p in tmp_path.iterdir()] == ["main.py"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"train": 0}, "train: expected 1 to 100,000 faces, found 0"),
        ({"test": 100_001}, "test: expected 1 to 100,000 faces, found 100001"),
        ({"seed": -1}, "seed: expected a whole number from 0, found -1"),
        ({"size": 15}, "size: expected 16 to 512 pixels, found 15"),
        ({"size": 513}, "found 513"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(
    tmp_path, arguments, words
):
    with pytest.raises(UserError, match=words):
        write_faces(tmp_path / "new", **arguments)
    assert not list(tmp_path.iterdir())


ROW = ",".join(values[0] for values in ATTRIBUTES.values())
HEADER = ",".join(["file", *ATTRIBUTES])


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (b"", "is empty"),
        (b"\n", "line 1: expected file,hair_colour"),
        (b"file,hair\na,b\n", "line 1: expected file,hair_colour"),
        (
            f"{HEADER}\na,{ROW}\nb,red\n".encode(),
            "line 3: expected 11 cells, found '2'",
        ),
        (f"{HEADER}\na,{ROW},\n".encode(), "line 2: expected 11 cells, found '12'"),
        (f"{HEADER}\na,{ROW[:-1]}\n".encode(), "line 2: expected a known background"),
        (f"{HEADER}\na,{ROW}\na,{ROW}\n".encode(), "line 3: expected the name of"),
        (f"{HEADER}\n,{ROW}\n".encode(), "line 2: expected the name of"),
        (f"{HEADER}\na,\xe9{ROW}\n".encode("latin-1"), "a known hair_colour"),
        (b"\x00\xff" * 40_000, "line 1: expected file"),
    ],
)
def test_the_error_of_a_damaged_table_names_the_line(tmp_path, table, words):
    (tmp_path / "attributes.csv").write_bytes(table)
    with pytest.raises(UserError, match=words) as caught:
        read_attributes(tmp_path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


def test_a_missing_table_is_refused(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_attributes(tmp_path)
