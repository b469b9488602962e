"""The backs of chairs, upright; `chairs.chair` leans them.

Each function takes the dimensions of a chair and a source of random values, and
returns the parts of the back.
"""

import math

import numpy as np

from synthetic_data.shapes.chair_frame import Frame, Generator, pick
from synthetic_data.shapes.primitives import ROUND, Part, bar, box, mirrored, path


def _solid_back(f: Frame, rng: Generator) -> list[Part]:
    """Return a board, sometimes narrower or wider at the top.

    Sometimes there is a gap between seat and board, which then stands on two posts.
    """
    t, top = rng.uniform(1.3, 4), rng.choice([1.0, rng.uniform(0.65, 1.15)])
    gap = rng.choice([0, 0, 1]) * rng.uniform(0.15, 0.45) * f.back
    x, low, high = f.x - t, f.seat + gap, f.seat + f.back
    parts = [bar((x, 0, low), (x, 0, high), (t, f.y, 0), (t, f.y * top, 0), axis=2)]
    if gap:
        y = f.y * rng.uniform(0.2, 0.9)
        parts += mirrored([bar((x, y, f.under), (x, y, low), t * 0.8, axis=2)])
    return parts


def _frame_back(f: Frame, rng: Generator) -> list[Part]:
    """Return two posts with a top rail, open or filled with slats, rungs or a panel."""
    t, y, high = max(f.leg, 1.5), f.y - f.leg, f.seat + f.back
    x = f.x - t
    rail = rng.uniform(2, 9)
    parts = mirrored([bar((x, y, f.under), (x, y, high), t)])
    parts.append(box((x - t, x + t), (-y, y), (high - 2 * rail, high)))
    form = pick(rng, {"upright": 3, "ladder": 3, "splat": 2, "open": 1.5, "panel": 1})
    if form == "upright":
        half = rng.uniform(0.7, 2)
        for share in np.linspace(-1, 1, int(rng.integers(4, 8)))[1:-1]:
            parts.append(bar((x, y * share, f.seat), (x, y * share, high), half))
    elif form == "ladder":
        rungs, half = int(rng.integers(1, 5)), rng.uniform(1, 3)
        for z in f.seat + f.back * np.arange(1, rungs + 1) / (rungs + 1.5):
            parts.append(box((x - t * 0.7, x + t * 0.7), (-y, y), (z - half, z + half)))
    elif form == "splat":
        half = y * rng.uniform(0.2, 0.5)
        parts.append(box((x - 1, x + 1), (-half, half), (f.seat, high)))
    elif form == "panel":
        z = f.seat + f.back * rng.uniform(0.15, 0.4)
        parts.append(box((x - 1, x + 1), (-y, y), (z, high)))
    return parts


def _arched_back(f: Frame, rng: Generator) -> list[Part]:
    """Return a board with a round top, a disc, or a hoop with spindles."""
    t = rng.uniform(1.3, 3)
    x, half = f.x - t, f.back / 2
    form = pick(rng, {"board": 2, "disc": 2, "hoop": 2})
    if form == "board":
        shoulder = f.seat + f.back * rng.uniform(0.35, 0.7)
        rise = f.seat + f.back - shoulder
        disc = box(
            (x - t, x + t), (-f.y, f.y), (shoulder - rise, shoulder + rise), ROUND, 0
        )
        board = box((x - t, x + t), (-f.y, f.y), (f.seat, shoulder))
        return [disc, board] if rise < shoulder - f.under else [board]
    if form == "disc":
        lift = rng.uniform(0, 0.25) * f.back
        z = (f.seat + lift, f.seat + f.back)
        y = f.y * rng.uniform(0.75, 1.05)
        post = mirrored([bar((x, y * 0.4, f.under), (x, y * 0.4, f.seat + half), t)])
        return [box((x - t, x + t), (-y, y), z, ROUND, 0)] + post
    y, low = f.y - t, f.seat + f.back * rng.uniform(0.2, 0.5)
    arc = [
        (x, y * math.cos(a), low + (f.seat + f.back - low) * math.sin(a))
        for a in np.linspace(0, math.pi, 9)
    ]
    parts = path([(x, y, f.under), *arc, (x, -y, f.under)], t)
    for share in np.linspace(-1, 1, int(rng.integers(3, 7)))[1:-1]:
        top = low + (f.seat + f.back - low) * math.sqrt(1 - share**2)
        parts.append(bar((x, y * share, f.seat), (x, y * share, top), 0.8))
    return parts


def wrapped_back(f: Frame, rng: Generator) -> list[Part]:
    """Return a back that curves around the seat, on posts or down to the seat.

    Args:
        f: dimensions of the chair.
        rng: source of the random values.

    Returns:
        The parts of the back.
    """
    t, steps = rng.uniform(1.4, 3), 10
    turn = rng.uniform(0.35, 0.62) * math.pi
    floor = rng.choice([0, 1]) * rng.uniform(0.3, 0.6) * f.back
    angles = np.linspace(-turn, turn, steps)
    ring = [((f.x - t) * math.cos(a), (f.y - t) * math.sin(a)) for a in angles]
    drop = rng.uniform(0, 0.6)
    parts = []
    for k, ((x, y), (u, v)) in enumerate(zip(ring, ring[1:], strict=False)):
        side = abs(2 * k - steps + 2) / steps
        z = (f.seat + floor, f.seat + max(f.back * (1 - drop * side), floor + 4))
        middle, half = sum(z) / 2, (z[1] - z[0]) / 2
        parts.append(bar((x, y, middle), (u, v, middle), (t, t, half)))
    if floor:
        for x, y in (ring[0], ring[steps // 3], ring[-1 - steps // 3], ring[-1]):
            parts.append(bar((x, y, f.under), (x, y, f.seat + floor + 2), t * 0.8))
    return parts


BACKS = {
    "solid": _solid_back,
    "frame": _frame_back,
    "arched": _arched_back,
    "wrapped": wrapped_back,
}
