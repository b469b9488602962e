"""Face detection with OpenCV's cascade classifiers."""

import os
import sys
from types import SimpleNamespace

import pytest
from PIL import Image

from common.errors import UserError
from common.images.cascade import (
    MAX_CASCADE_BYTES,
    Box,
    bundled_cascade,
    open_cascade,
    scaled,
    without_doubles,
)
from common.untrusted.child import ChildError
from synthetic_data.age_faces.write import draw_person

CASCADE = "haarcascade_frontalface_alt2.xml"
FACE = Image.fromarray(draw_person(0, 30.0))


def test_a_face_is_found_where_it_is():
    search = open_cascade(bundled_cascade(CASCADE), 40)
    page = Image.new("RGB", (400, 300), (200, 210, 190))
    assert search(page) == []
    page.paste(FACE, (220, 90))
    ((votes, box),) = search(page)
    assert votes >= 5
    # The middle of the drawn head, and its width without the hair.
    assert box.x + box.width / 2 == pytest.approx(220 + 64, abs=6)
    assert box.y + box.height / 2 == pytest.approx(90 + 70, abs=8)
    assert 60 < box.width < 90


def test_faces_below_the_smallest_size_are_not_found():
    assert open_cascade(bundled_cascade(CASCADE), 50)(FACE) != []
    assert open_cascade(bundled_cascade(CASCADE), 110)(FACE) == []


def test_an_image_smaller_than_the_window_has_no_face():
    assert open_cascade(bundled_cascade(CASCADE), 24)(Image.new("L", (300, 3))) == []


def test_the_most_confident_box_of_a_face_is_kept():
    box, inside, beside = Box(10, 10, 40, 40), Box(20, 20, 20, 20), Box(40, 10, 40, 40)
    # `inside` is completely inside `box`; `beside` overlaps a quarter of `box`.
    found = [(6, box), (9, inside), (7, beside)]
    assert without_doubles(found) == [inside, beside]
    # Exactly half of the smaller one is not yet the same face.
    half = Box(30, 10, 40, 40)
    assert without_doubles([(6, box), (7, half)]) == [half, box]


def test_boxes_grow_with_the_image():
    assert scaled(Box(1, 2, 10, 15), 1.5) == Box(2, 3, 15, 22)


def test_files_that_are_not_cascades_are_refused(tmp_path):
    path = tmp_path / "cascade.xml"
    with pytest.raises(UserError, match="^--file X: no such file; expected an OpenCV"):
        open_cascade(path, 24, file="--file X")
    good = bundled_cascade(CASCADE).read_bytes()
    for bad in (b"", b"words", good[:50_000]):
        path.write_bytes(bad)
        with pytest.raises(UserError, match=r"cascade\.xml is not an OpenCV cascade"):
            open_cascade(path, 24)
    path.write_bytes(good)
    assert open_cascade(path, 40)(FACE) == open_cascade(bundled_cascade(CASCADE), 40)(
        FACE
    )
    os.truncate(path, MAX_CASCADE_BYTES + 1)
    with pytest.raises(UserError, match="is not an OpenCV cascade"):
        open_cascade(path, 24)


def test_a_cascade_that_crashes_opencv_is_refused(tmp_path):
    """The last node refers to a feature far behind the last one."""
    text = bundled_cascade(CASCADE).read_text()
    head, tail = text.rsplit("<internalNodes>", 1)
    left, right, _, *rest = tail.split(maxsplit=3)
    path = tmp_path / "cascade.xml"
    nodes = " ".join([left, right, "999999999", *rest])
    path.write_text(f"{head}<internalNodes> {nodes}")
    search = open_cascade(path, 24)
    with pytest.raises(UserError, match="cannot be used: OpenCV crashed") as caught:
        search(FACE)
    assert isinstance(caught.value.__cause__, ChildError)


@pytest.mark.parametrize("opencv", [None, SimpleNamespace(__version__="5.0.0")])
def test_missing_or_too_new_opencv_is_reported(monkeypatch, opencv):
    path = bundled_cascade(CASCADE)
    monkeypatch.setitem(sys.modules, "cv2", opencv)
    message = '^finding faces needs OpenCV .*pip install "opencv-python-headless<5"'
    with pytest.raises(UserError, match=message):
        open_cascade(path, 24)
    with pytest.raises(UserError, match=message):
        bundled_cascade(CASCADE)
