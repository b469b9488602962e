"""Geometry that renderings, meshes and the viewer share: surfaces and coverage."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from skimage.measure import marching_cubes

LEVEL = 0.5  # smoothed occupancy at the surface


class Surface(NamedTuple):
    """A triangle mesh.

    Attributes:
        vertices: float (V, 3), positions.
        faces: int (F, 3), indices of vertices.
        normals: float (V, 3), outward normal at each vertex.
    """

    vertices: np.ndarray
    faces: np.ndarray
    normals: np.ndarray


def default_smoothing(resolution: int) -> tuple[float, int]:
    """Return the default smoothing of shapes of a resolution.

    A coarse grid is upsampled by 2 before the blur, so that its surface looks as
    smooth as that of a fine grid.

    Args:
        resolution: edge length of the shape, voxels.

    Returns:
        Standard deviation of the blur in voxels, and the upsampling factor.
    """
    return (0.7, 2) if resolution < 48 else (1.2, 1)


def occupancy_field(
    solid: np.ndarray, *, smooth: float, upsample: int, pad: int
) -> np.ndarray:
    """Blur a solid shape without losing parts that are one voxel thin.

    A plain blur would bring a leg of one voxel below the surface level. So each
    occupied voxel is first weighted by how much the blur would reduce it: voxels
    of walls and blocks keep the weight 1, those of thin legs and single voxels
    get a larger one.

    Args:
        solid: bool (X, Y, Z).
        smooth: standard deviation of the blur in voxels.
        upsample: number of field samples per voxel, along each axis.
        pad: empty voxels to add on each side.

    Returns:
        float32 ((X + 2 pad) upsample, ...); above about `LEVEL` inside the shape.
    """
    solid = np.pad(solid, pad).astype(np.float32)
    blurred = _fine_blur(solid, smooth, upsample)
    blocks = [part for size in solid.shape for part in (size, upsample)]
    kept = blurred.reshape(blocks).mean(axis=(1, 3, 5))
    # With this value at its axis, a single line of voxels becomes a rod that is
    # one voxel wide.
    wanted = LEVEL * np.exp(0.5 * (0.6 / smooth) ** 2)
    weight = np.maximum(wanted / np.maximum(kept, 1e-3), 1.0)
    return _fine_blur(solid * weight, smooth, upsample)


def _fine_blur(volume: np.ndarray, smooth: float, upsample: int) -> np.ndarray:
    """Repeat each voxel `upsample` times along each axis, then blur."""
    for axis in range(3):
        volume = np.repeat(volume, upsample, axis=axis)
    return ndimage.gaussian_filter(
        volume, smooth * upsample, mode="constant", truncate=3.0
    )


def smooth_surface(
    voxels: np.ndarray,
    *,
    smooth: float | None = None,
    upsample: int | None = None,
    level: float = LEVEL,
) -> Surface:
    """Return the closed, smooth surface of a shape that is not empty.

    Args:
        voxels: bool (X, Y, Z) with at least one True.
        smooth: standard deviation of the blur in voxels; default from
            `default_smoothing`.
        upsample: upsampling factor of the grid; default from `default_smoothing`.
        level: smoothed occupancy at the surface, 0.4 to 0.55.

    Returns:
        Vertices in voxel units, where voxel i spans [i, i + 1]; faces whose
        corners are counter-clockwise seen from outside; outward unit normals.

    Reference: Lewiner et al., "Efficient implementation of Marching Cubes'
        cases with topological guarantees", 2003.
    """
    blur, factor = default_smoothing(max(voxels.shape))
    smooth = blur if smooth is None else smooth
    upsample = factor if upsample is None else upsample
    pad = int(np.ceil(2 * smooth)) + 1  # far enough out for the field to reach 0
    field = occupancy_field(voxels, smooth=smooth, upsample=upsample, pad=pad)
    # A sample equal to the level would put several vertices at the same point.
    # Programs that merge equal points would then find edges with four triangles.
    # So keep every sample at least 0.01 away from the level.
    apart = np.where(field > level, level + 0.01, level - 0.01)
    field = np.where(np.abs(field - level) < 0.01, apart, field).astype(np.float32)
    vertices, faces, normals, _ = marching_cubes(
        field, level, gradient_direction="ascent"
    )
    return Surface((vertices + 0.5) / upsample - pad, faces, normals)


def ambient_light(solid: np.ndarray, surface: Surface) -> np.ndarray:
    """Estimate how much ambient light reaches each vertex (ambient occlusion).

    The share of solid voxels in a neighbourhood of a point a little outside the
    surface approximates the share of blocked light.

    Args:
        solid: bool (X, Y, Z), the shape that the surface was made from.
        surface: surface of the shape, in voxels.

    Returns:
        float (V,) in [0.25, 1]; 1 is fully open.
    """
    reach = max(1, round(0.05 * max(solid.shape)))
    share = solid.astype(np.float32)
    for _ in range(2):  # two box filters are close to a Gaussian and much faster
        share = ndimage.uniform_filter(share, 2 * reach + 1, mode="constant")
    # The centre of voxel i is at i + 0.5.
    probe = surface.vertices + surface.normals * 1.2 * reach - 0.5
    blocked = ndimage.map_coordinates(share, probe.T, order=1, mode="constant")
    return np.clip(1.0 - 1.1 * blocked, 0.25, 1.0)


def covered_pixels(
    triangles: np.ndarray, width: int, height: int, *, chunk: int = 2_000_000
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Find the pixels whose centres are inside 2-D triangles.

    Args:
        triangles: float (T, 3, 2), corners as (x, y) in pixels; pixel i spans
            [i, i + 1].
        width: pixels along x; pixels outside are left out.
        height: pixels along y; pixels outside are left out.
        chunk: approximate number of candidate pixels tested at once, a limit on
            memory.

    Yields:
        Arrays of the same length P: index of the triangle, x, y, and barycentric
        weights (P, 3), which sum to 1. Edges count as inside.
    """
    low, size = candidate_boxes(triangles, width, height)
    count = size[:, 0] * size[:, 1]
    ends = np.cumsum(count)
    start = 0
    while start < len(triangles):
        seen = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, seen + chunk, side="right")))
        part = slice(start, stop)
        yield _covered(triangles[part], low[part], size[part], count[part], start)
        start = stop


