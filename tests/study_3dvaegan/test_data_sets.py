"""The layouts of photos and shapes that the study reads, and their damage."""

import logging

import numpy as np
import pytest
import scipy.io
from photo_sets import block, write_ikea, write_tree
from pictures import noise, saved
from PIL import Image

from common.data.folders import warn_once
from common.errors import UserError
from common.images.image_file import ImageError
from common.images.reading import warn_of_more
from common.shapes.voxels import read_voxels
from study_3dvaegan.data_sets.folder_of_pairs import has_pairs, list_pairs
from study_3dvaegan.data_sets.ikea import load_ikea
from study_3dvaegan.data_sets.photo_cache import read_square
from study_3dvaegan.data_sets.rendered import is_tree, list_rendered


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Keep the caches of these tests in their own folder, and repeat warnings."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    warn_once.cache_clear()


def both(root, classes=(), default=None):
    """Return the lists of both splits of a tree."""
    return [list_rendered(root, classes, s, 32, default) for s in ("train", "test")]


# Trees of 3D-R2N2


def test_a_tree_divides_shapes_and_never_their_photos(tmp_path):
    train, test = both(write_tree(tmp_path, "03001627", count=9, views=3))
    assert {file.class_name for file in train.shapes} == {"chair"}
    assert len(train.shapes) + len(test.shapes) == 9
    assert len(test.shapes) >= 1
    for one in (train, test):
        assert len(one.names) == 3 * len(one.shapes)
        photos = zip(one.names, one.shape_rows, one.elevations, strict=True)
        for name, row, elevation in photos:
            shape = one.shapes[row].path.parent.name
            assert shape == name.split("/")[1]
            assert elevation == 5 + int(shape.removeprefix("s"))
    assert not {*train.names} & {*test.names}


def test_a_shape_stands_upright_as_the_format_says(tmp_path):
    # The fastest axis of the format, y, points up: 3 voxels here, and 2 along z.
    x_z_y = np.zeros((4, 4, 4), np.uint8)
    x_z_y[0, 1:3, :3] = 1
    runs = b"".join(bytes([int(value), 1]) for value in x_z_y.ravel())
    path = tmp_path / "model.binvox"
    path.write_bytes(b"#binvox 1\ndim 4 4 4\ntranslate 0 0 0\nscale 1\ndata\n" + runs)
    filled = np.argwhere(read_voxels(path)[0])
    assert np.ptp(filled, axis=0).tolist() == [0, 1, 2]
    assert filled[:, 2].min() == 0


@pytest.mark.parametrize("name", ["03001627", "chair"])
def test_classes_have_english_names(tmp_path, name):
    write_tree(tmp_path, "03001627")
    write_tree(tmp_path, "02691156")
    for classes, expected in (
        (("aeroplane",), {"airplane"}),
        (("02691156", name), {"airplane", "chair"}),
        ((name,), {"chair"}),
        ((), {"airplane", "chair"}),
    ):
        train, _ = both(tmp_path, classes)
        assert {file.class_name for file in train.shapes} == expected
    train, _ = both(tmp_path, default="chair")
    assert {file.class_name for file in train.shapes} == {"chair"}
    with pytest.raises(UserError, match="no class 'sofa'.*airplane, chair"):
        both(tmp_path, ("sofa",))


@pytest.mark.parametrize("deeper", ["ShapeNetRendering", "ShapeNetVox32", "."])
def test_a_tree_may_lie_one_folder_deeper(tmp_path, deeper):
    inner = write_tree(tmp_path / "root" / "inner")
    for name in ("ShapeNetRendering", "ShapeNetVox32"):
        if deeper not in (name, "."):
            (inner / name).rename(tmp_path / "root" / name)
    assert is_tree(tmp_path / "root")
    train, test = both(tmp_path / "root")
    assert len(train.shapes) + len(test.shapes) == 4


def test_shapes_of_the_networks_size_are_preferred(tmp_path):
    write_tree(tmp_path)
    (tmp_path / "ShapeNetVox32").rename(tmp_path / "ShapeNetVox64")
    write_tree(tmp_path)
    for size in (32, 64):
        path = list_rendered(tmp_path, (), "train", size).shapes[0].path
        assert f"ShapeNetVox{size}" in str(path)


def test_photos_without_a_shape_are_an_error_and_shapes_without_photos_none(
    tmp_path, caplog
):
    write_tree(tmp_path)
    (tmp_path / "ShapeNetVox32" / "chair" / "more").mkdir()
    with caplog.at_level(logging.WARNING):
        both(tmp_path)
    assert "left out 1 shapes without photos, for example more" in caplog.text
    (tmp_path / "ShapeNetVox32" / "chair" / "s1" / "model.binvox").unlink()
    with pytest.raises(UserError, match="chair/s1: expected its shape in "):
        both(tmp_path)


