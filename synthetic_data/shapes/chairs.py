"""Procedural chairs, in centimetres: a seat, a base, a back and arms.

The front faces negative x, as in the chairs of 3D ShapeNets.
"""

import dataclasses

from synthetic_data.shapes.chair_backs import BACKS, wrapped_back
from synthetic_data.shapes.chair_bases import BASES
from synthetic_data.shapes.chair_frame import Frame, Generator, pick
from synthetic_data.shapes.primitives import (
    ROUND,
    ROUNDED,
    SQUARE,
    Part,
    bar,
    box,
    ellipsoid,
    leaning,
    mirrored,
)


def chair(rng: Generator) -> list[Part]:
    """Return the parts of one random chair.

    Args:
        rng: source of the random values.

    Returns:
        Parts for `primitives.voxelise`.
    """
    kinds = {
        "dining": 0.41,
        "armchair": 0.08,
        "office": 0.15,
        "cantilever": 0.09,
        "bench": 0.06,
        "bar": 0.06,
        "lounge": 0.09,
        "shell": 0.06,
    }
    kind = str(rng.choice(list(kinds), p=list(kinds.values())))
    frame = _frame(kind, rng)
    if kind == "armchair":
        return _armchair(frame, rng)
    if kind == "shell":
        return _shell(frame, rng)
    base = pick(rng, _KIND_BASES[kind])
    back = BACKS[pick(rng, _KIND_BACKS[kind])]
    frame = dataclasses.replace(frame, form=_seat_form(kind, base, rng))
    parts = _seat(frame, rng) + BASES[base](frame, rng)
    parts += leaning(back(frame, rng), frame.lean, frame.seat)
    return parts + _arms(frame, kind, rng)


def _frame(kind: str, rng: Generator) -> Frame:
    """Return random dimensions for one kind of chair."""
    width, depth = rng.uniform(38, 60), rng.uniform(38, 56)
    seat, back = rng.uniform(40, 50), rng.uniform(30, 68)
    thick, lean, leg = rng.uniform(3, 9), rng.uniform(0, 0.28), rng.uniform(1.6, 3.6)
    if kind == "armchair":
        width, depth = rng.uniform(56, 80), rng.uniform(52, 70)
        seat, back = rng.uniform(36, 48), rng.uniform(36, 64)
        thick, lean = rng.uniform(8, 20), rng.uniform(0, 0.3)
    elif kind == "bench":
        width, depth = rng.uniform(75, 120), rng.uniform(36, 52)
        back = rng.uniform(28, 50)
    elif kind == "bar":
        width, depth = rng.uniform(32, 44), rng.uniform(32, 44)
        seat, back = rng.uniform(60, 80), rng.uniform(14, 40)
    elif kind == "lounge":
        width, depth = rng.uniform(48, 68), rng.uniform(50, 78)
        seat, lean = rng.uniform(28, 40), rng.uniform(0.25, 0.75)
    return Frame(depth, width, seat, thick, back, lean, leg)


def _seat_form(kind: str, base: str, rng: Generator) -> str:
    """Return a random outline of the seat; only some bases fit a round seat."""
    forms = {"flat": 4, "narrow": 2, "soft": 2}
    if kind != "bench" and base in ("legs", "star", "pedestal"):
        forms |= {"round": 2.5}
    return pick(rng, forms)


def _seat(f: Frame, rng: Generator) -> list[Part]:
    """Return a seat: flat, round at the front, narrower at the rear, or cushioned."""
    z = (f.under, f.seat)
    if f.form == "narrow":
        rear, half = f.y * rng.uniform(0.75, 0.9), f.thick / 2
        start, end = (-f.x, 0, f.seat - half), (f.x, 0, f.seat - half)
        # Keep the full width at the rear edge, on which the back stands.
        edge = box((f.x * 0.7, f.x), (-f.y, f.y), z)
        return [bar(start, end, (0, f.y, half), (0, rear, half)), edge]
    if f.form == "round":
        power = rng.choice([ROUND, ROUNDED])
        disc = box((-f.x, f.x), (-f.y, f.y), z, power)
        return [disc, box((f.x * 0.3, f.x), (-f.y, f.y), z)]
    parts = [box((-f.x, f.x), (-f.y, f.y), z)]
    if f.form == "soft":
        radii = (f.x * 0.95, f.y * 0.95, rng.uniform(2, 5))
        parts.append(ellipsoid((0, 0, f.seat), radii, ROUNDED))
    return parts


