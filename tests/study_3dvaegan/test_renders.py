"""Rendered photos: geometry, variety, and the files of 3D-R2N2."""

import numpy as np
import pytest
from command_lines import call
from pictures import noise, saved
from PIL import Image
from shapes import boxes, padded, write_boxes

from common.errors import TextLeftOut, UserError
from common.shapes.binvox import read_binvox
from common.shapes.store import VoxelStore
from study_3dvaegan.commands import CHAPTER
from study_3dvaegan.config import Config
from study_3dvaegan.data import load_split
from study_3dvaegan.preparation import render
from study_3dvaegan.renders import (
    AZIMUTHS,
    ELEVATIONS,
    choose_views,
    render_shapes,
)
from synthetic_data.photographs.photo import _project, take_photo
from synthetic_data.photographs.scene import draw, prepare_scene


def flag() -> np.ndarray:
    """Return a pole at the origin with a flag along axis 0, bool (32, 32, 32)."""
    voxels = np.zeros((32, 32, 32), bool)
    voxels[4:7, 14:17, 4:28] = True
    voxels[7:28, 14:17, 18:28] = True
    return voxels


def mask_of(voxels: np.ndarray, azimuth: float, elevation: float, seed: int = 0):
    """Return where a photo differs from its background, bool (64, 64)."""
    photos = []
    for grey in (0, 255):  # the same random numbers, two backgrounds
        background = np.full((64, 64, 3), grey, np.uint8)
        rng = np.random.default_rng(seed)
        photo, _ = take_photo(
            prepare_scene(voxels), azimuth, elevation, background, rng
        )
        photos.append(photo.astype(int))
    return np.abs(photos[0] - photos[1]).max(axis=2) < 40


def test_the_object_fills_most_of_the_picture_and_is_whole():
    for seed in range(6):
        rows, columns = np.nonzero(mask_of(flag(), 60.0 * seed, 20.0, seed))
        sides = [np.ptp(rows) + 1, np.ptp(columns) + 1]
        assert 0.7 * 64 <= max(sides) <= 64
        assert rows.min() > 0 and columns.min() > 0
        assert rows.max() < 63 and columns.max() < 63


def test_the_viewer_is_where_the_azimuth_says():
    """From +axis 1 (90 degrees), axis 0 points to the left; from -axis 1 to the right.

    Up is up in both.
    """
    for azimuth, flag_is_left in ((90.0, True), (270.0, False)):
        mask = mask_of(flag(), azimuth, 5.0)
        rows, columns = np.nonzero(mask)
        middle = (columns.min() + columns.max()) / 2
        top = columns[rows < rows.min() + 0.4 * np.ptp(rows)]
        bottom = columns[rows > rows.max() - 0.3 * np.ptp(rows)]
        assert (bottom.mean() > middle) == flag_is_left
        assert np.ptp(top) > 3 * np.ptp(bottom)


