"""Finding voxel files, and the binvox format."""

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
        tmp_path,
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


def test_a_flat_folder_is_split_by_object(tmp_path):
    names = [f"lamp_{k:09d}_{a}.npy" for k in range(80) for a in (1, 2)]
    _tree(tmp_path, *names, "readme.txt")
    train, test = (_names(find_shapes(tmp_path, (), s)) for s in ("train", "test"))
    assert sorted(train + test) == sorted(name[:-4] for name in names)
    assert 4 <= len(test) // 2 <= 16
    objects = [{name[:-2] for name in part} for part in (train, test)]
    assert not objects[0] & objects[1]
    assert len(find_shapes(tmp_path, (), "test", "first")) == len(test) // 2


def test_flat_folders_with_split_folders_or_without_files(tmp_path):
    flat = _tree(tmp_path / "things", "train/a.binvox", "train/b.NPZ", "test/c.mat")
    found = find_shapes(flat)
    assert _names(found) == ["a", "b"] and found[0].class_name == "things"
    assert _names(find_shapes(flat, split="test")) == ["c"]
    (flat / "test" / "c.mat").unlink()
    with pytest.raises(UserError, match="no test files"):
        find_shapes(flat, split="test")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no voxel files"):
        find_shapes(tmp_path / "empty")


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
        (b"data\n", b"data\n\x00", "odd number"),
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
