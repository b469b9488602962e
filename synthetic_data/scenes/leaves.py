"""Dead leaves: shaded and textured shapes that cover each other.

Lengths are shares of the image's side.

Reference:
    Lee, Mumford & Huang 2001, "Occlusion models for natural images: a statistical
    study of a scale-invariant dead leaves model".
"""

from collections.abc import Callable

import numpy as np

from synthetic_data.drawing.canvas import SPAN, Canvas, Layer, planes
from synthetic_data.drawing.pen import curve
from synthetic_data.scenes.patterns import PATTERNS, tilted_grid

Shape = Callable[[np.random.Generator], np.ndarray]
_LARGEST = 0.5  # largest radius of a leaf
_PLAIN = 6  # radius in pixels of the canvas below which a leaf has one plain colour


class Palette:
    """The colours of a scene: a few, whose channels are correlated as in photos.

    Args:
        rng: source of the random values.
    """

    def __init__(self, rng: np.random.Generator):
        # All channels follow the brightness; warmth and green shift them apart.
        count = int(rng.integers(4, 9))
        light = rng.uniform(5, 250, count)
        warm = rng.normal(rng.normal(8, 12), 20, count)
        green = rng.normal(0, 11, count)
        vivid = np.where(rng.random(count) < 0.2, 2.5, 1)
        self._colours = np.stack(
            [
                light + vivid * (warm - 0.4 * green),
                light + vivid * (green - 0.1 * warm),
                light - vivid * (warm + 0.4 * green),
            ],
            axis=1,
        )

    def colour(self, rng: np.random.Generator) -> np.ndarray:
        """Return a random colour (3,) near one of the palette, from 2 to 253."""
        colour = self._colours[rng.integers(len(self._colours))]
        near = colour + rng.normal(0, 22) + rng.normal(0, 6, 3)
        return near.clip(2, 253)


def sample_radius(smallest: float, rng: np.random.Generator) -> float:
    """Return a random radius r, from `smallest` to 0.5, with density r^-3.

    With this density, the scene has the same statistics at every scale.
    """
    low, high = smallest**-2, _LARGEST**-2
    return float(rng.uniform(high, low) ** -0.5)


def sample_shape(rng: np.random.Generator) -> Shape:
    """Return a random shape of leaves, a function that makes outlines of it."""
    return SHAPES[rng.choice(len(SHAPES), p=_SHARES)]


def outline(rng: np.random.Generator, shape: Shape | None = None) -> np.ndarray:
    """Return the outline of a leaf at the origin, rotated at random.

    Args:
        rng: source of the random values.
        shape: shape of the leaf; by default a random one.

    Returns:
        Polygon (N, 2) with a radius of about 1.
    """
    make = shape or sample_shape(rng)
    angle = rng.uniform(0, 2 * np.pi)
    cos, sin = np.cos(angle), np.sin(angle)
    return make(rng) @ np.array([[cos, sin], [-sin, cos]])


def _blob(rng: np.random.Generator) -> np.ndarray:
    """Return a smooth, irregular outline."""
    count = int(rng.integers(5, 12))
    return curve(_ring(count, rng.uniform(0.55, 1.25, count)), closed=True)


def _ragged(rng: np.random.Generator) -> np.ndarray:
    """Return a rock: each edge is split at its middle, which moves at random.

    This is repeated four times, each time with half the displacement.
    """
    points, size = _ring(6, rng.uniform(0.6, 1.2, 6)), 0.3
    for _ in range(4):
        middle = (points + np.roll(points, -1, axis=0)) / 2
        middle += rng.normal(0, size / 2, middle.shape)
        points = np.stack([points, middle], axis=1).reshape(-1, 2)
        size /= 2
    return points


def _ellipse(rng: np.random.Generator) -> np.ndarray:
    """Return an ellipse."""
    return _ring(48, np.ones(48)) * (1, rng.uniform(0.25, 1))


def _corners(rng: np.random.Generator) -> np.ndarray:
    """Return an irregular polygon with three to six corners."""
    count = int(rng.integers(3, 7))
    return _ring(count, rng.uniform(0.6, 1.3, count))


def _bar(rng: np.random.Generator) -> np.ndarray:
    """Return a bar whose ends differ slightly in width."""
    half = rng.uniform(0.04, 0.6) * (1 + rng.uniform(-0.3, 0.3, 2))
    return np.array(
        [(-1.4, -half[0]), (1.4, -half[1]), (1.4, half[1]), (-1.4, half[0])]
    )


def _flower(rng: np.random.Generator) -> np.ndarray:
    """Return a flower with three to nine petals."""
    petals, depth = rng.integers(3, 10), rng.uniform(0.1, 0.45)
    return _ring(96, 1 - depth + depth * np.cos(petals * _turns(96)))


