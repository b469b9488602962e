"""Chapter 4's `data prepare`: from drawings to faces."""

import multiprocessing
import os
from unittest.mock import MagicMock

import numpy as np
import pytest
from drawings import draw, is_at, real_faces, rows_of, three_drawings
from PIL import Image

from chapter04_dcgan.face_crops import prepare as preparation
from chapter04_dcgan.face_crops.detectors import Box
from chapter04_dcgan.face_crops.prepare import prepare
from common.errors import LeftOut, UserError
from common.images.reading import find_images


@pytest.fixture(scope="module")
def faces(shared_data):
    """Twelve real faces, 64 x 64."""
    return real_faces(shared_data)


@pytest.fixture
def drawings(faces, tmp_path):
    """A folder of three drawings, each of which is a face: a.png, b.png and c.png."""
    return three_drawings(faces, tmp_path)


def write_all_kinds(folder, faces):
    """Write eight drawings: faces, duplicates, a tiny face, no face, broken files."""
    (folder / "more").mkdir(parents=True)
    draw(faces[7], 150).save(folder / "a.png")
    draw(faces[7], 150).resize((360, 270)).save(folder / "b small.png")
    draw(faces[7], 150).save(folder / "more" / "c.jpg", quality=80)
    two = draw(faces[4], 100, (500, 500), (350, 20))
    two.paste(faces[8].resize((100, 100)), (30, 350))
    two.save(folder / "two.png")
    draw(faces[6], 40, (200, 150), (80, 60)).save(folder / "tiny.png")
    Image.new("RGB", (300, 200), "white").save(folder / "blank.png")
    (folder / "text.png").write_text("no picture")
    jpeg = (folder / "more" / "c.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])


def check_contact_sheet(path, kept, dropped, broken):
    """Check the numbers of green, red and grey tiles; green ones come first."""
    sheet = np.asarray(Image.open(path)).reshape(-1, 3)
    green = (sheet == (44, 160, 80)).all(axis=1)
    red = (sheet == (205, 50, 50)).all(axis=1)
    frame = 128**2 - 120**2
    assert (green.sum(), red.sum()) == (kept * frame, dropped * frame)
    assert np.flatnonzero(green).max() < np.flatnonzero(red).min()
    # Only broken files have grey tiles.
    grey = (sheet == 225).all(axis=1).sum()
    assert grey == pytest.approx(broken * 120**2, rel=0.02)


def test_a_folder_of_drawings_becomes_a_data_set(faces, tmp_path):
    folder, out = tmp_path / "drawings", tmp_path / "out"
    write_all_kinds(folder, faces)

    text = prepare(folder, out, size=48, workers=1)

    assert text.splitlines()[0] == (
        "8 drawings: 3 faces kept, 1 without a face, 1 faces too small, 2 duplicates, "
        "2 broken"
    )
    assert "broken: cut.jpg: damaged" in text and "broken: text.png: expected" in text
    assert text.endswith(f"use it with: train --data {out}")
    assert isinstance(text, LeftOut)
    rows = rows_of(out)
    assert [(r["source"], r["result"]) for r in rows] == [
        ("a.png", "kept"),
        ("b small.png", "duplicate"),
        ("blank.png", "no face"),
        ("cut.jpg", "broken"),
        ("more/c.jpg", "duplicate"),
        ("text.png", "broken"),
        ("tiny.png", "too small"),
        ("two.png", "kept"),
        ("two.png", "kept"),
    ]
    assert rows[1]["note"] == rows[4]["note"] == "like a_0.png"
    assert (
        int(rows[6]["width"]) < 48 and rows[6]["note"] == f"{rows[6]['width']} pixels"
    )
    kept = [row for row in rows if row["file"]]
    names = [os.path.basename(row["file"]) for row in kept]
    assert names == ["a_0.png", "two_0.png", "two_1.png"]
    assert is_at(Box(*(int(kept[0][k]) for k in ("x", "y", "width", "height"))), 150)
    for row in kept:
        assert Image.open(out / row["file"]).size == (48, 48)
    assert len(find_images(out / "train")) + len(find_images(out / "test")) == 3
    check_contact_sheet(out / "contact.png", kept=3, dropped=6, broken=2)


def test_repeated_edges_and_further_frames_are_reported(drawings, faces, tmp_path):
    wide = Image.new("RGB", (100, 60), "white")
    wide.paste(faces[5].resize((60, 60)), (20, 0))
    wide.save(drawings / "wide.gif", save_all=True, append_images=[faces[6]])
    text = prepare(drawings, tmp_path / "out", detector="none", margin=0.1, workers=1)
    assert "1 crops are wider than the drawing: edge repeated" in text
    assert "1 drawings have several frames or pages, of which the first was" in text
    assert not isinstance(text, LeftOut)
    assert [r["note"] for r in rows_of(tmp_path / "out")] == [
        "",
        "",
        "",
        "edge repeated",
    ]


def test_at_most_ten_broken_files_are_named(drawings, tmp_path):
    for number in range(13):
        (drawings / f"{number}.png").touch()
    text = prepare(drawings, tmp_path / "out", detector="none", workers=1)
    assert text.count("broken: ") == 10 and "and 3 more broken" in text


def test_large_drawings_are_searched_one_at_a_time(drawings, tmp_path, monkeypatch):
    lock = MagicMock()
    monkeypatch.setattr(preparation, "_one_at_a_time", lock)
    Image.new("RGB", (65, 64)).save(drawings / "d.png")  # the others have 64 x 64
    monkeypatch.setattr(preparation, "LARGE", 64 * 64)
    prepare(drawings, tmp_path / "out", detector="none", workers=1)
    assert lock.__enter__.call_count == lock.__exit__.call_count == 1


def stop(*_):
    """Behave as if the user pressed Ctrl-C here."""
    raise KeyboardInterrupt


def die(*_):
    """End the process without any cleanup."""
    os._exit(1)


@pytest.mark.parametrize("where", ["_Album.add", "write_table"])
def test_ctrl_c_leaves_nothing(drawings, tmp_path, monkeypatch, where):
    monkeypatch.setattr(f"chapter04_dcgan.face_crops.prepare.{where}", stop)
    # `caught` keeps the traceback, and with it the generator of the search, alive: the
    # processes must be stopped even so.
    with pytest.raises(KeyboardInterrupt) as caught:
        prepare(drawings, tmp_path / "new" / "out", detector="none", workers=2)
    assert list((tmp_path / "new").iterdir()) == []
    assert multiprocessing.active_children() == [], caught


def test_a_search_process_that_dies_is_a_user_error(drawings, tmp_path, monkeypatch):
    monkeypatch.setattr(preparation, "_search", die)
    with pytest.raises(UserError, match="process that searched drawings died"):
        prepare(drawings, tmp_path / "new" / "out", detector="none", workers=2)
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize(
    ("options", "size", "message"),
    [
        (
            {},
            (200, 100),
            "2 without a face, 1 broken; if every .* --detector none",
        ),
        ({"detector": "none"}, (40, 30), "2 faces too small, .* add --min-face 30, or"),
        (
            {"detector": "none"},
            (200, 100),
            "1 faces kept, 1 dup.* drawings that differ",
        ),
        ({"detector": "none"}, (7, 99), "3 broken; the first .* a.png: too small: "),
    ],
)
def test_too_few_faces_are_refused_with_advice(tmp_path, options, size, message):
    folder = tmp_path / "drawings"
    folder.mkdir()
    for name in "ab":
        Image.new("RGB", size, "white").save(folder / f"{name}.png")
    (folder / "c.png").touch()
    with pytest.raises(UserError, match=message):
        prepare(folder, tmp_path / "new" / "out", workers=1, **options)
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "--size must be from 8 to 1024, found 0"),
        ({"margin": -0.1}, "--margin must be"),
        ({"margin": float("nan")}, "--margin must be"),
        ({"min_face": 0}, "--min-face must be"),
        ({"test_share": 0.0}, "--test-share must be"),
        ({"test_share": 1.0}, "--test-share must be"),
        ({"workers": 0}, "--workers must be"),
        ({"detector": "cascade"}, "go together"),
        ({"cascade": "lbpcascade_animeface.xml"}, "go together"),
    ],
)
def test_options_out_of_range_are_refused(drawings, tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        prepare(drawings, tmp_path / "out", **options)


def test_missing_empty_and_existing_folders_are_refused(drawings, tmp_path):
    with pytest.raises(UserError, match="no such directory: .*nowhere"):
        prepare(tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no images in .*empty"):
        prepare(tmp_path / "empty", tmp_path / "out")
    with pytest.raises(UserError, match="--out .*drawings exists already"):
        prepare(drawings, drawings)