def test_a_mirrored_shape_is_seen_mirrored_from_the_other_side():
    """So photos and shapes can be mirrored together to train on more of them."""
    voxels = flag()
    voxels[7:28, 17:20, 18:28] = True  # no longer its own mirror image
    left = cropped(mask_of(voxels, 40.0, 20.0))
    right = cropped(mask_of(voxels[:, ::-1], -40.0, 20.0))
    np.testing.assert_allclose(left.shape, right.shape, atol=4)
    # Where the pole stands, as a share of the width.
    places = [
        np.nonzero(mask[-len(mask) // 4 :])[1].mean() / mask.shape[1]
        for mask in (left, right[:, ::-1], right)
    ]
    assert abs(places[0] - places[1]) < 0.1
    assert abs(places[0] - places[2]) > 0.3


def cropped(mask: np.ndarray) -> np.ndarray:
    """Return the part of a mask in its bounding box."""
    rows, columns = np.nonzero(mask)
    return mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def test_the_nearest_surface_is_drawn():
    """From the front the white block is seen, from behind the black one."""
    voxels = np.zeros((32, 32, 32), bool)
    voxels[4:10, 8:24, 8:24] = voxels[22:28, 8:24, 8:24] = True
    scene = prepare_scene(voxels)
    for azimuth, seen in ((0.0, 1.0), (180.0, 0.0)):
        rng = np.random.default_rng(0)
        flat, depth, _, _ = _project(scene, azimuth, 5.0, 64, rng)
        ahead = scene.surface.vertices[:, :1] > 27
        picture = np.full((64, 64, 3), 0.5)
        draw(picture, scene, flat, depth, np.repeat(ahead, 3, axis=1).astype(float))
        x, y = flat.mean(axis=0).astype(int)
        np.testing.assert_allclose(picture[y, x], seen, atol=0.01)


def test_photos_of_one_view_differ_in_colours_and_light():
    scene = prepare_scene(flag())
    background = noise(0, 64, 64)
    photos = [
        take_photo(scene, 45.0, 20.0, background, np.random.default_rng(seed))[0]
        for seed in range(20)
    ]
    middle = np.stack(photos)[:, 20:30, 25:40].astype(float).mean(axis=(1, 2))
    assert (middle.std(axis=0) > 15).all()


def test_views_are_spread_over_the_grid():
    rng = np.random.default_rng(0)
    for count in (1, 5, 24, 40, 72):
        views = choose_views(count, rng)
        assert len(set(views)) == len(views) == count
        assert {e for _, e in views} <= set(ELEVATIONS)
    views = choose_views(24, rng)
    assert sorted(a for a, _ in views) == sorted(AZIMUTHS)
    assert {e: [v[1] for v in views].count(e) for e in ELEVATIONS} == dict.fromkeys(
        ELEVATIONS, 8
    )
    assert len(set(choose_views(72, rng))) == 72


def test_files_are_those_of_3d_r2n2(tmp_path):
    shapes = VoxelStore.from_array(padded(boxes(3)), class_names=("box",))
    options = {"views": 2, "image_size": 32, "processes": 1}
    render_shapes(shapes, ["a", "b", "c"], tmp_path / "one", **options)
    folder = tmp_path / "one/ShapeNetRendering/box/b/rendering"
    assert sorted(p.name for p in folder.iterdir()) == [
        "00.png",
        "01.png",
        "rendering_metadata.txt",
        "renderings.txt",
    ]
    with Image.open(folder / "00.png") as image:
        assert image.size == (32, 32) and image.mode == "RGB"
    lines = (folder / "rendering_metadata.txt").read_text().splitlines()
    azimuth, elevation, *others = map(float, lines[0].split())
    assert len(lines) == 2 and len(others) == 3
    assert azimuth in AZIMUTHS and elevation in ELEVATIONS
    np.testing.assert_array_equal(
        read_binvox(tmp_path / "one/ShapeNetVox32/box/b/model.binvox"),
        shapes.voxels()[1],
    )
    # The same seed gives the same photos, another one others.
    render_shapes(shapes, ["a", "b", "c"], tmp_path / "two", **options)
    render_shapes(shapes, ["a", "b", "c"], tmp_path / "three", **options, seed=1)
    parts = [
        tmp_path / f"{name}/ShapeNetRendering/box/b/rendering/01.png"
        for name in ("one", "two", "three")
    ]
    one, two, three = (path.read_bytes() for path in parts)
    assert one == two != three


def test_backgrounds_may_be_photos(tmp_path):
    red = np.zeros((40, 60, 3), np.uint8)
    red[..., 0] = 255
    path = saved(red, tmp_path / "red.png")
    shapes = VoxelStore.from_array(padded(boxes(1)))
    render_shapes(
        shapes, ["a"], tmp_path, views=1, image_size=32, backgrounds=[path], processes=1
    )
    photo = np.asarray(
        Image.open(tmp_path / "ShapeNetRendering/shape/a/rendering/00.png"), float
    )
    corners = photo[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners[:, 0] > 3 * corners[:, 1] + 20).all()


def test_a_background_that_is_no_photo_is_told(tmp_path):
    """The error comes from another process."""
    bad = tmp_path / "bad.png"
    bad.write_text("no photo")
    shapes = VoxelStore.from_array(padded(boxes(4)))
    with pytest.raises(UserError, match="bad.png: expected"):
        render_shapes(
            shapes,
            list("abcd"),
            tmp_path,
            views=1,
            image_size=32,
            backgrounds=[bad],
            processes=2,
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"views": 73}, "--views must be from 1 to 72"),
        ({"image_size": 30}, "--image-size must be a multiple of 8"),
        ({"seed": -1}, "--seed must be a whole number from 0"),
    ],
)
def test_wrong_options(tmp_path, options, message):
    shapes = VoxelStore.from_array(padded(boxes(1)))
    with pytest.raises(UserError, match=message):
        render_shapes(shapes, ["a"], tmp_path, **options)


