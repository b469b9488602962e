"""Photos of objects alone: where things lie in them, and the files of a data set."""

import csv

import numpy as np
import pytest
from PIL import Image

from common.errors import UserError
from common.shapes.voxels import fit_to_size
from study_von.projection import project_by_lookup
from study_von.sketches import COVERED, FRONT, cut, find_squares
from synthetic_data.photographs.materials import car_material
from synthetic_data.photographs.objects import photograph, prepare_object
from synthetic_data.photographs.viewpoints import draw_viewpoints
from synthetic_data.photographs.write import make_object, write_object_photos
from synthetic_data.shapes.write import make_shape

VIEWS = ((0.0, 0.0), (35.0, 25.0), (-75.0, 10.0), (110.0, 40.0))


def photo(shape, azimuth=30.0, elevation=20.0, size=64, seed=0, class_name=""):
    """Return a photo of a shape."""
    rng = np.random.default_rng(seed)
    scene = prepare_object(shape)
    return photograph(scene, azimuth, elevation, size, rng, class_name)


def lopsided() -> np.ndarray:
    """Return a chair with a block at its side of high indices of axis 1."""
    shape = make_shape("chair", 0)
    shape[12:18, 20:29, 12:18] = True
    return shape


@pytest.mark.parametrize("view", VIEWS)
def test_the_camera_is_that_of_study_von(view):
    """The outlines agree; those of the mirrored photo or another azimuth do not."""
    shape = lopsided()
    volume = fit_to_size(shape, 32)[None].astype(np.float32)
    azimuth, elevation = (np.array([angle], np.float32) for angle in view)
    silhouette, _ = project_by_lookup(volume, azimuth + FRONT, elevation, 128, 64, 6)
    kept = silhouette > COVERED
    square = cut(np.float32(kept), *find_squares(kept, 64))[0].numpy() > 0.5
    assert iou(photo(shape, *view)[..., 3] > 127, square) >= 0.93
    assert iou(photo(shape, *view)[:, ::-1, 3] > 127, square) < 0.8
    assert iou(photo(shape, view[0] + 40, view[1])[..., 3] > 127, square) < 0.8


def iou(first: np.ndarray, second: np.ndarray) -> float:
    """Return the intersection over union of two masks."""
    return (first & second).sum() / (first | second).sum()


def test_the_object_fills_its_square_up_to_the_margin():
    for class_name in ("chair", "car"):
        alpha = photo(make_shape(class_name, 1), size=100)[..., 3]
        assert alpha.shape == (100, 100)
        rows, columns = np.nonzero(alpha > 127)
        sides = np.ptp(rows) + 1, np.ptp(columns) + 1
        # 100 / 1.06 = 94.3
        assert 93 <= max(sides) <= 95
        assert abs(rows.min() + rows.max() - 99) <= 2
        assert abs(columns.min() + columns.max() - 99) <= 2


def test_transparent_pixels_are_white_and_edges_are_not_darkened_by_them():
    image = photo(make_shape("chair", 2))
    alpha = image[..., 3]
    assert image.dtype == np.uint8 and image.shape == (64, 64, 4)
    assert (image[alpha == 0, :3] == 255).all()
    assert (alpha == 0).any() and (alpha == 255).any()
    between = (alpha > 0) & (alpha < 255)
    assert 0.01 < between.mean() < 0.3
    # The shape's own colours reach to the edge.
    inside = image[alpha == 255, :3].astype(float)
    edge = image[between, :3].astype(float)
    assert abs(edge.mean() - inside.mean()) < 40


