"""Procedural tables and desks, in centimetres; the long side is along y.

The functions of the bases take half sizes of the area of the base in x and y, the
height z of the table top's lower side, half of a leg's width and a source of random
values.
"""

import math

import numpy as np

from synthetic_data.shapes.primitives import (
    ROUND,
    ROUNDED,
    SQUARE,
    Part,
    bar,
    box,
    mirrored,
)

Generator = np.random.Generator


def table(rng: Generator) -> list[Part]:
    """Return the parts of one random table.

    Args:
        rng: source of the random values.

    Returns:
        Parts for `primitives.voxelise`.
    """
    height, x, y = _sizes(rng)
    thick, leg = rng.uniform(2, 6), rng.uniform(1.8, 5)
    # The base depends on the form and the proportions of the table top.
    power = float(rng.choice([SQUARE, ROUND, ROUNDED], p=[0.6, 0.28, 0.12]))
    square_bases = {"legs": 5, "trestle": 1.5, "drawers": 1.6, "panels": 1.2, "x": 0.8}
    round_bases = {"legs": 2, "pedestal": 3, "feet": 2}
    weights = square_bases if power == SQUARE else round_bases
    if power == SQUARE and y < 1.4 * x:
        weights = weights | {"pedestal": 1, "feet": 1}
    if power != SQUARE and y > 1.5 * x:
        weights = {"legs": 2, "twin": 3, "trestle": 1}
    share = np.array(list(weights.values()))
    base = str(rng.choice(list(weights), p=share / share.sum()))
    top = box((-x, x), (-y, y), (height - thick, height), power)
    # A round top has no corners, so its legs are nearer to the middle.
    inner = 1.0 if power == SQUARE else (0.62 if power == ROUND else 0.78)
    under = height - thick
    return [top] + _BASES[base](x * inner, y * inner, under, leg, rng)


def _sizes(rng: Generator) -> tuple[float, float, float]:
    """Return the height and the half sizes in x and y of a random kind of table."""
    kind = rng.choice(["dining", "coffee", "side", "bar", "long"], p=_KINDS)
    if kind == "dining":
        height, x, ratio = rng.uniform(68, 78), rng.uniform(32, 52), (1, 1.9)
    elif kind == "coffee":
        height, x, ratio = rng.uniform(32, 50), rng.uniform(24, 42), (1, 2.0)
    elif kind == "side":
        height, x, ratio = rng.uniform(45, 75), rng.uniform(18, 32), (1, 1.2)
    elif kind == "bar":
        height, x, ratio = rng.uniform(90, 112), rng.uniform(25, 42), (1, 1.4)
    else:
        height, x, ratio = rng.uniform(68, 85), rng.uniform(22, 42), (1.9, 3.0)
    stretch = rng.uniform(*ratio) if rng.random() < 0.8 else ratio[0]
    return height, x, x * stretch


def _legs(x: float, y: float, z: float, leg: float, rng: Generator) -> list[Part]:
    """Return four legs, most with an apron, a shelf, stretchers or a drawer."""
    splay = rng.choice([0, 0, 1]) * rng.uniform(0.03, 0.16) * z
    u, v = (side - leg - rng.uniform(0, 0.22) * side for side in (x, y))
    foot = (u + splay, v + splay, 0)
    # A leg may be wider in y than in x, or narrower, and thicker or thinner at the
    # foot.
    wide = (leg, leg * rng.uniform(0.6, 1.8), 0)
    taper = rng.choice([1.0, 1.0, 0.5, 1.5])
    half = (tuple(taper * w for w in wide), wide)
    power = rng.choice([SQUARE, ROUND])
    one = mirrored([bar(foot, (u, v, z), *half, power)])
    two = mirrored([bar((-foot[0], foot[1], 0), (-u, v, z), *half, power)])
    parts = one + two
    if rng.random() < 0.5:
        # Add a second, smaller board right below the top.
        a, b, drop = rng.uniform(0.5, 1, 3) * (u, v, 0.2 * z)
        parts.append(box((-a, a), (-b, b), (z - drop, z)))
    extra = rng.choice(["none", "apron", "shelf", "stretcher", "drawer"], p=_EXTRAS)
    share = rng.uniform(0.15, 0.5)
    a, b, low = u + splay * (1 - share), v + splay * (1 - share), z * share
    t = leg * 0.7
    if extra in ("apron", "drawer"):
        drop = rng.uniform(0.08, 0.22) * z
        if extra == "drawer":
            return parts + [box((-u, u), (-v, v), (z - drop, z))]
        parts += mirrored([box((-u, u), (v - t, v + t), (z - drop, z))])
        parts += [box((s * u - t, s * u + t), (-v, v), (z - drop, z)) for s in (-1, 1)]
    elif extra == "shelf":
        parts.append(box((-a, a), (-b, b), (low - t, low + t)))
    elif extra == "stretcher":
        parts += mirrored([bar((-a, b, low), (a, b, low), t)])
        parts.append(bar((0, -b, low), (0, b, low), t))
    return parts


