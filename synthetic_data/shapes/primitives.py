"""Solids made of simple parts, evaluated at the centres of a voxel grid.

Shapes are built in any unit of length: x points to the back, y to the right and z up.
The plane y = 0 is the plane of symmetry. At the end they are scaled to the grid.
"""

import dataclasses
import math
from collections.abc import Iterable

import numpy as np

GRID = 30  # side of the grid in voxels
MARGIN = 3  # empty voxels on each side
BOX = GRID - 2 * MARGIN  # longest side of a shape in voxels
# Exponents of the outline of a part; see `Part`.
SQUARE = 0.0
ROUNDED = 4.0
ROUND = 2.0
# Half of the smallest width of a part, in voxels. A box of width 1 contains the
# centre of a voxel wherever it is; a round or rotated part needs the diagonal.
_THINNEST = 0.5000001
_THINNEST_TURNED = 0.7072
# Thickness added on each side, in voxels: the shapes of 3D ShapeNets fill every voxel
# that their surface touches, so they are thicker than by the voxels' centres alone.
_SKIN = 0.3


@dataclasses.dataclass(frozen=True)
class Part:
    """A bar along one axis, or an ellipsoid.

    The cross-section of a bar moves and changes size linearly from start to end,
    so a bar can slant and taper.

    Attributes:
        axis: axis of a bar, 0, 1 or 2; -1 for an ellipsoid.
        start: centre of the first end of a bar; centre of an ellipsoid.
        end: centre of the other end of a bar; centre of an ellipsoid.
        half_start: half widths at the start in x, y and z (the one along `axis` is
            not used), or the radii of an ellipsoid.
        half_end: half widths at the end.
        power: exponent p of the outline |u|^p + |v|^p <= 1; 0 for a rectangle.
        lean: shift in x per unit of z above `pivot`.
        pivot: height that is not shifted.
    """

    axis: int
    start: tuple[float, float, float]
    end: tuple[float, float, float]
    half_start: tuple[float, float, float]
    half_end: tuple[float, float, float]
    power: float = SQUARE
    lean: float = 0.0
    pivot: float = 0.0


def bar(
    start: tuple[float, float, float],
    end: tuple[float, float, float],
    half: float | tuple[float, float, float],
    half_end: float | tuple[float, float, float] | None = None,
    power: float = SQUARE,
    axis: int | None = None,
) -> Part:
    """Return a bar between two points along the axis in which they differ most.

    Args:
        start: one end.
        end: the other end.
        half: half widths at the start in x, y and z, or one for all.
        half_end: half widths at the end; default those at the start.
        power: exponent of the outline of the cross-section.
        axis: axis of the bar, 0, 1 or 2; default the one in which the points differ
            most.

    Returns:
        The part.
    """
    if axis is None:
        # Round, so that a bar at 45 degrees and its mirror image get the same axis.
        axis = int(np.argmax(np.round(np.abs(np.subtract(end, start)), 6)))
    first = (half,) * 3 if isinstance(half, int | float) else half
    last = first if half_end is None else half_end
    last = (last,) * 3 if isinstance(last, int | float) else last
    return Part(axis, start, end, first, last, power)


def box(
    x: tuple[float, float],
    y: tuple[float, float],
    z: tuple[float, float],
    power: float = SQUARE,
    axis: int = 2,
) -> Part:
    """Return a block between limits on each axis.

    Args:
        x: lower and upper limit in x.
        y: lower and upper limit in y.
        z: lower and upper limit in z.
        power: exponent of the outline of the cross-section.
        axis: axis of the block, perpendicular to the cross-section.

    Returns:
        The part.
    """
    limits = np.array([x, y, z], float)
    middle, half = limits.mean(1), np.diff(limits)[:, 0] / 2
    start, end = middle.copy(), middle.copy()
    start[axis], end[axis] = limits[axis]
    return Part(
        axis, _point(start), _point(end), _point(half), _point(half), power=power
    )


