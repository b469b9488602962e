"""Shapes from files: voxels, meshes, and files that cannot be used."""

import dataclasses

import numpy as np
import pytest
from tiny import STUDY_VON

from common.errors import UserError
from common.shapes.binvox import write_binvox
from common.shapes.voxels import write_mat
from study_von.given_shapes import read_shape


def block(size: int = 30) -> np.ndarray:
    """Return a block that is different along each axis, bool (S, S, S)."""
    voxels = np.zeros((size, size, size), bool)
    voxels[5:15, 4:24, 3:9] = True
    return voxels


def test_voxels_of_30_are_padded_to_those_of_the_networks(tmp_path):
    write_mat(tmp_path / "a.mat", block())
    write_binvox(tmp_path / "b.binvox", block())
    np.save(tmp_path / "c.npy", block().astype(np.float32))
    for name in ("a.mat", "b.binvox", "c.npy"):
        shape = read_shape(tmp_path / name, STUDY_VON)
        assert shape.shape == (32, 32, 32, 1) and shape.dtype == np.float32
        np.testing.assert_array_equal(shape[1:-1, 1:-1, 1:-1, 0], block())


@pytest.mark.parametrize("up", ["z", "y"])
def test_a_mesh_is_filled_and_stands_upright(tmp_path, up):
    """A pyramid of height 3 on a base of 2 x 1; its longest side fills 24 voxels."""
    corners = [(-1, -0.5, 0), (1, -0.5, 0), (1, 0.5, 0), (-1, 0.5, 0), (0, 0, 3)]
    if up == "y":
        corners = [(x, z, -y) for x, y, z in corners]
    faces = [(0, 2, 1), (0, 3, 2), (0, 1, 4), (1, 2, 4), (2, 3, 4), (3, 0, 4)]
    lines = ["OFF", "5 6 0", *(" ".join(map(str, c)) for c in corners)]
    lines += [f"3 {a} {b} {c}" for a, b, c in faces]
    (tmp_path / "pyramid.off").write_text("\n".join(lines))
    shape = read_shape(tmp_path / "pyramid.off", STUDY_VON, up)[..., 0]
    filled = np.argwhere(shape)
    low, high = filled.min(axis=0), filled.max(axis=0) + 1
    # The tip is thinner than a voxel.
    assert (low[2], high[2]) == (4, 27)
    assert (high - low)[:2].tolist() == [16, 8]
    areas = shape.sum(axis=(0, 1))[4:27]
    assert areas[0] > areas[12] > areas[22] > 0


def test_voxels_become_a_distance_field_and_fields_are_read(tmp_path):
    config = dataclasses.replace(STUDY_VON, representation="distance")
    np.save(tmp_path / "voxels.npy", block(32))
    field = read_shape(tmp_path / "voxels.npy", config)
    assert field.shape == (32, 32, 32, 1) and field.dtype == np.float32
    # Half a voxel, 1/32, and five and a half from the surface.
    assert field[4, 10, 6, 0] == pytest.approx(np.exp(-8 / 32))
    assert field[10, 14, 14, 0] == pytest.approx(np.exp(-8 * 11 / 32))
    # Files have the published orientation, a quarter turn from chapter 2's.
    np.save(tmp_path / "field.npy", np.rot90(field[..., 0], -1, (0, 1)))
    again = read_shape(tmp_path / "field.npy", config)
    np.testing.assert_array_equal(again, field)


def test_files_that_cannot_be_used(tmp_path):
    np.save(tmp_path / "empty.npy", np.zeros((32, 32, 32), bool))
    np.save(tmp_path / "many.npy", np.ones((3, 32, 32, 32), bool))
    np.save(tmp_path / "odd.npy", np.ones((48, 48, 48), bool))
    (tmp_path / "damaged.ply").write_text("no mesh")
    (tmp_path / "note.txt").write_text("no shape")
    for name, message in [
        ("nowhere.mat", "no such file"),
        (".", "is a folder; name one file"),
        ("empty.npy", "is empty"),
        ("many.npy", "expected one shape, found 3"),
        ("odd.npy", "cannot resize shapes of 48"),
        ("damaged.ply", "expected a mesh"),
        ("note.txt", "expected voxels"),
    ]:
        with pytest.raises(UserError, match=message) as raised:
            read_shape(tmp_path / name, STUDY_VON)
        assert str(tmp_path) in str(raised.value)
        assert "\n" not in str(raised.value)