def _pedestal(x: float, y: float, z: float, leg: float, rng: Generator) -> list[Part]:
    """Return a column on a disc or a plate, or a single cone."""
    power = rng.choice([ROUND, ROUND, SQUARE])
    stem, foot = leg * rng.uniform(0.9, 2.2), rng.uniform(0.5, 0.95)
    size = min(x, y) * foot
    column = bar((0, 0, 0), (0, 0, z), stem, power=power)
    if rng.random() < 0.25:
        return [bar((0, 0, 0), (0, 0, z), size, stem, power)]
    # The foot may narrow upwards like a cone, and a collar may support the top.
    height, narrow = rng.uniform(0.02, 0.2) * z, rng.uniform(0.3, 1)
    base = (x * foot, y * foot, 0), (x * foot * narrow, y * foot * narrow, 0)
    parts = [column, bar((0, 0, 0), (0, 0, height), *base, power, axis=2)]
    if rng.random() < 0.5:
        collar, drop = rng.uniform(0.2, 0.7) * min(x, y), rng.uniform(0.04, 0.2) * z
        parts.append(bar((0, 0, z), (0, 0, z - drop), collar, stem, power, axis=2))
    return parts


def _feet(x: float, y: float, z: float, leg: float, rng: Generator) -> list[Part]:
    """Return a column on three to five sloping feet."""
    count = int(rng.choice([3, 4, 4, 5]))
    reach, rise = min(x, y) * rng.uniform(0.75, 1.25), rng.uniform(0.05, 0.4) * z
    parts = [bar((0, 0, rise * 0.4), (0, 0, z), leg * rng.uniform(0.8, 1.6), power=2.0)]
    for k in range(count):
        angle = 2 * math.pi * (k + (0.5 if count == 4 else 0)) / count
        tip = (reach * math.cos(angle), reach * math.sin(angle), leg * 0.6)
        parts.append(bar((0, 0, rise), tip, leg * 0.9, leg * 0.6))
    return parts


def _twin(x: float, y: float, z: float, leg: float, rng: Generator) -> list[Part]:
    """Return two columns on feet, in most cases joined by a rail."""
    at, foot = y * rng.uniform(0.55, 0.85), x * rng.uniform(0.8, 1.2)
    column = bar((0, at, 0), (0, at, z), leg * rng.uniform(0.9, 1.8), power=ROUND)
    rest = x * rng.uniform(0.3, 0.9)
    heads = bar((-rest, at, z - leg), (rest, at, z - leg), leg * 0.7)
    parts = mirrored([column, bar((-foot, at, leg), (foot, at, leg), leg), heads])
    if rng.random() < 0.6:
        rail = rng.uniform(0.15, 0.4) * z
        parts.append(bar((0, -at, rail), (0, at, rail), leg * 0.8))
    return parts