def _arms(f: Frame, kind: str, rng: Generator) -> list[Part]:
    """Return arm rests on posts or panels, one writing tablet, or nothing."""
    chance = {"office": 0.6, "lounge": 0.6, "bench": 0.45, "bar": 0.15}
    if rng.random() > chance.get(kind, 0.35) or f.back < 24:
        return []
    t, height = rng.uniform(1.2, 3), f.seat + rng.uniform(0.35, 0.6) * min(f.back, 45)
    y = f.y + rng.uniform(-1, 1) * t
    front = -f.x * rng.uniform(0.3, 0.95)
    rear = f.x - 2 + f.lean * (height - f.seat)
    rest = bar((front, y, height), (rear, y, height), (0, t * 1.2, t))
    # A round seat has no front corners, so the post is further back.
    foot = max(front + t, 0.4 * f.x) if f.form == "round" else front + t
    post = bar((foot, y, f.under), (foot, y, height), t)
    form = pick(rng, {"post": 5, "panel": 1.2, "tablet": 0.6 * (kind == "dining")})
    if form == "panel":
        return mirrored([box((front, f.x), (y - t, y + t), (f.under, height)), rest])
    if form == "tablet":
        board = box((-f.x * 1.2, f.x * 0.1), (y - 14, y + 3), (height - t, height + t))
        return [rest, post, board]
    if rng.random() < 0.3:
        middle = (front + rear) / 2
        post = bar((middle, y, f.under), (middle, y, height), t)
    return mirrored([rest, post])


def _armchair(f: Frame, rng: Generator) -> list[Part]:
    """Return an upholstered chair: block, cushions, thick arms and back."""
    arm, t = rng.uniform(4, 12), rng.uniform(4, 8)
    feet = rng.choice([0, 1, 1, 1, 1]) * rng.uniform(6, 26)
    height = f.seat + rng.uniform(8, 26)
    power = rng.choice([SQUARE, ROUNDED])
    inner = f.y - arm
    parts = [box((-f.x, f.x), (-inner - 1, inner + 1), (max(feet, f.under), f.seat))]
    if rng.random() < 0.7:
        parts.append(box((-f.x + 3, f.x), (-f.y + 2, f.y - 2), (feet, f.seat - 4)))
    front = -f.x * rng.uniform(0.7, 1)
    low = feet if rng.random() < 0.75 else f.under
    if rng.random() < 0.85:
        side = box((front, f.x), (inner, f.y), (low, height), power, axis=0)
        parts += mirrored([side])
        if rng.random() < 0.3:
            roll = bar((front, f.y, height), (f.x, f.y, height), arm * 0.6, power=ROUND)
            parts += mirrored([roll])
    back = box((f.x - 2 * t, f.x), (-f.y, f.y), (f.under, f.seat + f.back), power, 0)
    parts += leaning([back], f.lean, f.seat)
    if feet or low > feet:
        x, y, r = f.x - 4, f.y - 4, rng.uniform(2, 4)
        leg = [bar((s * x, y, 0), (s * x, y, f.seat - 4), r) for s in (-1, 1)]
        parts += mirrored(leg)
    return parts


def _shell(f: Frame, rng: Generator) -> list[Part]:
    """Return a bucket seat on a pedestal, a star or four legs."""
    base = BASES[pick(rng, {"pedestal": 2, "star": 1.5, "legs": 2})]
    power = rng.choice([ROUND, ROUNDED])
    parts = [box((-f.x, f.x), (-f.y, f.y), (f.under, f.seat), power)]
    parts += leaning(wrapped_back(f, rng), f.lean * 0.5, f.seat)
    return parts + base(dataclasses.replace(f, form="bucket"), rng)


# Weights of the backs and bases that each kind of chair can have.
_ANY_BACK = {"solid": 3, "frame": 4, "arched": 2, "wrapped": 1.0}
_KIND_BACKS = {
    "dining": _ANY_BACK,
    "office": {"solid": 6, "arched": 1, "wrapped": 0.7},
    "cantilever": {"solid": 4, "frame": 2, "arched": 1},
    "bench": {"solid": 2, "frame": 3},
    "bar": _ANY_BACK,
    "lounge": {"solid": 3, "frame": 3},
}
_KIND_BASES = {
    "dining": {"legs": 8, "sled": 0.7, "panels": 1, "crossed": 0.8, "pedestal": 0.5},
    "office": {"star": 1},
    "cantilever": {"cantilever": 1},
    "bench": {"legs": 3, "panels": 1, "sled": 0.6},
    "bar": {"legs": 3, "pedestal": 2, "star": 0.6},
    "lounge": {"legs": 2, "sled": 2, "crossed": 1, "star": 0.7, "pedestal": 0.7},
}
