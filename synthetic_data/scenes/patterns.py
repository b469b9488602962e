"""Textures of scenes: values of about -1 to 1 on planes seen in perspective.

Each function takes a grid and a source of random values, and returns float32 (H, W).
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from synthetic_data.drawing.canvas import Canvas, Layer, noise

_TABLE = 16  # cells after which the random values of a pattern repeat, per axis
_STRANDS = 64  # nodes after which the noise of strands repeats, per axis
_FINEST = 3  # wavelength of the finest octave of clouds, in pixels of the canvas
_LITTER = 4  # layers of leaves or pebbles


class Grid(NamedTuple):
    """The position of each pixel on the plane of a texture.

    Attributes:
        u, v: float32 (H, W), coordinates in periods of the pattern.
        pixels: approximate number of the canvas's pixels per period.
    """

    u: np.ndarray
    v: np.ndarray
    pixels: float


def tilted_grid(
    canvas: Canvas, layer: Layer, period: float, rng: np.random.Generator
) -> Grid:
    """Return the grid of a plane that is rotated and seen in perspective.

    u = (x cos a + y sin a) / (p w), v = (y cos a - x sin a) / (p w), w = 1 + t . (x, y)

    Args:
        canvas: canvas of the scene.
        layer: region of the canvas to texture.
        period: p, length of the pattern's period in the middle of the layer.
        rng: source of the random angle a, tilt t and start of the pattern.

    Returns:
        The grid, of the layer's shape.
    """
    x, y = canvas.axes(layer)
    x, y = x - x.mean(), y - y.mean()
    reach = max(float(x[0, -1]), float(y[-1, 0]), 1e-3)
    angle = rng.uniform(0, np.pi) if rng.random() < 0.6 else rng.normal(0, 0.12)
    tilt = rng.uniform(-0.45, 0.45, 2) * (rng.random() < 0.6) / reach
    start = rng.uniform(0, _TABLE, 2)
    far = period * (1 + np.float32(tilt[0]) * x + np.float32(tilt[1]) * y)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    u = (cos * x + sin * y) / far + np.float32(start[0])
    v = (cos * y - sin * x) / far + np.float32(start[1])
    return Grid(u, v, period * canvas.unit)


def stripes(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Return straight or wavy stripes."""
    wave = rng.uniform(0, 0.5) * (rng.random() < 0.5)
    speed = rng.uniform(0.5, 3)
    bent = grid.u + np.float32(wave) * np.sin(np.float32(speed) * grid.v)
    return _bands(bent, rng.uniform(0.2, 0.8), grid.pixels)


