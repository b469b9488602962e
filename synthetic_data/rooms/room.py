"""A procedural room as a camera at eye level sees it: walls, floor and furniture.

A rendered object in front of a plain colour teaches a network to look for that colour.
These rooms have what photos of furniture have behind it: edges of walls and floors,
windows, pictures, shelves, textures of wood, tiles and cloth, and uneven light.
"""

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from synthetic_data.scenes.leaves import Palette
from synthetic_data.scenes.patterns import Grid, bricks, checks, cloth, stripes, wood

_FINENESS = 2  # pixels of the drawing per pixel of the room, along each side
# Textures of floors and of walls.
_FLOORS = (wood, bricks, checks, cloth)
_WALLS = (stripes, bricks, cloth)
# Largest value of a texture's coordinate: floors end at the horizon.
_FAR = 60.0
_MOST_THINGS = 7

Points = list[tuple[float, float]]


def draw_room(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draw a room.

    Args:
        rng: source of the random values.
        size: edge of the image in pixels, at least 16.

    Returns:
        uint8 (size, size, 3), RGB.
    """
    side = size * _FINENESS
    palette = Palette(rng)
    # The walls meet the floor along a line that may bend in a corner of the room.
    horizon = rng.uniform(-0.1, 0.45)
    foot = max(horizon + rng.uniform(0.06, 0.3), 0.1)
    corner = rng.uniform(-0.3, 1.3)
    image = _draw_walls(side, corner, palette, rng)
    canvas = Image.fromarray(image)
    pen = ImageDraw.Draw(canvas)
    for _ in range(rng.integers(0, 4)):
        _hang(pen, side, foot, palette, rng)
    slopes = rng.uniform(-0.25, 0.25, 2)
    edge = [
        (0.0, foot - slopes[0] * corner),
        (corner, foot),
        (1.0, foot + slopes[1] * (1 - corner)),
    ]
    image = _lay_floor(np.asarray(canvas), edge, horizon, palette, rng)
    canvas = Image.fromarray(image)
    pen = ImageDraw.Draw(canvas)
    _draw_skirting(pen, side, edge, palette, rng)
    for _ in range(rng.integers(0, _MOST_THINGS)):
        _stand(pen, side, foot, palette, rng)
    if rng.random() < 0.3:
        _lay_rug(pen, side, foot, palette, rng)
    return _light(np.asarray(canvas.reduce(_FINENESS), np.float32), rng)


def _draw_walls(side, corner: float, palette: Palette, rng) -> np.ndarray:
    """Return the walls on both sides of the corner, uint8 (side, side, 3)."""
    place = np.arange(side, dtype=np.float32) / side
    x, y = np.meshgrid(place, place)
    tone = np.where(x < corner, 1.0, rng.uniform(0.75, 1.1))
    wall = _wall_colour(palette, rng) * tone[..., None]
    if rng.random() < 0.4:
        period = rng.uniform(0.03, 0.15)
        grid = Grid(x / period, y / period, period * side)
        texture = _choose(_WALLS, rng)(grid, rng)
        wall = wall * (1 + rng.uniform(0.03, 0.16) * texture[..., None])
    return wall.clip(0, 255).astype(np.uint8)


def _wall_colour(palette: Palette, rng) -> np.ndarray:
    """Return a colour (3,): walls are mostly light, and often nearly white."""
    colour = palette.colour(rng)
    return colour + rng.choice([0.0, 0.5, 0.8]) * (rng.uniform(150, 250) - colour)


def _lay_floor(image: np.ndarray, edge: Points, horizon: float, palette, rng):
    """Return the image with a textured floor in perspective below the edge."""
    side = len(image)
    place = (np.arange(side, dtype=np.float32) + 0.5) / side
    x, y = np.meshgrid(place, place)
    floor = y > np.interp(place, *zip(*edge, strict=True))[None]
    # A point of the floor at distance d from the eye is 1 / d below the horizon.
    depth = 1 / np.maximum(y - horizon, 1 / _FAR)
    across = (x - rng.uniform(0, 1)) * depth
    angle = rng.uniform(0, np.pi)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    scale = np.float32(rng.uniform(1.5, 6))
    u, v = scale * (cos * across + sin * depth), scale * (cos * depth - sin * across)
    grid = Grid(u.astype(np.float32), v.astype(np.float32), side / 4 / float(scale))
    texture = _choose(_FLOORS, rng)(grid, rng)
    # Far away the texture fades, because a pixel covers several of its periods.
    strength = rng.uniform(0.05, 0.3) * (2 / (scale * depth)).clip(0, 1)
    colour = palette.colour(rng) * (1 + strength * texture)[..., None]
    return np.where(floor[..., None], colour.clip(0, 255), image).astype(np.uint8)


def _draw_skirting(pen, side: int, edge: Points, palette: Palette, rng) -> None:
    """Draw a skirting board where the walls meet the floor."""
    if rng.random() < 0.6:
        points = [(x * side, y * side) for x, y in edge]
        width = max(1, round(rng.uniform(0.004, 0.025) * side))
        pen.line(points, _ink(palette, rng), width)


def _hang(pen, side: int, foot: float, palette: Palette, rng) -> None:
    """Draw a window, a picture, a shelf or a curtain on the wall."""
    width, height = rng.uniform(0.08, 0.45), rng.uniform(0.1, 0.5)
    left, top = rng.uniform(-0.1, 0.95), rng.uniform(-0.2, foot)
    box = _box(side, left, top, left + width, min(top + height, foot + 0.05))
    frame = max(1, round(side * rng.uniform(0.004, 0.02)))
    kind = rng.integers(4)
    if kind == 0:  # a window with its bars
        pen.rectangle(box, _bright(rng), _ink(palette, rng), frame)
        for share in np.linspace(0, 1, rng.integers(2, 4))[1:]:
            x = box[0] + share * (box[2] - box[0])
            pen.line([(x, box[1]), (x, box[3])], _ink(palette, rng), frame)
    elif kind == 1:  # a picture in a frame, or a door
        pen.rectangle(box, _ink(palette, rng), _ink(palette, rng), frame)
        inner = [
            box[0] + 2 * frame,
            box[1] + 2 * frame,
            box[2] - 2 * frame,
            (box[1] + box[3]) / 2,
        ]
        if inner[0] < inner[2] and inner[1] < inner[3]:
            pen.rectangle(inner, _ink(palette, rng))
    elif kind == 2:  # shelves with books
        pen.rectangle(box, _ink(palette, rng))
        for x in np.arange(box[0], box[2], max(2, side * rng.uniform(0.01, 0.03))):
            top_of_book = box[1] + rng.uniform(0, 0.4) * (box[3] - box[1])
            book = [x, top_of_book, x + side * 0.012, box[3]]
            pen.rectangle(book, _ink(palette, rng))
    else:  # a curtain with folds
        colour = np.array(_ink(palette, rng))
        for x in np.arange(box[0], box[2], max(2, side * 0.012)):
            fold = (colour * rng.uniform(0.7, 1.1)).clip(0, 255).astype(int)
            pen.rectangle([x, box[1], x + side * 0.012, box[3]], tuple(fold))


def _stand(pen, side: int, foot: float, palette: Palette, rng) -> None:
    """Draw a piece of furniture, a box or a ball on the floor."""
    width, height = rng.uniform(0.05, 0.4), rng.uniform(0.05, 0.45)
    left = rng.uniform(-0.2, 1.0)
    bottom = foot + abs(rng.normal(0, 0.15))
    box = _box(side, left, bottom - height, left + width, bottom)
    kind = rng.integers(4)
    if kind == 0:
        pen.ellipse(box, _ink(palette, rng))
    elif kind == 1:  # a table or a stool: a top on thin legs
        legs = max(1, round(side * rng.uniform(0.005, 0.03)))
        top = [box[0], box[1], box[2], box[1] + legs]
        pen.rectangle(top, _ink(palette, rng))
        ink = _ink(palette, rng)
        for x in (box[0], (box[0] + box[2]) / 2, box[2] - legs):
            pen.rectangle([x, box[1] + legs, x + legs, max(box[3], box[1] + legs)], ink)
    else:  # a cupboard: a front with a lighter side and handles
        pen.rectangle(box, _ink(palette, rng))
        part = box[0] + rng.uniform(0.1, 0.9) * (box[2] - box[0])
        pen.rectangle([box[0], box[1], part, box[3]], _ink(palette, rng))
        for share in np.linspace(0, 1, rng.integers(2, 5))[1:-1]:
            y = box[1] + share * (box[3] - box[1])
            pen.line([(box[0], y), (box[2], y)], _ink(palette, rng), 2)


def _lay_rug(pen, side: int, foot: float, palette: Palette, rng) -> None:
    """Draw a rug, an ellipse on the floor."""
    x, y = rng.uniform(0.2, 0.8), foot + rng.uniform(0.15, 0.5)
    width, height = rng.uniform(0.2, 0.6), rng.uniform(0.06, 0.2)
    box = _box(side, x - width, y - height, x + width, y + height)
    pen.ellipse(box, _ink(palette, rng), _ink(palette, rng), max(1, side // 60))


def _light(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the image in uneven, coloured light, out of focus and with noise."""
    size = len(image)
    place = np.linspace(-1, 1, size, dtype=np.float32)
    slope = rng.normal(0, 0.2, 2)
    light = 1 + slope[0] * place[None, :] + slope[1] * place[:, None]
    cast = rng.normal(1, 0.08, 3) * rng.uniform(0.5, 1.15)
    image = image * light.clip(0.3, 1.7)[..., None] * cast
    blur = rng.choice([0.0, 0.6, 1.2]) * size / 128
    image = ndimage.gaussian_filter(image, (blur, blur, 0))
    image = image + rng.normal(0, rng.uniform(0, 5), (size, size, 1))
    return image.clip(0, 255).astype(np.uint8)


def _choose(items: tuple, rng: np.random.Generator):
    return items[rng.integers(len(items))]


def _ink(palette: Palette, rng: np.random.Generator) -> tuple[int, int, int]:
    return tuple(int(value) for value in palette.colour(rng))


def _bright(rng: np.random.Generator) -> tuple[int, int, int]:
    return tuple(int(value) for value in rng.uniform(200, 255) + rng.uniform(-20, 0, 3))


def _box(side: int, left: float, top: float, right: float, bottom: float) -> list:
    """Return a box in pixels whose corners are in order."""
    left, right = sorted((left * side, right * side))
    top, bottom = sorted((top * side, bottom * side))
    return [left, top, right, bottom]
