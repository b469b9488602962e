"""The stand-in for anime faces: what it shows, its variety, its files."""

import dataclasses
import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from scipy.spatial.distance import pdist

from common.errors import UserError
from common.synthetic import anime_faces, anime_pen
from common.synthetic.anime_drawing import draw
from common.synthetic.anime_faces import (
    ATTRIBUTES,
    make_faces,
    read_attributes,
    sample_face,
    write_faces,
)
from common.synthetic.anime_parameters import Face

ROOT = Path(__file__).resolve().parent.parent
# What people call these colours, chosen without looking at the code.
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
    return make_faces(400, seed=0)


@pytest.fixture(scope="module")
def faces() -> list[Face]:
    return [sample_face(np.random.default_rng([7, i])) for i in range(60)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A small written stand-in, which no test may change."""
    path = tmp_path_factory.mktemp("faces") / "new"
    write_faces(path, train=12, test=5, seed=3, size=32)
    return path


def spread(images: np.ndarray) -> float:
    """Return the mean distance between two images."""
    return pdist(images.reshape(len(images), -1) / 255).mean()


def difference(face: Face, **changes: object) -> np.ndarray:
    """Return where a drawing changes clearly with its face, bool (64, 64)."""
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
    # Dark lashes and white lights in every face but those that laugh.
    assert (images.min(axis=(1, 2, 3)) < 90).all()
    assert np.mean(images.min(axis=3).max(axis=(1, 2)) > 235) > 0.9


def test_a_face_depends_on_seed_split_and_place_alone(drawn):
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
        # Lines of a picture of 16 pixels cannot be as thin.
        assert change < (11 if size == 16 else 5)


def test_every_value_of_every_attribute_occurs(drawn):
    for name, values in drawn[1].items():
        counts = np.bincount(values, minlength=len(ATTRIBUTES[name]))
        assert counts.min() > 0, name


def test_hair_has_the_colour_that_is_named(drawn):
    images, numbers = drawn
    plain = numbers["accessory"] == ATTRIBUTES["accessory"].index("none")
    top = images[plain, 3:18, 24:40].reshape(plain.sum(), -1, 3)
    known = np.array([HAIR[name] for name in ATTRIBUTES["hair_colour"]])
    away = np.linalg.norm(np.median(top, axis=1)[:, None] - known, axis=2)
    assert np.mean(away.argmin(axis=1) == numbers["hair_colour"][plain]) > 0.93


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
def test_values_can_be_told_apart(faces, name):
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


def test_a_wink_shuts_one_eye_and_a_laugh_both(faces):
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


def test_eyes_stay_near_the_same_places(faces):
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
    # The face fills the picture, the eyes lie a little below its middle.
    assert 0.5 < rows.mean() / 64 < 0.6
    assert rows.std() < 2.5 and columns.std(axis=0).max() < 3
    assert 17 < columns[:, 0].mean() < 25
    assert 7 < columns[:, 1].mean() < 15


def test_a_head_leans_clockwise_and_turns_right(faces):
    for face in faces[:10]:
        base = dataclasses.replace(face, tilt=0, yaw=0, fringe="open", accessory="none")

        def mouth(face: Face) -> float:
            """Return the column of the middle of the mouth."""
            shut = dataclasses.replace(face, mouth="closed", blush=0)
            opened = difference(shut, mouth="open")[42:]
            return ndimage.center_of_mass(opened)[1]

        assert mouth(dataclasses.replace(base, tilt=12)) < mouth(base) - 0.5
        assert mouth(dataclasses.replace(base, yaw=0.2)) > mouth(base) + 2


# --- variety


def test_no_two_are_equal(drawn):
    assert len(np.unique(drawn[0].reshape(400, -1), axis=0)) == 400


def test_faces_differ_by_far_more_than_their_pose(drawn, faces):
    pose = ("x", "y", "scale", "tilt", "yaw", "pitch")

    def coarse_spread(images: np.ndarray) -> float:
        """Compare colours of large parts, which hardly depend on the pose."""
        return spread(images.reshape(-1, 8, 8, 8, 8, 3).mean(axis=(2, 4)))

    for face in faces[:3]:
        moved = [
            dataclasses.replace(face, **{name: getattr(other, name) for name in pose})
            for other in faces[:20]
        ]
        jitter = coarse_spread(np.stack([draw(f) for f in moved]))
        assert coarse_spread(drawn[0][:100]) > 2 * jitter


def test_they_are_as_varied_as_real_drawings(drawn, shared_data):
    files = sorted((shared_data / "anime_faces").iterdir())[:400]
    real = np.stack([np.asarray(Image.open(f).convert("RGB")) for f in files])
    assert spread(drawn[0]) == pytest.approx(spread(real), rel=0.15)


# --- the pen


def paint(shape: np.ndarray, **options: object) -> np.ndarray:
    """Return where a pen with 20 pixels to a head unit paints, bool (100, 100)."""
    image = Image.new("RGB", (100, 100))
    anime_pen.Pen(image, 20, (50, 50), **options).fill(shape, anime_pen.WHITE)
    return np.asarray(image)[..., 0] > 0


def test_a_pen_places_tilts_and_turns():
    bar = [(0, -0.2), (2, -0.2), (2, 0.2), (0, 0.2)]
    rows, columns = np.nonzero(paint(bar))
    assert (rows.min(), rows.max()) == (46, 54)
    assert (columns.min(), columns.max()) == (50, 90)
    # A quarter turn clockwise brings what is right to the bottom.
    rows, columns = np.nonzero(paint(bar, tilt=90))
    assert (rows.min(), rows.max()) == (50, 90)
    rows, _ = np.nonzero(paint(bar, tilt=90, pivot=(2, 0)))
    assert (rows.min(), rows.max()) == (10, 50)
    # The middle of a face goes to the right, its outline stays.
    dot, rim = anime_pen.ellipse(0, 0, 0.1, 0.1), anime_pen.ellipse(1.1, 0, 0.1, 0.1)
    places = [paint(dot, turn=(x, 0)).nonzero()[1].mean() for x in (0, 0.5)]
    assert places[1] - places[0] == pytest.approx(10, abs=0.6)
    np.testing.assert_array_equal(paint(rim), paint(rim, turn=(0.5, 0)))


def test_curves_pass_through_their_points():
    points = np.random.default_rng(0).normal(size=(5, 2))
    np.testing.assert_allclose(anime_pen.curve(points)[::6], points)
    np.testing.assert_allclose(anime_pen.curve(points, closed=True)[::6], points)
    # Catmull-Rom curves keep even steps along a line.
    line = np.stack([np.arange(6.0), 2 * np.arange(6.0)], 1)
    inner = anime_pen.curve(line)[6:-6]
    np.testing.assert_allclose(np.diff(inner, axis=0), [[1 / 6, 1 / 3]] * 18)


def test_a_stroke_is_as_wide_as_asked():
    outline = anime_pen.stroke([(-1, 0), (0, 0), (1, 0)], 0.4, start=0.5, end=0)
    x, y = outline.T
    assert y.max() == pytest.approx(0.2, abs=0.01)
    assert np.abs(y[x == -1]).max() == pytest.approx(0.1)
    assert np.abs(y[x == 1]).max() == pytest.approx(0, abs=1e-6)


def test_bows_are_quadratic():
    corners = np.array([[(0.0, 0.0)], [(1.0, 2.0)], [(2.0, 0.0)]])
    x, y = anime_pen.bows(*corners)[:, 0].T
    np.testing.assert_allclose(x, np.linspace(0, 2, 7))
    np.testing.assert_allclose(y, x * (2 - x))


# --- files


def test_written_faces_are_those_that_are_made(folder):
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


def test_a_complete_set_is_left_as_it_is(folder, monkeypatch):
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    monkeypatch.delattr(anime_faces, "draw")
    write_faces(folder, 12, 5, seed=3, size=32)
    assert before == {p: p.stat().st_mtime_ns for p in folder.rglob("*")}


@pytest.mark.parametrize("arguments", [(13, 5, 3), (12, 4, 3), (12, 5, 4)])
def test_other_faces_are_not_overwritten(folder, arguments):
    with pytest.raises(UserError, match="already holds other files"):
        write_faces(folder, *arguments, size=32)


def test_neither_are_other_files_or_a_torn_set(tmp_path, folder):
    with pytest.raises(UserError, match="already holds other files"):
        write_faces(folder / "attributes.csv", 12, 5)
    write_faces(tmp_path / "new", 4, 2, size=16)
    (tmp_path / "new" / "test" / "00001.png").unlink()
    with pytest.raises(UserError, match="already holds other files"):
        write_faces(tmp_path / "new", 4, 2, size=16)


def test_the_second_of_two_processes_finds_the_set_there(tmp_path, monkeypatch):
    real = anime_faces.draw

    def overtaken(*arguments):
        monkeypatch.setattr(anime_faces, "draw", real)
        write_faces(tmp_path / "new", 3, 2, size=16)
        return real(*arguments)

    monkeypatch.setattr(anime_faces, "draw", overtaken)
    write_faces(tmp_path / "new", 3, 2, size=16)
    assert len(read_attributes(tmp_path / "new")) == 5
    assert [p.name for p in tmp_path.iterdir()] == ["new"]


SCRIPT = """
import sys
from pathlib import Path
if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    from common.synthetic.anime_faces import write_faces
    write_faces(Path(sys.argv[2]), int(sys.argv[3]), 10, size=16)
"""


def start(tmp_path: Path, count: int) -> subprocess.Popen:
    """Write faces by a script in a group of processes of its own."""
    (tmp_path / "main.py").write_text(SCRIPT)
    arguments = [tmp_path / "main.py", ROOT, tmp_path / "new", str(count)]
    return subprocess.Popen(
        [sys.executable, *arguments],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_many_faces_are_drawn_by_several_processes(tmp_path):
    process = start(tmp_path, 520)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    table = read_attributes(tmp_path / "new")
    assert list(table)[:520] == [f"train/{i:05d}.png" for i in range(520)]
    last = make_faces(10, size=16, split="test")[0][9]
    found = np.asarray(Image.open(tmp_path / "new" / "test" / "00009.png"))
    np.testing.assert_array_equal(found, last)


@pytest.mark.parametrize("seconds", [0, 0.2, None])
def test_an_interrupt_leaves_nothing(tmp_path, seconds):
    process = start(tmp_path, 90_000)
    # At first processes start, which is when Ctrl-C would make them noisy.
    pattern = ".writing-*/new/train" + ("/*.png" if seconds is None else "")
    while process.poll() is None and not any(tmp_path.glob(pattern)):
        time.sleep(0.01)
    time.sleep(seconds or 0)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode != 0
    # The parent alone is interrupted, but for a process that is just being started.
    assert errors.count("KeyboardInterrupt") == 1, errors
    if seconds != 0:
        assert errors.count("Traceback") == 1, errors
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
def test_wrong_arguments(tmp_path, arguments, words):
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
def test_a_damaged_table_says_where(tmp_path, table, words):
    (tmp_path / "attributes.csv").write_bytes(table)
    with pytest.raises(UserError, match=words) as caught:
        read_attributes(tmp_path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


def test_no_table(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_attributes(tmp_path)