def test_half_a_tree_is_an_error(tmp_path):
    write_tree(tmp_path)
    (tmp_path / "ShapeNetVox32").rename(tmp_path / "shapes")
    assert is_tree(tmp_path)
    with pytest.raises(UserError, match="found only ShapeNetRendering; put ShapeNetV"):
        both(tmp_path)


def test_a_shape_without_any_photo_is_an_error(tmp_path):
    folder = write_tree(tmp_path) / "ShapeNetRendering" / "chair" / "s1" / "rendering"
    for path in folder.glob("*.png"):
        path.unlink()
    with pytest.raises(UserError, match="s1/rendering: expected the photos"):
        both(tmp_path)


def test_elevations_are_optional(tmp_path, caplog):
    write_tree(tmp_path)
    (tmp_path / "train.txt").write_text("chair/s0\nchair/s1\nchair/s2\n\nchair/s3")
    rendering = tmp_path / "ShapeNetRendering" / "chair"
    (rendering / "s0" / "rendering" / "rendering_metadata.txt").unlink()
    (rendering / "s1" / "rendering" / "rendering_metadata.txt").write_text("30 20 0\n")
    (rendering / "s2" / "rendering" / "rendering_metadata.txt").write_text("a b\n\n")
    elevations = list_rendered(tmp_path, (), "train").elevations
    assert np.isnan(elevations).tolist() == [
        *(True, True, False, True),
        *(True, True, False, False),
    ]
    assert elevations[2] == 20
    assert "expected numbers, azimuth and elevation first, found 'a b'" in caplog.text


def test_lists_decide_the_splits(tmp_path):
    write_tree(tmp_path)
    write_tree(tmp_path, "table", count=2)
    (tmp_path / "train.txt").write_text("chair/s2\ntable/s0\nchair/s0\n")
    (tmp_path / "test.txt").write_text("chair/s3\ntable/s1\n")
    train, test = both(tmp_path, ("chair",))
    assert [file.path.parent.name for file in train.shapes] == ["s0", "s2"]
    assert [file.path.parent.name for file in test.shapes] == ["s3"]


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ("chair/s0\nchair/s9\n", "chair/s1\n", "train.txt, line 2: there is no fol"),
        ("chiar/s0\n", "chair/s1\n", "train.txt, line 1: .*chiar/s0"),
        ("chair/s0\nchiar/s2\n", "chair/s1\n", "train.txt, line 2: .*chiar/s2"),
        ("chair/s0\n\nchair/../s2\n", "chair/s1\n", "line 3: expected <class>/<name>"),
        ("chair/s0\nchair/s1\n", "chair/s1\n", "line 2: chair/s1 is in test.txt, too"),
        ("chair/s0\n", "03001627/s0\n", "line 1: chair/s0 is in test.txt, too"),
        ("03001627/s0\n", "chair/s0\n", "line 1: 03001627/s0 is in test.txt, too"),
        ("\n", "chair/s1\n", "train.txt: expected lines <class>/<name>, found none"),
        (None, "chair/s1\n", "lists one split only.*train.txt"),
    ],
)
def test_a_wrong_line_of_a_list_is_named(tmp_path, train, test, message):
    write_tree(tmp_path)
    for name, text in (("train", train), ("test", test)):
        if text is not None:
            (tmp_path / f"{name}.txt").write_text(text)
    with pytest.raises(UserError, match=message):
        list_rendered(tmp_path, (), "train")


# Photos as squares


def test_a_transparent_render_is_cut_to_its_object_on_white(tmp_path):
    pixels = np.zeros((137, 137, 4), np.uint8)
    pixels[20:60, 40:120] = (200, 0, 0, 255)
    path = saved(Image.fromarray(pixels), tmp_path / "00.png")
    square = read_square(path, 64, True, warn_of_more)
    red = (np.abs(square.astype(int) - (200, 0, 0)) < 60).all(axis=-1)
    # 80 pixels of 88 across, and 40 of 88 down.
    assert np.abs(red.sum(axis=1).max() - 64 * 80 / 88) <= 3
    assert np.abs(red.sum(axis=0).max() - 64 * 40 / 88) <= 3
    assert (square[0] == 255).all()


def test_an_opaque_render_keeps_its_framing_and_a_photo_gets_a_margin(tmp_path):
    picture = noise(0, 64, 64)
    path = saved(picture, tmp_path / "00.png")
    assert np.array_equal(read_square(path, 64, True, warn_of_more), picture)
    assert not np.array_equal(read_square(path, 64, False, warn_of_more), picture)
    assert read_square(path, 128, True, warn_of_more).shape == (128, 128, 3)


