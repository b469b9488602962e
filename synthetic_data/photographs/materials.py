"""Random colours, patterns and gloss: what a surface looks like before it is lit."""

from typing import NamedTuple

import numpy as np

from common.shapes.surface import Surface

# Colours that furniture often has: woods, leather, white, greys, and strong ones.
_WOODS = (
    (0.72, 0.52, 0.32),
    (0.45, 0.28, 0.16),
    (0.85, 0.72, 0.52),
    (0.28, 0.17, 0.11),
)
_GREYS = ((0.92, 0.92, 0.9), (0.6, 0.6, 0.6), (0.15, 0.15, 0.16), (0.05, 0.05, 0.06))
# Paints that cars often have: white, silver, grey, black, red and blue.
_PAINTS = (
    (0.9, 0.9, 0.9),
    (0.66, 0.68, 0.7),
    (0.36, 0.37, 0.4),
    (0.08, 0.08, 0.09),
    (0.66, 0.06, 0.07),
    (0.08, 0.18, 0.46),
)
_TYRE, _RIM = (0.05, 0.05, 0.055), (0.6, 0.6, 0.62)
_HEADLAMP, _TAIL_LAMP = (0.95, 0.95, 0.88), (0.7, 0.05, 0.05)
# Radius of a car's wheels, as a share of its length.
_WHEEL = 0.082


class Material(NamedTuple):
    """What a surface is made of.

    Attributes:
        colours: float (V, 3), red, green and blue of each vertex in [0, 1].
        gloss: strength of the highlight, 0 (dull) to 0.6.
        hardness: exponent of the highlight; large for small, sharp ones.
    """

    colours: np.ndarray
    gloss: float
    hardness: float


def random_material(places: np.ndarray, rng: np.random.Generator) -> Material:
    """Draw the material of a shape: one colour or two, plain or with a pattern.

    The second colour covers what is below a height, in front of a plane or far from
    the middle, as the legs, the back or the arms of a chair often differ from its seat.

    Args:
        places: float (V, 3), positions of the vertices; axis 2 is up.
        rng: source of the random values.
    """
    low, high = places.min(axis=0), places.max(axis=0)
    unit = (places - low) / np.maximum(high - low, 1e-6).max()
    colours = np.tile(_colour(rng), (len(places), 1))
    if rng.random() < 0.6:
        colours = np.where(_part(unit, rng)[:, None], _colour(rng), colours)
    if rng.random() < 0.35:
        colours = colours * (1 + rng.uniform(0.05, 0.35) * _pattern(unit, rng)[:, None])
    gloss = rng.uniform(0, 0.6) * (rng.random() < 0.6)
    return Material(colours.clip(0.02, 1), gloss, rng.uniform(4, 60))


def car_material(surface: Surface, rng: np.random.Generator) -> Material:
    """Draw the material of a car: paint, dark windows and tyres, rims and lamps.

    Args:
        surface: surface of the car; the front faces low values of axis 0, axis 2 is up.
        rng: source of the random values.
    """
    places, normals = surface.vertices, surface.normals
    low, high = places.min(axis=0), places.max(axis=0)
    length, width, height = high - low
    x = (places[:, 0] - low[0]) / length
    y = abs(places[:, 1] - (low[1] + high[1]) / 2) / (width / 2)
    z = (places[:, 2] - low[2]) / height
    paint = np.array(_PAINTS[rng.integers(len(_PAINTS))])
    if rng.random() < 0.35:
        paint = rng.uniform(0.03, 0.9, 3)
    paint = (paint + rng.normal(0, 0.04) + rng.normal(0, 0.02, 3)).clip(0.03, 0.95)
    colours = np.tile(paint, (len(places), 1))
    if rng.random() < 0.2:  # bumpers and sills that are not painted
        colours[z < rng.uniform(0.3, 0.38)] = rng.uniform(0.12, 0.25)
    # Windows: what is above the belt and the bonnet, except the roof.
    bonnet = min(z[x < 0.15].max() + 0.04, 0.74)
    belt = max(rng.uniform(0.64, 0.69), bonnet)
    window = (z > belt) & (z < 0.93) & (abs(normals[:, 2]) < 0.8)
    if height > 0.4 * length and rng.random() < 0.6:
        window &= x < rng.uniform(0.35, 0.5)  # a van for goods
    colours[window] = rng.uniform(0.05, 0.2) * np.array([0.9, 1.0, 1.1])
    lamp = (z > 0.36) & (z < 0.52) & (y > 0.5)
    colours[lamp & (x < 0.03)] = _HEADLAMP
    colours[lamp & (x > 0.97)] = _TAIL_LAMP
    # The wheels stand on the ground, each pair in its half of the length.
    radius = _WHEEL * length
    above = z * height - radius
    for half in (x < 0.5, x >= 0.5):
        axle = places[half & (z < 0.1), 0].mean()
        away = np.hypot(places[:, 0] - axle, above) / radius
        outside = half & (y > 0.45)
        colours[outside & (away < 1.15)] = _TYRE
        colours[outside & (away < 0.55)] = _RIM
    return Material(colours, rng.uniform(0.1, 0.6), rng.uniform(10, 60))


def _colour(rng: np.random.Generator) -> np.ndarray:
    """Return a colour (3,) in [0, 1]: wood, grey or any."""
    kind = rng.random()
    if kind < 0.35:
        base = np.array(_WOODS[rng.integers(len(_WOODS))])
    elif kind < 0.65:
        base = np.array(_GREYS[rng.integers(len(_GREYS))])
    else:
        base = rng.uniform(0, 1, 3) ** rng.uniform(0.6, 1.6)
    return (base + rng.normal(0, 0.06) + rng.normal(0, 0.03, 3)).clip(0.03, 0.97)


def _part(unit: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return which vertices have the second colour, bool (V,)."""
    kind = rng.integers(3)
    if kind == 0:
        return unit[:, 2] < rng.uniform(0.2, 0.6) * unit[:, 2].max()
    if kind == 1:
        return unit[:, 0] > rng.uniform(0.4, 0.8) * unit[:, 0].max()
    middle = unit.max(axis=0) / 2
    away = np.abs(unit[:, 1] - middle[1]) / max(middle[1], 1e-6)
    return away > rng.uniform(0.6, 0.85)


def _pattern(unit: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return stripes, checks or spots, float (V,) in [-1, 1]."""
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    waves = np.sin(unit @ turn * rng.uniform(12, 45) + rng.uniform(0, 6, 3))
    kind = rng.integers(3)
    if kind == 0:
        return waves[:, 0]
    if kind == 1:
        return np.sign(waves[:, 0] * waves[:, 1])
    return waves.prod(axis=1)
