"""The background of a scene: a surface, a landscape or a face.

Lengths are shares of the image's side; (0, 0) is the middle of the image.
"""

import numpy as np
from PIL import Image

from synthetic_data.age_faces.write import MAX_SIZE, draw_person
from synthetic_data.anime_faces.write import draw, sample_face
from synthetic_data.drawing.canvas import SPAN, Canvas, noise, planes
from synthetic_data.drawing.pen import from_hsv
from synthetic_data.scenes.leaves import Palette, paint_surface
from synthetic_data.scenes.strokes import lay_over

# A square that covers the whole image.
_EVERYTHING = np.array([(-0.6, -0.6), (0.6, -0.6), (0.6, 0.6), (-0.6, 0.6)])
_AGES = 90  # ages are drawn from 0 to this, in years
_PEOPLE = 10**6  # number of different people
_PHOTOS = 100  # number of different photos of each person


def draw_backdrop(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> int:
    """Cover the whole image with a background.

    Args:
        canvas: canvas to draw on, in place.
        palette: colours of the scene.
        rng: source of the random values.

    Returns:
        The largest number of leaves to scatter over it at a time.
    """
    lot = rng.random()
    if lot < 0.5:
        paint_surface(canvas, [_EVERYTHING], palette, rng)
        return 70
    if lot < 0.75:
        _draw_landscape(canvas, palette, rng)
        return 20
    _draw_portrait(canvas, rng)
    return 8


def paste_face(canvas: Canvas, _: Palette, rng: np.random.Generator) -> None:
    """Paste an image of a face at a random place and angle.

    Args:
        canvas: canvas to draw on, in place.
        _: palette, not used; all functions that draw objects take the same arguments.
        rng: source of the random values.
    """
    face = _face(round(canvas.side * rng.uniform(0.3, 0.8)), rng).convert("RGBA")
    face = face.rotate(rng.normal(0, 20), Image.Resampling.BICUBIC, expand=True)
    corner = rng.uniform(-0.1, 1.1, 2) * canvas.side - np.array(face.size) / 2
    sheet = Image.new("RGBA", (canvas.side, canvas.side))
    sheet.paste(face, tuple(corner.astype(int).tolist()))
    lay_over(canvas, sheet)


def _face(edge: int, rng: np.random.Generator) -> Image.Image:
    """Return an image of a person or, less often, of a cartoon figure."""
    size = min(edge, MAX_SIZE)
    if rng.random() < 0.7:
        who, photo = int(rng.integers(_PEOPLE)), int(rng.integers(_PHOTOS))
        face = draw_person(who, rng.uniform(0, _AGES), photo, size=size)
    else:
        face = draw(sample_face(rng), size)
    return Image.fromarray(face).resize((edge, edge), Image.Resampling.BICUBIC)


def _draw_portrait(canvas: Canvas, rng: np.random.Generator) -> None:
    """Fill the whole image with a face."""
    face = _face(canvas.side, rng)
    canvas.image[:] = np.asarray(face, np.float32).transpose(2, 0, 1)


def _draw_landscape(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """Draw a sky with rows of hills or houses in front of it."""
    _draw_sky(canvas, rng)
    rows = int(rng.integers(1, 5))
    town = rng.random() < 0.5
    start = rng.uniform(-0.3, 0.2)
    for horizon in np.linspace(start, rng.uniform(start, 0.4), rows):
        if town and rng.random() < 0.7:
            _draw_houses(canvas, palette, horizon, rng)
        else:
            paint_surface(canvas, [_hill(horizon, rng)], palette, rng)


def _draw_sky(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a sky whose colour changes with height, with clouds."""
    hue = rng.normal(215, 12) if rng.random() < 0.75 else rng.uniform(-20, 50)
    value, side = rng.uniform(0.5, 1), canvas.side
    above = planes(from_hsv(hue, rng.uniform(0.1, 0.8), value * rng.uniform(0.5, 1)))
    below = planes(from_hsv(hue + rng.normal(0, 15), rng.uniform(0, 0.3), value))
    height = np.linspace(0, 1, side, dtype=np.float32)[:, None]
    clouds = sum(
        noise(rng, (2 * cells, cells), (side, side)) / np.float32(cells)
        for cells in (3, 6, 12, 24)
    )
    cover = (2 * clouds + np.float32(rng.normal(-0.3, 0.4))).clip(0, 0.9)
    sky = above + height * (below - above)
    canvas.image[:] = sky + cover * (planes((245, 245, 248)) * value - sky)


def _hill(horizon: float, rng: np.random.Generator) -> np.ndarray:
    """Return the outline of a hill whose ridge is a random walk."""
    x = np.linspace(-0.6, 0.6, 80)
    walk = rng.normal(0, rng.uniform(0.002, 0.02), len(x)).cumsum()
    ridge = np.stack([x, horizon + walk], axis=1)
    return np.concatenate([ridge, [(0.6, 0.8), (-0.6, 0.8)]])


def _draw_houses(
    canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator
) -> None:
    """Draw a row of houses with windows, some of them with gables."""
    x = -0.6
    while x < 0.5:
        width, top = rng.uniform(0.08, 0.3), horizon - rng.uniform(0, 0.3)
        wall = [(x, 0.8), (x, top), (x + width, top), (x + width, 0.8)]
        if rng.random() < 0.4:
            wall.insert(2, (x + width / 2, top - rng.uniform(0.3, 0.8) * width))
        paint_surface(canvas, [np.array(wall)], palette, rng)
        across, down = int(rng.integers(2, 7)), int(rng.integers(3, 10))
        cell = np.array([width / across, rng.uniform(0.05, 0.12)])
        share = rng.uniform(0.3, 0.7, 2)
        window = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * share + (1 - share) / 2
        places = [np.array([i, j]) for i in range(across) for j in range(down)]
        windows = [(x, top) + cell * (window + place) for place in places]
        lights = rng.uniform(0.7, 1, len(windows))
        layer = canvas.mask(*(SPAN * w for w in windows), strengths=lights)
        canvas.paint(layer, planes(palette.colour(rng)))
        x += width + rng.uniform(-0.01, 0.05)
