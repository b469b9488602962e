"""Drawings of the stand-in for anime faces: attributes, pose and variety."""

import dataclasses
import itertools

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from scipy.spatial.distance import pdist

from synthetic_data.anime_faces.parameters import Face
from synthetic_data.anime_faces.write import ATTRIBUTES, draw, make_faces, sample_face

# Typical RGB values of these colour names, chosen independently of the code.
HAIR = {
    "blond": (240, 208, 120),
    "brown": (130, 80, 50),
    "black": (45, 45, 62),
    "red": (208, 62, 52),
    "pink": (248, 155, 195),
    "blue": (80, 140, 215),
    "green": (95, 170, 120),
    "silver": (205, 208, 218),
    "purple": (135, 92, 180),
}


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Images and attributes of 400 faces."""
    return make_faces(400, seed=0)


@pytest.fixture(scope="module")
def faces() -> list[Face]:
    """The parameters of sixty random faces."""
    return [sample_face(np.random.default_rng([7, i])) for i in range(60)]


def spread(images: np.ndarray) -> float:
    """Return the mean distance between any two of the images."""
    return pdist(images.reshape(len(images), -1) / 255).mean()


def difference(face: Face, **changes: object) -> np.ndarray:
    """Return where changes of parameters clearly change the image, bool (64, 64)."""
    images = [draw(f).astype(int) for f in (face, dataclasses.replace(face, **changes))]
    return np.abs(images[0] - images[1]).max(axis=2) > 24


# --- what is drawn


def test_shapes_types_and_range(drawn):
    images, numbers = drawn
    assert images.shape == (400, 64, 64, 3) and images.dtype == np.uint8
    assert list(numbers) == list(ATTRIBUTES)
    for name, values in numbers.items():
        assert values.shape == (400,) and values.dtype == np.uint8
        assert values.max() < len(ATTRIBUTES[name])
    # Every face has dark lashes; all except the laughing ones have white highlights.
    assert (images.min(axis=(1, 2, 3)) < 90).all()
    assert np.mean(images.min(axis=3).max(axis=(1, 2)) > 235) > 0.9


def test_a_face_depends_only_on_seed_split_and_index(drawn):
    images, numbers = make_faces(30, seed=0)
    few, few_numbers = make_faces(3, seed=0)
    np.testing.assert_array_equal(few, images[:3])
    np.testing.assert_array_equal(images, drawn[0][:30])
    for name in ATTRIBUTES:
        np.testing.assert_array_equal(few_numbers[name], numbers[name][:3])
    for other in (make_faces(30, seed=1), make_faces(30, seed=0, split="test")):
        assert not (images[:, None] == other[0]).all(axis=(2, 3, 4)).any()


@pytest.mark.parametrize("size", [16, 32, 128])
def test_every_size_shows_the_same_drawing(faces, size):
    for face in faces[:5]:
        image = Image.fromarray(draw(face, size)).resize((16, 16), Image.Resampling.BOX)
        small = Image.fromarray(draw(face, 64)).resize((16, 16), Image.Resampling.BOX)
        change = np.abs(np.asarray(image, int) - np.asarray(small, int)).mean()
        # Lines are relatively thicker in an image of 16 pixels.
        assert change < (11 if size == 16 else 5)


def test_every_value_of_every_attribute_occurs(drawn):
    for name, values in drawn[1].items():
        counts = np.bincount(values, minlength=len(ATTRIBUTES[name]))
        assert counts.min() > 0, name


def test_hair_has_the_colour_that_is_named(drawn):
    images, numbers = drawn
    plain = numbers["accessory"] == ATTRIBUTES["accessory"].index("none")
    top = images[plain, 3:18, 24:40].reshape(plain.sum(), -1, 3)
    colours = np.array([HAIR[name] for name in ATTRIBUTES["hair_colour"]])
    distances = np.linalg.norm(np.median(top, axis=1)[:, None] - colours, axis=2)
    assert np.mean(distances.argmin(axis=1) == numbers["hair_colour"][plain]) > 0.93


def test_darker_skins_are_darker(drawn):
    images, numbers = drawn
    cheeks = np.median(images[:, 42:47, 26:38].mean(axis=3), axis=(1, 2))
    means = [
        cheeks[numbers["skin"] == k].mean() for k in range(len(ATTRIBUTES["skin"]))
    ]
    assert (np.diff(means) < -8).all(), means


@pytest.mark.parametrize(
    "name", ["hair_style", "fringe", "mouth", "accessory", "clothes", "background"]
)
def test_values_of_an_attribute_look_different(faces, name):
    values = ATTRIBUTES[name]
    images = {
        value: np.stack(
            [draw(dataclasses.replace(f, **{name: value})) for f in faces[:4]]
        )
        for value in values
    }
    for first, second in itertools.combinations(values, 2):
        change = np.abs(images[first].astype(int) - images[second]).max(axis=3) > 24
        assert change.sum(axis=(1, 2)).mean() > 6, (first, second)


def test_an_open_mouth_is_red_inside(faces):
    for face in faces[:20]:
        mouths = [
            draw(dataclasses.replace(face, mouth=mouth)).astype(int)[42:60]
            for mouth in ("open", "closed")
        ]
        changed = np.abs(mouths[0] - mouths[1]).max(axis=2) > 40
        assert 8 < changed.sum() < 120
        red, green, _ = (mouths[0] - mouths[1])[changed].mean(axis=0)
        assert green < red - 20


def test_a_wink_closes_one_eye_and_a_laugh_both(faces):
    for face in faces[:20]:
        open_eyes = dataclasses.replace(face, eye_shape="round", yaw=0, x=0, tilt=0)
        for side in (-1, 1):
            there = difference(
                dataclasses.replace(open_eyes, side=side, accessory="none"),
                eye_shape="wink",
                side=side,
                accessory="none",
            )
            halves = (there[:, :32].sum(), there[:, 32:].sum())
            assert halves[side > 0] > 20 and halves[side < 0] == 0
        both = difference(open_eyes, eye_shape="closed")
        assert min(both[:, :32].sum(), both[:, 32:].sum()) > 20


def test_eyes_are_near_the_same_positions_in_all_faces(faces):
    middles = []
    for face in faces:
        face = dataclasses.replace(face, eye_shape="round", accessory="none")
        face = dataclasses.replace(face, eye_rgb=(20, 20, 220), fringe="open")
        blue = draw(face).astype(int) @ (-1, -1, 2) > 160
        without = draw(dataclasses.replace(face, eye_rgb=(220, 20, 20))).astype(int)
        blue &= without @ (-1, -1, 2) < 100
        for part in (blue[:, :32], blue[:, 32:]):
            middles.append(ndimage.center_of_mass(part))
    rows, columns = np.array(middles).T
    columns = columns.reshape(-1, 2)
    # The face fills the image, and the eyes are a little below its middle.
    assert 0.5 < rows.mean() / 64 < 0.6
    assert rows.std() < 2.5 and columns.std(axis=0).max() < 3
    assert 17 < columns[:, 0].mean() < 25
    assert 7 < columns[:, 1].mean() < 15


def test_tilt_is_clockwise_and_yaw_is_to_the_right(faces):
    for face in faces[:10]:
        base = dataclasses.replace(face, tilt=0, yaw=0, fringe="open", accessory="none")

        def mouth(face: Face) -> float:
            """Return the mean column of the mouth."""
            shut = dataclasses.replace(face, mouth="closed", blush=0)
            opened = difference(shut, mouth="open")[42:]
            return ndimage.center_of_mass(opened)[1]

        assert mouth(dataclasses.replace(base, tilt=12)) < mouth(base) - 0.5
        assert mouth(dataclasses.replace(base, yaw=0.2)) > mouth(base) + 2


# --- variety


def test_no_two_are_equal(drawn):
    assert len(np.unique(drawn[0].reshape(400, -1), axis=0)) == 400


def test_faces_differ_much_more_than_poses_of_one_face(drawn, faces):
    pose = ("x", "y", "scale", "tilt", "yaw", "pitch")

    def coarse_spread(images: np.ndarray) -> float:
        """Compare mean colours of large areas, which hardly depend on the pose."""
        return spread(images.reshape(-1, 8, 8, 8, 8, 3).mean(axis=(2, 4)))

    for face in faces[:3]:
        moved = [
            dataclasses.replace(face, **{name: getattr(other, name) for name in pose})
            for other in faces[:20]
        ]
        jitter = coarse_spread(np.stack([draw(f) for f in moved]))
        assert coarse_spread(drawn[0][:100]) > 2 * jitter


def test_faces_are_as_varied_as_real_drawings(drawn, shared_data):
    files = sorted((shared_data / "anime_faces").iterdir())[:400]
    real = np.stack([np.asarray(Image.open(f).convert("RGB")) for f in files])
    assert spread(drawn[0]) == pytest.approx(spread(real), rel=0.15)
