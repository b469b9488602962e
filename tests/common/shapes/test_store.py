"""The bit-packed store of voxel data sets."""

import os
from pathlib import Path

import numpy as np
import pytest

from common.errors import UserError
from common.files import default_cache_dir
from common.shapes.store import VoxelStore
from common.shapes.voxels import ShapeFile, write_binvox, write_mat


def _random(*shape: int) -> np.ndarray:
    """Return random voxels, one in five filled."""
    return np.random.default_rng(0).random(shape) < 0.2


@pytest.fixture
def files(tmp_path) -> tuple[list[ShapeFile], np.ndarray]:
    """Return three files of two classes, and the four shapes in them at 32^3."""
    voxels = _random(4, 30, 30, 30)
    write_mat(tmp_path / "a.mat", voxels[0])
    np.save(tmp_path / "b.npy", voxels[1:3])
    write_binvox(tmp_path / "c.binvox", voxels[3])
    names = (("a.mat", "table"), ("b.npy", "chair"), ("c.binvox", "table"))
    shapes = [ShapeFile(tmp_path / name, cls) for name, cls in names]
    return shapes, np.pad(voxels, [(0, 0), (1, 1), (1, 1), (1, 1)])


@pytest.mark.parametrize("memory_mb", [0, 512])
def test_store_returns_what_the_files_hold(files, tmp_path, memory_mb):
    shapes, voxels = files
    store = VoxelStore.open(shapes, 32, tmp_path / "cache", memory_mb)
    assert len(store) == 4 and store.size == 32
    assert store.class_names == ("chair", "table")
    assert store.labels.tolist() == [1, 0, 0, 1]
    assert (store.voxels() == voxels).all() and store.voxels().dtype == bool
    batch = store[[3, 1]]
    assert batch.shape == (2, 32, 32, 32, 1) and batch.dtype == np.uint8
    assert (batch[..., 0] == voxels[[3, 1]]).all()
    assert (store[1:3][..., 0] == voxels[1:3]).all()
    assert store.occupancy() == pytest.approx(voxels.mean(), rel=1e-12)


def _cache_files(folder: Path) -> dict[str, Path]:
    """Return the one cache in a folder by suffix."""
    found = {path.suffix: path for path in folder.iterdir()}
    assert sorted(found) == [".bits", ".json"]
    return found


def test_files_are_decoded_only_once(files, tmp_path, monkeypatch):
    shapes, voxels = files
    VoxelStore.open(shapes, 32, tmp_path / "cache")
    assert _cache_files(tmp_path / "cache")[".bits"].stat().st_size == 4 * 4096

    def fail(path):
        raise AssertionError(f"{path} is decoded again")

    monkeypatch.setattr("common.shapes.store.read_voxels", fail)
    store = VoxelStore.open(shapes, 32, tmp_path / "cache")
    assert (store.voxels() == voxels).all()
    with pytest.raises(AssertionError, match="decoded again"):
        VoxelStore.open(shapes, 64, tmp_path / "cache")
    os.utime(shapes[0].path, (1, 1))
    with pytest.raises(AssertionError, match="decoded again"):
        VoxelStore.open(shapes, 32, tmp_path / "cache")


@pytest.mark.parametrize("damage", ["short", "flipped", "meta", "count", "gone"])
def test_a_damaged_cache_is_written_again(files, tmp_path, damage):
    shapes, voxels = files
    VoxelStore.open(shapes, 32, tmp_path / "cache")
    cache = _cache_files(tmp_path / "cache")
    bits, meta = cache[".bits"].read_bytes(), cache[".json"].read_text()
    if damage == "short":
        cache[".bits"].write_bytes(bits[:-1])
    elif damage == "flipped":
        cache[".bits"].write_bytes(bits[:100] + bytes([bits[100] ^ 1]) + bits[101:])
    elif damage == "meta":
        cache[".json"].write_text(meta[: len(meta) // 2])
    elif damage == "count":
        cache[".json"].write_text(meta.replace('"count": 4', '"count": 3'))
    else:
        cache[".bits"].unlink()
    store = VoxelStore.open(shapes, 32, tmp_path / "cache")
    assert (store.voxels() == voxels).all()
    assert cache[".bits"].read_bytes() == bits and cache[".json"].read_text() == meta


def test_a_bad_file_leaves_no_cache(files, tmp_path):
    shapes, _ = files
    np.save(tmp_path / "b.npy", np.zeros((40, 40, 40)))
    with pytest.raises(UserError, match="b.npy: cannot resize"):
        VoxelStore.open(shapes, 32, tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())
    shapes[0].path.unlink()
    with pytest.raises(UserError, match="no such file: .*a.mat"):
        VoxelStore.open(shapes, 32, tmp_path / "cache")
    with pytest.raises(UserError, match="no voxel files"):
        VoxelStore.open([], 32, tmp_path / "cache")


def test_store_of_an_array(monkeypatch, tmp_path):
    voxels = _random(5, 9, 9, 9)  # 729 bits are not a whole number of bytes
    store = VoxelStore.from_array(voxels)
    assert (store.voxels() == voxels).all()
    assert store.occupancy() == pytest.approx(voxels.mean(), rel=1e-12)
    assert store.labels.tolist() == [0] * 5
    with pytest.raises(UserError, match="expected shapes"):
        VoxelStore.from_array(voxels[0])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_dir() == tmp_path / "gan-projects-in-keras"


def test_some_shapes_of_a_store_keep_their_classes():
    voxels = _random(5, 9, 9, 9)
    store = VoxelStore.from_array(voxels, np.arange(5), tuple("abcde"))
    some = store.subset([4, 1])
    assert (some.voxels() == voxels[[4, 1]]).all()
    assert [some.class_names[label] for label in some.labels] == ["e", "b"]
    assert len(store.subset([])) == 0
