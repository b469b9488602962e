"""Simple solids as signed distances, and the smooth surface of their union.

A toy is built in any unit of length: x points to its front, y to its left and z up.
Distances are negative inside a solid. They need not be exact far from its surface.

Reference: Hart, "Sphere tracing", 1996, for signed distances of simple solids; the
smooth union is the quadratic one of Quilez, "Smooth minimum", 2013.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from skimage.measure import marching_cubes

from common.shapes.surface import Surface, ambient_light

Point = tuple[float, float, float]
# Points of a polygon, as pairs of coordinates.
Outline = Sequence[tuple[float, float]]
CELLS = 80  # cells of the grid along the longest side of a toy
_PAD = 3  # empty cells on each side
_FAR = 1e3  # distance where nothing has been added yet


class Solid(NamedTuple):
    """A simple solid.

    Attributes:
        low, high: corners of a box that contains it.
        distance: function that returns the signed distance at points, whose x, y and
            z are arrays that broadcast together.
    """

    low: np.ndarray
    high: np.ndarray
    distance: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def ball(centre: Point, radii: float | Point) -> Solid:
    """Return an ellipsoid.

    Args:
        centre: its centre.
        radii: its radii in x, y and z, or the one of a sphere.
    """
    middle = np.array(centre, np.float32)
    size = np.broadcast_to(np.asarray(radii, np.float32), 3)

    def distance(x, y, z):
        u, v, w = x - middle[0], y - middle[1], z - middle[2]
        scaled = (u / size[0]) ** 2 + (v / size[1]) ** 2 + (w / size[2]) ** 2
        slope = (
            (u / size[0] ** 2) ** 2 + (v / size[1] ** 2) ** 2 + (w / size[2] ** 2) ** 2
        )
        length = np.sqrt(scaled)
        return length * (length - 1) / np.sqrt(slope + np.float32(1e-9))

    return Solid(middle - size, middle + size, distance)


def rod(start: Point, end: Point, radius: float, radius_end: float = 0.0) -> Solid:
    """Return a rod with round ends.

    Args:
        start: centre of the first end.
        end: centre of the other end.
        radius: radius at the start.
        radius_end: radius at the end; 0 for the same.
    """
    first, last = np.array(start, np.float32), np.array(end, np.float32)
    grow = np.float32((radius_end or radius) - radius)
    along = last - first
    inverse = np.float32(1.0 / max(float(along @ along), 1e-9))

    def distance(x, y, z):
        u, v, w = x - first[0], y - first[1], z - first[2]
        t = np.clip((u * along[0] + v * along[1] + w * along[2]) * inverse, 0, 1)
        u, v, w = u - t * along[0], v - t * along[1], w - t * along[2]
        return np.sqrt(u * u + v * v + w * w) - (radius + grow * t)

    thickest = max(radius, radius_end)
    low, high = np.minimum(first, last), np.maximum(first, last)
    return Solid(low - thickest, high + thickest, distance)


def drum(
    start: Point, end: Point, radius: float, radius_end: float = 0.0, edge: float = 0.02
) -> Solid:
    """Return a cylinder or a blunt cone with flat ends.

    Args:
        start: centre of the first end.
        end: centre of the other end.
        radius: radius at the start.
        radius_end: radius at the end; 0 for the same.
        edge: radius of the rounded edges.
    """
    first, last = np.array(start, np.float32), np.array(end, np.float32)
    length = np.float32(np.linalg.norm(last - first))
    along = (last - first) / length
    grow = np.float32(((radius_end or radius) - radius) / length)

    def distance(x, y, z):
        u, v, w = x - first[0], y - first[1], z - first[2]
        t = u * along[0] + v * along[1] + w * along[2]
        across = np.sqrt(np.maximum(u * u + v * v + w * w - t * t, 0))
        side = across - (radius + grow * t)
        return _rounded(side, np.abs(t - length / 2) - length / 2, edge)

    thickest = max(radius, radius_end)
    low, high = np.minimum(first, last), np.maximum(first, last)
    return Solid(low - thickest, high + thickest, distance)


def block(centre: Point, half: Point, edge: float = 0.03) -> Solid:
    """Return a box.

    Args:
        centre: its centre.
        half: half of its lengths in x, y and z.
        edge: radius of the rounded edges.
    """
    middle, size = np.array(centre, np.float32), np.array(half, np.float32)
    round_off = np.float32(min(edge, *half))

    def distance(x, y, z):
        u, v, w = (
            np.abs(place - m) - s + round_off
            for place, m, s in zip((x, y, z), middle, size, strict=True)
        )
        inside = np.minimum(np.maximum(np.maximum(u, v), w), 0)
        u, v, w = np.maximum(u, 0), np.maximum(v, 0), np.maximum(w, 0)
        return inside + np.sqrt(u * u + v * v + w * w) - round_off

    return Solid(middle - size, middle + size, distance)


def profile(
    outline: Outline,
    half: float,
    half_top: float | None = None,
    *,
    y: float = 0.0,
    edge: float = 0.04,
) -> Solid:
    """Return a solid with a side view of any shape, such as the body of a car.

    Args:
        outline: corners (x, z) of the side view.
        half: half of the width at the bottom of the outline.
        half_top: half of the width at its top; default the same.
        y: middle of the width.
        edge: radius of the rounded edges.
    """
    corners = np.array(outline, np.float32)
    low, high = corners.min(axis=0), corners.max(axis=0)
    narrower = ((half if half_top is None else half_top) - half) / (high[1] - low[1])

    def distance(x, width, z):
        flat = _polygon(corners, x, z)
        beside = np.abs(width - y) - (half + narrower * (z - low[1]))
        return _rounded(flat, beside, edge)

    widest = max(half, half_top or half)
    return Solid(
        np.array([low[0], y - widest, low[1]], np.float32),
        np.array([high[0], y + widest, high[1]], np.float32),
        distance,
    )


def plate(
    outline: Outline, z: float, half: float, *, rise: float = 0.0, edge: float = 0.03
) -> Solid:
    """Return a solid with a plan of any shape, such as a pair of wings.

    Args:
        outline: corners (x, y) of the plan.
        z: height of its middle at y = 0.
        half: half of the thickness.
        rise: increase of the height per unit of |y|.
        edge: radius of the rounded edges.
    """
    corners = np.array(outline, np.float32)
    low, high = corners.min(axis=0), corners.max(axis=0)
    reach = rise * float(np.abs(corners[:, 1]).max())

    def distance(x, y, height):
        flat = _polygon(corners, x, y)
        above = np.abs(height - z - rise * np.abs(y)) - half
        return _rounded(flat, above, edge)

    return Solid(
        np.array([*low, z - half + min(reach, 0)], np.float32),
        np.array([*high, z + half + max(reach, 0)], np.float32),
        distance,
    )


def mirrored(solid: Solid) -> Solid:
    """Return the mirror image of a solid on the other side of y = 0."""
    flip = np.array([1, -1, 1], np.float32)
    corners = np.stack([solid.low * flip, solid.high * flip])
    return Solid(
        corners.min(axis=0),
        corners.max(axis=0),
        lambda x, y, z: solid.distance(x, -y, z),
    )


def tilted(solid: Solid, degrees: float, pivot: Point) -> Solid:
    """Return a solid whose front is raised: rotated about a line parallel to y.

    Args:
        solid: the solid.
        degrees: the angle.
        pivot: a point of the line.
    """
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    px, _, pz = (np.float32(value) for value in pivot)

    def distance(x, y, z):
        u, w = x - px, z - pz
        return solid.distance(px + cos * u + sin * w, y, pz + cos * w - sin * u)

    ends = [(x, z) for x in (solid.low[0], solid.high[0]) for z in _heights(solid)]
    turned = np.array(
        [
            (px + cos * (x - px) - sin * (z - pz), pz + sin * (x - px) + cos * (z - pz))
            for x, z in ends
        ]
    )
    low, high = turned.min(axis=0), turned.max(axis=0)
    return Solid(
        np.array([low[0], solid.low[1], low[1]], np.float32),
        np.array([high[0], solid.high[1], high[1]], np.float32),
        distance,
    )


class Sculpture:
    """Solids that are joined and cut away one after another."""

    def __init__(self) -> None:
        self._steps: list[tuple[Solid, float, bool]] = []

    def add(self, *solids: Solid, blend: float = 0.04, both: bool = False) -> None:
        """Join solids with what is there.

        Args:
            solids: the solids.
            blend: width of the smooth transition.
            both: whether to add their mirror images, too.
        """
        self._step(solids, blend, both, False)

    def cut(self, *solids: Solid, blend: float = 0.02, both: bool = False) -> None:
        """Cut solids away from what is there; see `add`."""
        self._step(solids, blend, both, True)

    def _step(self, solids, blend: float, both: bool, is_cut: bool) -> None:
        for solid in solids:
            self._steps.append((solid, blend, is_cut))
            if both:
                self._steps.append((mirrored(solid), blend, is_cut))

    def surface(self, cells: int = CELLS) -> tuple[Surface, np.ndarray]:
        """Return the surface, with the ambient light that reaches each vertex.

        The centre of the bounding box is at x = y = 0, the lowest point at z = 0, and
        the farthest vertex at distance 1 from the centre of the bounding box.

        Args:
            cells: cells of the grid along the longest side.

        Returns:
            The surface, float32, and the share of ambient light, float32 (V,).
        """
        solids = [solid for solid, _, is_cut in self._steps if not is_cut]
        low = np.min([solid.low for solid in solids], axis=0)
        high = np.max([solid.high for solid in solids], axis=0)
        step = np.float32((high - low).max() / cells)
        field = self._field(low - _PAD * step, high + _PAD * step, step)
        vertices, faces, normals, _ = marching_cubes(
            -field, 0.0, gradient_direction="ascent"
        )
        surface = Surface(vertices, faces, normals)
        # A voxel of `ambient_light` is centred on a sample of the field.
        centred = Surface(vertices + 0.5, faces, normals)
        openness = ambient_light(field < 0, centred).astype(np.float32)
        return Surface(_normalised(vertices), *surface[1:]), openness

    def _field(self, low: np.ndarray, high: np.ndarray, step: float) -> np.ndarray:
        """Return the signed distance on a grid, in cells."""
        axes = [
            np.arange(a, b + step, step, dtype=np.float32)
            for a, b in zip(low, high, strict=True)
        ]
        field = np.full([len(axis) for axis in axes], _FAR, np.float32)
        for solid, blend, is_cut in self._steps:
            # Compute only the box around the solid that its surface can change.
            margin = blend + 2 * step
            near = tuple(
                slice(*np.searchsorted(axis, (a - margin, b + margin)))
                for axis, a, b in zip(axes, solid.low, solid.high, strict=True)
            )
            x, y, z = (axis[part] for axis, part in zip(axes, near, strict=True))
            there = field[near]
            here = solid.distance(x[:, None, None], y[None, :, None], z[None, None, :])
            sign = -1.0 if is_cut else 1.0
            overlap = np.maximum(blend - np.abs(sign * there - here), 0) / blend
            joined = np.minimum(sign * there, here) - overlap * overlap * blend / 4
            field[near] = sign * joined
        return np.clip(field / step, -4, 4)


def _normalised(vertices: np.ndarray) -> np.ndarray:
    """Return vertices scaled and moved as `Sculpture.surface` describes."""
    middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    centred = vertices - middle
    scaled = centred / np.sqrt((centred**2).sum(axis=1)).max()
    scaled[:, 2] -= scaled[:, 2].min()
    return scaled.astype(np.float32)


def _heights(solid: Solid) -> tuple[np.floating, np.floating]:
    return solid.low[2], solid.high[2]


def _rounded(first: np.ndarray, second: np.ndarray, edge: float) -> np.ndarray:
    """Return the distance to the intersection of two solids with rounded edges."""
    u, v = first + np.float32(edge), second + np.float32(edge)
    inside = np.minimum(np.maximum(u, v), 0)
    u, v = np.maximum(u, 0), np.maximum(v, 0)
    return inside + np.sqrt(u * u + v * v) - np.float32(edge)


def _polygon(corners: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return the signed distance to a polygon.

    Args:
        corners: float (N, 2).
        u, v: coordinates of the points, arrays that broadcast together.
    """
    nearest = np.float32(_FAR)
    inside = np.zeros(np.broadcast_shapes(u.shape, v.shape), bool)
    for (au, av), (bu, bv) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        eu, ev = bu - au, bv - av
        pu, pv = u - au, v - av
        t = np.clip((pu * eu + pv * ev) / max(eu * eu + ev * ev, 1e-9), 0, 1)
        nearest = np.minimum(nearest, (pu - t * eu) ** 2 + (pv - t * ev) ** 2)
        # Count the edges to the right of each point: odd means inside.
        if av != bv:
            inside ^= ((av > v) != (bv > v)) & (pu < eu * pv / ev)
    return np.where(inside, -1, 1) * np.sqrt(nearest)
