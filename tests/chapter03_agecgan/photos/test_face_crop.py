"""Chapter 3: faces are found in photos, measured in data sets and cropped."""

import json
import logging

import numpy as np
import pytest
from PIL import Image

from chapter03_agecgan.photos.face_crop import cut_face, load_face
from chapter03_agecgan.photos.framing import Face, Framing, measure_framing, open_finder
from common.errors import UserError
from synthetic_data.age_faces.write import draw_person

MIDDLE = Framing(0.5, 0.5, 0.5)


@pytest.fixture(scope="module")
def people():
    """Eight drawn people of all ages, 64 x 64 pixels."""
    return np.stack([draw_person(i, 10.0 + 9 * i, size=64) for i in range(8)])


@pytest.fixture(scope="module")
def framing(people):
    return measure_framing(people)


def scene(*faces, size=(480, 360)):
    """Return a photo of drawn faces, each (edge, left, top), on a smooth background."""
    slope = np.linspace(90, 190, size[0])[None, :, None] + np.zeros((size[1], 1, 3))
    photo = Image.fromarray(slope.astype(np.uint8))
    for number, (edge, left, top) in enumerate(faces):
        face = Image.fromarray(draw_person(number, 30.0, size=256))
        photo.paste(face.resize((edge, edge), Image.Resampling.LANCZOS), (left, top))
    return photo


def saved(path, photo, **options):
    photo.save(path, **options)
    return path


