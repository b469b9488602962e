"""The written stand-in for IMDB-WIKI: labels, faulty rows, interrupts."""

import datetime
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat

from common.errors import UserError
from synthetic_data.age_faces import write
from synthetic_data.age_faces.people import sample_person
from synthetic_data.age_faces.records import CLASSES, make_records
from synthetic_data.age_faces.write import draw_person, write_wiki

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A small written data set, which no test may change."""
    path = tmp_path_factory.mktemp("wiki") / "new"
    write_wiki(path, people=3, photos=6, seed=5, size=32)
    return path


@pytest.fixture(scope="module")
def table(folder) -> dict[str, np.ndarray]:
    """The fields of the data set's wiki.mat, one value for each row."""
    struct = loadmat(folder / "wiki.mat")["wiki"]
    assert struct.shape == (1, 1)
    fields = {}
    for name in struct.dtype.names:
        field = struct[0, 0][name]
        assert field.shape[0] == 1
        fields[name] = field[0]
    return fields


def test_dates_give_the_age_that_is_drawn(table, folder):
    """The age follows from the date of birth and the year, as usual for IMDB-WIKI."""
    rows = {r.path: r for r in make_records(3, 6, 5)}
    assert list(rows) == [str(path[0]) for path in table["full_path"]]
    seen: dict[str, list[int]] = {}
    for place, (path, row) in enumerate(rows.items()):
        born = datetime.date.fromordinal(int(table["dob"][place]) - 366)
        age = int(table["photo_taken"][place]) - born.year - (born.month >= 7)
        assert (path[:2], path[3:]) == (
            f"{int(path[3:].split('_')[0]) % 100:02d}",
            f"{path[3:].split('_')[0]}_{born}_{table['photo_taken'][place]}.jpg",
        )
        if row.kind == "good":
            assert age == row.age
            seen.setdefault(str(table["name"][place][0]), []).append(age)
            image = np.asarray(Image.open(folder / path))
            face = draw_person(row.person, age, row.photo, seed=5, size=32)
            # The difference comes only from the JPEG compression.
            assert np.abs(image.astype(float) - face).mean() < 6
        elif row.kind in ("too_old", "unborn"):
            assert age > 100 if row.kind == "too_old" else age < 0
    assert len(seen) == 3
    for ages in seen.values():
        groups = [
            k for a in ages for k, (low, high) in enumerate(CLASSES) if low <= a <= high
        ]
        assert sorted(groups) == list(range(6))


def test_every_kind_of_faulty_row_occurs_and_has_its_fault(table, folder):
    rows = make_records(3, 6, 5)
    kinds = np.array([r.kind for r in rows])
    assert sorted(kinds[kinds != "good"]) == sorted(
        ["no_face", "second_face", "too_old", "unborn", "no_image", "no_file"]
    )
    np.testing.assert_array_equal(table["face_score"] == -np.inf, kinds == "no_face")
    assert (table["face_score"][kinds != "no_face"] >= 1).all()
    np.testing.assert_array_equal(
        np.isfinite(table["second_face_score"]), kinds == "second_face"
    )
    for row in rows:
        path = folder / row.path
        assert path.exists() == (row.kind != "no_file")
        if row.kind == "no_image":
            with pytest.raises(OSError, match="cannot identify"):
                Image.open(path)
        elif path.exists():
            assert Image.open(path).size == (32, 32)
    good = {r.name for r in rows if r.kind == "good"}
    assert not good & {r.name for r in rows if r.kind != "good"}


def test_fields_have_the_types_of_the_real_set(table, folder):
    types = {name: values.dtype for name, values in table.items()}
    assert types["photo_taken"] == np.uint16
    for name in ("dob", "gender", "face_score", "second_face_score"):
        assert types[name] == np.float64
    assert set(table["gender"]) <= {0.0, 1.0}
    assert all(box.shape == (1, 4) for box in table["face_location"])
    assert {p.name for p in folder.iterdir() if p.is_dir()} == {
        f"{k:02d}" for k in range(100)
    }


