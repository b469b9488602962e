"""Chapter 4's `data prepare`: which faces are kept, in which split, by which name."""

import os
import shutil
import sys

import numpy as np
import pytest
from drawings import real_faces, rows_of, three_drawings
from PIL import Image

from chapter04_dcgan.face_crops import prepare as preparation
from chapter04_dcgan.face_crops.prepare import prepare
from chapter04_dcgan.face_crops.report import Finding


@pytest.fixture(scope="module")
def faces(shared_data):
    """Twelve real faces, 64 x 64."""
    return real_faces(shared_data)


@pytest.fixture
def drawings(faces, tmp_path):
    """A folder of three drawings, each of which is a face: a.png, b.png and c.png."""
    return three_drawings(faces, tmp_path)


def test_of_duplicates_only_the_first_by_name_is_kept(drawings, tmp_path):
    (drawings / "sub").mkdir()
    face = Image.open(drawings / "b.png")
    shutil.copy(drawings / "b.png", drawings / "d.png")
    face.save(drawings / "e.jpg", quality=70)
    face.resize((100, 100), Image.Resampling.BICUBIC).save(drawings / "sub" / "f.webp")
    face.save(drawings / "B.png")  # sorts before a.png
    prepare(drawings, tmp_path / "out", detector="none", workers=1)
    kept = {r["source"]: r["result"] == "kept" for r in rows_of(tmp_path / "out")}
    assert list(kept) == "B.png a.png b.png c.png d.png e.jpg sub/f.webp".split()
    assert [name for name in kept if kept[name]] == ["B.png", "a.png", "c.png"]


def test_images_whose_hashes_differ_in_up_to_four_bits_are_duplicates(tmp_path):
    """The images have 8 x 9 pixels, so that the hash does not resize them."""
    album = preparation._Album(tmp_path)
    darkening = np.tile(np.arange(200, 20, -20, dtype=np.uint8), (8, 1))

    def kind_of(brightenings):
        grey = darkening.copy()
        # Make one pixel per row brighter than its left neighbour: one bit each.
        for number in range(brightenings):
            grey[number, 4] = grey[number, 3] + 5
        finding = Finding("kept", np.repeat(grey[..., None], 3, axis=2), source="x.png")
        album.add(finding)
        return finding.kind, finding.note

    assert kind_of(0) == ("kept", "")
    assert kind_of(4) == ("duplicate", "like x_0.png")
    assert kind_of(5) == ("kept", "")
    assert kind_of(8) == ("duplicate", "like x_1.png")
    assert kind_of(3) == ("duplicate", "like x_0.png")  # the first one is named


def test_hashes_are_kept_when_their_array_grows(tmp_path, monkeypatch):
    """There are more faces than the array of hashes has room for at first."""
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


def test_a_drawing_stays_in_its_split_when_others_are_added(faces, drawings, tmp_path):
    def splits(out):
        options = {"detector": "none", "test_share": 0.4, "workers": 1}
        prepare(drawings, tmp_path / out, **options)
        return {r["source"]: r["file"].split("/")[0] for r in rows_of(tmp_path / out)}

    for number in range(4):
        faces[3 + number].save(drawings / f"{number}.png")
    before = splits("before")
    for number in range(4, 8):
        faces[3 + number].save(drawings / f"{number}.png")
    after = splits("after")
    assert set(before.values()) == {"train", "test"} and len(after) == len(before) + 4
    assert before.items() <= after.items()


def test_the_share_of_held_out_drawings_is_as_wanted():
    places = [preparation._place(f"girl_{i:05d}.png") for i in range(6000)]
    assert np.mean(np.array(places) < 1 / 6) == pytest.approx(1 / 6, abs=0.015)
    # The folder counts, but the suffix does not.
    assert preparation._place("a/b.png") == preparation._place("a/b.jpg")
    assert preparation._place("a/b.png") != preparation._place("c/b.png")


def test_all_faces_of_a_drawing_are_in_the_same_split(tmp_path):
    kept = [
        Finding("kept", source=f"{i // 5}.png", file=f"{i}.png") for i in range(100)
    ]
    for finding in kept:
        (tmp_path / finding.file).touch()
    preparation._divide(kept, tmp_path, 0.5)
    splits = {(f.source, f.file.split("/")[0]) for f in kept}
    assert len(splits) == 20 and len({split for _, split in splits}) == 2
    assert all((tmp_path / f.file).is_file() for f in kept)


@pytest.mark.parametrize("share", [1e-9, 1 - 1e-9])
def test_neither_split_is_empty(drawings, tmp_path, share):
    text = prepare(
        drawings, tmp_path / "out", detector="none", test_share=share, workers=1
    )
    train, test = (2, 1) if share < 0.5 else (1, 2)
    assert f"{train} faces for training, {test} held out" in text


def test_unusual_names_give_unique_valid_file_names(faces, tmp_path):
    """Names in folders, equal except for their suffix, very long, and not UTF-8."""
    folder = tmp_path / "drawings"
    (folder / "x").mkdir(parents=True)
    names = ["x/y.png", "x/y.webp", "x_y.png", "ü" * 125 + ".png"]
    for name, face in zip(names, faces[:4], strict=True):
        face.save(folder / name, lossless=True)
    if sys.platform == "linux":
        os.rename(folder / "x_y.png", os.path.join(os.fsencode(folder), b"x\xff\n.png"))
    prepare(folder, tmp_path / "out", detector="none", workers=1)
    files = {os.path.basename(r["file"]) for r in rows_of(tmp_path / "out")}
    last = "x_xff__0.png" if sys.platform == "linux" else "x_y_2.png"
    assert files == {"x_y_0.png", "x_y_1.png", "ü" * 100 + "_0.png", last}
