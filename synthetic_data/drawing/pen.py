"""A pen for cartoons: smooth curves and tapered strokes, in coordinates of a head.

Lengths are in head units: the centre of the head is at (0, 0), x points to the
right, y points down, and a face is about 1.8 wide and 2.2 high. Colours are red,
green and blue from 0 to 255.
"""

import colorsys
import functools
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[float, float, float]
Points = np.ndarray | Sequence[tuple[float, float]]

WHITE: Colour = (255, 255, 255)
_SHADOW: Colour = (48, 30, 78)  # shadows are tinted violet, as painters do
_STEPS = 6  # pieces of a curve between two of the points that it goes through
OVERSAMPLING = 4  # pixels of the drawing per pixel of the result, along each side


class Pen:
    """A pen that draws shapes given in head units on an image.

    Args:
        image: image to draw on, changed in place.
        unit: pixels of `image` per head unit.
        origin: (x, y) of the centre of the head in pixels.
        pivot: point, in head units, about which the head is tilted.
        tilt: clockwise rotation of the head in degrees.
        turn: shift (right, down) of the centre of the face in head units, which
            makes the head look in that direction.
    """

    def __init__(
        self,
        image: Image.Image,
        unit: float,
        origin: tuple[float, float],
        pivot: tuple[float, float] = (0, 0),
        tilt: float = 0,
        turn: tuple[float, float] = (0, 0),
    ):
        self._opaque = ImageDraw.Draw(image)
        self._glaze = ImageDraw.Draw(image, "RGBA")
        angle = math.radians(tilt)
        cos, sin = math.cos(angle), math.sin(angle)
        self._matrix = unit * np.array([[cos, sin], [-sin, cos]])
        self._offset = np.array(origin) + unit * np.array(pivot) - pivot @ self._matrix
        self._unit = unit
        self._turn, self._turned = np.array(turn), turn != (0, 0)

    def fill(self, points: Points, colour: Colour, opacity: float = 1) -> None:
        """Fill a polygon (N, 2), transparently if `opacity` is below 1."""
        if opacity < 1:
            self._glaze.polygon(self._pixels(points), _ink(colour, opacity))
        else:
            self._opaque.polygon(self._pixels(points), _ink(colour))

    def line(self, points: Points, colour: Colour, width: float) -> None:
        """Draw a polyline through points (N, 2); `width` is in head units."""
        width = max(1, round(width * self._unit))
        self._opaque.line(self._pixels(points), _ink(colour), width)

    def outline(self, points: Points, colour: Colour, width: float) -> None:
        """Draw the edge of a polygon (N, 2); `width` is in head units."""
        points = np.asarray(points)
        self.line(np.concatenate([points, points[:2]]), colour, width)

    def shape(
        self, points: Points, colour: Colour, edge: Colour, width: float = 0.05
    ) -> None:
        """Fill a polygon (N, 2) and draw its edge."""
        self.fill(points, colour)
        self.outline(points, edge, width)

    def _pixels(self, points: Points) -> list[float]:
        """Return points in head units as a flat list of pixel coordinates."""
        points = np.asarray(points, float)
        if self._turned:
            # The middle of the face is nearest and moves most; its sides stay.
            x, y = points.T
            front = np.maximum(1 - x * x, 0) * np.minimum(np.maximum(y + 1.25, 0), 1)
            points = points + front[:, None] * self._turn
        return (points @ self._matrix + self._offset).ravel().tolist()


