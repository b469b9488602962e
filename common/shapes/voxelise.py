"""Triangles to solid voxels: exact coverage along three axes and a flood fill."""

import numpy as np
from scipy import ndimage

from common.errors import UserError
from common.shapes.surface import candidate_boxes, covered_pixels

FINE = 3  # fine voxels per voxel, along each axis, of the grid that is filled
# Most voxels that are tested for one mesh, which takes less than half a minute. A
# sound mesh needs a hundredth of it: many triangles are small, large ones are few.
MAX_TESTS = 200_000_000


def fill_triangles(triangles: np.ndarray, resolution: int, margin: int) -> np.ndarray:
    """Fill the space that triangles enclose with solid voxels.

    Args:
        triangles: float (T, 3, 3), corners in any unit; not all at one point.
        resolution: side R of the result in voxels.
        margin: empty voxels at both ends of the longest side, below R / 2.

    Returns:
        bool (R, R, R), centred. A voxel is solid if its centre is inside; sheets
        and rods that pass between the centres become one voxel thick.

    Raises:
        UserError: the triangles are so many and so large that filling would take
            minutes.

    Reference: Laine, "A Topological Approach to Voxelization", 2013, section 4
        (6-separating surfaces).
    """
    low, high = triangles.min(axis=(0, 1)), triangles.max(axis=(0, 1))
    # The surface is marked as fine voxels, which add half a fine voxel per side.
    span = resolution - 2 * margin - 1 / FINE
    triangles = (triangles - (low + high) / 2) * (span / (high - low).max())
    triangles += resolution / 2
    _check_work(triangles * FINE, resolution * FINE)
    fine = _fill(_crossed_voxels(triangles * FINE, resolution * FINE))
    solid = _coarsen(fine)
    return solid | _thin_parts(triangles, solid)


def _check_work(triangles: np.ndarray, resolution: int) -> None:
    """Raise a UserError if the triangles need more than `MAX_TESTS` tests."""
    tests = 0
    for axis in range(3):
        flat = np.delete(triangles, axis, axis=2)
        size = candidate_boxes(flat, resolution, resolution)[1]
        tests += int((size[:, 0] * size[:, 1]).sum())
    if tests > MAX_TESTS:
        raise UserError(
            f"expected a mesh of at most {MAX_TESTS:,} tests of voxels, found "
            f"{len(triangles):,} triangles so large that they need {tests:,}; "
            "simplify it"
        )


def _crossed_voxels(triangles: np.ndarray, resolution: int) -> np.ndarray:
    """Return the voxels in which a triangle crosses an axis-parallel centre line.

    These voxels leave no gap in a sheet and do not thicken it.
    """
    marked = np.zeros((resolution,) * 3, bool)
    for axis in range(3):
        across = [other for other in range(3) if other != axis]
        view = np.moveaxis(marked, axis, 2)
        flat = triangles[:, :, across]
        for face, x, y, weights in covered_pixels(flat, resolution, resolution):
            depth = np.floor((triangles[face, :, axis] * weights).sum(axis=1))
            view[x, y, np.clip(depth, 0, resolution - 1).astype(int)] = True
    return marked


def _fill(surface: np.ndarray) -> np.ndarray:
    """Return every voxel that a flood fill from outside cannot reach."""
    # The empty border joins the outside to one region, which holds the corner.
    regions, _ = ndimage.label(~np.pad(surface, 1))
    return (regions != regions[0, 0, 0])[1:-1, 1:-1, 1:-1]


def _coarsen(fine: np.ndarray) -> np.ndarray:
    """Return the voxels with a solid centre, and the sheets between centres.

    If a solid stretch along a line of centres is wholly between two centres, the
    voxel that contains its lower end becomes solid. So no sheet gets a hole.
    """
    middle = FINE // 2
    coarse = fine[middle::FINE, middle::FINE, middle::FINE].copy()
    for axis in range(3):
        lines = np.moveaxis(fine, axis, 2)[middle::FINE, middle::FINE]
        below, centre, above = (lines[:, :, part::FINE] for part in range(FINE))
        none = np.zeros_like(centre[:, :, :1])
        next_centre = np.concatenate([centre[:, :, 1:], none], axis=2)
        last_centre = np.concatenate([none, centre[:, :, :-1]], axis=2)
        last_above = np.concatenate([none, above[:, :, :-1]], axis=2)
        sheet = above & ~centre & ~next_centre
        sheet |= below & ~centre & ~last_centre & ~last_above
        np.moveaxis(coarse, axis, 2)[...] |= sheet
    return coarse


def _thin_parts(triangles: np.ndarray, solid: np.ndarray) -> np.ndarray:
    """Return the voxels of rods so thin that they pass between all centre lines.

    They are found by sampling the triangles' edges.
    """
    # Sample each edge at least twice per voxel of its length.
    starts = triangles.reshape(-1, 3)
    steps = np.roll(triangles, -1, axis=1).reshape(-1, 3) - starts
    count = np.ceil(2 * np.linalg.norm(steps, axis=1)).astype(int) + 1
    touched = np.zeros_like(solid)
    around = np.ones((3, 3, 3), bool)
    edges_at_once = 20_000
    for i in range(0, len(count), edges_at_once):  # in parts, to limit memory
        part = slice(i, i + edges_at_once)
        edge = np.repeat(np.arange(len(count[part])), count[part])
        first = np.repeat(np.cumsum(count[part]) - count[part], count[part])
        along = (np.arange(len(edge)) - first) / count[part][edge]
        points = starts[part][edge] + along[:, None] * steps[part][edge]
        cells = np.clip(points, 0, np.array(solid.shape) - 1).astype(int)
        touched[tuple(cells.T)] = True
    # Keep the touched voxels away from solid ones, and their touched neighbours,
    # which join a rod to the solid part at its ends.
    alone = touched & ~ndimage.binary_dilation(solid, around)
    return touched & ndimage.binary_dilation(alone, around)