def checks(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Return a chessboard, or crossing stripes as of a tartan."""
    across = _bands(grid.u, 0.5, grid.pixels)
    down = _bands(grid.v, 0.5, grid.pixels)
    return across * down if rng.random() < 0.5 else (across + down) / 2


def lattice(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Return thin crossing bars, as of a fence or of window frames."""
    share = rng.uniform(0.06, 0.3)
    across = _bands(grid.u, share, grid.pixels)
    down = _bands(grid.v * np.float32(rng.uniform(0.4, 1)), share, grid.pixels)
    return np.maximum(across, down)


def bricks(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Return bricks or tiles of different brightness with joints between them."""
    row = np.floor(grid.v)
    length = np.float32(rng.uniform(1, 3))
    u = grid.u / length + np.float32(rng.choice([0, 0.5])) * (row % 2)
    tones = rng.uniform(-0.3, 1, (_TABLE, _TABLE)).astype(np.float32)
    tone = tones[row.astype(int) % _TABLE, np.floor(u).astype(int) % _TABLE]
    gap = rng.uniform(0.04, 0.16)
    joint = np.maximum(
        _bands(u, gap / float(length), grid.pixels * float(length)),
        _bands(grid.v, gap, grid.pixels),
    )
    return tone + (joint + 1) / 2 * (np.float32(rng.choice([-1, -1, 1])) - tone)


def cloth(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Return woven cloth: threads that pass over and under each other."""
    u, v = 2 * np.pi * grid.u, 2 * np.pi * grid.v
    over = np.sign(np.sin(u / 2) * np.sin(v / 2))
    threads = np.where(over > 0, np.abs(np.sin(u / 2)), np.abs(np.sin(v / 2)))
    return 1.4 * threads - 0.9 + np.float32(rng.uniform(0, 0.3)) * over


def spots(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Return discs of different sizes, one in each cell."""
    u, v, cell = _cells(grid, rng)
    radius = rng.uniform(0.15, 0.42, _TABLE**2).astype(np.float32)[cell]
    away = np.sqrt(u * u + v * v)
    return (2 * (radius - away) * np.float32(grid.pixels)).clip(-1, 1)


def litter(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Return overlapping leaves or pebbles, each with its own brightness."""
    field = np.full(grid.u.shape, -0.9, np.float32)
    narrow = rng.uniform(0.18, 0.45)
    for _ in range(_LITTER):
        u, v, cell = _cells(grid, rng)
        angles = rng.uniform(0, np.pi, _TABLE**2)
        cos, sin = np.stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
        tones = rng.uniform(-0.7, 0.9, _TABLE**2).astype(np.float32)
        cos, sin, tone = cos[cell], sin[cell], tones[cell]
        along = (cos * u + sin * v) * np.float32(1 / 0.48)
        across = (cos * v - sin * u) * np.float32(1 / narrow)
        inside = 1 - np.sqrt(along * along + across * across)
        alpha = (inside * np.float32(grid.pixels * narrow) + 0.5).clip(0, 1)
        field += alpha * (tone + np.float32(0.25) * across - field)
    return field


def wood(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Return the grain of a plank: bent rings with fine lines along them."""
    bent = grid.u + 1.5 * _strands(grid.u * 0.15, grid.v * 0.15, rng)
    rings = np.abs(2 * (bent - np.floor(bent)) - 1)
    return 2 * rings - 1 + 0.5 * _strands(grid.u * 4, grid.v, rng)


def fur(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Return hair, fur or grass: fine lines that are bent alike."""
    bent = grid.u + np.float32(rng.uniform(0, 2)) * _strands(
        grid.u * 0.1, grid.v * 0.1, rng
    )
    coarse = _strands(bent, grid.v * np.float32(rng.uniform(0.1, 0.3)), rng)
    return coarse + 0.6 * _strands(2.6 * bent, grid.v * np.float32(0.3), rng)


def clouds(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Return noise with a power-law spectrum, a sum of octaves, smooth or ridged."""
    shape = grid.u.shape
    ridged, decay = rng.random() < 0.35, rng.uniform(0.45, 0.85)
    field, weight, wave = np.zeros(shape, np.float32), 1.0, grid.pixels
    while wave >= _FINEST:
        cells = tuple(1 + max(2, round(pixels / wave)) for pixels in shape)
        octave = noise(rng, cells, shape)
        field += np.float32(weight) * (1 - 2 * np.abs(octave) if ridged else octave)
        weight, wave = weight * decay, wave / 2
    return field


# Textures with the weights of drawing each of them.
PATTERNS = {
    clouds: 5,
    stripes: 2,
    checks: 1,
    lattice: 1.5,
    bricks: 1.5,
    cloth: 1,
    spots: 1,
    litter: 2,
    wood: 1,
    fur: 2.5,
}


def _bands(u: np.ndarray, share: float, pixels: float) -> np.ndarray:
    """Return 1 in a share of each period of u and -1 elsewhere.

    The edges between them are about one pixel wide.
    """
    away = np.abs(u - np.round(u))
    return (np.float32(2 * pixels) * (np.float32(share / 2) - away)).clip(-1, 1)


def _cells(
    grid: Grid, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each pixel's position (u, v) in its cell and the number of the cell.

    Positions are from -0.5 to 0.5, numbers from 0 to 16^2 - 1.
    """
    shift = rng.uniform(0, 1, 2).astype(np.float32)
    u, v = grid.u + shift[0], grid.v + shift[1]
    column, row = np.floor(u), np.floor(v)
    cell = row.astype(np.int32) % _TABLE * _TABLE + column.astype(np.int32) % _TABLE
    return u - column - np.float32(0.5), v - row - np.float32(0.5), cell


def _strands(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return normal noise with values at integer (u, v), interpolated linearly."""
    table = rng.standard_normal((_STRANDS, _STRANDS), np.float32)
    return ndimage.map_coordinates(table, [v, u], order=1, mode="grid-wrap")
