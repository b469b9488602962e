"""Geometry that pictures, meshes and the viewer share: surfaces and coverage."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from skimage.measure import marching_cubes

LEVEL = 0.5  # the surface lies where the smoothed occupancy crosses this value


class Surface(NamedTuple):
    """A triangle surface: vertices and normals (V, 3), faces (F, 3)."""

    vertices: np.ndarray
    faces: np.ndarray
    normals: np.ndarray


def default_smoothing(resolution: int) -> tuple[float, int]:
    """Return the blur in voxels and the upsampling that suit a resolution.

    Coarse grids are doubled before the last blur, so that they look as smooth
    as fine ones.
    """
    return (0.7, 2) if resolution < 48 else (1.2, 1)


def occupancy_field(
    solid: np.ndarray, *, smooth: float, upsample: int, pad: int
) -> np.ndarray:
    """Blur a solid shape without losing what is one voxel thin.

    A plain blur brings a leg of one voxel below the surface level. Here each
    occupied voxel is first weighted by what the blur would take from it: walls
    and blocks keep the weight 1, thin legs and lone voxels get more.

    Args:
        solid: bool (X, Y, Z).
        smooth: standard deviation of the blur in voxels.
        upsample: how many times finer the field is than the voxels.
        pad: empty voxels to add on each side.

    Returns:
        float32 ((X + 2 pad) upsample, ...); inside is above about `LEVEL`.
    """
    solid = np.pad(solid, pad).astype(np.float32)
    blurred = _fine_blur(solid, smooth, upsample)
    blocks = [part for size in solid.shape for part in (size, upsample)]
    kept = blurred.reshape(blocks).mean(axis=(1, 3, 5))
    # a lone line gets this value at its axis, and so comes out one voxel wide
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
        smooth: blur in voxels; default by the resolution.
        upsample: refinement of the grid; default by the resolution.
        level: smoothed occupancy at the surface, 0.4 to 0.55.

    Returns:
        vertices in voxel units, where voxel i spans [i, i + 1], outward normals
        of length 1, and faces that turn counter-clockwise seen from outside.

    Reference: Lewiner et al., "Efficient implementation of Marching Cubes'
        cases with topological guarantees", 2003.
    """
    blur, factor = default_smoothing(max(voxels.shape))
    smooth = blur if smooth is None else smooth
    upsample = factor if upsample is None else upsample
    pad = int(np.ceil(2 * smooth)) + 1  # far enough out for the field to reach 0
    field = occupancy_field(voxels, smooth=smooth, upsample=upsample, pad=pad)
    # a value on the level itself would put several vertices on one point, and
    # programs that merge equal points would then find edges of four triangles
    apart = np.where(field > level, level + 0.01, level - 0.01)
    field = np.where(np.abs(field - level) < 0.01, apart, field).astype(np.float32)
    vertices, faces, normals, _ = marching_cubes(
        field, level, gradient_direction="ascent"
    )
    return Surface((vertices + 0.5) / upsample - pad, faces, normals)


def ambient_light(solid: np.ndarray, surface: Surface) -> np.ndarray:
    """Estimate how open the surroundings of each vertex are.

    The share of solid voxels in a ball-like neighbourhood, taken a little
    outside the surface, stands for the light that is held off.

    Args:
        solid: bool (X, Y, Z), the shape that the surface was made of.
        surface: its surface.

    Returns:
        float (V,) in [0.25, 1]; 1 is fully open.
    """
    reach = max(1, round(0.05 * max(solid.shape)))
    share = solid.astype(np.float32)
    for _ in range(2):  # two boxes are close to a bell and much faster
        share = ndimage.uniform_filter(share, 2 * reach + 1, mode="constant")
    # sample i stands at i + 0.5
    probe = surface.vertices + surface.normals * 1.2 * reach - 0.5
    held_off = ndimage.map_coordinates(share, probe.T, order=1, mode="constant")
    return np.clip(1.0 - 1.1 * held_off, 0.25, 1.0)


def covered_pixels(
    triangles: np.ndarray, width: int, height: int, *, chunk: int = 2_000_000
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Find the pixels whose centres lie in flat triangles.

    Args:
        triangles: (T, 3, 2), corners as (x, y) in pixels; pixel i spans [i, i + 1].
        width: pixels along x; what lies outside is left out.
        height: pixels along y.
        chunk: about how many candidates are looked at together (memory).

    Yields:
        Arrays of one length P: triangle index, x, y, and the three corner
        weights (P, 3), which sum to 1. Edges count as inside.
    """
    limit = np.array([width, height]) - 1
    low = np.clip(np.ceil(triangles.min(axis=1) - 0.5), 0, limit + 1).astype(int)
    high = np.clip(np.floor(triangles.max(axis=1) - 0.5), -1, limit).astype(int)
    size = np.maximum(high - low + 1, 0)
    count = size[:, 0] * size[:, 1]
    ends = np.cumsum(count)
    start = 0
    while start < len(triangles):
        seen = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, seen + chunk, side="right")))
        part = slice(start, stop)
        yield _covered(triangles[part], low[part], size[part], count[part], start)
        start = stop


def _covered(triangles, low, size, count, first):
    """Test every candidate pixel of some triangles; see `covered_pixels`."""
    index = np.repeat(np.arange(len(triangles)), count)
    within = np.arange(len(index)) - np.repeat(np.cumsum(count) - count, count)
    x = low[index, 0] + within % size[index, 0]
    y = low[index, 1] + within // size[index, 0]
    corner = triangles[:, 0]
    ux, uy = (triangles[:, 1] - corner).T
    vx, vy = (triangles[:, 2] - corner).T
    area = ux * vy - uy * vx
    # a triangle seen edge-on has no inside: infinity leads to NaN-free zeros
    flat = np.abs(area) < 1e-12
    inverse = np.where(flat, 0.0, 1.0 / np.where(flat, 1.0, area))
    dx = x + 0.5 - corner[index, 0]
    dy = y + 0.5 - corner[index, 1]
    second = (dx * vy[index] - dy * vx[index]) * inverse[index]
    third = (dy * ux[index] - dx * uy[index]) * inverse[index]
    weights = np.stack([1.0 - second - third, second, third], axis=1)
    inside = (weights.min(axis=1) >= -1e-9) & ~flat[index]
    return index[inside] + first, x[inside], y[inside], weights[inside]
