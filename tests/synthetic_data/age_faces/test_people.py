"""Drawings of the stand-in for IMDB-WIKI: identity, age, photo and the canvas."""

import dataclasses
import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from common.errors import UserError
from synthetic_data.age_faces import hair, write
from synthetic_data.age_faces.ageing import at_age
from synthetic_data.age_faces.people import _BEARDS, Person, sample_person, sample_photo
from synthetic_data.age_faces.write import draw_person
from synthetic_data.drawing.canvas import SPAN, Canvas, blob, pair

ROOT = Path(__file__).resolve().parents[3]
AGES = (6, 24, 34, 44, 54, 72)


@pytest.fixture(scope="module")
def people() -> list[Person]:
    """Two hundred random people."""
    return [sample_person(np.random.default_rng([9, i])) for i in range(200)]


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    """Twenty people at six ages, each in its own photo: (20, 6, 64, 64, 3)."""
    return np.stack(
        [
            [draw_person(p, age, k, size=64) for k, age in enumerate(AGES)]
            for p in range(20)
        ]
    )


def apart(first: np.ndarray, second: np.ndarray) -> float:
    """Return the mean difference of two images."""
    return float(np.abs(first.astype(int) - second).mean())


# --- what is drawn


def test_shape_type_and_range(drawn):
    assert drawn.shape == (20, 6, 64, 64, 3) and drawn.dtype == np.uint8
    assert (drawn.min(axis=(2, 3, 4)) < 60).all()
    assert draw_person(0, 33.3).shape == (128, 128, 3)


def test_an_image_depends_only_on_person_age_photo_and_seed():
    image = draw_person(3, 40, 1, size=32)
    np.testing.assert_array_equal(image, draw_person(3, 40, 1, size=32))
    others = [(4, 40, 1, 0), (3, 60, 1, 0), (3, 40, 2, 0), (3, 40, 1, 1)]
    for person, age, photo, seed in others:
        other = draw_person(person, age, photo, seed=seed, size=32)
        assert apart(image, other) > 1


@pytest.mark.parametrize("size", [16, 32, 100, 256])
def test_every_size_shows_the_same_drawing(size):
    for person in range(3):
        both = [
            Image.fromarray(draw_person(person, 50, size=s)).resize(
                (16, 16), Image.Resampling.BOX
            )
            for s in (size, 128)
        ]
        assert apart(*map(np.asarray, both)) < (6 if size < 32 else 3)


def test_people_differ_more_than_ages_and_photos(drawn):
    """A face is closest to the same person among all faces twenty years older."""
    middle = drawn[:, [1, 3], 18:62, 18:46].astype(float)
    coarse = middle.reshape(20, 2, 11, 4, 7, 4, 3).mean(axis=(3, 5))
    flat = coarse.reshape(20, 2, -1)
    distances = np.linalg.norm(flat[:, None, 0] - flat[None, :, 1], axis=2)
    assert np.mean(distances.argmin(axis=1) == np.arange(20)) > 0.8


def test_a_detector_finds_the_faces():
    path = Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"
    detector = cv2.CascadeClassifier(str(path))
    found = []
    for person in range(48):
        image = draw_person(person, 1.75 * person, person)
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        found.append(len(detector.detectMultiScale(grey, 1.1, 5)) > 0)
    assert np.mean(found) >= 0.85


# --- age


def test_each_decade_changes_a_face(drawn):
    """Each step of ten years changes the image, and the changes add up."""
    for person in range(5):
        faces = [draw_person(person, age, size=64) for age in (4, *range(15, 80, 10))]
        steps = [apart(*two) for two in itertools.pairwise(faces)]
        assert min(steps) > 0.8, steps
        assert apart(faces[0], faces[-1]) > 2 * np.median(steps)


def test_age_signs_change_in_one_direction_only(people):
    rising = "grey white forehead_lines crow_feet folds bags frown sag spots dull beard"
    falling = "child eye_height upper_lip lower_lip blush"
    for person in people[:20]:
        looks = [at_age(person, age) for age in np.arange(0, 100.5, 2.5)]
        for name in rising.split():
            assert (np.diff([getattr(k, name) for k in looks]) >= 0).all(), name
        for name in falling.split():
            assert (np.diff([getattr(k, name) for k in looks]) <= 0).all(), name


def test_children_have_low_round_eyes_and_short_noses(people):
    for person in people[:50]:
        child, adult = at_age(person, 5), at_age(person, 25)
        assert child.eye_y > adult.eye_y + 0.1
        assert child.eye_height / child.eye_width > adult.eye_height / adult.eye_width
        assert child.nose_y - child.eye_y < 0.85 * (adult.nose_y - adult.eye_y)


def test_hair_keeps_its_colour_until_it_turns_grey():
    person = dataclasses.replace(
        sample_person(np.random.default_rng(0)),
        hair=(150.0, 40.0, 20.0),
        style="afro",
        balding=0.0,
        greying=0.0,
    )
    how = dataclasses.replace(sample_photo(np.random.default_rng(0)), x=0.0, y=0.0)
    redness = []
    for age in (20, 30, 45, 55, 70):
        image = write._draw(person, age, how, 64).astype(float)
        top = image[6:14, 24:40]
        redness.append(float((top[..., 0] - top[..., 2]).mean()))
    assert redness[0] == pytest.approx(redness[1], abs=1)
    assert redness[1] > redness[2] + 8 > redness[3] + 16
    assert abs(redness[4]) < 12


