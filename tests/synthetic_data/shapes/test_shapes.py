"""The procedural shapes: properties that a stand-in for 3D ShapeNets needs."""

import numpy as np
import pytest
import scipy.io
from scipy import ndimage

from common.errors import UserError
from common.shapes.voxels import find_shapes, read_mat
from synthetic_data.shapes import primitives
from synthetic_data.shapes.write import CLASSES, make_shape, write_shapenets

COUNT = 120


@pytest.fixture(scope="module")
def shapes() -> dict[str, np.ndarray]:
    """Return some shapes of each class."""
    return {
        name: np.stack([make_shape(name, k) for k in range(COUNT)]) for name in CLASSES
    }


def _pairwise_iou(voxels: np.ndarray) -> np.ndarray:
    """Return the intersection over union of each pair, with 0 on the diagonal."""
    flat = voxels.reshape(len(voxels), -1).astype(np.float32)
    both = flat @ flat.T
    filled = flat.sum(1)
    iou = both / (filled[:, None] + filled - both)
    np.fill_diagonal(iou, 0)
    return iou


@pytest.mark.parametrize("name", CLASSES)
def test_shapes_fill_the_inner_box_like_the_real_ones(shapes, name):
    for shape in shapes[name]:
        assert shape.shape == (30, 30, 30) and shape.dtype == bool
        places = np.argwhere(shape)
        low, high = places.min(0), places.max(0)
        assert low.min() >= 3 and high.max() <= 26
        assert (high - low + 1).max() == 24


@pytest.mark.parametrize("name", CLASSES)
def test_shapes_are_one_piece_and_solid(shapes, name):
    for shape in shapes[name]:
        assert ndimage.label(shape, np.ones((3, 3, 3)))[1] == 1
        assert (ndimage.binary_fill_holes(shape) == shape).mean() > 0.99


@pytest.mark.parametrize(
    "name, low, high", [("chair", 0.03, 0.06), ("table", 0.03, 0.07)]
)
def test_occupancy_is_near_the_real_chairs(shapes, name, low, high):
    assert low < shapes[name].mean() < high


def test_shapes_of_a_class_differ(shapes):
    for name in CLASSES:
        iou = _pairwise_iou(shapes[name])
        assert iou.max() < 1
        # Cars are all long boxes.
        most = 0.7 if name == "car" else 0.35
        assert iou.sum() / (COUNT * (COUNT - 1)) < most
    assert _pairwise_iou(shapes["chair"]).sum() / (COUNT * (COUNT - 1)) < 0.2


def test_most_shapes_are_left_right_symmetric(shapes):
    limits = {"chair": 0.9, "table": 0.85, "airplane": 1.0, "car": 1.0}
    for name, least in limits.items():
        voxels = shapes[name]
        same = (voxels == voxels[:, :, ::-1]).all(axis=(1, 2, 3))
        assert same.mean() >= least


def test_chairs_face_the_same_way_as_the_real_ones(shapes, shared_data):
    files = find_shapes(shared_data / "3dshapenets", ("chair",), "train")[:200]
    real = np.stack([read_mat(file.path) for file in files])
    place = np.arange(30)[:, None]
    centres = []
    for voxels in (real, shapes["chair"]):
        upper = voxels[..., 20:].mean(0)  # the backs
        weights = upper.sum((1, 2)), upper.sum((0, 2))
        centres.append([np.average(place[:, 0], weights=w) for w in weights])
    # The back is at high indices of axis 0 and in the middle of axis 1.
    assert centres[0][0] > 16.5 and centres[1][0] > 16.5
    assert abs(centres[0][1] - 14.5) < 0.5 and abs(centres[1][1] - 14.5) < 0.5


def test_tables_are_flat_on_top_and_aeroplanes_have_their_tail_at_the_rear(shapes):
    upper = shapes["airplane"].copy()
    for shape in upper:
        middle = np.flatnonzero(shape.any((0, 1))).mean()
        shape[..., : int(middle) + 1] = False
    profile = upper.sum((0, 2, 3))
    assert profile[21:].sum() > 2 * profile[:9].sum()
    layers = shapes["table"].sum((1, 2)).argmax(1)
    height = np.array([np.flatnonzero(s.any((0, 1))).mean() for s in shapes["table"]])
    assert (layers > height).mean() > 0.8


def test_cars_stand_on_four_wheels_and_are_longer_than_wide_and_high(shapes):
    for shape in shapes["car"]:
        places = np.argwhere(shape)
        length, width, height = np.ptp(places, axis=0) + 1
        assert length == 24 and 7 <= width <= 15 and 5 <= height <= 15
        ground = shape[:, :, places[:, 2].min()]
        # Four contact patches, apart along both axes, and nothing in between.
        pieces, count = ndimage.label(ground)
        assert count == 4 and ground.sum() <= 60
        assert not ground[13:17].any() and not ground[:, 14:16].any()


def test_cars_face_low_indices(shapes):
    """The bonnet is lower than the rear, and the roof is nearer to the rear."""
    for split in (slice(0, 60), slice(60, 120)):
        upper = np.zeros(30)
        for shape in shapes["car"][split]:
            top = np.flatnonzero(shape.any((0, 1))).max()
            upper += shape[:, :, top - 1 :].any((1, 2))
        assert np.average(np.arange(30), weights=upper) > 15