def _trestle(x: float, y: float, z: float, leg: float, rng: Generator) -> list[Part]:
    """Return an A-shaped or H-shaped frame at each end, joined by a rail."""
    at, foot = y * rng.uniform(0.65, 0.95) - leg, x * rng.uniform(0.8, 1.0) - leg
    head = foot * rng.choice([0.15, 0.3, 1.0])
    legs = [bar((s * foot, at, 0), (s * head, at, z), leg) for s in (-1, 1)]
    share = rng.uniform(0.15, 0.5)
    low, half = z * share, foot + (head - foot) * share
    parts = mirrored([*legs, bar((-half, at, low), (half, at, low), leg)])
    parts += mirrored([bar((-head, at, z - leg), (head, at, z - leg), leg)])
    return parts + [bar((0, -at, low), (0, at, low), leg * 0.8)]


def _drawers(x: float, y: float, z: float, leg: float, rng: Generator) -> list[Part]:
    """Return a desk with drawers on one side or both.

    It sometimes has a back board, and sometimes a shelf above the table top.
    """
    side, feet = y * rng.uniform(0.3, 0.55), rng.choice([0, 1]) * rng.uniform(3, 12)
    front = -x * rng.uniform(0.8, 1)
    block = box((front, x * 0.95), (y - side, y), (feet, z))
    t = leg * 0.6
    parts = mirrored([block]) if rng.random() < 0.5 else [block]
    if len(parts) == 1:
        parts.append(box((front, x * 0.95), (-y, -y + 2 * t), (0, z)))
    if feet:
        at = x * 0.85
        parts += mirrored(
            [bar((s * at, y - t, 0), (s * at, y - t, z * 0.5), t) for s in (-1, 1)]
        )
    if rng.random() < 0.6:
        low = rng.uniform(0.1, 0.7) * z
        parts.append(box((x * 0.95 - 2 * t, x * 0.95), (-y, y), (low, z)))
    if rng.random() < 0.3:
        high = z * rng.uniform(1.3, 1.8)
        deep = x * rng.uniform(0.3, 0.7)
        parts += mirrored([box((x - deep, x), (y - 2 * t, y), (z, high))])
        parts.append(box((x - deep, x), (-y, y), (high - 2 * t, high)))
        parts.append(box((x - 2 * t, x), (-y, y), (z, high)))
    return parts


def _panels(x: float, y: float, z: float, leg: float, rng: Generator) -> list[Part]:
    """Return two solid ends, sometimes with a back board or shelves."""
    t, at = leg * 0.8, y * rng.uniform(0.75, 1.0)
    depth = x * rng.uniform(0.75, 1.0)
    front = -depth * rng.uniform(0.6, 1.0)
    parts = mirrored([box((front, depth), (at - 2 * t, at), (0, z))])
    if rng.random() < 0.5:
        low = rng.uniform(0.2, 0.7) * z
        place = rng.uniform(-0.2, 0.8) * depth
        parts.append(box((place - t, place + t), (-at, at), (low, z)))
    for share in rng.uniform(0.1, 0.7, int(rng.integers(0, 3))):
        parts.append(box((front, depth), (-at, at), (z * share - t, z * share + t)))
    return parts


def _crossed(x: float, y: float, z: float, leg: float, rng: Generator) -> list[Part]:
    """Return crossed legs at each end, joined by a rail."""
    at, half = y * rng.uniform(0.7, 0.95) - leg, x * rng.uniform(0.75, 0.95)
    pair = [bar((s * half, at, 0), (-s * half, at, z), leg) for s in (-1, 1)]
    return mirrored(pair) + [bar((0, -at, z / 2), (0, at, z / 2), leg * 0.8)]


# Probabilities of the kinds of tables and of what is added to four legs.
_KINDS = (0.34, 0.24, 0.14, 0.1, 0.18)
_EXTRAS = (0.1, 0.28, 0.24, 0.24, 0.14)
_BASES = {
    "legs": _legs,
    "pedestal": _pedestal,
    "feet": _feet,
    "twin": _twin,
    "trestle": _trestle,
    "drawers": _drawers,
    "panels": _panels,
    "x": _crossed,
}
