"""Drawing marks of the skin: wrinkles, freckles, age spots and a mole."""

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from synthetic_data.age_faces.ageing import Looks
from synthetic_data.age_faces.people import Photo
from synthetic_data.drawing.canvas import Canvas, Layer
from synthetic_data.drawing.pen import ellipse, mirrored, mix, stroke

_Line = tuple[list[tuple[float, float]], float, float]  # points, width, depth


def wrinkles(canvas: Canvas, looks: Looks, photo: Photo, head: Layer) -> np.ndarray:
    """Return a map of the depth of wrinkles.

    Args:
        canvas: the canvas that the mask of the head belongs to.
        looks: the appearance at an age.
        photo: the photo, whose smile deepens the folds beside the mouth.
        head: the mask of the head.

    Returns:
        float32 of the shape of `head.alpha`; 0 where there is no wrinkle.
    """
    visible = [line for line in _all(looks, photo) if line[2] > 0.02]
    if not visible:
        return np.zeros_like(head.alpha)
    strokes = [stroke(points, width, 0.2, 0.2) for points, width, _ in visible]
    depths = [depth for _, _, depth in visible]
    layer = canvas.mask(*strokes, strengths=depths, blur=0.011)
    return 2.2 * _placed(layer, head)


def _placed(layer: Layer, head: Layer) -> np.ndarray:
    """Return a layer's mask at the pixels of the head's mask; the rest is cut off."""
    field = np.zeros_like(head.alpha)
    top = layer.rows.start - head.rows.start
    left = layer.columns.start - head.columns.start
    rows = slice(max(top, 0), min(top + layer.alpha.shape[0], field.shape[0]))
    columns = slice(max(left, 0), min(left + layer.alpha.shape[1], field.shape[1]))
    field[rows, columns] = layer.alpha[
        rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
    ]
    return field


def _all(looks: Looks, photo: Photo) -> Iterator[_Line]:
    """Yield all wrinkles, including those of depth 0."""
    rng = np.random.default_rng(looks.who.texture + 1)
    yield from _forehead(looks, rng)
    ex, ey, ew = looks.eye_x, looks.eye_y, looks.eye_width
    nose, mouth, wide = looks.nose_y, looks.mouth_y, looks.mouth_width
    fold = max(looks.folds, 0.22 * photo.smile * (1 - looks.child))
    for side in (-1, 1):
        for k, rise in enumerate((-0.06, 0.0, 0.07)):
            start = (ex + ew + 0.035, ey - 0.005 + 0.03 * k)
            bend = rng.uniform(-0.015, 0.015)
            end = (ex + ew + 0.15, ey + rise + 0.035 * k + bend)
            crow = [start, ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), end]
            yield _side(crow, side), 0.02, 0.55 * looks.crow_feet
        down = 0.08 * looks.sag
        cheek = [
            (looks.nose_width + 0.03, nose - 0.05),
            (0.4 * looks.nose_width + 0.6 * wide + 0.09, nose + 0.07),
            (wide + 0.1, mouth - 0.03),
            (wide + 0.1, mouth + 0.02 + down),
        ]
        yield _side(cheek, side), 0.036, 0.75 * fold
        corner = [(wide + 0.0, mouth + 0.05), (wide + 0.03, mouth + 0.2)]
        yield _side(corner, side), 0.03, 0.55 * looks.mouth_lines
        for k, low in enumerate((0.1, 0.19)):
            bag = [(ex - 0.75 * ew, ey + low * 0.8), (ex, ey + low + 0.03)]
            bag.append((ex + 0.85 * ew, ey + low * 0.75))
            yield _side(bag, side), 0.026, (0.6 - 0.2 * k) * looks.bags
        frown = [(0.055, looks.brow_y - 0.06), (0.045, looks.brow_y + 0.06)]
        yield _side(frown, side), 0.025, 0.7 * looks.frown


def _forehead(looks: Looks, rng: np.random.Generator) -> Iterator[_Line]:
    """Yield the lines across the forehead, which start to show at different ages."""
    space = looks.brow_y - 0.09 - looks.hairline
    for k in range(4):
        y = looks.brow_y - 0.1 - space * (k + 0.3) / 4.4
        wave = rng.uniform(-0.012, 0.012, 5)
        half = rng.uniform(0.3, 0.4)
        x = np.linspace(-half, half, 5) + rng.uniform(-0.05, 0.05)
        arch = 0.035 * (x / half) ** 2
        strength = float(np.clip(1.9 * looks.forehead_lines - 0.3 * (k % 3), 0, 0.68))
        yield list(zip(x, y + arch + wave, strict=True)), 0.028, strength


def _side(points: list[tuple[float, float]], side: int) -> list[tuple[float, float]]:
    return mirrored(points, side).tolist()


def draw_dots(canvas: Canvas, looks: Looks, head: Layer) -> None:
    """Draw freckles, age spots and a mole."""
    rng = np.random.default_rng(looks.who.texture + 2)
    freckles = _scattered(rng, 46, (0.42, 0.13), looks.nose_y - 0.12, (0.009, 0.017))
    spots = _scattered(rng, 12, (0.5, 0.42), -0.1, (0.02, 0.042))
    brown = mix(looks.skin, (112, 62, 34), 0.6)
    if looks.who.freckles:
        fade = looks.who.freckles * (1 - 0.4 * looks.dull)
        canvas.paint(_within(canvas.mask(*freckles, blur=0.008), head), brown, fade)
    if looks.spots:
        tone = mix(looks.skin, (104, 70, 48), 0.6)
        layer = _within(canvas.mask(*spots, blur=0.012), head)
        canvas.paint(layer, tone, 0.7 * looks.spots)
    if looks.who.mole:
        x, y = looks.who.mole
        dot = canvas.mask(ellipse(x, y + 0.05 * looks.child, 0.032, 0.03), blur=0.006)
        canvas.paint(dot, (58, 36, 30), 0.9)


def _scattered(
    rng: np.random.Generator,
    count: int,
    spread: tuple[float, float],
    y: float,
    radii: tuple[float, float],
) -> list[np.ndarray]:
    """Return outlines of dots at random places around (0, y)."""
    places = rng.uniform(-1, 1, (count, 2)) * spread + (0, y)
    sizes = rng.uniform(*radii, count)
    return [ellipse(*p, r, r) for p, r in zip(places, sizes, strict=True)]


def _within(layer: Layer, head: Layer) -> Layer:
    """Return a layer without the parts outside the head."""
    inside = _placed(layer, head) * ndimage.minimum_filter(head.alpha, 3)
    return Layer(head.rows, head.columns, inside)
