"""Chapter 4's `data prepare`: from drawings to faces."""

import csv
import hashlib
import importlib.metadata
import multiprocessing
import os
import shutil
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from chapter04_dcgan import detectors, preparation
from chapter04_dcgan.detectors import Box, cut_out, open_detector
from chapter04_dcgan.findings import Finding
from chapter04_dcgan.preparation import prepare
from common.errors import UserError
from common.image_files import find_images

PAPER = (236, 228, 214)


@pytest.fixture(scope="module")
def faces(shared_data):
    """Twelve real faces, 64 x 64."""
    paths = sorted((shared_data / "anime_faces").iterdir())[::200]
    return [Image.open(path).convert("RGB") for path in paths]


@pytest.fixture(scope="module", params=["animeface", "cascade"])
def detector(request, shared_data):
    """The options of each detector that searches."""
    file = shared_data / "lbpcascade_animeface.xml"
    return request.param, file if request.param == "cascade" else None


def draw(face, edge, size=(480, 360), place=(120, 60)):
    """Return a drawing with a face of some size at some place."""
    drawing = Image.new("RGB", size, PAPER)
    drawing.paste(face.resize((edge, edge), Image.Resampling.LANCZOS), place)
    return drawing


def is_at(box, edge, place=(120, 60)):
    """Say whether the middle of a box lies in a face, and its size is the face's."""
    middle = box.x + box.width / 2 - place[0], box.y + box.height / 2 - place[1]
    return all(0 < m < edge for m in middle) and 0.5 < box.width / edge < 1.2


@pytest.fixture
def drawings(faces, tmp_path):
    """A folder of three drawings that are faces already, in order a, b, c."""
    folder = tmp_path / "drawings"
    folder.mkdir()
    for name, face in zip("abc", faces[:3], strict=True):
        face.save(folder / f"{name}.png")
    return folder


def rows_of(out):
    with (out / "report.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def tree(folder):
    """Return the hash of every file by its path."""
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in folder.rglob("*")
        if p.is_file()
    }


@pytest.mark.parametrize("edge", [110, 280])
def test_faces_are_found_where_they_are(faces, detector, edge):
    find = open_detector(*detector)
    found = [find(np.asarray(draw(face, edge))) for face in faces]
    hits = [any(is_at(box, edge) for box in boxes) for boxes in found]
    assert sum(hits) >= 0.6 * len(faces)
    assert sum(map(len, found)) <= sum(hits) + 1


def test_an_empty_page_has_no_face(detector):
    page = np.full((300, 500, 3), 255, np.uint8)
    assert open_detector(*detector)(page) == []


def test_another_size_of_the_drawing_gives_the_same_box(faces):
    find = open_detector("animeface")
    drawing = draw(faces[7], 150)
    (small,) = find(np.asarray(drawing))
    (large,) = find(np.asarray(drawing.resize((864, 648), Image.Resampling.BICUBIC)))
    assert np.array(large) / 1.8 == pytest.approx(np.array(small), abs=2)


def test_faces_of_one_drawing_come_from_top_to_bottom(faces):
    drawing = draw(faces[4], 100, (500, 500), (350, 20))
    drawing.paste(faces[7].resize((100, 100)), (30, 350))
    boxes = open_detector("animeface")(np.asarray(drawing))
    assert len(boxes) == 2
    assert is_at(boxes[0], 100, (350, 20)) and is_at(boxes[1], 100, (30, 350))


def test_the_surest_box_of_one_face_stays():
    box, inside, beside = Box(10, 10, 40, 40), Box(20, 20, 20, 20), Box(40, 10, 40, 40)
    found = [(0.6, box), (0.9, inside), (0.7, beside)]
    # `inside` lies all in `box`; `beside` has a quarter of `box`.
    assert detectors._without_doubles(found) == [inside, beside]


def test_without_a_detector_the_middle_square_is_taken():
    find = open_detector("none")
    assert find(np.zeros((20, 51, 3), np.uint8)) == [Box(15, 0, 20, 20)]
    assert find(np.zeros((30, 20, 3), np.uint8)) == [Box(0, 5, 20, 20)]


@pytest.fixture
def coordinates():
    """A drawing whose red tells the column and whose green the row."""
    y, x = np.mgrid[:50, :80]
    return np.stack([x, y, 0 * x], axis=-1).astype(np.uint8)