def _willow(rng: np.random.Generator) -> np.ndarray:
    """Return a pointed leaf with two tips, bent to one side."""
    t, width, bend = np.linspace(-1, 1, 15), rng.uniform(0.15, 0.5), rng.normal(0, 0.3)
    half, middle = width * (1 - t * t), bend * t * t
    sides = np.concatenate([middle + half, (middle - half)[::-1]])
    return np.stack([1.2 * np.concatenate([t, t[::-1]]), sides], axis=1)


def _turns(count: int) -> np.ndarray:
    """Return equally spaced angles of a full turn, (count,), in radians."""
    return np.arange(count) * (2 * np.pi / count)


def _ring(count: int, radii: np.ndarray) -> np.ndarray:
    """Return points (count, 2) around the origin at distances `radii` (count,)."""
    angles = _turns(count)
    return radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)


SHAPES: tuple[Shape, ...] = (
    _blob,
    _ragged,
    _ellipse,
    _corners,
    _bar,
    _flower,
    _willow,
)
_SHARES = (0.22, 0.13, 0.13, 0.17, 0.18, 0.05, 0.12)


def draw_leaf(
    canvas: Canvas,
    palette: Palette,
    radius: float,
    rng: np.random.Generator,
    shape: Shape | None = None,
) -> None:
    """Draw a leaf at a random place, sometimes with a shadow or a dark edge.

    Args:
        canvas: canvas to draw on, in place.
        palette: colours of the scene.
        radius: radius of the leaf.
        rng: source of the random values.
        shape: shape of the leaf; by default a random one.
    """
    points = rng.uniform(-0.55, 0.55, 2) + radius * outline(rng, shape)
    if radius * canvas.side < _PLAIN:
        canvas.paint(canvas.mask(SPAN * points), planes(palette.colour(rng)))
        return
    # The shadow: the leaf's own outline, shifted and blurred.
    if rng.random() < 0.25:
        depth = min(radius, 0.15)
        shift = depth * rng.uniform(-0.12, 0.12, 2)
        blur = SPAN * depth * rng.uniform(0.01, 0.1)
        shadow = canvas.mask(SPAN * (points + shift), blur=blur)
        canvas.shade(shadow, (rng.uniform(0.35, 0.85),) * 3)
    # The edge: the leaf in a darker colour, below a slightly smaller leaf.
    shapes = [points]
    if rng.random() < 0.2:
        edge = canvas.mask(SPAN * points)
        canvas.paint(edge, planes(palette.colour(rng) * rng.uniform(0, 1)))
        middle = points.mean(axis=0)
        width = rng.uniform(0.002, 0.012) / radius
        shapes = [middle + (points - middle) * max(1 - width, 0.3)]
    paint_surface(canvas, shapes, palette, rng)


def paint_surface(
    canvas: Canvas, shapes: list[np.ndarray], palette: Palette, rng: np.random.Generator
) -> None:
    """Fill polygons with one shaded and, in most cases, textured surface.

    Args:
        canvas: canvas to draw on, in place.
        shapes: polygons (N, 2).
        palette: colours of the scene.
        rng: source of the random values.
    """
    layer = canvas.mask(*(SPAN * points for points in shapes))
    canvas.paint(layer, _surface(canvas, layer, palette, rng))


def _surface(
    canvas: Canvas, layer: Layer, palette: Palette, rng: np.random.Generator
) -> np.ndarray:
    """Return the colours of a layer, float32 (3, H, W)."""
    colour, light = planes(palette.colour(rng)), _light(canvas, layer, rng)
    if rng.random() < 0.35:
        return colour * light
    shares = np.array(list(PATTERNS.values()))
    pattern = list(PATTERNS)[rng.choice(len(shares), p=shares / shares.sum())]
    # Most textures are fine and faint, as in photos.
    period = SPAN * np.exp(rng.uniform(np.log(0.012), np.log(0.15)))
    grid = tilted_grid(canvas, layer, period, rng)
    strength = np.exp(rng.uniform(np.log(3), np.log(60)))
    tint = planes(strength * (1 + rng.normal(0, 0.15, 3)))
    return (colour + tint * pattern(grid, rng)) * light


def _light(canvas: Canvas, layer: Layer, rng: np.random.Generator) -> np.ndarray:
    """Return the brightness (H, W) of a surface, about 1.

    It is a linear gradient, sometimes with the shading of a round body.
    """
    x, y = canvas.axes(layer)
    reach = max(np.ptp(x), np.ptp(y), 1e-3)
    # Python floats do not turn float32 arrays into float64; NumPy scalars would.
    a, b = (float(slope) for slope in rng.normal(0, 0.22, 2) / reach)
    x, y = x - x.mean(), y - y.mean()
    light = 1 + a * x + b * y
    if rng.random() < 0.3:
        depth = float(rng.uniform(0.3, 1.3)) / float(reach) ** 2
        light -= depth * ((x + a * reach) ** 2 + (y + b * reach) ** 2)
    return light