def ellipsoid(
    centre: tuple[float, float, float],
    radii: tuple[float, float, float],
    power: float = ROUND,
) -> Part:
    """Return an ellipsoid, or a pillow if `power` is above 2.

    Args:
        centre: x, y and z of the centre.
        radii: radii in x, y and z.
        power: exponent of the outline.

    Returns:
        The part.
    """
    return Part(-1, centre, centre, radii, radii, power)


def path(points: list[tuple[float, float, float]], half: float) -> list[Part]:
    """Return square bars of half width `half` that join points one after another."""
    return [bar(a, b, half) for a, b in zip(points, points[1:], strict=False)]


def mirrored(parts: Iterable[Part]) -> list[Part]:
    """Return parts and their mirror images on the other side of y = 0."""
    both = []
    for part in parts:
        (x, y, z), (u, v, w) = part.start, part.end
        both += [part, dataclasses.replace(part, start=(x, -y, z), end=(u, -v, w))]
    return both


def leaning(parts: Iterable[Part], lean: float, pivot: float) -> list[Part]:
    """Return parts shifted in x by another `lean` per unit of z above `pivot`."""
    return [dataclasses.replace(p, lean=p.lean + lean, pivot=pivot) for p in parts]


def voxelise(parts: list[Part], quarter_thirds: int = 0) -> np.ndarray:
    """Convert the union of parts to voxels, scaled to the inner box of the grid.

    Args:
        parts: the parts, in any unit.
        quarter_thirds: rotation about z in steps of 30 degrees, from x towards y.

    Returns:
        bool (30, 30, 30), one connected component, axis 2 up. The longest side is
        24 voxels, and the shape is centred in the grid.
    """
    # Rotate the parts by less than 90 degrees, and the finished voxels by the rest.
    quarters, thirds = divmod(quarter_thirds, 3)
    turn = math.radians(30 * thirds)
    points = _turned(np.concatenate([_outline(p) for p in parts]), turn)
    low, high = points.min(0), points.max(0)
    unit = (BOX - 2 * _SKIN) / (high - low).max()
    origin = GRID / 2 - unit * (low + high) / 2
    for _ in range(3):
        grid = np.zeros((GRID, GRID, GRID), bool)
        for part in parts:
            _fill(grid, part, unit, origin, turn)
        _clear_margin(grid)
        longest = max(
            np.ptp(np.flatnonzero(grid.any(axis=a))) + 1
            for a in ((1, 2), (0, 2), (0, 1))
        )
        # The tip of a thin part can be between the centres; then enlarge the shape
        # a little and try again.
        if longest == BOX:
            break
        grow = (BOX + 0.4) / longest
        unit, origin = unit * grow, GRID / 2 + (origin - GRID / 2) * grow
    return np.rot90(_largest_piece(grid), quarters, axes=(0, 1))


