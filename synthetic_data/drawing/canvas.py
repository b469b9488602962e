"""A canvas for shaded drawings: soft masks on planes of colour.

Lengths are in head units: the skull reaches from y = -1 to the chin at y = 1, x
points to the right, y points down, (0, 0) is the middle of the head.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from synthetic_data.drawing.pen import Colour, Points

FRAME = 2.2  # height of the finished picture in head units
SPAN = 3.1  # of the canvas: a head that leans still finds colour in the corners
_FINENESS = 3  # pixels of a mask along each side of a pixel of the canvas


class Layer(NamedTuple):
    """A mask on a part of the canvas.

    Attributes:
        rows, columns: the part.
        alpha: float32 of the part's shape, 0 outside the mask to 1 inside.
    """

    rows: slice
    columns: slice
    alpha: np.ndarray


class Canvas:
    """A square picture float32 (3, side, side) of values from 0 to 255.

    Args:
        side: its pixels along each side.
    """

    def __init__(self, side: int):
        self.side = side
        self.unit = side / SPAN  # pixels in a head unit
        self.image = np.zeros((3, side, side), np.float32)
        self._places = ((np.arange(side, dtype=np.float32) + 0.5) / side - 0.5) * SPAN

    def axes(self, layer: Layer) -> tuple[np.ndarray, np.ndarray]:
        """Return x (1, W) and y (H, 1) of a layer's pixels in head units."""
        x = self._places[layer.columns]
        y = self._places[layer.rows]
        return x[None], y[:, None]

    def mask(
        self,
        *shapes: Points,
        strengths: Sequence[float] = (),
        holes: Sequence[Points] = (),
        blur: float = 0,
    ) -> Layer:
        """Return the mask of polygons.

        Args:
            shapes: (N, 2) each; all are filled.
            strengths: the mask inside each shape, 0 to 1; by default 1.
            holes: (N, 2) each; these are emptied again.
            blur: standard deviation of a softening.

        Returns:
            A layer as large as the polygons and their softening.
        """
        pixels = [self._pixels(shape) for shape in shapes]
        margin = 3 * blur * self.unit + 2
        corners = np.concatenate(pixels)
        low = np.floor(corners.min(axis=0) - margin).clip(0, self.side - 1).astype(int)
        high = np.ceil(corners.max(axis=0) + margin).clip(1, self.side).astype(int)
        high = np.maximum(high, low + 1)
        image = Image.new("L", tuple((_FINENESS * (high - low)).tolist()))
        pen = ImageDraw.Draw(image)
        inks = [round(255 * s) for s in strengths] or [255] * len(shapes)
        pixels += [self._pixels(hole) for hole in holes]
        for places, ink in zip(pixels, inks + [0] * len(holes), strict=True):
            pen.polygon((_FINENESS * (places - low)).ravel().tolist(), ink)
        alpha = np.asarray(image.reduce(_FINENESS), np.float32) / np.float32(255)
        if blur:
            alpha = ndimage.gaussian_filter(alpha, blur * self.unit, truncate=2.5)
        return Layer(slice(low[1], high[1]), slice(low[0], high[0]), alpha)

    def disc(self, layer: Layer, x: float, y: float, radius: float) -> np.ndarray:
        """Return the mask of a disc on the part of a layer, float32."""
        columns, rows = self.axes(layer)
        away = np.sqrt((columns - x) ** 2 + (rows - y) ** 2)
        return ((radius - away) * self.unit + 0.5).clip(0, 1)

    def paint(
        self, layer: Layer, colour: Colour | np.ndarray, opacity: float = 1
    ) -> None:
        """Lay a colour, or planes (3, H, W) of the layer's shape, over the picture."""
        if not isinstance(colour, np.ndarray):
            colour = planes(colour)
        part = self.image[:, layer.rows, layer.columns]
        part += opacity * layer.alpha * (colour - part)

    def shade(self, layer: Layer, factor: Colour) -> None:
        """Multiply the picture by a factor for each colour where the mask is 1."""
        part = self.image[:, layer.rows, layer.columns]
        part *= 1 + layer.alpha * (planes(factor) - 1)

    def _pixels(self, points: Points) -> np.ndarray:
        """Return where points in head units lie, in pixels (N, 2)."""
        return np.asarray(points, float) * self.unit + self.side / 2


def planes(colour: Colour) -> np.ndarray:
    """Return a colour as float32 (3, 1, 1)."""
    return np.array(colour, np.float32)[:, None, None]


def blob(
    x: np.ndarray, y: np.ndarray, place: tuple[float, float], size: tuple[float, float]
) -> np.ndarray:
    """Return the hill exp(-((x - x0) / rx)^2 - ((y - y0) / ry)^2).

    Args:
        x: (1, W).
        y: (H, 1).
        place: its top (x0, y0).
        size: its radii (rx, ry).
    """
    across = np.exp(-(((x - place[0]) / size[0]) ** 2))
    return across * np.exp(-(((y - place[1]) / size[1]) ** 2))


def pair(
    x: np.ndarray, y: np.ndarray, place: tuple[float, float], size: tuple[float, float]
) -> np.ndarray:
    """Return a `blob` at x0 and one at -x0."""
    across = np.exp(-(((np.abs(x) - place[0]) / size[0]) ** 2))
    return across * np.exp(-(((y - place[1]) / size[1]) ** 2))


def noise(
    rng: np.random.Generator, cells: tuple[int, int], shape: tuple[int, int]
) -> np.ndarray:
    """Return smooth noise of about standard deviation 0.8, float32.

    Args:
        rng: decides on everything.
        cells: how many independent values down and across.
        shape: pixels down and across.
    """
    values = Image.fromarray(rng.standard_normal(cells, np.float32))
    return np.asarray(values.resize(shape[::-1], Image.Resampling.BICUBIC))