def candidate_boxes(
    triangles: np.ndarray, width: int, height: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels of the bounding box of each triangle.

    Args:
        triangles: float (T, 3, 2), corners as (x, y) in pixels.
        width: pixels along x; pixels outside are left out.
        height: pixels along y; pixels outside are left out.

    Returns:
        The lowest pixels and the numbers of pixels along x and y, int (T, 2) each.
    """
    limit = np.array([width, height]) - 1
    low = np.clip(np.ceil(triangles.min(axis=1) - 0.5), 0, limit + 1).astype(int)
    high = np.clip(np.floor(triangles.max(axis=1) - 0.5), -1, limit).astype(int)
    return low, np.maximum(high - low + 1, 0)


def _covered(triangles, low, size, count, first):
    """Test every candidate pixel of a part of the triangles.

    See `covered_pixels`; `first` is the index of the first triangle.
    """
    # Number the candidates of each triangle row by row through its box.
    index = np.repeat(np.arange(len(triangles)), count)
    within = np.arange(len(index)) - np.repeat(np.cumsum(count) - count, count)
    x = low[index, 0] + within % size[index, 0]
    y = low[index, 1] + within // size[index, 0]
    # Barycentric weights of the pixel centres, by Cramer's rule.
    corner = triangles[:, 0]
    ux, uy = (triangles[:, 1] - corner).T
    vx, vy = (triangles[:, 2] - corner).T
    area = ux * vy - uy * vx
    # A triangle seen edge-on covers no pixel; do not divide by its zero area.
    flat = np.abs(area) < 1e-12
    inverse = np.where(flat, 0.0, 1.0 / np.where(flat, 1.0, area))
    dx = x + 0.5 - corner[index, 0]
    dy = y + 0.5 - corner[index, 1]
    second = (dx * vy[index] - dy * vx[index]) * inverse[index]
    third = (dy * ux[index] - dx * uy[index]) * inverse[index]
    weights = np.stack([1.0 - second - third, second, third], axis=1)
    inside = (weights.min(axis=1) >= -1e-9) & ~flat[index]
    return index[inside] + first, x[inside], y[inside], weights[inside]
