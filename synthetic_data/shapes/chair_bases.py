"""The bases of chairs: legs, stars, columns, runners and panels.

Each function takes the dimensions of a chair and a source of random values, and
returns the parts of the base.
"""

import math

import numpy as np

from synthetic_data.shapes.chair_frame import Frame, Generator
from synthetic_data.shapes.primitives import (
    ROUND,
    ROUNDED,
    SQUARE,
    Part,
    bar,
    box,
    mirrored,
    path,
)


def _legs(f: Frame, rng: Generator) -> list[Part]:
    """Return four legs: straight, splayed, tapered or sabre.

    They sometimes have stretchers between them and an apron below the seat.
    """
    inset = f.leg + rng.uniform(0, 0.18) * f.y * rng.integers(0, 2)
    reach = rng.choice([0, 0, 1]) * rng.uniform(0.08, 0.28) * f.under
    kick = rng.choice([0, 0, 1]) * rng.uniform(0.1, 0.3) * f.under
    half = (f.leg * rng.choice([1.0, 1.0, 0.5]), f.leg)
    power = rng.choice([SQUARE, ROUND])
    x, y = f.x - inset, f.y - inset
    # A round seat has no front corners, so the legs are nearer to the middle. A
    # bucket has no rear corners either.
    near = 0.68 if f.form in ("round", "bucket") else 1.0
    far = 0.68 if f.form == "bucket" else 1.0
    tops = ((-x * near, y * near, f.under), (x * far, y * far, f.under))
    feet = (
        (tops[0][0] - reach, tops[0][1] + reach * 0.6, 0),
        (x * far + max(reach, kick), y * far + reach * 0.6, 0),
    )
    legs = zip(feet, tops, strict=True)
    parts = mirrored([bar(foot, top, *half, power) for foot, top in legs])
    if rng.random() < 0.4:
        share, t = rng.uniform(0.2, 0.6), f.leg * 0.6
        front, rear = (
            np.add(np.multiply(foot, 1 - share), np.multiply(top, share))
            for foot, top in zip(feet, tops, strict=True)
        )
        parts += mirrored([bar(tuple(front), tuple(rear), t)])
        if rng.random() < 0.6:
            middle = (front + rear) / 2
            parts.append(bar(tuple(middle), tuple(middle * (1, -1, 1)), t))
    if rng.random() < 0.3 and near == 1.0:
        z = (f.under - rng.uniform(4, 10), f.under)
        parts += mirrored([box((-x, x), (y - f.leg / 2, y + f.leg / 2), z)])
        parts += [box((s * x - 1, s * x + 1), (-y, y), z) for s in (-1, 1)]
    return parts


def _star(f: Frame, rng: Generator) -> list[Part]:
    """Return a column on a star of four or five feet with castors."""
    arms, reach = int(rng.choice([4, 5, 5])), rng.uniform(0.75, 1.15) * min(f.x, f.y)
    hub, castor = rng.uniform(6, 14), rng.uniform(2.5, 4.5)
    parts = [bar((0, 0, castor), (0, 0, f.under), rng.uniform(2, 4.5), power=ROUND)]
    for k in range(arms):
        angle = 2 * math.pi * (k + (0.5 if arms == 4 else 0)) / arms
        tip = (reach * math.cos(angle), reach * math.sin(angle), castor * 1.4)
        parts.append(bar((0, 0, hub), tip, 2.2, 1.6))
        parts.append(bar(tip, (tip[0], tip[1], 0), castor * 0.8, power=ROUND, axis=2))
    return parts


def _pedestal(f: Frame, rng: Generator) -> list[Part]:
    """Return a column that widens to a round or square foot."""
    power = rng.choice([ROUND, ROUND, ROUNDED])
    foot, height = rng.uniform(0.55, 0.95) * min(f.x, f.y), rng.uniform(2, 5)
    stem = rng.uniform(2, 5)
    return [
        box((-foot, foot), (-foot, foot), (0, height), power),
        bar((0, 0, 0), (0, 0, f.under), stem * rng.uniform(1, 2), stem, ROUND),
    ]


def _cantilever(f: Frame, rng: Generator) -> list[Part]:
    """Return two runners on the floor that rise to the seat only at the front."""
    y, t = f.y - f.leg, f.leg
    front, rear = -f.x + t, f.x * rng.uniform(0.7, 1.1)
    bend = rng.uniform(-0.2, 0.2) * f.x
    runner = path(
        [(rear, y, t), (front + bend, y, t), (front, y, f.under), (f.x, y, f.under)],
        t,
    )
    parts = mirrored(runner)
    if rng.random() < 0.7:
        x = rng.choice([front + bend, rear])
        parts.append(bar((x, -y, t), (x, y, t), t))
    return parts


def _sled(f: Frame, rng: Generator) -> list[Part]:
    """Return two posts on each side, on straight runners or curved rockers."""
    y, t = f.y - f.leg, f.leg
    front, rear = -f.x + 2 * t, f.x - 2 * t
    rise = rng.choice([0, 1]) * rng.uniform(4, 9)
    reach = rng.uniform(1.0, 1.45) if rise else rng.uniform(0.95, 1.1)
    tips = [(reach * f.x * s, rise * (s * reach) ** 2 + t) for s in (-1, -0.5, 0.5, 1)]
    runner = path([(x, y, z) for x, z in tips], t)
    posts = [bar((x, y, t), (x, y, f.under), t) for x in (front, rear)]
    parts = mirrored(runner + posts)
    if rng.random() < 0.5:
        z = rng.uniform(0.2, 0.6) * f.under
        parts.append(bar((front, -y, z), (front, y, z), t * 0.7))
    return parts


def _panels(f: Frame, rng: Generator) -> list[Part]:
    """Return two solid sides, or one block, often smaller than the seat."""
    t = rng.uniform(2, 4)
    if rng.random() < 0.3:
        inset = rng.uniform(0, 0.25)
        x, y = f.x * (1 - inset), f.y * (1 - inset)
        return [box((-x, x), (-y, y), (0, f.under))]
    parts = mirrored([box((-f.x, f.x), (f.y - 2 * t, f.y), (0, f.under))])
    if rng.random() < 0.5:
        x = rng.uniform(-0.3, 0.8) * f.x
        parts.append(box((x - t, x + t), (-f.y, f.y), (0, f.under)))
    return parts


def _crossed(f: Frame, rng: Generator) -> list[Part]:
    """Return the crossed legs of a folding chair."""
    y, t = f.y - f.leg, f.leg
    x = f.x * rng.uniform(0.8, 1.05)
    pair = [bar((-x, y, 0), (x, y, f.under), t)]
    pair.append(bar((x, y, 0), (-x, y, f.under), t))
    z = rng.uniform(0.05, 0.3) * f.under
    at = x * (1 - 2 * z / f.under)
    return mirrored(pair) + [bar((s * at, -y, z), (s * at, y, z), t) for s in (-1, 1)]


BASES = {
    "legs": _legs,
    "star": _star,
    "pedestal": _pedestal,
    "cantilever": _cantilever,
    "sled": _sled,
    "panels": _panels,
    "crossed": _crossed,
}
