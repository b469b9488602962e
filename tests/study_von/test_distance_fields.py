"""Distance fields of voxels and of files."""

import numpy as np
import pytest

from common.errors import UserError
from common.shapes.store import VoxelStore
from study_von.data_sets import distance_fields
from study_von.data_sets.distance_fields import (
    field_of,
    has_fields,
    open_fields,
    read_field,
    store_fields,
)


def slab() -> np.ndarray:
    """Return 32^3 voxels that are filled where axis 0 is 10 to 19."""
    voxels = np.zeros((32, 32, 32), bool)
    voxels[10:20] = True
    return voxels


def published(size: int = 32) -> np.ndarray:
    """Return a field in the published orientation: a plane at the front, float32.

    It is near high indices of axis 1; values grow along axis 2, too.
    """
    values = np.zeros((size, size, size), np.float32)
    values[:, -size // 8 :] = np.linspace(0.5, 1, size, dtype=np.float32)
    return values


def distances(field: np.ndarray) -> np.ndarray:
    """Return the distances of a field in voxels of an edge of 2 / S."""
    return -np.log(field) / 8 * len(field) / 2


def test_distances_to_the_planes_of_a_slab():
    field = field_of(slab())
    assert field.dtype == np.float32 and field.shape == (32, 32, 32)
    found = distances(field)[:, 16, 16]
    # The surfaces are at 9.5 and 19.5.
    assert found[[0, 9, 10, 14, 19, 20, 31]] == pytest.approx(
        [9.5, 0.5, 0.5, 4.5, 0.5, 0.5, 11.5], rel=1e-4
    )
    assert field[9, 16, 16] == pytest.approx(np.exp(-8 / 32))


def test_a_full_volume_ends_at_its_faces():
    found = distances(field_of(np.ones((16, 16, 16), bool)))
    assert found[8, 8, [0, 1, 15]] == pytest.approx([0.5, 1.5, 0.5], rel=1e-4)
    assert found[7, 7, 7] == pytest.approx(7.5, rel=1e-4)


def test_a_sphere():
    centres = (np.arange(48) + 0.5) * 2 / 48 - 1
    radius = np.sqrt(sum(axis**2 for axis in np.meshgrid(*[centres] * 3)))
    found = -np.log(field_of(radius < 0.6)) / 8
    error = found - np.abs(radius - 0.6)
    # The steps of the voxels stand out by up to half a voxel, 0.021.
    assert np.abs(error).max() < 0.021 and np.abs(error).mean() < 0.014


def test_no_filled_voxel():
    with pytest.raises(UserError, match="no filled voxel"):
        field_of(np.zeros((8, 8, 8), bool))


def test_the_store_computes_fields_once(monkeypatch):
    shapes = np.stack([slab(), np.roll(slab(), 3, axis=0), slab().T])
    store = VoxelStore.from_array(shapes)
    fields = store_fields(store, 100)
    assert len(fields) == 3
    batch = fields[[2, 0]]
    assert batch.shape == (2, 32, 32, 32, 1) and batch.dtype == np.float32
    assert batch[1, ..., 0] == pytest.approx(field_of(slab()), abs=0.5 / 255 + 1e-6)
    assert fields.occupancy() == pytest.approx(fields[:].mean(), abs=1e-6)
    monkeypatch.setattr(distance_fields, "field_of", None)
    assert np.array_equal(store_fields(store, 0)[:], fields[:])


def test_the_published_front_becomes_chapter_2s(tmp_path):
    np.save(tmp_path / "a.npy", published())
    field = read_field(tmp_path / "a.npy", None, 32)
    assert field[:4].min() == 0.5 and field[4:].max() == 0
    assert np.argmax(field[0, 0]) == 31  # up is still axis 2
    # A rotation: the object is not mirrored. Low axis 0 is the left of the viewer.
    one_side = published()
    one_side[16:] = 0
    np.save(tmp_path / "b.npy", one_side)
    found = read_field(tmp_path / "b.npy", None, 32)
    assert found[0, :16].min() == 0.5 and found[0, 16:].max() == 0


def test_a_larger_volume_is_averaged(tmp_path):
    large = np.zeros((64, 64, 64), np.float16)
    large[0, 63, 0] = 1  # the left lower edge of the front
    np.save(tmp_path / "a.npy", large)
    with pytest.raises(UserError, match=r"whole multiple, found 64\^3"):
        read_field(tmp_path / "a.npy", None, 48)
    field = read_field(tmp_path / "a.npy", None, 32)
    assert field[0, 0, 0] == 0.125 and field.sum() == 0.125


def test_splits_of_folders_and_of_single_files(tmp_path):
    stack = np.stack([published() * (1 - 0.05 * number) for number in range(12)])
    np.save(tmp_path / "stack.npy", stack)
    assert len(open_fields(tmp_path / "stack.npy", "train", 32, 100)) == 10
    held_out = open_fields(tmp_path / "stack.npy", "test", 32, 100)
    assert len(held_out) == 2
    assert held_out[:].max(axis=(1, 2, 3, 4)) == pytest.approx([0.5, 0.45], abs=0.002)
    for name in ("train/a", "train/b", "test/c"):
        path = tmp_path / "split" / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, stack[:2] if name == "train/b" else stack[0])
    assert len(open_fields(tmp_path / "split", "train", 32, 100)) == 3
    assert len(open_fields(tmp_path / "split", "test", 32, 100)) == 1


def test_fields_are_told_from_voxels(tmp_path):
    np.save(tmp_path / "field.npy", published())
    np.save(tmp_path / "voxels.npy", slab())
    np.save(tmp_path / "floats.npy", slab().astype(np.float32))
    (tmp_path / "folder").mkdir()
    np.save(tmp_path / "folder" / "field.npy", published()[None])
    assert has_fields(tmp_path / "field.npy") and has_fields(tmp_path / "folder")
    for data in (None, tmp_path / "none", tmp_path / "voxels.npy"):
        assert not has_fields(data)
    assert not has_fields(tmp_path / "floats.npy")


@pytest.mark.parametrize(
    "array, message",
    [
        (slab(), "expected floats .* found bool"),
        (slab()[:, :, :30].astype(float), r"expected a cube .* \(32, 32, 30\)"),
        (published()[0], r"expected a cube .* \(32, 32\)"),
        (published() * 2, r"expected values exp\(-8 d\) from 0 to 1, found 1\."),
        (published() - 0.1, "found -0.1"),
        (np.full((32, 32, 32), np.nan), "found nan"),
        (published() * 0.2, "at most 0.2; the volume has no surface"),
        (published(16), r"expected a volume of 32\^3, .* found 16\^3"),
    ],
)
def test_wrong_files_are_reported_in_one_line(tmp_path, array, message):
    np.save(tmp_path / "a.npy", published())
    np.save(tmp_path / "b.npy", array)
    np.save(tmp_path / "c.npy", published())
    with pytest.raises(UserError, match=message) as caught:
        open_fields(tmp_path, "train", 32, 100)
    assert "b.npy" in str(caught.value) and "\n" not in str(caught.value)


def test_one_field_cannot_be_divided(tmp_path):
    np.save(tmp_path / "a.npy", published())
    for data in (tmp_path, tmp_path / "a.npy"):
        with pytest.raises(UserError, match="cannot be divided"):
            open_fields(data, "train", 32, 100)