def _fill(
    grid: np.ndarray, part: Part, unit: float, origin: np.ndarray, turn: float
) -> None:
    """Set the voxels of `grid` whose centres are in `part`."""
    # Look only at the voxels in the bounding box of the part.
    near = _turned(_outline(part), turn) * unit + origin
    low = np.clip(np.floor(near.min(0) - 1), 0, GRID).astype(int)
    high = np.clip(np.ceil(near.max(0) + 1), 0, GRID).astype(int)
    x, y, z = (
        (np.arange(a, b) + 0.5 - o) / unit
        for a, b, o in zip(low, high, origin, strict=True)
    )
    x, y, z = x[:, None, None], y[None, :, None], z[None, None, :]
    # Undo the rotation and the lean of the part at the points instead.
    if turn:
        cos, sin = math.cos(turn), math.sin(turn)
        x, y = cos * x + sin * y, cos * y - sin * x
    if part.lean:
        x = x - part.lean * (z - part.pivot)
    thinnest = (_THINNEST_TURNED if turn or part.power else _THINNEST) / unit
    skin = _SKIN / unit
    window = grid[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    window |= _inside(part, (x, y, z), thinnest, skin)


def _inside(
    part: Part,
    place: tuple[np.ndarray, np.ndarray, np.ndarray],
    thinnest: float,
    skin: float,
) -> np.ndarray:
    """Return which points are in a part thickened by `skin`.

    Args:
        part: the part.
        place: x, y and z of the points, arrays that broadcast together.
        thinnest: smallest half width, including the skin.
        skin: thickness to add on each side.

    Returns:
        bool, of the broadcast shape.
    """
    if part.axis < 0:
        return _outline_sum(part, place, range(3), 0.0, thinnest, skin) <= 1.0
    along = place[part.axis]
    first, last = part.start[part.axis], part.end[part.axis]
    middle, half = (first + last) / 2, max(abs(last - first) / 2 + skin, thinnest)
    t = np.clip((along - first) / (last - first), 0, 1) if last != first else 0.0
    others = [a for a in range(3) if a != part.axis]
    within = np.abs(along - middle) <= half
    return within & (_outline_sum(part, place, others, t, thinnest, skin) <= 1.0)


def _outline_sum(
    part: Part,
    place: tuple[np.ndarray, np.ndarray, np.ndarray],
    axes: Iterable[int],
    t: np.ndarray | float,
    thinnest: float,
    skin: float,
) -> np.ndarray:
    """Return the value of the outline at points, which is at most 1 inside.

    `axes` are those of the cross-section; `t`, from 0 to 1, is the position of the
    points between start and end.
    """
    terms = []
    for a in axes:
        middle = part.start[a] + (part.end[a] - part.start[a]) * t
        half = part.half_start[a] + (part.half_end[a] - part.half_start[a]) * t
        terms.append(np.abs(place[a] - middle) / np.maximum(half + skin, thinnest))
    if part.power == SQUARE:
        total = terms[0]
        for term in terms[1:]:
            total = np.maximum(total, term)
        return total
    if part.power == ROUND:
        return sum(term * term for term in terms)
    return sum(term**part.power for term in terms)


def _outline(part: Part) -> np.ndarray:
    """Return points (N, 3) whose convex hull bounds the part."""
    start, end = np.array(part.start, float), np.array(part.end, float)
    if part.axis < 0:
        radii = np.diag(part.half_start)
        points = np.concatenate([start - radii, start + radii])
    else:
        a, b = [k for k in range(3) if k != part.axis]
        ring = _CORNERS if part.power != ROUND else _RING
        offsets = np.zeros((2, len(ring), 3))
        for end_offsets, half in zip(
            offsets, (part.half_start, part.half_end), strict=True
        ):
            end_offsets[:, a] = ring[:, 0] * half[a]
            end_offsets[:, b] = ring[:, 1] * half[b]
        points = np.concatenate([start + offsets[0], end + offsets[1]])
    points[:, 0] += part.lean * (points[:, 2] - part.pivot)
    return points


def _turned(points: np.ndarray, turn: float) -> np.ndarray:
    """Return points rotated about z by an angle in radians, from x towards y."""
    if not turn:
        return points
    cos, sin = math.cos(turn), math.sin(turn)
    return points @ np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])


def _clear_margin(grid: np.ndarray) -> None:
    """Clear the voxels outside the inner box, in place."""
    inner = np.zeros_like(grid)
    box_slice = (slice(MARGIN, GRID - MARGIN),) * 3
    inner[box_slice] = grid[box_slice]
    grid[:] = inner


def _largest_piece(grid: np.ndarray) -> np.ndarray:
    """Return the largest component; voxels that share a corner are connected."""
    from scipy import ndimage  # takes a quarter of a second to import

    pieces, number = ndimage.label(grid, np.ones((3, 3, 3)))
    if number < 2:
        return grid
    return pieces == np.argmax(np.bincount(pieces.ravel())[1:]) + 1


def _point(values: np.ndarray) -> tuple[float, float, float]:
    """Return three floats as a tuple."""
    x, y, z = (float(v) for v in values)
    return x, y, z


_CORNERS = np.array([(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)])
_RING = np.array(
    [(math.cos(k * math.pi / 8), math.sin(k * math.pi / 8)) for k in range(16)]
)