def test_a_photo_depends_on_its_source_of_random_values():
    shape = make_shape("chair", 3)
    one, two, three = (photo(shape, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one[..., 3], three[..., 3])
    assert abs(one[..., :3].astype(int) - three[..., :3]).max() > 30


def test_a_car_has_black_tyres_dark_windows_and_a_painted_roof():
    seen = 0
    for index in range(6):
        surface = prepare_object(make_shape("car", index)).surface
        material = car_material(surface, np.random.default_rng(index))
        places = surface.vertices
        low, high = places.min(axis=0), places.max(axis=0)
        height = (places[:, 2] - low[2]) / (high[2] - low[2])
        assert material.colours.shape == places.shape
        assert 0 <= material.colours.min() and material.colours.max() <= 1
        assert material.colours[height < 0.04].max() < 0.1
        roof = material.colours[height > 0.97]
        assert np.ptp(roof, axis=0).max() < 1e-9
        # The windscreen, seen from the front, is darker than the light paint.
        screen = (surface.normals[:, 0] < -0.8) & (height > 0.75) & (height < 0.9)
        assert material.colours[screen].max(initial=0) < 0.25
        seen += screen.sum()
    assert seen > 50


def test_viewpoints_follow_their_class():
    rng = np.random.default_rng(0)
    expected = {  # means of azimuth and elevation, lowest and highest
        "chair": (0, 28, -120, 120, 2, 40),
        "car": (16, 5, -90, 90, 0, 36),
        "table": (0, 20, -90, 90, 0, 40),
    }
    for class_name, (azimuth, elevation, *limits) in expected.items():
        azimuths, elevations = draw_viewpoints(class_name, 4000, rng)
        assert azimuths.dtype == elevations.dtype == np.float32
        assert abs(azimuths.mean() - azimuth) < 3
        assert abs(elevations.mean() - elevation) < 1
        assert azimuths.min() >= limits[0] and azimuths.max() <= limits[1]
        assert elevations.min() >= limits[2] and elevations.max() <= limits[3]


def test_a_data_set_is_photos_and_their_viewpoints(tmp_path):
    options = {"train": 5, "test": 3, "size": 32, "views": 2}
    write_object_photos(tmp_path / "one", **options)
    with (tmp_path / "one/views.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = [f"train/{k:05d}.png" for k in range(5)]
    names += [f"test/{k:05d}.png" for k in range(3)]
    assert [row["file"] for row in rows] == names
    for split, count in (("train", 5), ("test", 3)):
        assert len(list((tmp_path / "one" / split).glob("*.png"))) == count
    # A picture is that of the object and the viewpoint that are named.
    with Image.open(tmp_path / "one/train/00003.png") as image:
        assert image.mode == "RGBA" and image.size == (32, 32)
        alpha = np.asarray(image)[..., 3]
    view = float(rows[3]["azimuth"]), float(rows[3]["elevation"])
    again = photo(make_object("chair", "train", 1), *view, size=32)
    np.testing.assert_array_equal(alpha, again[..., 3])
    # The same arguments give the same files; another seed gives others.
    write_object_photos(tmp_path / "two", **options)
    write_object_photos(tmp_path / "three", **options, seed=1)
    one, two, three = (
        (tmp_path / name / "test/00002.png").read_bytes()
        for name in ("one", "two", "three")
    )
    assert one == two != three


def test_the_objects_are_new():
    """None is in the stand-in of chapter 2, and no test object is for training."""
    known = {
        make_shape("chair", index, split).tobytes()
        for split in ("train", "test")
        for index in range(20)
    }
    new = [
        make_object("chair", split, index).tobytes()
        for split in ("train", "test")
        for index in range(20)
    ]
    assert len(set(new)) == 40 and not known & set(new)


def test_bad_arguments_write_nothing(tmp_path):
    for options, message in (
        ({"class_name": "sofa"}, "no synthetic class 'sofa'"),
        ({"train": 0}, "train: expected 1 to 100,000, found 0"),
        ({"size": 8}, "size: expected 16 to 512 pixels, found 8"),
        ({"views": 0}, "views: expected 1 to 100, found 0"),
        ({"seed": -1}, "seed: expected a whole number from 0, found -1"),
    ):
        with pytest.raises(UserError, match=message):
            write_object_photos(tmp_path / "new", **options)
    assert not list(tmp_path.iterdir())