def test_some_men_but_no_women_go_bald(people):
    bald = [at_age(p, 70).bald for p in people if p.gender]
    assert 0.3 < np.mean(np.array(bald) > 0) < 0.6
    assert not any(at_age(p, 70).bald for p in people if not p.gender)
    man = dataclasses.replace(people[0], gender=1, balding=1.0, skin=(230, 190, 150))
    man = dataclasses.replace(man, hair=(30, 30, 30), style="side_part", greying=50)
    how = sample_photo(np.random.default_rng(1))
    young, old = (write._draw(man, age, how, 64)[12:16, 28:36] for age in (20, 62))
    assert young.mean() < 100 < 140 < old.mean()


def test_boys_have_no_beards(people):
    boy = dataclasses.replace(people[0], gender=1, beard="full", skin=(240, 205, 180))
    boy = dataclasses.replace(boy, hair=(30, 25, 25))
    how = sample_photo(np.random.default_rng(1))
    child, man = (write._draw(boy, a, how, 64)[52:56, 29:35].mean() for a in (9, 25))
    assert child > man + 50


# --- people


def test_every_kind_of_person_occurs(people):
    women = {p.style for p in people if not p.gender}
    men = {p.style for p in people if p.gender}
    assert women | men == set(hair._STYLES)
    assert {p.beard for p in people if p.gender} == set(_BEARDS)
    assert all(p.beard == "none" for p in people if not p.gender)
    assert 0.4 < np.mean([p.gender for p in people]) < 0.6
    assert 0.04 < np.mean([p.glasses is not None for p in people]) < 0.18
    brightness = [sum(p.skin) / 3 for p in people]
    assert min(brightness) < 75 and max(brightness) > 210


# --- the canvas


def test_masks_are_at_the_positions_of_their_shapes():
    canvas = Canvas(310)
    assert pytest.approx(310 / SPAN) == canvas.unit == 100
    square = np.array([(-0.5, 0), (0.5, 0), (0.5, 0.2), (-0.5, 0.2)])
    hole = square * 0.5 + (0, 0.05)
    layer = canvas.mask(square, holes=[hole])
    assert layer.alpha.sum() == pytest.approx(2000 - 500, rel=0.05)
    x, y = canvas.axes(layer)
    assert np.average(x * np.ones_like(y), weights=layer.alpha) == pytest.approx(
        0, abs=0.005
    )
    soft = canvas.mask(square, blur=0.05)
    assert soft.alpha.sum() == pytest.approx(2000, rel=0.05)
    assert soft.alpha.max() < 1.001 and soft.alpha.shape > layer.alpha.shape
    canvas.paint(layer, (200, 100, 0), 0.5)
    assert canvas.image[:, 157, 110].tolist() == pytest.approx([100, 50, 0])
    assert canvas.image[:, 165, 155].tolist() == [0, 0, 0]


def test_blob_and_pair_are_gaussian_hills():
    x, y = np.linspace(-1, 1, 5)[None], np.linspace(-1, 1, 5)[:, None]
    hill = blob(x, y, (0.5, 0), (0.5, 1))
    assert hill[2, 3] == 1
    assert hill[2, 2] == pytest.approx(np.exp(-1)) == pytest.approx(hill[4, 3])
    np.testing.assert_allclose(
        pair(x, y, (0.5, 0), (0.5, 1)),
        np.where(x >= 0, hill, blob(x, y, (-0.5, 0), (0.5, 1))),
    )


def test_heads_are_tilted_and_shifted():
    who = dataclasses.replace(sample_person(np.random.default_rng(0)), style="buzz")
    how = sample_photo(np.random.default_rng(0))
    how = dataclasses.replace(
        how,
        x=0.0,
        y=0.0,
        tilt=0.0,
        back=(0, 0, 255),
        back2=(0, 0, 255),
        cloth=(0, 0, 255),
    )

    def middle(lines: slice, **changes: float) -> float:
        """Return the mean column of the pixels that are not blue."""
        image = write._draw(who, 30, dataclasses.replace(how, **changes), 128)
        blue = image[lines].astype(int) @ (-1, -1, 2) > 150
        return float(np.nonzero(~blue)[1].mean())

    face, top = slice(40, 90), slice(20, 35)
    assert middle(face) == pytest.approx(63.5, abs=0.7)
    assert middle(face, x=0.1) - middle(face) == pytest.approx(
        128 * 0.1 / write.FRAME, abs=0.5
    )
    assert middle(top, tilt=5) > middle(top) + 1.2


def test_a_tilt_of_90_degrees_is_a_clockwise_turn():
    who, how = (f(np.random.default_rng(2)) for f in (sample_person, sample_photo))
    upright, lying = (
        write._draw(who, 30, dataclasses.replace(how, x=0, y=0, tilt=tilt), 128)
        for tilt in (0, 90)
    )
    assert apart(np.rot90(upright, -1), lying) < 3


# --- wrong arguments


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((-1, 20), "person: expected a whole number from 0, found -1"),
        ((1, 20, -2), "photo: expected a whole number from 0, found -2"),
        ((1, 101), "age: expected 0 to 100 years, found 101"),
        ((1, float("nan")), "age: expected 0 to 100 years, found nan"),
    ],
)
def test_numbers_out_of_range_are_refused(arguments, words):
    with pytest.raises(UserError, match=words):
        draw_person(*arguments)
