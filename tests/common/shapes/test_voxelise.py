"""Thin parts of meshes: they are kept, one voxel thick and without holes."""

import numpy as np
import pytest
import trimesh
from scipy import ndimage

from common.shapes.meshes import mesh_to_voxels
from common.shapes.voxelise import fill_triangles

THIRD = 1 / 3
# The longest side of a mesh is scaled to this length, so a mesh of this length is in
# voxels already.
SPAN_12, SPAN_24, SPAN_64 = (size - 2 - THIRD for size in (12, 24, 64))


def box(low, high) -> np.ndarray:
    """Return the triangles of a box."""
    return trimesh.creation.box(bounds=[low, high]).triangles


@pytest.mark.parametrize("thickness", [0.001, THIRD, 0.6])
@pytest.mark.parametrize("axis", range(3))
def test_a_plate_is_one_voxel_thick_at_any_position(axis, thickness):
    """Two outer plates fix the scale, so that the middle one is at its position."""
    turn = np.roll(np.arange(3), axis)
    for ninth in range(9):
        low = 3 + THIRD + ninth / 9 + 1 / 30
        plates = [
            box([0, 0, start], [SPAN_12, SPAN_12, end])
            for start, end in (
                (0, 0.1),
                (low, low + thickness),
                (SPAN_12 - 0.1, SPAN_12),
            )
        ]
        triangles = np.concatenate(plates)[:, :, turn]
        voxels = fill_triangles(triangles, 12, 1)
        voxels = np.moveaxis(voxels, turn.tolist().index(2), 2)
        middle = voxels[1:-1, 1:-1, 3:9]
        assert (middle.sum(axis=2) == 1).all(), ninth
        height = np.argmax(middle, axis=2) + 3
        # The mesh starts at 1 + 1/6.
        least, most = low + 7 / 6, low + thickness + 7 / 6
        assert np.floor(least) <= height.min() == height.max() <= np.floor(most)


def test_thin_rods_stay_in_one_piece(tmp_path):
    seat = trimesh.creation.box(bounds=[[0, 0, 10], [10, 10, 12]])
    for x, y in [(0.3, 0.3), (9.6, 0.3), (0.3, 9.6), (9.6, 9.6)]:
        leg = trimesh.creation.box(bounds=[[x, y, 0], [x + 0.05, y + 0.05, 10]])
        seat = trimesh.util.concatenate([seat, leg])
    path = tmp_path / "table.stl"
    seat.export(path)
    voxels = mesh_to_voxels(path, 24)
    assert ndimage.label(voxels, np.ones((3, 3, 3)))[1] == 1
    assert ndimage.label(voxels[:, :, 5])[1] == 4


def test_slanted_hairs_fill_each_voxel_that_they_pass_through():
    """Hairs miss all centre lines; a finely sampled line gives the expected voxels."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        direction = rng.normal(size=3)
        direction *= SPAN_24 / np.abs(direction).max()
        triangles = box([-1e-6, -1e-6, 0], [1e-6, 1e-6, 1])
        triangles = triangles[:, :, :2] @ np.eye(2, 3) + (
            triangles[:, :, 2:] * direction
        )
        voxels = fill_triangles(triangles, 24, 1)
        assert ndimage.label(voxels, np.ones((3, 3, 3)))[1] == 1
        line = 12 + np.linspace(-0.5, 0.5, 10_001)[:, None] * direction
        cells, counts = np.unique(line.astype(int), axis=0, return_counts=True)
        passed = counts / 10_001 * np.linalg.norm(direction)
        assert voxels[tuple(cells[passed > 0.55].T)].all()
        # No other voxels are filled, except neighbours that the line may graze.
        near = np.zeros_like(voxels)
        near[tuple(cells.T)] = True
        assert not (voxels & ~ndimage.binary_dilation(near)).any()


def test_a_forest_of_hairs_stays_whole():
    """The mesh has more edges than are sampled at once."""
    places = 2.1 * (np.arange(26) - 12.5)  # none is a centre line
    hair = box([-1e-6, -1e-6, -SPAN_64 / 2], [1e-6, 1e-6, SPAN_64 / 2])
    at = np.stack(np.meshgrid(places, places, [0], indexing="ij"), -1).reshape(-1, 3)
    forest = np.concatenate([hair + place for place in at])
    assert 3 * len(forest) > 20_000
    expected = np.zeros((64, 64, 64), bool)
    columns = np.floor(places + 32).astype(int)
    expected[np.ix_(columns, columns, range(1, 63))] = True
    assert np.array_equal(fill_triangles(forest, 64, 1), expected)
