"""Lines of scenes: curves, hair, grass, trees, wires and text.

Lengths are shares of the image's side. Each `draw_...` function takes the canvas to
draw on (in place), the palette of the scene and a source of random values.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from synthetic_data.drawing.canvas import Canvas
from synthetic_data.drawing.pen import curve, stroke
from synthetic_data.scenes.leaves import Palette

_FINENESS = 2  # pixels of the drawing per pixel of the canvas, along each side
_THINNEST = 0.0025  # smallest width of a line; a thinner one would break into dots
_LETTERS = "ABCDEFGHIJKLMNOPRSTUVWZabcdefghijklmnoprstuvwxyz0123456789&?!.,-"
Ink = tuple[int, int, int, int]


class _Sheet:
    """A transparent sheet over the canvas; x and y are from 0 to 1.

    Args:
        canvas: the canvas below the sheet.
    """

    def __init__(self, canvas: Canvas):
        self.side = _FINENESS * canvas.side
        self.image = Image.new("RGBA", (self.side, self.side))
        self._pen = ImageDraw.Draw(self.image)

    def fill(self, points: np.ndarray, ink: Ink) -> None:
        """Fill a polygon (N, 2)."""
        self._pen.polygon((self.side * points).ravel().tolist(), ink)

    def line(self, points: np.ndarray, ink: Ink, width: float) -> None:
        """Draw a smooth line of constant width through points (N, 2)."""
        self.fill(stroke(points, width, 1, 1), ink)

    def lay(self, canvas: Canvas) -> None:
        """Blend the sheet over the canvas, in place."""
        lay_over(canvas, self.image.reduce(_FINENESS))


def lay_over(canvas: Canvas, sheet: Image.Image) -> None:
    """Blend an RGBA image of the canvas's size over the canvas, in place."""
    inks = np.asarray(sheet, np.float32).transpose(2, 0, 1)
    canvas.image += inks[3] / 255 * (inks[:3] - canvas.image)


def _ink(colour: np.ndarray) -> Ink:
    """Return a colour (3,) as opaque RGBA of integers."""
    red, green, blue = colour.clip(0, 255).round().astype(int).tolist()
    return red, green, blue, 255