def test_a_shape_depends_on_its_arguments_alone():
    first = make_shape("chair", 5, "train", 7)
    make_shape("table", 1)
    assert (make_shape("chair", 5, "train", 7) == first).all()
    others = [
        ("chair", 6, "train", 7),
        ("chair", 5, "test", 7),
        ("chair", 5, "train", 8),
    ]
    for other in others:
        assert (make_shape(*other) != first).any()


def test_azimuths_are_rotations_about_the_vertical_axis():
    one, two, four = (make_shape("chair", 3, azimuth=a) for a in (1, 2, 4))
    assert (four == np.rot90(one, axes=(0, 1))).all()
    # Rotating with an independent method gives nearly the same voxels.
    turned = ndimage.rotate(one.astype(float), -30, axes=(0, 1), reshape=False, order=1)
    backward = ndimage.rotate(
        one.astype(float), 30, axes=(0, 1), reshape=False, order=1
    )
    overlap = [(two & (t > 0.3)).sum() for t in (turned, backward)]
    assert max(overlap) > 1.2 * min(overlap)
    quarter = ndimage.rotate(
        one.astype(float), -90, axes=(0, 1), reshape=False, order=0
    )
    assert (np.argmax(overlap) == 0) == ((quarter > 0.5) == four).all()


def test_a_ball_has_the_volume_of_a_ball():
    ball = primitives.voxelise([primitives.ellipsoid((5, 5, 5), (2, 2, 2))])
    assert ball.sum() == pytest.approx(4 / 3 * np.pi * 12**3, rel=0.02)
    assert (ball == ball[::-1]).all() and (ball == ball.transpose(1, 2, 0)).all()


def test_a_bar_can_taper_lean_and_slant():
    cone = primitives.bar((0, 0, 0), (0, 0, 24), 12.0, 1.0, primitives.ROUND)
    areas = primitives.voxelise([cone]).sum((0, 1))[3:27]
    assert areas[0] > 400 and areas[-1] < 12 and (np.diff(areas) <= 0).all()
    post = primitives.box((0, 2), (0, 2), (0, 24))
    leaning = primitives.voxelise(primitives.leaning([post], 0.5, 0.0))
    x = np.arange(30)[:, None]
    centre = (leaning.sum(1) * x).sum(0)[3:27] / leaning.sum((0, 1))[3:27]
    assert np.polyfit(np.arange(24), centre, 1)[0] == pytest.approx(0.5, abs=0.03)


def test_write_makes_the_tree_of_3d_shapenets(tmp_path):
    write_shapenets(tmp_path, ("chair", "table"), train=3, test=2, azimuths=12)
    folder = tmp_path / "volumetric_data" / "chair" / "30"
    assert len(list((folder / "train").glob("chair_*_*.mat"))) == 36
    path = sorted((folder / "test").iterdir())[0]
    name, number, azimuth = path.stem.split("_")
    assert name == "chair" and len(number) == 9 and 1 <= int(azimuth) <= 12
    content = scipy.io.loadmat(path)["instance"]
    assert content.dtype == np.int8 and content.shape == (30, 30, 30)
    assert set(np.unique(content)) == {0, 1}
    files = find_shapes(tmp_path, ("chair",), "train", "first")
    assert len(files) == 3
    assert (read_mat(files[2].path) == make_shape("chair", 2)).all()
    numbered = folder / "train" / "chair_000000001_5.mat"
    assert (read_mat(numbered) == make_shape("chair", 0, azimuth=5)).all()


def test_write_refuses_a_folder_of_other_shapes(tmp_path):
    options = {"classes": ("airplane",), "train": 2, "test": 1}
    target = write_shapenets(tmp_path, **options)
    before = {p: p.stat().st_mtime_ns for p in target.rglob("*.mat")}
    write_shapenets(tmp_path, **options)
    assert before == {p: p.stat().st_mtime_ns for p in target.rglob("*.mat")}
    with pytest.raises(UserError, match="already holds other shapes"):
        write_shapenets(tmp_path, **options, seed=1)
    other = tmp_path / "other" / "volumetric_data" / "chair"
    other.mkdir(parents=True)
    with pytest.raises(UserError, match="already holds other shapes"):
        write_shapenets(tmp_path / "other", **options)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("sofa", 0), "no synthetic class 'sofa'"),
        (("chair", -1), "index"),
        (("chair", 0, "val"), "split"),
        (("chair", 0, "train", -1), "seed"),
        (("chair", 0, "train", 0, 13), "azimuth"),
    ],
)
def test_bad_arguments_give_one_line(arguments, message):
    with pytest.raises(UserError, match=message) as caught:
        make_shape(*arguments)
    assert "\n" not in str(caught.value)


def test_bad_counts_write_nothing(tmp_path):
    for options in ({"train": 0}, {"test": 0}, {"azimuths": 5}, {"classes": ()}):
        with pytest.raises(UserError):
            write_shapenets(tmp_path, **{"train": 1, "test": 1} | options)
    assert not list(tmp_path.iterdir())
