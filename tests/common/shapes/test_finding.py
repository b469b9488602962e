"""Finding voxel files, and the binvox format."""

import os
from pathlib import Path

import numpy as np
import pytest

from common.errors import UserError
from common.shapes.voxels import ShapeFile, find_shapes, read_binvox, write_binvox


def _tree(root: Path, *names: str) -> Path:
    """Make empty files with these paths below `root`."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def _names(files: list[ShapeFile]) -> list[str]:
    """Return the stems of the files found."""
    return [file.path.stem for file in files]


@pytest.fixture
def tree(tmp_path) -> Path:
    """Make a small tree of 3D ShapeNets with a file of another class in it."""
    chair, table = (f"volumetric_data/{c}/30" for c in ("chair", "table"))
    return _tree(
        tmp_path / "unpacked",
        f"{chair}/train/chair_000000001_2.mat",
        f"{chair}/train/chair_000000001_10.mat",
        f"{chair}/train/chair_000000002_1.mat",
        f"{chair}/train/night_stand_000000112_1.mat",
        f"{chair}/test/chair_000000003_1.mat",
        f"{table}/train/table_000000001_1.mat",
        f"{table}/notes.txt",
    )


@pytest.mark.parametrize("start", [".", "volumetric_data", "volumetric_data/chair"])
def test_shapes_are_found_from_each_level_of_the_tree(tree, start, caplog):
    found = find_shapes(tree / start, ("chair",), "train", "first")
    assert _names(found) == ["chair_000000001_2", "chair_000000002_1"]
    assert {file.class_name for file in found} == {"chair"}
    assert "night_stand_000000112_1" in caplog.text
    assert len(find_shapes(tree / start, ("chair",), "train")) == 3
    assert _names(find_shapes(tree / start, ("chair",), "test")) == [
        "chair_000000003_1"
    ]


def test_all_classes_are_found_and_wrong_options_refused(tree):
    assert [f.class_name for f in find_shapes(tree)] == ["chair"] * 3 + ["table"]
    with pytest.raises(UserError, match="no class 'sofa' .* found: chair, table"):
        find_shapes(tree, ("sofa",))
    with pytest.raises(UserError, match="no test files of class 'table'"):
        find_shapes(tree, split="test")
    with pytest.raises(UserError, match="no such directory"):
        find_shapes(tree / "none")
    with pytest.raises(UserError, match="split"):
        find_shapes(tree, split="val")
    with pytest.raises(UserError, match="azimuths"):
        find_shapes(tree, azimuths="some")


def test_views_of_an_object_stay_in_one_split_of_a_flat_folder(tmp_path):
    """Files copied out of a tree of 3D ShapeNets keep their names."""
    names = [f"lamp_{k:09d}_{a}.mat" for k in range(80) for a in (1, 12)]
    _tree(tmp_path, *names, "readme.txt")
    train, test = (_names(find_shapes(tmp_path, (), s)) for s in ("train", "test"))
    assert sorted(train + test) == sorted(name[:-4] for name in names)
    assert 4 <= len(test) // 2 <= 16
    objects = [{name.rsplit("_", 1)[0] for name in part} for part in (train, test)]
    assert not objects[0] & objects[1]
    assert len(find_shapes(tmp_path, (), "test", "first")) == len(test) // 2
    assert {f.class_name for f in find_shapes(tmp_path, ("lamp",))} == {"lamp"}


@pytest.mark.parametrize("folder", [".", "lamps", "lamps/Train"])
@pytest.mark.parametrize(
    "name", ["lamp_{}_1.npy", "lamp_00000000{}_2.npy", "lamp_{}_2.mat", "1_{}_1.npz"]
)
def test_own_names_with_two_numbers_have_no_views(tmp_path, folder, name):
    """Only 3D ShapeNets numbers its views; every other file is a shape of its own."""
    files = [name.format(k) for k in range(9)]
    files += [file.replace("_1.", "_13.").replace("_2.", "_3.") for file in files]
    _tree(tmp_path / "own", *(f"{folder}/{file}" for file in files))
    if folder.endswith("Train"):
        _tree(tmp_path / "own", "lamps/TEST/a.npy")
    train = find_shapes(tmp_path / "own", (), "train", "first")
    test = find_shapes(tmp_path / "own", (), "test", "first")
    assert len(train) + len(test) == len(files) + folder.endswith("Train")
    assert {f.class_name for f in train + test} == {"own" if folder == "." else "lamps"}


def test_all_of_the_own_shapes_of_a_class_in_the_names_are_found(tmp_path):
    names = [f"part_{k}_{n}.npy" for k in range(10, 18) for n in (1, 2, 3)]
    _tree(tmp_path / "own", *names, "wheel_1_1.npy", "hub.npy")
    for classes, count in ((("part",), 24), (("wheel",), 1), ((), 26), (("own",), 26)):
        found = [
            file
            for split in ("train", "test")
            if classes != ("wheel",) or split == "train"
            for file in find_shapes(tmp_path / "own", classes, split, "first")
        ]
        assert len(found) == count
        assert {file.class_name for file in found} == set(classes or ("own",))
    with pytest.raises(UserError, match="no class 'sofa' .* found: own, part, wheel"):
        find_shapes(tmp_path / "own", ("sofa",))


LAYOUTS = {
    "classes": "{cls}/{split}{n}.npy",
    "classes in splits": "{split}/{cls}/{n}.npy",
    "splits in classes": "{cls}/{split}/{n}.npy",
    "deeper": "{split}/{cls}/more/{n}/model.npy",
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "splits", [("train", "test"), ("Train", "Val"), ("TRAINING", "Testing")]
)
def test_folders_of_classes_are_read(tmp_path, layout, splits, caplog):
    names = [
        LAYOUTS[layout].format(cls=cls, split=split, n=n)
        for cls in ("chairs", "tables")
        for split in splits
        for n in range(4)
    ]
    beside = "beside.npy" if layout == "classes" else "chairs/b/beside.npy"
    if "in splits" in layout or layout == "deeper":
        beside = "other/beside.npy"
    _tree(tmp_path, *names, beside, ".hidden.npy", "chairs/notes.txt")
    train, test = (find_shapes(tmp_path, (), split) for split in ("train", "test"))
    found = sorted(f.path.relative_to(tmp_path).as_posix() for f in train + test)
    assert found == sorted(names)
    for part in (train, test):
        assert {f.class_name for f in part} == {"chairs", "tables"}
        for file in part:
            assert file.class_name in file.path.parts
    if layout != "classes":
        assert {splits[0] in f.path.parts for f in train} == {True}
        assert {splits[1] in f.path.parts for f in test} == {True}
    assert "left out 1 files" in caplog.text and beside in caplog.text
    assert "1 hidden (.hidden.npy), 1 .txt (notes.txt)" in caplog.text


def test_a_class_named_30_is_no_tree(tmp_path, caplog):
    _tree(
        tmp_path, "30/a_1_1.npy", "30/a_1_2.npy", "30/a_2_1.npy", "40/b.npy", "40/c.npy"
    )
    found = [f for s in ("train", "test") for f in find_shapes(tmp_path, (), s)]
    assert sorted(f.class_name for f in found) == ["30", "30", "30", "40", "40"]
    assert "left out" not in caplog.text


def test_a_validation_folder_is_left_out_only_beside_a_test_folder(tmp_path, caplog):
    _tree(tmp_path, "train/a.npy", "val/b.npy")
    assert _names(find_shapes(tmp_path, split="test")) == ["b"]
    assert not caplog.text
    _tree(tmp_path, "test/c.npy")
    assert _names(find_shapes(tmp_path, split="test")) == ["c"]
    assert "left out 1 files in neither train nor test" in caplog.text


def test_the_only_class_or_the_default_is_taken(tmp_path, caplog):
    own = [f"own/beds/{n}.npy" for n in range(3)]
    _tree(tmp_path, *own, "two/a b/1.npy", "two/beds/1.npy")
    assert find_shapes(tmp_path / "own", default="chair")[0].class_name == "beds"
    with pytest.raises(
        UserError, match="2 classes: a b, beds; .* --classes 'a b' beds"
    ):
        find_shapes(tmp_path / "two", default="chair")
    assert find_shapes(tmp_path / "two", ("beds",), default="chair")
    assert not caplog.text
    found = find_shapes(tmp_path / "two", default="beds")
    assert {file.class_name for file in found} == {"beds"}
    assert "only 'beds' is used" in caplog.text
    assert len(find_shapes(tmp_path / "two")) == 2


@pytest.mark.parametrize(
    ("files", "inner"),
    [
        (
            ["in/sub/a/1.npy", "in/sub/a/2.npy", "in/sub/b/1.npy", "in/sub/b/2.npy"],
            "a, b",
        ),
        (["Train/in/a/1.npy", "Train/in/a/2.npy", "Test/in/b/1.npy"], ""),
        # A folder of its own for each object, as in ShapeNetCore.
        (["in/x/models/1.npy", "in/y/models/1.npy", "in/z/models/1.npy"], ""),
        (["in/a/1.npy", "in/a/2.npy", "in/2.npy"], ""),
    ],
)
def test_deeper_folders_of_classes_are_named(tmp_path, files, inner, caplog):
    folder = _tree(tmp_path / "own", *files)
    assert {found.class_name for found in find_shapes(folder)} == {"in"}
    expected = (
        f"{folder}: all files are taken for the class 'in'; if its folders are the "
        f"classes ({inner}), give {folder / 'in' / 'sub'} instead"
    )
    assert caplog.messages == ([expected] if inner else [])


def test_the_only_file_of_a_class_cannot_be_divided(tmp_path):
    folder = _tree(tmp_path / "own", "all.npy")
    with pytest.raises(UserError, match="all.npy is its only file; divide its shapes"):
        find_shapes(folder, split="test")


def test_files_beside_a_tree_are_named_and_own_notes_are_not(tree, caplog):
    _tree(tree, "code/net.mat", "x.npy", "volumetric_data/synthetic.json")
    assert len(find_shapes(tree, ("chair",))) == 3
    assert (
        "left out 2 files outside volumetric_data, for example code/net" in caplog.text
    )
    assert "synthetic.json" not in caplog.text
    assert len(find_shapes(tree / "..", ("chair",))) == 3


def test_known_files_beside_shapes_are_not_named(tmp_path, caplog):
    for name in ("a.npy", "b.npy", "a.jpg", "b.jpg"):
        (tmp_path / name).touch()
    find_shapes(tmp_path, known=["a.jpg"])
    assert "passed over 1 .jpg (b.jpg)" in caplog.text


def test_class_names_that_are_no_utf_8_are_shown_with_escapes(tmp_path):
    folder = os.fsencode(tmp_path) + b"/own/caf\xe9"
    os.makedirs(folder)
    for n in range(3):
        open(folder + b"/%d.npy" % n, "w").close()
    _tree(tmp_path, "own/beds/1.npy")
    assert find_shapes(tmp_path / "own")[-1].class_name == r"caf\xe9"
    typed = os.fsdecode(b"caf\xe9")  # what the command line passes
    assert len(find_shapes(tmp_path / "own", (typed,))) == 2
    with pytest.raises(UserError, match="2 classes") as caught:
        find_shapes(tmp_path / "own", default="chair")
    str(caught.value).encode()


def test_flat_folders_with_split_folders_or_without_files(tmp_path):
    flat = _tree(tmp_path / "things", "Train/a.binvox", "Train/b.NPZ", "test/c.mat")
    found = find_shapes(flat)
    assert _names(found) == ["a", "b"] and found[0].class_name == "things"
    assert _names(find_shapes(flat, split="test")) == ["c"]
    (flat / "test" / "c.mat").unlink()
    with pytest.raises(UserError, match="no test files"):
        find_shapes(flat, split="test")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no voxel files"):
        find_shapes(tmp_path / "empty")
    with pytest.raises(UserError, match="a.binvox is a file; expected a folder of vox"):
        find_shapes(flat / "Train" / "a.binvox")


# .binvox


def test_binvox_by_hand(tmp_path):
    # x outer, z middle, y inner: only (x, y, z) = (0, 1, 0) is filled.
    runs = bytes([0, 1, 1, 1, 0, 6])
    header = b"#binvox 1\ndim 2 2 2\ntranslate 0 0 0\nscale 1\ndata\n"
    (tmp_path / "a.binvox").write_bytes(header + runs)
    voxels = read_binvox(tmp_path / "a.binvox")
    # Axis 0 is x, axis 1 is -z (so z = 0 is the last), axis 2 is y.
    assert np.argwhere(voxels).tolist() == [[0, 1, 1]]


def test_binvox_runs_by_hand(tmp_path):
    """A count is one byte, so 255 voxels fill one run and 257 need two."""
    x_z_y = np.zeros(8**3, bool)
    x_z_y[:255] = True
    voxels = x_z_y.reshape(8, 8, 8)[:, ::-1]
    write_binvox(tmp_path / "a.binvox", voxels)
    header, runs = (tmp_path / "a.binvox").read_bytes().split(b"\ndata\n")
    assert header.startswith(b"#binvox 1\ndim 8 8 8\n")
    assert list(runs) == [1, 255, 0, 255, 0, 2]
    assert (read_binvox(tmp_path / "a.binvox") == voxels).all()


def test_the_largest_binvox_is_read(tmp_path):
    header, count = b"#binvox 1\ndim 256 256 256\ndata\n", 256**3 // 255
    content = header + bytes([1, 255]) * count + bytes([1, 256**3 - 255 * count])
    (tmp_path / "a.binvox").write_bytes(content)
    voxels = read_binvox(tmp_path / "a.binvox")
    assert voxels.shape == (256, 256, 256) and voxels.all()


def test_binvox_agrees_with_trimesh(tmp_path):
    trimesh = pytest.importorskip("trimesh")
    voxels = np.random.default_rng(0).random((11, 11, 11)) < 0.2
    voxels[:6] = False  # runs longer than 255
    write_binvox(tmp_path / "a.binvox", voxels)
    x_y_z = trimesh.load(tmp_path / "a.binvox").matrix
    # A quarter turn about x makes y point up: (x, y, z) -> (x, -z, y).
    assert (np.rot90(x_y_z, 1, axes=(1, 2)) == voxels).all()
    assert (read_binvox(tmp_path / "a.binvox") == voxels).all()


@pytest.mark.parametrize(
    "old, new, message",
    [
        (b"#binvox 1", b"P6 binvox", "not a binvox file"),
        (b"dim 4 4 4", b"dim 4 4 5", "4 x 4 x 5"),
        (b"dim 4 4 4", b"dim 5 5 5", r"make 64 voxels, not 5\^3 = 125"),
        (b"dim 4 4 4", b"dim 999 999 999", "at most 256"),
        (b"dim 4 4 4\n", b"", "no line 'dim"),
        (b"data\n", b"", "no line 'data'"),
        (b"data\n", b"data\n\x00", "make 1 voxels, not 4"),
        (b"data\n", b"data\n\x01\x40", "bytes follow its last voxel"),
        (b"data\n\x00", b"data\n\x07", "found 7"),
    ],
)
def test_wrong_binvox_files_are_refused(tmp_path, old, new, message):
    voxels = np.zeros((4, 4, 4), bool)
    voxels[3] = True
    write_binvox(tmp_path / "a.binvox", voxels)
    content = (tmp_path / "a.binvox").read_bytes()
    assert old in content
    (tmp_path / "a.binvox").write_bytes(content.replace(old, new))
    with pytest.raises(UserError, match=message) as caught:
        read_binvox(tmp_path / "a.binvox")
    assert "a.binvox" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("tail", [b"", b"\n", b"\r\n", b"\n\n", b" \n", b"\0"])
def test_white_space_after_the_runs_and_other_headers_are_read(tmp_path, tail):
    # The last run, ten empty voxels, ends in the byte of a line end.
    runs = bytes([0, 1, 1, 1, 0, 52, 0, 10])
    header = b"#binvox 1\n# made by hand\ndim 4 4 4\ntranslate 0 0 0\nscale 1\ndata\n"
    for start in (header, header.replace(b"\n", b"\r\n")):
        (tmp_path / "a.binvox").write_bytes(start + runs + tail)
        voxels = read_binvox(tmp_path / "a.binvox")
        assert np.argwhere(voxels).tolist() == [[0, 3, 1]]