def draw_curves(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """Draw smooth lines of different widths."""
    sheet = _Sheet(canvas)
    for _ in range(rng.integers(3, 14)):
        turns = rng.normal(0, 0.6, rng.integers(4, 9)).cumsum()
        way = rng.uniform(0, 2 * np.pi) + turns
        steps = rng.uniform(0.08, 0.25) * np.stack([np.cos(way), np.sin(way)], axis=1)
        points = curve(rng.uniform(0, 1, 2) + steps.cumsum(axis=0))
        width = np.exp(rng.uniform(np.log(_THINNEST), np.log(0.025)))
        sheet.line(points, _ink(palette.colour(rng)), width)
    sheet.lay(canvas)


def draw_hair(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """Draw a tuft of hairs that bend alike, each with its own brightness."""
    sheet = _Sheet(canvas)
    colour, root = palette.colour(rng), rng.uniform(0, 1, 2)
    angle, spread = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.5)
    length, width = rng.uniform(0.15, 0.7), rng.uniform(1, 3) * _THINNEST
    bend = rng.normal(0, 0.6)
    for _ in range(rng.integers(80, 260)):
        way = angle + rng.normal(0, 0.12) + np.array([0, bend, 2 * bend])
        steps = np.stack([np.cos(way), np.sin(way)], axis=1) * length / 3
        start = root + rng.normal(0, spread, 2)
        points = np.concatenate([start[None], start + steps.cumsum(axis=0)])
        sheet.fill(
            stroke(points, width * rng.uniform(1, 1.5), 0.4, 0.3),
            _ink(colour * rng.uniform(0.5, 1.5)),
        )
    sheet.lay(canvas)


def draw_grass(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """Draw overlapping blades of grass that grow from the lower edge."""
    sheet = _Sheet(canvas)
    colour = palette.colour(rng)
    height, width = rng.uniform(0.15, 0.6), rng.uniform(0.005, 0.02)
    for _ in range(rng.integers(40, 160)):
        foot = np.array([rng.uniform(-0.1, 1.1), 1.05])
        tip = foot + height * rng.uniform(0.3, 1) * np.array([rng.normal(0, 0.4), -1])
        middle = (foot + tip) / 2 + (rng.normal(0, 0.05), 0)
        points = np.stack([foot, middle, tip])
        sheet.fill(stroke(points, width, 0.8, 0), _ink(colour * rng.uniform(0.4, 1.5)))
    sheet.lay(canvas)


def draw_tree(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """Draw a branch that forks repeatedly, bare or with leaves."""
    sheet = _Sheet(canvas)
    wood, leaf = palette.colour(rng) * 0.6, palette.colour(rng)
    leaves = rng.random() < 0.6
    angle = rng.uniform(0, 2 * np.pi)
    start = 0.5 - 0.6 * np.array([np.cos(angle), np.sin(angle)])
    twigs = [(start, angle, rng.uniform(0.2, 0.35), rng.uniform(0.01, 0.04))]
    for _ in range(rng.integers(5, 8)):
        grown = []
        for foot, way, length, width in twigs:
            tip = foot + length * np.array([np.cos(way), np.sin(way)])
            sheet.line(np.stack([foot, tip]), _ink(wood), width)
            for side in (-1, 1):
                turned = way + side * rng.uniform(0.15, 0.7)
                share = rng.uniform(0.6, 0.9)
                grown.append((tip, turned, length * share, width * 0.68))
        twigs = grown
    for foot, way, _, _ in twigs if leaves else ():
        ends = foot + 0.05 * rng.uniform(0.4, 1) * np.array([np.cos(way), np.sin(way)])
        points = np.stack([foot, (foot + ends) / 2, ends])
        tone = _ink(leaf * rng.uniform(0.5, 1.4))
        sheet.fill(stroke(points, rng.uniform(0.01, 0.025)), tone)
    sheet.lay(canvas)


def draw_wires(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """Draw straight lines through one vanishing point, as rails, cables or rays."""
    sheet = _Sheet(canvas)
    far, ink = rng.uniform(-1.5, 2.5, 2), _ink(palette.colour(rng))
    width = rng.uniform(1, 3) * _THINNEST
    angles = np.arange(0, np.pi, rng.uniform(0.02, 0.12)) + rng.uniform(0, 0.1)
    for ray in 4 * np.stack([np.cos(angles), np.sin(angles)], axis=1):
        sheet.line(np.stack([far - ray, far + ray]), ink, width)
    sheet.lay(canvas)


def draw_text(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """Draw a few lines of random letters, in most cases rotated."""
    height = np.exp(rng.uniform(np.log(0.035), np.log(0.25)))
    font = ImageFont.load_default(max(1, height * canvas.side))
    lines = [
        "".join(rng.choice(list(_LETTERS), rng.integers(2, 16)))
        for _ in range(rng.integers(1, max(2, round(0.6 / height))))
    ]
    mask = Image.new("L", (canvas.side, canvas.side))
    corner = canvas.side * rng.uniform(-0.05, 0.4, 2)
    ImageDraw.Draw(mask).multiline_text(tuple(corner), "\n".join(lines), 255, font)
    if rng.random() < 0.7:
        mask = mask.rotate(rng.normal(0, 25), Image.Resampling.BICUBIC)
    alpha = np.asarray(mask, np.float32) / 255
    colour = palette.colour(rng).astype(np.float32)[:, None, None]
    canvas.image += alpha * (colour - canvas.image)


# Functions that draw lines, with the weights of drawing each of them.
STROKES: dict[Callable, float] = {
    draw_curves: 1.5,
    draw_hair: 1.5,
    draw_grass: 1,
    draw_tree: 1.5,
    draw_wires: 1,
    draw_text: 1.5,
}