def test_a_crop_has_the_margin_on_each_side(coordinates):
    crop, repeated = cut_out(coordinates, Box(20, 12, 16, 16), 0.25, 24)
    assert not repeated
    assert (crop == coordinates[8:32, 16:40]).all()


@pytest.mark.parametrize(
    ("box", "left", "top"), [(Box(0, 0, 20, 20), 0, 0), (Box(64, 34, 16, 16), 56, 26)]
)
def test_a_crop_is_moved_into_the_drawing(coordinates, box, left, top):
    edge = box.width * 3 // 2
    crop, repeated = cut_out(coordinates, box, 0.25, edge)
    assert not repeated
    assert (crop == coordinates[top : top + edge, left : left + edge]).all()


def test_the_edge_is_repeated_where_the_drawing_is_too_narrow(coordinates):
    crop, repeated = cut_out(coordinates, Box(30, 5, 40, 40), 0.25, 60)
    assert repeated
    assert (crop[5:55] == coordinates[:, 20:80]).all()
    assert (crop[:5] == crop[5]).all() and (crop[55:] == crop[54]).all()


def test_a_crop_is_never_larger_than_the_drawing(coordinates):
    crop, _ = cut_out(coordinates, Box(0, 0, 50, 50), 1.0, 80)
    assert crop[0, 0, 0] == 0 and crop[0, -1, 0] == 79


def test_shrinking_is_antialiased():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    crop, _ = cut_out(stripes, Box(0, 0, 64, 64), 0.0, 16)
    assert np.abs(crop[:, 2:-2].astype(int) - 128).max() < 10


def test_a_folder_of_drawings_becomes_a_data_set(faces, tmp_path):
    folder, out = tmp_path / "drawings", tmp_path / "out"
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

    text = prepare(folder, out, size=48, workers=1)

    assert text.splitlines()[0] == (
        "8 drawings: 3 faces kept, 1 without a face, 1 faces too small, 2 duplicates, "
        "2 broken"
    )
    assert "broken: cut.jpg: damaged" in text and "broken: text.png: expected" in text
    assert text.endswith(f"use it with: train --data {out}")
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
    sheet = np.asarray(Image.open(out / "contact.png")).reshape(-1, 3)
    green = (sheet == (44, 160, 80)).all(axis=1)
    red = (sheet == (205, 50, 50)).all(axis=1)
    frame = 128**2 - 120**2
    assert (green.sum(), red.sum()) == (3 * frame, 6 * frame)
    assert np.flatnonzero(green).max() < np.flatnonzero(red).min()
    # Only what is broken has no picture.
    assert (sheet == 225).all(axis=1).sum() == pytest.approx(2 * 120**2, rel=0.02)


def test_duplicates_are_dropped_and_the_first_name_stays(drawings, tmp_path):
    (drawings / "sub").mkdir()
    face = Image.open(drawings / "b.png")
    shutil.copy(drawings / "b.png", drawings / "d.png")
    face.save(drawings / "e.jpg", quality=70)
    face.resize((100, 100), Image.Resampling.BICUBIC).save(drawings / "sub" / "f.webp")
    face.save(drawings / "B.png")  # sorts before a.png
    prepare(drawings, tmp_path / "out", detector="none", workers=1)
    kept = {r["source"]: r["result"] == "kept" for r in rows_of(tmp_path / "out")}
    assert list(kept) == "B.png a.png b.png c.png d.png e.jpg sub/f.webp".split()
    assert [name for name, is_kept in kept.items() if is_kept] == [
        "B.png",
        "a.png",
        "c.png",
    ]


def test_pictures_are_the_same_up_to_four_bits(tmp_path):
    """Of 8 x 9 pixels, which the hash takes as they are."""
    album = preparation._Album(tmp_path)
    darkening = np.tile(np.arange(200, 20, -20, dtype=np.uint8), (8, 1))

    def kind_of(brightenings):
        grey = darkening.copy()
        # Each such pixel is brighter than its left and its right one is not.
        for number in range(brightenings):
            grey[number, 4] = grey[number, 3] + 5
        finding = Finding("kept", np.repeat(grey[..., None], 3, axis=2), source="x.png")
        album.add(finding)
        return finding.kind, finding.note

    assert kind_of(0) == ("kept", "")
    assert kind_of(4) == ("duplicate", "like x_0.png")
    assert kind_of(5) == ("kept", "")
    assert kind_of(8) == ("duplicate", "like x_1.png")
    assert kind_of(3) == ("duplicate", "like x_0.png")  # and like x_1.png