def coordinates(height, width):
    """Return an image whose red is the column and whose green is the row."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns, rows, 0 * rows], axis=-1).astype(np.uint8)


def finds(*faces):
    """Return a face finder that always finds these faces."""
    return lambda photo: list(faces)


def difference(a, b):
    return np.abs(np.asarray(a, float) - np.asarray(b, float)).mean()


def test_the_square_is_placed_by_the_framing():
    # The width 20 is half of the edge, 40. The corner is 10 left of x = 60 and 20 above
    # y = 45.
    square = cut_face(
        coordinates(100, 120), Face(60, 45, 20), Framing(0.25, 0.5, 0.5), 40
    )
    assert square.shape == (40, 40, 3) and square.dtype == np.uint8
    assert square[0, 0].tolist() == [50, 25, 0]
    assert square[-1, -1].tolist() == [89, 64, 0]
    assert square[0, -1].tolist() == [89, 25, 0]


def test_outermost_pixels_are_repeated_beyond_the_photo():
    square = cut_face(coordinates(50, 50), Face(10, 45, 20), MIDDLE, 40)
    # The columns are -10 to 29, the rows 25 to 64.
    assert square[0, :, 0].tolist() == [0] * 10 + list(range(30))
    assert square[:, 0, 1].tolist() == list(range(25, 50)) + [49] * 15


def test_shrinking_is_antialiased_and_stays_in_place():
    stripes = np.zeros((1200, 1200, 3), np.uint8)
    stripes[:, ::2] = 255
    stripes[:, 600:] //= 2
    square = cut_face(stripes, Face(600, 600, 400), MIDDLE, 40)
    # Each side has one colour; the filter causes ringing only near the centre.
    assert np.ptp(square[:, :14]) <= 2 and np.ptp(square[:, 26:]) <= 2
    assert square[0, 0, 0] == pytest.approx(127.5, abs=2)
    assert square[0, -1, 0] == pytest.approx(63.75, abs=2)
    assert square[0, 18, 0] > 110 and square[0, 21, 0] < 80


def test_a_huge_square_needs_little_memory():
    square = cut_face(
        coordinates(60, 60), Face(30, 30, 60_000), Framing(0.5, 0.5, 0.05), 32
    )
    assert square.shape == (32, 32, 3)


def test_a_tilted_face_is_rotated_upright():
    # A dark bar from the centre to the right, rotated 20 degrees above the horizontal.
    photo = Image.new("RGB", (200, 200), "white")
    photo.paste("black", (100, 98, 160, 102))
    tilted = np.asarray(photo.rotate(20, Image.Resampling.BICUBIC, fillcolor="white"))
    square = cut_face(tilted, Face(100, 100, 64, -20), MIDDLE, 128)
    wanted = photo.crop((36, 36, 164, 164))
    assert difference(square, wanted) < 1 < difference(tilted[36:164, 36:164], wanted)


@pytest.mark.parametrize("degrees", [-27, 27])
def test_a_tilted_face_is_found_at_its_position(degrees):
    photo = scene((200, 60, 90))
    (upright,) = open_finder()(np.asarray(photo))
    tilted = photo.rotate(degrees, Image.Resampling.BICUBIC)
    face = open_finder()(np.asarray(tilted))[0]
    assert upright.tilt == 0 and face.tilt == -20 * np.sign(degrees)
    # The rotation is counter-clockwise about the photo's centre, with y downwards.
    turn = np.exp(-1j * np.radians(degrees))
    wanted = 240 + 180j + (upright.x - 240 + 1j * (upright.y - 180)) * turn
    assert abs(face.x + 1j * face.y - wanted) < 12
    assert face.width == pytest.approx(upright.width, rel=0.15)


def test_the_framing_is_the_median_over_the_images_with_a_face():
    images = np.zeros((5, 100, 100, 3), np.uint8)
    several = [Face(50, 55, 70), Face(10, 10, 5)]
    faces = iter([[Face(40, 50, 60)], [], several, [Face(90, 60, 99)], []])
    assert measure_framing(images, lambda _: next(faces)) == Framing(0.5, 0.55, 0.7)


def test_too_few_faces_make_no_framing():
    def measure(found):
        faces = iter([[Face(5, 5, 5)]] * found + [[]] * (10 - found))
        return measure_framing(
            np.zeros((10, 10, 10, 3), np.uint8), lambda _: next(faces)
        )

    assert measure(0) is None and measure(1) is None
    assert measure(2) == MIDDLE
    assert measure_framing(np.zeros((0, 10, 10, 3), np.uint8), finds()) is None


def test_200_evenly_spaced_images_are_measured():
    images = np.zeros((1000, 1, 1, 3), np.uint16) + np.arange(1000)[:, None, None, None]
    seen = []
    measure_framing(images, lambda image: seen.append(int(image[0, 0, 0])) or [])
    assert len(seen) == 200 and (seen[0], seen[-1]) == (0, 999)
    assert set(np.diff(seen)) == {5, 6} or set(np.diff(seen)) == {5}


def test_a_framing_is_read_back_from_json():
    framing = Framing(0.5, 0.41, 1.02)
    assert Framing.from_json(json.loads(json.dumps(framing.to_json()))) == framing


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        None,
        "x",
        {"x": 0.5, "y": 0.5},
        {"x": 0.5, "y": 0.5, "width": 0},
        {"x": 0.5, "y": 0.5, "width": float("nan")},
        {"x": 2, "y": 0.5, "width": 1},
        {"x": 0.5, "y": "up", "width": 1},
        {"x": 0.5, "y": 0.5, "width": 1, "more": 1},
    ],
)
def test_a_damaged_framing_is_reported_in_one_line(content):
    with pytest.raises(UserError, match="expected the framing of faces") as caught:
        Framing.from_json(content)
    assert "\n" not in str(caught.value)


def test_the_framing_of_drawn_people(framing):
    assert framing.x == pytest.approx(0.5, abs=0.04)
    assert framing.y == pytest.approx(0.55, abs=0.06)
    assert framing.width == pytest.approx(0.69, abs=0.08)


def test_faces_that_fill_the_image_are_measured_too(shared_data):
    paths = sorted((shared_data / "utkface").iterdir())[::150]
    images = np.stack([np.asarray(Image.open(p).resize((64, 64))) for p in paths])
    framing = measure_framing(images)
    assert framing.x == pytest.approx(0.5, abs=0.03)
    # The eyes are at 0.35, the mouth at 0.7. Without padding the width would be 0.8.
    assert framing.y == pytest.approx(0.41, abs=0.03)
    assert framing.width == pytest.approx(1.01, abs=0.06)


@pytest.mark.parametrize("place", [(200, 120, 60), (90, 330, 240), (300, 90, 30)])
def test_a_face_in_a_photo_is_framed_as_in_the_data_set(place, framing, tmp_path):
    photo = scene(place)
    face = load_face(saved(tmp_path / "a.png", photo), 64, framing)
    edge, left, top = place
    wanted = photo.crop((left, top, left + edge, top + edge)).resize((64, 64))
    beside = photo.crop((left + edge // 4, top, left + edge + edge // 4, top + edge))
    assert face.shape == (64, 64, 3) and face.dtype == np.uint8
    # The error is well below that of a shift by a quarter of the edge.
    error = difference(face, wanted)
    assert error < 0.5 * difference(beside.resize((64, 64)), wanted)


def test_the_result_does_not_depend_on_the_size_of_the_photo(framing, tmp_path):
    photo = scene((200, 120, 60))
    large = photo.resize((2400, 1800), Image.Resampling.BICUBIC)
    small = load_face(saved(tmp_path / "a.png", photo), 64, framing)
    assert (
        difference(small, load_face(saved(tmp_path / "b.png", large), 64, framing)) < 8
    )


def test_a_photo_rotated_by_its_exif_data_gives_the_same_face(framing, tmp_path):
    photo = scene((200, 120, 60))
    exif = Image.Exif()
    exif[274] = 6  # The camera was on its side: rotate by 90 degrees to the right.
    turned = photo.transpose(Image.Transpose.ROTATE_90)
    upright = load_face(saved(tmp_path / "a.png", photo), 64, framing)
    same = load_face(saved(tmp_path / "b.png", turned, exif=exif), 64, framing)
    np.testing.assert_array_equal(same, upright)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_photos_of_other_colour_modes(mode, framing, tmp_path):
    photo = scene((200, 120, 60))
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    face = load_face(saved(path, photo.convert(mode)), 64, framing)
    wanted = load_face(saved(tmp_path / "b.png", photo), 64, framing)
    grey = [np.asarray(Image.fromarray(f).convert("L")) for f in (face, wanted)]
    assert face.shape == (64, 64, 3) and difference(*grey) < 10


def test_the_largest_of_several_faces_is_taken(framing, tmp_path, caplog):
    path = saved(tmp_path / "a.png", scene((110, 20, 200), (200, 240, 60)))
    alone = scene((110, 20, 200))
    alone.paste(
        scene((200, 240, 60), (200, 240, 60)).crop((240, 60, 440, 260)), (240, 60)
    )
    with caplog.at_level(logging.WARNING):
        face = load_face(path, 64, framing)
    assert "has 2 faces; taking the largest" in caplog.text
    wanted = np.asarray(alone.crop((240, 60, 440, 260)).resize((64, 64)))
    assert difference(face, wanted) < 20


def test_the_first_of_the_faces_is_cropped(tmp_path, caplog):
    path = saved(tmp_path / "a.png", Image.fromarray(coordinates(100, 120)))
    both = finds(Face(60, 45, 40), Face(20, 20, 33))
    face = load_face(path, 80, MIDDLE, find=both)
    assert face[0, 0].tolist() == [20, 5, 0]
    assert "2 faces; taking the largest, 40 pixels wide at (60, 45)" in caplog.text


def test_a_tiny_face_causes_a_warning(tmp_path, caplog):
    path = saved(tmp_path / "a.png", Image.fromarray(coordinates(100, 120)))
    load_face(path, 64, MIDDLE, find=finds(Face(60, 45, 32)))
    assert caplog.text == ""
    load_face(path, 64, MIDDLE, find=finds(Face(60, 45, 31)))
    assert "only 31 pixels wide" in caplog.text


@pytest.mark.parametrize(("framing", "whole"), [(MIDDLE, True), (None, False)])
def test_whole_gives_the_central_square(framing, whole, tmp_path):
    path = saved(tmp_path / "a.png", Image.fromarray(coordinates(40, 100)))
    square = load_face(path, 40, framing, whole, find=finds(Face(1, 1, 1)))
    np.testing.assert_array_equal(square, coordinates(40, 100)[:, 30:70])


def test_a_photo_without_a_face_is_reported_in_one_line(framing, tmp_path):
    path = saved(tmp_path / "empty.png", scene())
    with pytest.raises(UserError, match=r"^no face found in .*empty\.png; .*--whole"):
        load_face(path, 64, framing)


def test_files_that_are_not_photos_are_reported_in_one_line(framing, tmp_path):
    (tmp_path / "a.jpg").write_text("words")
    for name, message in {"a.jpg": "found a text", "b.jpg": "no such"}.items():
        for whole in (False, True):
            with pytest.raises(UserError, match=message):
                load_face(tmp_path / name, 64, framing, whole)


def test_very_narrow_photos_are_searched():
    find = open_finder()
    for shape in ((8, 2000), (2000, 8), (8, 8)):
        assert find(np.full((*shape, 3), 128, np.uint8)) == []


def test_flowers_have_no_face(shared_data):
    find = open_finder(192)
    paths = sorted((shared_data / "yang91").iterdir())[:45:5]
    assert not any(find(np.asarray(Image.open(path))) for path in paths)