@functools.cache
def _spline(count: int, closed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return matrices that map points to their Catmull-Rom curve and its slopes."""
    t = np.arange(_STEPS + 1)[:, None] / _STEPS
    powers = t ** np.arange(4)
    slopes = np.arange(4) * t ** np.array([0, 0, 1, 2])
    basis = 0.5 * np.array(
        [[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]], float
    )
    parts = count if closed else count - 1
    near = np.arange(parts)[:, None] + np.arange(-1, 3)
    near = near % count if closed else near.clip(0, count - 1)
    chosen = np.eye(count)[near]

    def matrix(weights: np.ndarray) -> np.ndarray:
        pieces = np.einsum("sk,pkn->psn", weights @ basis, chosen)
        rows = pieces[:, :-1].reshape(-1, count)
        return rows if closed else np.concatenate([rows, pieces[-1:, -1]])

    return matrix(powers), matrix(slopes)


def curve(points: Points, closed: bool = False) -> np.ndarray:
    """Return a smooth curve through points.

    Args:
        points: (N, 2), N at least 2.
        closed: whether the curve returns to the first point.

    Returns:
        Points of the curve, (6 N, 2) if closed, else (6 (N - 1) + 1, 2).

    Reference:
        Catmull & Rom 1974, "A class of local interpolating splines".
    """
    points = np.asarray(points, float)
    return _spline(len(points), closed)[0] @ points


def stroke(
    points: Points, width: float, start: float = 0, end: float = 0
) -> np.ndarray:
    """Return the outline of a brush stroke along the smooth curve through points.

    Args:
        points: (N, 2), N at least 2.
        width: width of the stroke in its middle.
        start: width of the first end, as a share of `width`.
        end: width of the last end, as a share of `width`.

    Returns:
        Polygon (12 (N - 1) + 2, 2).
    """
    points = np.asarray(points, float)
    place, direction = _spline(len(points), False)
    middle, along = place @ points, direction @ points
    half = 0.5 * width * _profile(len(middle), start, end)
    half /= np.hypot(*along.T) + 1e-9
    offset = half[:, None] * along[:, ::-1] * (-1, 1)
    return np.concatenate([middle + offset, (middle - offset)[::-1]])


@functools.cache
def _profile(count: int, start: float, end: float) -> np.ndarray:
    """Return the width at `count` points along a stroke, as a share of its width."""
    t = np.linspace(0, 1, count)
    ends = start + (end - start) * t
    return ends + (1 - ends) * np.sqrt(np.sin(np.pi * t).clip(0))


def bows(first: np.ndarray, control: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return quadratic Bezier curves.

    Args:
        first: (K, 2), first points of the curves.
        control: (K, 2), control points.
        last: (K, 2), last points of the curves.

    Returns:
        (7, K, 2), seven points of each curve, from the first to the last.
    """
    t = _BOW_TIMES
    return (1 - t) ** 2 * first + 2 * t * (1 - t) * control + t * t * last


def ellipse(x: float, y: float, rx: float, ry: float) -> np.ndarray:
    """Return the outline (24, 2) of an ellipse with a centre and radii."""
    return (x, y) + _CIRCLE * (rx, ry)


def mirrored(points: Points, side: int) -> np.ndarray:
    """Return points unchanged if `side` is 1, with x negated if it is -1."""
    return np.asarray(points, float) * (side, 1)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return (1 - share) * first + share * second."""
    return tuple(a + share * (b - a) for a, b in zip(first, second, strict=True))


def darker(colour: Colour, amount: float) -> Colour:
    """Return a colour in shadow; `amount` is 0 (unchanged) to 1 (darkest violet)."""
    shade = tuple(c * s / 255 for c, s in zip(colour, _SHADOW, strict=True))
    return mix(colour, shade, amount)


def lighter(colour: Colour, amount: float) -> Colour:
    """Return a colour in light; `amount` is 0 (unchanged) to 1 (white)."""
    return mix(colour, WHITE, amount)


def from_hsv(hue: float, saturation: float, value: float) -> Colour:
    """Return a colour from HSV.

    Args:
        hue: hue in degrees, any number.
        saturation: saturation, clipped to [0, 1].
        value: value, clipped to [0, 1].
    """
    saturation, value = min(max(saturation, 0), 1), min(max(value, 0), 1)
    return tuple(255 * c for c in colorsys.hsv_to_rgb(hue / 360 % 1, saturation, value))


def _ink(colour: Colour, opacity: float = 1) -> tuple[int, ...]:
    """Return a colour as Pillow expects it; with alpha if `opacity` is below 1."""
    red, green, blue = colour
    ink = (round(red), round(green), round(blue))
    return ink if opacity == 1 else (*ink, round(255 * opacity))


_ANGLES = np.arange(24) * (2 * np.pi / 24)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
_BOW_TIMES = np.linspace(0, 1, 7)[:, None, None]