def test_many_faces_keep_their_hashes(tmp_path, monkeypatch):
    """More than there is room for at first."""
    keys = np.random.default_rng(0).integers(0, 2**63, 1500).astype(np.uint64)
    waiting = iter([*keys, *keys[:3], *keys[-3:]])
    monkeypatch.setattr(preparation, "_difference_hash", lambda _: next(waiting))
    album, pixel = preparation._Album(tmp_path), np.zeros((1, 1, 3), np.uint8)
    findings = [Finding("kept", pixel, source="x.png") for _ in range(1506)]
    for finding in findings:
        album.add(finding)
    assert all(f.kind == "kept" for f in findings[:1500])
    notes = [f.note for f in findings[1500:]]
    assert notes == [f"like x_{i}.png" for i in (0, 1, 2, 1497, 1498, 1499)]


def test_the_number_of_workers_changes_nothing(faces, detector, tmp_path):
    folder = tmp_path / "drawings"
    folder.mkdir()
    for number, face in enumerate(faces[:5]):
        draw(face, 100, (200, 200), (50, 50)).save(folder / f"{number}.png")
    options = {"detector": detector[0], "cascade": detector[1]}
    one = prepare(folder, tmp_path / "one", workers=1, **options)
    two = prepare(folder, tmp_path / "two", workers=2, **options)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert one.splitlines()[:-1] == two.splitlines()[:-1]


def test_a_drawing_stays_on_its_side_when_others_come(faces, drawings, tmp_path):
    def sides(out):
        options = {"detector": "none", "test_share": 0.4, "workers": 1}
        prepare(drawings, tmp_path / out, **options)
        return {r["source"]: r["file"].split("/")[0] for r in rows_of(tmp_path / out)}

    for number in range(4):
        faces[3 + number].save(drawings / f"{number}.png")
    before = sides("before")
    for number in range(4, 8):
        faces[3 + number].save(drawings / f"{number}.png")
    after = sides("after")
    assert set(before.values()) == {"train", "test"} and len(after) == len(before) + 4
    assert before.items() <= after.items()


def test_the_share_of_the_drawings_that_are_held_out():
    places = [preparation._place(f"girl_{i:05d}.png") for i in range(6000)]
    assert np.mean(np.array(places) < 1 / 6) == pytest.approx(1 / 6, abs=0.015)
    # The suffix says nothing of what is drawn.
    assert preparation._place("a/b.png") == preparation._place("a/b.jpg")
    assert preparation._place("a/b.png") != preparation._place("c/b.png")


def test_all_faces_of_a_drawing_are_on_one_side(tmp_path):
    kept = [
        Finding("kept", source=f"{i // 5}.png", file=f"{i}.png") for i in range(100)
    ]
    for finding in kept:
        (tmp_path / finding.file).touch()
    preparation._divide(kept, tmp_path, 0.5)
    sides = {(f.source, f.file.split("/")[0]) for f in kept}
    assert len(sides) == 20 and len({side for _, side in sides}) == 2
    assert all((tmp_path / f.file).is_file() for f in kept)


@pytest.mark.parametrize("share", [1e-9, 1 - 1e-9])
def test_neither_side_is_empty(drawings, tmp_path, share):
    text = prepare(
        drawings, tmp_path / "out", detector="none", test_share=share, workers=1
    )
    train, test = (2, 1) if share < 0.5 else (1, 2)
    assert f"{train} faces for training, {test} held out" in text


def test_odd_names(faces, tmp_path):
    """Nested, alike but for their suffix, as long as can be, and not UTF-8."""
    folder = tmp_path / "drawings"
    (folder / "x").mkdir(parents=True)
    names = ["x/y.png", "x/y.webp", "x_y.png", "ü" * 125 + ".png"]
    for name, face in zip(names, faces[:4], strict=True):
        face.save(folder / name, lossless=True)
    if sys.platform == "linux":
        os.rename(folder / "x_y.png", os.path.join(os.fsencode(folder), b"x\xff.png"))
    prepare(folder, tmp_path / "out", detector="none", workers=1)
    files = {os.path.basename(r["file"]) for r in rows_of(tmp_path / "out")}
    last = "x?_0.png" if sys.platform == "linux" else "x_y_2.png"
    assert files == {"x_y_0.png", "x_y_1.png", "ü" * 100 + "_0.png", last}