def test_a_render_of_nothing_is_unusable(tmp_path):
    path = saved(Image.new("RGBA", (64, 64)), tmp_path / "00.png")
    with pytest.raises(ImageError, match="all of it is transparent"):
        read_square(path, 64, True, warn_of_more)


# Folders of pairs


def write_pairs(folder, photos, shapes):
    """Write photos and blocks under the given names; return the folder."""
    for number, name in enumerate(photos):
        saved(noise(number), folder / name)
    for number, name in enumerate(shapes):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(folder / name, block(number + 1))
    return folder


def paired(folder, split="train", classes=(), default=None):
    """Return pairs of the names of photos and shapes of a split."""
    photos = list_pairs(folder, classes, split, default)
    shapes = [file.path.relative_to(folder).as_posix() for file in photos.shapes]
    return [
        (name, shapes[row])
        for name, row in zip(photos.names, photos.shape_rows, strict=True)
    ]


def test_photos_belong_to_the_shape_of_their_name(tmp_path, caplog):
    photos = ["train/sofa.jpg", "train/sofa_1.JPG", "train/sofa_22.png"]
    photos += ["train/a_1.png", "train/bed/any name.jpg", "test/sofa.png"]
    shapes = ["train/sofa.npy", "train/a_1.npy", "train/bed.npy", "test/sofa.npy"]
    folder = write_pairs(tmp_path / "own", photos, shapes)
    assert has_pairs(folder)
    with caplog.at_level(logging.WARNING):
        assert paired(folder) == [
            ("train/a_1.png", "train/a_1.npy"),
            ("train/bed/any name.jpg", "train/bed.npy"),
            ("train/sofa.jpg", "train/sofa.npy"),
            ("train/sofa_1.JPG", "train/sofa.npy"),
            ("train/sofa_22.png", "train/sofa.npy"),
        ]
        assert paired(folder, "test") == [("test/sofa.png", "test/sofa.npy")]
    assert not caplog.text


def test_without_folders_of_splits_the_shapes_name_decides(tmp_path):
    names = [f"s{number}" for number in range(12)]
    photos = [f"{name}_{view}.png" for name in names for view in (1, 2)]
    folder = write_pairs(tmp_path / "own", photos, [f"{name}.npy" for name in names])
    train, test = paired(folder), paired(folder, "test")
    assert len(train) + len(test) == 24
    assert not {shape for _, shape in train} & {shape for _, shape in test}
    assert len(train) > len(test) > 0


def test_folders_are_classes(tmp_path):
    photos = [f"{c}/{n}.png" for c in ("chair", "sofa") for n in range(3)]
    shapes = [photo.replace(".png", ".npy") for photo in photos]
    folder = write_pairs(tmp_path / "own", photos, shapes)
    every = paired(folder) + paired(folder, "test")
    assert len(every) == 6
    chairs = paired(folder, default="chair") + paired(folder, "test", ("chair",))
    assert sorted(photo for photo, _ in chairs) == photos[:3]


def test_a_table_names_the_pairs(tmp_path):
    photos = [f"photos/{n}.jpg" for n in range(4)]
    folder = write_pairs(tmp_path / "own", photos, ["train/a.npy", "test/b.npy"])
    rows = ["Photo, Shape", "photos/0.jpg,train/a.npy", "photos/2.jpg,./test/b.npy"]
    rows += ["photos/3.jpg,train/a.npy", "photos/3.jpg,train/a.npy"]
    (folder / "pairs.csv").write_text("\n".join(rows) + "\n")
    assert paired(folder) == [
        ("photos/0.jpg", "train/a.npy"),
        ("photos/3.jpg", "train/a.npy"),
    ]
    assert paired(folder, "test") == [("photos/2.jpg", "test/b.npy")]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a.jpg,a.npy", "expected the columns photo,shape"),
        ("photo,shape", "expected a line for each photo, found none"),
        ("photo,shape\na.jpg,b.npy", "line 2: there is no shape b.npy"),
        ("photo,shape\na.jpg,a.npy\nc.jpg,a.npy", "line 3: there is no photo c.jpg"),
        ("photo,shape\na.jpg", "line 2: found no shape"),
        ("photo,shape\n../a.jpg,a.npy", "line 2: expected a photo in "),
        ("photo,shape\na.npy,a.npy", "line 2: expected a photo that ends in .jpg"),
        ("photo,shape\na.jpg,a.npy\na.jpg,c.npy", "a.jpg has two shapes"),
    ],
)
def test_a_wrong_line_of_the_table_is_named(tmp_path, rows, message):
    folder = write_pairs(tmp_path / "own", ["a.jpg"], ["a.npy", "c.npy"])
    (folder / "pairs.csv").write_text(rows + "\n")
    with pytest.raises(UserError, match=message) as caught:
        paired(folder)
    assert "\n" not in str(caught.value)


