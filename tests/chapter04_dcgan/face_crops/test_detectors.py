"""Chapter 4's face detectors: faces that they find, crops, files and packages."""

import hashlib
import importlib.metadata
import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from drawings import draw, is_at, real_faces
from PIL import Image

from chapter04_dcgan.face_crops.detectors import Box, cut_out, open_detector
from chapter04_dcgan.face_crops.prepare import prepare
from common.errors import UserError
from common.images.cascade import MAX_CASCADE_BYTES


@pytest.fixture(scope="module")
def faces(shared_data):
    """Twelve real faces, 64 x 64."""
    return real_faces(shared_data)


@pytest.fixture(scope="module", params=["animeface", "cascade"])
def detector(request, shared_data):
    """The name and the cascade file of each detector that searches."""
    file = shared_data / "lbpcascade_animeface.xml"
    return request.param, file if request.param == "cascade" else None


def tree(folder):
    """Return the hash of every file in a folder, by its path."""
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


def test_a_resized_drawing_gives_the_same_box(faces):
    find = open_detector("animeface")
    drawing = draw(faces[7], 150)
    (small,) = find(np.asarray(drawing))
    (large,) = find(np.asarray(drawing.resize((864, 648), Image.Resampling.BICUBIC)))
    assert np.array(large) / 1.8 == pytest.approx(np.array(small), abs=2)


def test_faces_of_a_drawing_are_sorted_from_top_to_bottom(faces):
    drawing = draw(faces[4], 100, (500, 500), (350, 20))
    drawing.paste(faces[7].resize((100, 100)), (30, 350))
    boxes = open_detector("animeface")(np.asarray(drawing))
    assert len(boxes) == 2
    assert is_at(boxes[0], 100, (350, 20)) and is_at(boxes[1], 100, (30, 350))


def test_without_a_detector_the_middle_square_is_taken():
    find = open_detector("none")
    assert find(np.zeros((20, 51, 3), np.uint8)) == [Box(15, 0, 20, 20)]
    assert find(np.zeros((30, 20, 3), np.uint8)) == [Box(0, 5, 20, 20)]


@pytest.fixture
def coordinates():
    """A drawing whose red channel is the column, and whose green channel the row."""
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


def test_the_edge_is_repeated_if_the_drawing_is_too_narrow(coordinates):
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


@pytest.mark.slow
def test_the_results_do_not_depend_on_the_number_of_workers(faces, detector, tmp_path):
    folder = tmp_path / "drawings"
    folder.mkdir()
    for number, face in enumerate(faces[:5]):
        draw(face, 100, (200, 200), (50, 50)).save(folder / f"{number}.png")
    options = {"detector": detector[0], "cascade": detector[1]}
    one = prepare(folder, tmp_path / "one", workers=1, **options)
    two = prepare(folder, tmp_path / "two", workers=2, **options)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert one.splitlines()[:-1] == two.splitlines()[:-1]


def test_missing_and_damaged_cascade_files_are_refused(shared_data, tmp_path):
    path = tmp_path / "cascade.xml"
    with pytest.raises(UserError, match="cascade.xml: no such file"):
        open_detector("cascade", path)
    good = (shared_data / "lbpcascade_animeface.xml").read_bytes()
    without_features = (
        good[: good.index(b"<features>")] + b"</cascade></opencv_storage>"
    )
    for bad in (b"", b"words", b"<html></html>", good[:50_000], without_features):
        path.write_bytes(bad)
        with pytest.raises(UserError, match="cascade.xml is not an OpenCV cascade"):
            open_detector("cascade", path)
    path.write_bytes(good)
    os.truncate(path, MAX_CASCADE_BYTES + 1)
    with pytest.raises(UserError, match="is not an OpenCV cascade"):
        open_detector("cascade", path)


def test_missing_packages_and_wrong_versions_are_named(shared_data, monkeypatch):
    file = shared_data / "lbpcascade_animeface.xml"
    for opencv in (None, SimpleNamespace(__version__="5.0.0")):
        monkeypatch.setitem(sys.modules, "cv2", opencv)
        with pytest.raises(UserError, match='pip install "opencv-python-headless<5"'):
            open_detector("cascade", file)
    with monkeypatch.context() as patch:
        patch.setattr(importlib.metadata, "version", lambda _: "3.0")
        with pytest.raises(
            UserError, match="is installed in version 3.0; .*animeface==2.0.3"
        ):
            open_detector("animeface")
    monkeypatch.setitem(sys.modules, "animeface", None)
    with pytest.raises(
        UserError, match="which is missing.*pip install animeface==2.0.3"
    ):
        open_detector("animeface")