def test_the_gender_in_the_table_is_that_of_the_person(table):
    for place, row in enumerate(make_records(3, 6, 5)):
        who = sample_person(np.random.default_rng([1, 5, row.person]))
        assert table["gender"][place] == who.gender


def test_names_and_paths_are_unique():
    rows = make_records(1500, 8, 0)
    assert len({r.path for r in rows}) == len(rows)
    persons = {r.person for r in rows}
    assert len({r.name for r in rows}) == len(persons)
    assert sum(r.kind == "good" for r in rows) == 12_000
    assert len(rows) == 12_240
    ages = [r.age for r in rows if r.kind == "good"]
    for low, high in CLASSES:
        share = np.mean([low <= age <= high for age in ages])
        assert share == pytest.approx(1 / 6, abs=0.02)
        assert {low, high} <= set(ages)


def test_the_first_people_do_not_depend_on_the_number_of_people():
    few, many = (make_records(n, 6, 1) for n in (4, 30))
    good = [r for r in few if r.kind == "good"]
    assert set(good) <= set(many)
    assert set(good).isdisjoint(make_records(4, 6, 2))


def test_a_complete_data_set_is_left_unchanged(folder, monkeypatch):
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    monkeypatch.delattr(write, "_draw")
    write_wiki(folder, 3, 6, seed=5, size=32)
    assert before == {p: p.stat().st_mtime_ns for p in folder.rglob("*")}


@pytest.mark.parametrize("arguments", [(4, 6, 5), (3, 5, 5), (3, 6, 4)])
def test_other_files_are_not_overwritten(folder, arguments):
    with pytest.raises(UserError, match="already holds other files"):
        write_wiki(folder, *arguments, size=32)


def test_an_incomplete_data_set_is_refused(tmp_path):
    write_wiki(tmp_path / "new", 1, 1, size=16)
    next((tmp_path / "new").glob("*/*.jpg")).unlink()
    with pytest.raises(UserError, match="already holds other files"):
        write_wiki(tmp_path / "new", 1, 1, size=16)


def test_a_data_set_written_meanwhile_by_another_process_is_kept(tmp_path, monkeypatch):
    real = write._draw

    def overtaken(*arguments):
        monkeypatch.setattr(write, "_draw", real)
        write_wiki(tmp_path / "new", 1, 1, size=16)
        return real(*arguments)

    monkeypatch.setattr(write, "_draw", overtaken)
    write_wiki(tmp_path / "new", 1, 1, size=16)
    assert [p.name for p in tmp_path.iterdir()] == ["new"]


SCRIPT = """
import sys
from pathlib import Path
if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    from synthetic_data.age_faces.write import write_wiki
    write_wiki(Path(sys.argv[2]), 2000, 6, size=16)
"""


def test_an_interrupt_leaves_nothing(tmp_path):
    (tmp_path / "main.py").write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, tmp_path / "main.py", ROOT, tmp_path / "new"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell that runs tests in the background makes them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while process.poll() is None and not any(tmp_path.glob(".writing-*/new/*/*.jpg")):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    # Only the parent process reports the interrupt, once.
    assert errors.count("Traceback") == 1 and "KeyboardInterrupt" in errors, errors
    assert [p.name for p in tmp_path.iterdir()] == ["main.py"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"people": 0}, "people: expected 1 to 20,000, found 0"),
        ({"photos": 61}, "photos: expected 1 to 60, found 61"),
        ({"seed": -1}, "seed: expected a whole number from 0, found -1"),
        ({"size": 15}, "size: expected 16 to 512 pixels, found 15"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(
    tmp_path, arguments, words
):
    with pytest.raises(UserError, match=words):
        write_wiki(tmp_path / "new", **arguments)
    assert not list(tmp_path.iterdir())
