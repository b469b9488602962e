"""A canvas for shaded drawings: colouring an image through soft masks.

Lengths are in head units: the top of the skull is at y = -1 and the chin at y = 1,
x points to the right, y points down, and (0, 0) is the centre of the head.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from synthetic_data.drawing.pen import Colour, Points

FRAME = 2.2  # height of the finished image in head units
# Height of the canvas in head units. It is larger than the image, so that an image
# of a tilted head has colour in its corners too.
SPAN = 3.1
_FINENESS = 3  # pixels of a mask per pixel of the canvas, along each side


class Layer(NamedTuple):
    """A mask on a rectangular region of the canvas.

    Attributes:
        rows, columns: slices of the region.
        alpha: float32 (H, W), the region's shape; 0 outside the mask to 1 inside.
    """

    rows: slice
    columns: slice
    alpha: np.ndarray


class Canvas:
    """A square image, float32 (3, side, side), with values from 0 to 255.

    Args:
        side: pixels along each side.
    """

    def __init__(self, side: int):
        self.side = side
        self.unit = side / SPAN  # pixels per head unit
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
            shapes: polygons (N, 2) to fill.
            strengths: value of the mask inside each shape, 0 to 1; default 1.
            holes: polygons (N, 2) to clear afterwards.
            blur: standard deviation of a Gaussian blur, in head units.

        Returns:
            A layer whose region contains the blurred polygons.
        """
        # The bounding box of the polygons with room for the blur is the region.
        pixels = [self._pixels(shape) for shape in shapes]
        margin = 3 * blur * self.unit + 2
        corners = np.concatenate(pixels)
        low = np.floor(corners.min(axis=0) - margin).clip(0, self.side - 1).astype(int)
        high = np.ceil(corners.max(axis=0) + margin).clip(1, self.side).astype(int)
        high = np.maximum(high, low + 1)
        # Draw at a higher resolution and reduce, for smooth edges.
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
        """Return the mask (H, W) of a disc in the region of a layer, float32."""
        columns, rows = self.axes(layer)
        away = np.sqrt((columns - x) ** 2 + (rows - y) ** 2)
        return ((radius - away) * self.unit + 0.5).clip(0, 1)

    def paint(
        self, layer: Layer, colour: Colour | np.ndarray, opacity: float = 1
    ) -> None:
        """Blend a colour, or colours (3, H, W), into the image through a mask."""
        if not isinstance(colour, np.ndarray):
            colour = planes(colour)
        part = self.image[:, layer.rows, layer.columns]
        part += opacity * layer.alpha * (colour - part)

    def shade(self, layer: Layer, factor: Colour) -> None:
        """Multiply the image by a factor per channel, as strongly as the mask is."""
        part = self.image[:, layer.rows, layer.columns]
        part *= 1 + layer.alpha * (planes(factor) - 1)

    def _pixels(self, points: Points) -> np.ndarray:
        """Return points (N, 2) in head units as pixel coordinates (N, 2)."""
        return np.asarray(points, float) * self.unit + self.side / 2


def planes(colour: Colour) -> np.ndarray:
    """Return a colour as float32 (3, 1, 1)."""
    return np.array(colour, np.float32)[:, None, None]


def blob(
    x: np.ndarray, y: np.ndarray, place: tuple[float, float], size: tuple[float, float]
) -> np.ndarray:
    """Return the Gaussian exp(-((x - x0) / rx)^2 - ((y - y0) / ry)^2).

    Args:
        x: x of the columns, (1, W).
        y: y of the rows, (H, 1).
        place: centre (x0, y0).
        size: radii (rx, ry).

    Returns:
        (H, W), from 0 to 1.
    """
    across = np.exp(-(((x - place[0]) / size[0]) ** 2))
    return across * np.exp(-(((y - place[1]) / size[1]) ** 2))


def pair(
    x: np.ndarray, y: np.ndarray, place: tuple[float, float], size: tuple[float, float]
) -> np.ndarray:
    """Return a `blob` at x0 and its mirror image at -x0."""
    across = np.exp(-(((np.abs(x) - place[0]) / size[0]) ** 2))
    return across * np.exp(-(((y - place[1]) / size[1]) ** 2))


def noise(
    rng: np.random.Generator, cells: tuple[int, int], shape: tuple[int, int]
) -> np.ndarray:
    """Return smooth noise with a standard deviation of about 0.8.

    Args:
        rng: source of the random values.
        cells: number of independent values (rows, columns).
        shape: pixels (H, W).

    Returns:
        float32 (H, W).
    """
    values = Image.fromarray(rng.standard_normal(cells, np.float32))
    return np.asarray(values.resize(shape[::-1], Image.Resampling.BICUBIC))