def test_photos_without_a_shape_and_shapes_of_one_name_are_errors(tmp_path):
    folder = write_pairs(tmp_path / "own", ["a.jpg", "b_x.jpg"], ["a.npy"])
    with pytest.raises(UserError, match="b_x.jpg: found no shape.*b_x.binvox"):
        paired(folder)
    folder = write_pairs(tmp_path / "two", ["a.jpg"], ["a.npy"])
    scipy.io.savemat(folder / "a.mat", {"instance": block(3)})
    with pytest.raises(UserError, match="a.mat and a.npy have the same name"):
        paired(folder)


def test_shapes_without_photos_are_left_out(tmp_path, caplog):
    shapes = ["train/a.npy", "train/b.npy", "test/c.npy"]
    folder = write_pairs(tmp_path / "own", ["train/a.jpg"], shapes)
    with caplog.at_level(logging.WARNING):
        assert paired(folder) == [("train/a.jpg", "train/a.npy")]
    assert "left out 1 shapes without photos, for example train/b.npy" in caplog.text
    with pytest.raises(UserError, match=r"no test shape.*named as test/c.jpg"):
        paired(folder, "test")


def test_a_folder_of_shapes_has_no_pairs(tmp_path):
    write_pairs(tmp_path, ["prepared.png"], ["a.npy"])
    assert not has_pairs(tmp_path)


# The IKEA set


def test_ikea_has_a_photo_a_class_and_an_upright_grid_in_each_row(tmp_path):
    ikea = load_ikea(write_ikea(tmp_path / "ikea"), 64)
    assert ikea.images.shape == (4, 64, 64, 3)
    assert ikea.class_names == ("chair", "bed", "chair", "chair")
    assert ikea.model_ids.tolist() == [3, 1, 3, 2]
    assert ikea.names == ("0.jpg", "1.jpg", "2.jpg", "3.jpg")
    assert ikea.grids.shape == (4, 20, 20, 20)
    # Axis 0 of the file is up; its low axis 1 is the back.
    expected = np.zeros((20, 20, 20), bool)
    expected[17:, 13:, :5] = True
    assert np.array_equal(ikea.grids[1], expected)
    chairs = load_ikea(tmp_path / "ikea", 64, ("bed",))
    assert chairs.model_ids.tolist() == [1]
    assert np.array_equal(chairs.images[0], ikea.images[1])


def rewrite(name, text):
    """Return a function that replaces a list."""
    return lambda root: (root / "Lists" / name).write_text(text)


def save_grid(shape):
    """Return a function that writes a grid of another shape."""
    grid = np.ones(shape, np.uint8)
    return lambda root: scipy.io.savemat(root / "Voxels" / "1.mat", {"grid": grid})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (rewrite("ModelID.txt", "3\n1\n3\n"), "as many lines.*found 3 and 4"),
        (rewrite("ModelID.txt", "3\n1\n4\n2\n"), "line 3: .*from 1 to 3 .*'4'"),
        (rewrite("ModelID.txt", "3\n1\n0\n2\n"), "line 3: expected the number"),
        (rewrite("ModelID.txt", "3\none\n3\n2\n"), "line 2: .*'one'"),
        (rewrite("Images.txt", "0.jpg\n1.jpg\n9.jpg\n3.jpg"), "line 3: there is no ph"),
        (rewrite("Images.txt", "0.jpg\n../a\n2.jpg\n3.jpg"), "line 2: expected the na"),
        (rewrite("Images.txt", ""), "Images.txt is empty"),
        (rewrite("all_obj_class.txt", "\n"), "all_obj_class.txt has no lines"),
        (lambda root: (root / "Lists" / "ModelID.txt").unlink(), "no such file"),
        (lambda root: (root / "Voxels" / "1.mat").unlink(), "line 2: there is no grid"),
        (save_grid((20, 20, 19)), "1.mat: expected a cube"),
        (save_grid((30, 30, 30)), "1.mat: expected 20 x 20 x 20 voxels, found 30 x 30"),
        (
            lambda root: scipy.io.savemat(root / "Voxels" / "1.mat", {"instance": 1}),
            "1.mat: expected the key 'grid', found instance",
        ),
    ],
)
def test_a_damaged_ikea_set_is_one_line(tmp_path, damage, message):
    root = write_ikea(tmp_path / "ikea")
    damage(root)
    with pytest.raises(UserError, match=message) as caught:
        load_ikea(root, 64)
    assert "\n" not in str(caught.value)