def test_a_repeated_edge_is_told(drawings, faces, tmp_path):
    wide = Image.new("RGB", (100, 60), "white")
    wide.paste(faces[5].resize((60, 60)), (20, 0))
    wide.save(drawings / "wide.png")
    text = prepare(drawings, tmp_path / "out", detector="none", margin=0.1, workers=1)
    assert "1 crops are wider than the drawing: edge repeated" in text
    assert [r["note"] for r in rows_of(tmp_path / "out")] == [
        "",
        "",
        "",
        "edge repeated",
    ]


def test_at_most_ten_reasons_are_told(drawings, tmp_path):
    for number in range(13):
        (drawings / f"{number}.png").touch()
    text = prepare(drawings, tmp_path / "out", detector="none", workers=1)
    assert text.count("broken: ") == 10 and "and 3 more broken" in text


def stop(*_):
    raise KeyboardInterrupt


def die(*_):
    os._exit(1)


@pytest.mark.parametrize("where", ["_Album.add", "write_table"])
def test_ctrl_c_leaves_nothing(drawings, tmp_path, monkeypatch, where):
    monkeypatch.setattr(f"chapter04_dcgan.preparation.{where}", stop)
    # `caught` holds on to all that was going on.
    with pytest.raises(KeyboardInterrupt) as caught:
        prepare(drawings, tmp_path / "new" / "out", detector="none", workers=2)
    assert list((tmp_path / "new").iterdir()) == []
    assert multiprocessing.active_children() == [], caught


def test_a_dead_worker_ends_in_one_line(drawings, tmp_path, monkeypatch):
    monkeypatch.setattr(preparation, "_search", die)
    with pytest.raises(UserError, match="process that searched drawings died"):
        prepare(drawings, tmp_path / "new" / "out", detector="none", workers=2)
    assert list((tmp_path / "new").iterdir()) == []


def test_no_faces_end_in_one_line(tmp_path):
    folder = tmp_path / "drawings"
    folder.mkdir()
    for name in "ab":
        Image.new("RGB", (200, 100), "white").save(folder / f"{name}.png")
    (folder / "c.png").touch()
    with pytest.raises(UserError, match="0 faces kept, 2 without a face, 1 broken"):
        prepare(folder, tmp_path / "new" / "out", workers=1)
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
def test_nonsense_is_refused(drawings, tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        prepare(drawings, tmp_path / "out", **options)


def test_folders_that_do_not_fit(drawings, tmp_path):
    with pytest.raises(UserError, match="no such directory: .*nowhere"):
        prepare(tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no images in .*empty"):
        prepare(tmp_path / "empty", tmp_path / "out")
    with pytest.raises(UserError, match="--out .*drawings exists already"):
        prepare(drawings, drawings)


def test_cascade_files_that_are_none(shared_data, tmp_path):
    path = tmp_path / "cascade.xml"
    with pytest.raises(UserError, match="cascade.xml: no such file"):
        open_detector("cascade", path)
    good = (shared_data / "lbpcascade_animeface.xml").read_bytes()
    without_features = (
        good[: good.index(b"<features>")] + b"</cascade></opencv_storage>"
    )
    for bad in (b"", b"words", b"<html></html>", good[:50_000], without_features):
        path.write_bytes(bad)
        with pytest.raises(UserError, match="cascade.xml is no OpenCV cascade"):
            open_detector("cascade", path)
    path.write_bytes(good)
    os.truncate(path, detectors.MAX_CASCADE_BYTES + 1)
    with pytest.raises(UserError, match="is no OpenCV cascade"):
        open_detector("cascade", path)


def test_packages_that_are_missing_are_named(shared_data, monkeypatch):
    file = shared_data / "lbpcascade_animeface.xml"
    for opencv in (None, SimpleNamespace(__version__="5.0.0")):
        monkeypatch.setitem(sys.modules, "cv2", opencv)
        with pytest.raises(UserError, match='pip install "opencv-python-headless<5"'):
            open_detector("cascade", file)
    with monkeypatch.context() as patch:
        patch.setattr(importlib.metadata, "version", lambda _: "3.0")
        with pytest.raises(
            UserError, match="is here in version 3.0; .*animeface==2.0.3"
        ):
            open_detector("animeface")
    monkeypatch.setitem(sys.modules, "animeface", None)
    with pytest.raises(
        UserError, match="which is missing.*pip install animeface==2.0.3"
    ):
        open_detector("animeface")
