"""Puts one scene together, from what is far to what is near."""

import numpy as np
from scipy import ndimage

from common.synthetic.scenes_backdrops import draw_backdrop, paste_face
from common.synthetic.scenes_leaves import (
    Palette,
    draw_leaf,
    outline,
    sample_radius,
    sample_shape,
)
from common.synthetic.scenes_strokes import STROKES
from synthetic_data.drawing.canvas import SPAN, Canvas, noise

_THINGS = STROKES | {paste_face: 1.5}


def compose(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a scene on an empty canvas."""
    palette = Palette(rng)
    most = draw_backdrop(canvas, palette, rng)
    for depth in range(3):
        if depth and rng.random() < 0.25:
            _defocus(canvas, rng)
        _scatter(canvas, palette, most, rng)
        for _ in range(rng.integers(0, 2)):
            _draw_thing(canvas, palette, rng)
    _light(canvas, rng)


def _scatter(
    canvas: Canvas, palette: Palette, most: int, rng: np.random.Generator
) -> None:
    """Let leaves fall on the picture: of one shape, as pebbles are, or of many."""
    shape = sample_shape(rng) if rng.random() < 0.5 else None
    smallest = np.exp(rng.uniform(np.log(0.015), np.log(0.1)))
    count = np.exp(rng.uniform(0, np.log(most)))
    for _ in range(round(count)):
        draw_leaf(canvas, palette, sample_radius(smallest, rng), rng, shape)


def _draw_thing(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """Draw what is more than one leaf: lines, hair, a tree, text, a face."""
    shares = np.array(list(_THINGS.values()))
    choice = rng.choice(len(shares), p=shares / shares.sum())
    list(_THINGS)[choice](canvas, palette, rng)


def _defocus(canvas: Canvas, rng: np.random.Generator) -> None:
    """Blur what is drawn so far: the camera looks at what is nearer."""
    blur = canvas.side * np.exp(rng.uniform(np.log(0.002), np.log(0.015)))
    canvas.image = ndimage.gaussian_filter(canvas.image, (0, blur, blur), truncate=2.5)


def _light(canvas: Canvas, rng: np.random.Generator) -> None:
    """Let the light change slowly over the picture, and a shadow fall on it."""
    shape = (canvas.side, canvas.side)
    canvas.image *= 1 + np.float32(rng.uniform(0, 0.2)) * noise(rng, (4, 4), shape)
    if rng.random() < 0.3:
        points = rng.uniform(-0.6, 0.6, 2) + rng.uniform(0.2, 0.8) * outline(rng)
        blur = SPAN * rng.uniform(0.001, 0.03)
        shadow = canvas.mask(SPAN * points, blur=blur)
        canvas.shade(shadow, (rng.uniform(0.4, 0.9),) * 3)