def test_an_empty_shape_is_named(tmp_path):
    voxels = padded(boxes(2))
    voxels[1] = False
    shapes = VoxelStore.from_array(voxels)
    with pytest.raises(UserError, match=r"shape/b has no filled voxel"):
        render_shapes(shapes, ["a", "b"], tmp_path)
    assert not list(tmp_path.iterdir())


# --- data render


def test_a_set_of_voxels_becomes_a_set_of_photos(tmp_path):
    data = write_boxes(tmp_path / "boxes")
    report = render(data, tmp_path / "out", views=2, image_size=32)
    assert report.splitlines() == [
        "train: 24 shapes, 48 photos",
        "test: 10 shapes, 20 photos",
        f"use it with: train --data {tmp_path / 'out'}",
    ]
    assert (tmp_path / "out/rendered.png").exists()
    for split, count in (("train", 24), ("test", 10)):
        pairs = load_split(Config(data=tmp_path / "out"), split)
        assert len(pairs.shapes) == count and len(pairs) == 2 * count
        assert set(pairs.elevations.tolist()) <= set(ELEVATIONS)
        # The shapes are those of the data set, whatever their order.
        own = load_split(Config(data=data, views=1), split).shapes.voxels()
        key = {shape.tobytes() for shape in own}
        assert {shape.tobytes() for shape in pairs.shapes.voxels()} == key


def test_meshes_are_voxelised_first(tmp_path):
    trimesh = pytest.importorskip("trimesh")
    for split, count in (("train", 2), ("test", 1)):
        for number in range(count):
            box = trimesh.creation.box(extents=(1, 2, 1 + number))
            path = tmp_path / f"meshes/box/{split}/{number}.off"
            path.parent.mkdir(parents=True, exist_ok=True)
            box.export(path)
    (tmp_path / "meshes/box/train/bad.off").write_text("OFF\nnonsense")
    report = render(tmp_path / "meshes", tmp_path / "out", views=1, image_size=32)
    assert isinstance(report, TextLeftOut) and "bad.off" in report
    assert "train: 2 shapes, 2 photos" in report
    pairs = load_split(Config(data=tmp_path / "out"), "train")
    assert pairs.shapes.class_names == ("box",) and len(pairs) == 2


def test_the_command_refuses_in_one_line(tmp_path):
    data = write_boxes(tmp_path / "boxes")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").write_text("")
    (tmp_path / "nothing").mkdir()
    for arguments, message in (
        ([data, tmp_path / "full"], "exists already"),
        ([tmp_path / "nothing", tmp_path / "new"], "voxel files"),
        ([data, tmp_path / "new", "--backgrounds", tmp_path / "nothing"], "image"),
        ([data, tmp_path / "new", "--views", "0"], "--views must be from 1 to 72"),
        ([tmp_path / "none", tmp_path / "new"], "--shapes"),
    ):
        command = ["data", "render", "--shapes", arguments[0], "--out", *arguments[1:]]
        ended = call(CHAPTER, *command)
        assert ended.returncode == 2, ended.stderr
        assert message in ended.stderr
        assert "Traceback" not in ended.stderr
        assert not (tmp_path / "new").exists()
