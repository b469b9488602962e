"""Four-legged animals."""

import numpy as np

from synthetic_data.toys.solids import Point, Sculpture, ball, drum, rod

KINDS = (
    "horse",
    "bull",
    "elephant",
    "giraffe",
    "dog",
    "pony",
    "bison",
    "mammoth",
    "camel",
    "pig",
)
# Typical length and thickness of the body, length and thickness of the legs, length
# and angle (degrees) of the neck, radius of the head and length of the muzzle.
_BUILD = {
    "horse": (1.15, 0.27, 0.92, 0.085, 0.84, 62, 0.16, 0.38),
    "bull": (1.25, 0.34, 0.66, 0.105, 0.38, 25, 0.20, 0.26),
    "elephant": (1.15, 0.46, 0.68, 0.165, 0.22, 35, 0.31, 0.10),
    "giraffe": (0.85, 0.26, 1.00, 0.080, 1.35, 68, 0.14, 0.24),
    "dog": (0.85, 0.21, 0.52, 0.080, 0.34, 55, 0.20, 0.26),
    "pony": (1.00, 0.31, 0.64, 0.095, 0.50, 48, 0.19, 0.30),
    "bison": (1.10, 0.33, 0.54, 0.100, 0.34, -14, 0.26, 0.20),
    "mammoth": (1.00, 0.45, 0.60, 0.155, 0.20, 48, 0.33, 0.10),
    "camel": (1.10, 0.28, 0.92, 0.085, 0.86, 42, 0.15, 0.28),
    "pig": (1.05, 0.34, 0.36, 0.095, 0.20, 10, 0.24, 0.36),
}


def animal(kind: str, rng: np.random.Generator) -> Sculpture:
    """Return an animal.

    Args:
        kind: one of `KINDS`.
        rng: source of its proportions.
    """
    toy = Sculpture()
    vary = rng.uniform(0.9, 1.12, 8)
    length, thick, leg, leg_thick, neck, angle, head, muzzle = _BUILD[kind] * vary
    height = leg + thick * 0.75
    _body(toy, kind, length, thick, height, rng)
    _legs(toy, length, thick, leg, leg_thick, height, rng)
    root = (length / 2 - 0.05, 0.0, height + 0.3 * thick)
    rise = np.radians(angle)
    top = (root[0] + neck * np.cos(rise), 0.0, root[2] + neck * np.sin(rise))
    toy.add(rod(root, top, 0.72 * thick, 0.72 * head), blend=0.15)
    _head(toy, kind, top, head, muzzle, rng)
    if kind in ("horse", "pony"):
        start = (root[0] - 0.15, 0.0, root[2] + 0.12)
        crest = (top[0] - 0.12, 0.0, top[2] + head)
        toy.add(rod(start, crest, 0.06, 0.08), blend=0.08)
    _tail(toy, kind, length, thick, height, rng)
    return toy


def _body(
    toy: Sculpture,
    kind: str,
    length: float,
    thick: float,
    height: float,
    rng: np.random.Generator,
) -> None:
    """Add chest, belly, hindquarters and humps."""
    front, back = (length / 2 - 0.1, 0.0, height), (-length / 2 + 0.1, 0.0, height)
    toy.add(rod(back, front, 0.95 * thick, 1.05 * thick), blend=0.1)
    belly = (0.0, 0.0, height - 0.12 * thick)
    toy.add(ball(belly, (0.5 * length, 0.95 * thick, 0.98 * thick)), blend=0.15)
    if kind in ("bison", "mammoth", "bull"):
        hump = rng.uniform(0.75, 0.9) * thick * (0.6 if kind == "bull" else 1.1)
        place = (length / 2 - 0.25, 0.0, height + 0.75 * thick)
        toy.add(ball(place, (0.38, 0.62 * thick, hump)), blend=0.2)
    if kind == "camel":
        count = int(rng.integers(1, 3))
        for x in (0.0,) if count == 1 else (0.24, -0.26):
            toy.add(ball((x, 0.0, height + thick), (0.18, 0.14, 0.34)), blend=0.12)


def _legs(
    toy: Sculpture,
    length: float,
    thick: float,
    leg: float,
    radius: float,
    height: float,
    rng: np.random.Generator,
) -> None:
    """Add four legs, standing or walking."""
    stride = rng.uniform(0.0, 0.22) * leg
    for x, swing in ((length / 2 - 0.12, 1), (-length / 2 + 0.12, -1)):
        for side in (1, -1):
            y = side * 0.62 * thick
            shift = stride * side * swing
            hip, knee = (x, y, height), (x + 0.6 * shift, y, 0.5 * leg)
            foot = (x + shift, y, radius)
            toy.add(rod(hip, knee, 1.7 * radius, radius), blend=0.1)
            toy.add(rod(knee, foot, radius, 0.95 * radius), blend=0.04)
            hoof = (foot[0] + 0.35 * radius, y, 0.6 * radius)
            toy.add(ball(hoof, (1.5 * radius, 1.2 * radius, 0.7 * radius)), blend=0.03)


def _head(
    toy: Sculpture,
    kind: str,
    top: Point,
    size: float,
    muzzle: float,
    rng: np.random.Generator,
) -> None:
    """Add the head with muzzle, ears, and horns or a trunk."""
    x, _, z = top
    drop = {"pig": 0.2, "dog": 0.15, "bison": 0.9}.get(kind, 0.65)
    nose = (x + muzzle, 0.0, z - drop * muzzle)
    toy.add(ball((x, 0.0, z), (1.15 * size, size, size)), blend=0.08)
    toy.add(rod(top, nose, 0.8 * size, 0.55 * size), blend=0.06)
    if kind in ("elephant", "mammoth"):
        _trunk(toy, kind, top, size, rng)
        return
    if kind == "pig":  # a flat snout
        snout = (nose[0] + 0.05, 0.0, nose[2])
        toy.add(drum(nose, snout, 0.15), blend=0.02)
    ear = rng.uniform(0.9, 1.3) * (0.26 if kind == "dog" else 0.2)
    start = (x - 0.35 * size, 0.6 * size, z + 0.6 * size)
    if kind == "dog" and rng.random() < 0.5:  # hanging ears
        start = (start[0], 0.95 * size, z + 0.5 * size)
        end = (start[0], 1.25 * size, start[2] - ear)
    elif kind in ("bull", "bison", "giraffe", "camel"):  # ears to the side
        end = (start[0] - 0.05, start[1] + 0.8 * ear, start[2] + 0.05)
    else:
        end = (start[0] - 0.02, start[1] + 0.25 * ear, start[2] + ear)
    toy.add(rod(start, end, 0.075, 0.045), blend=0.04, both=True)
    if kind in ("bull", "bison"):
        root = (x, 0.6 * size, z + 0.75 * size)
        bend = (x + 0.1, root[1] + rng.uniform(0.2, 0.34), root[2] + 0.06)
        tip = (bend[0] + 0.16, bend[1] + rng.uniform(-0.1, 0.1), bend[2] + 0.26)
        toy.add(rod(root, bend, 0.075, 0.06), rod(bend, tip, 0.06, 0.035), both=True)
    if kind == "bison":
        chin = (x + 0.05, 0.0, z - size)
        toy.add(rod((x, 0.0, z), chin, 0.75 * size, 0.5 * size), blend=0.05)
    if kind == "giraffe":
        root, tip = (x, 0.5 * size, z + size), (x - 0.04, 0.6 * size, z + size + 0.18)
        toy.add(rod(root, tip, 0.04, 0.05), blend=0.03, both=True)


def _trunk(
    toy: Sculpture, kind: str, top: Point, size: float, rng: np.random.Generator
) -> None:
    """Add trunk, tusks and ears of an elephant or a mammoth."""
    x, _, z = top
    lifted = rng.random() < 0.5
    points = [(x + 0.75 * size, z - 0.2 * size), (x + 1.6 * size, z - 0.95 * size)]
    if lifted:
        points += [(x + 2.4 * size, z - 0.7 * size), (x + 2.7 * size, z + 0.3 * size)]
    else:
        points += [(x + 1.75 * size, z - 1.9 * size), (x + 2.2 * size, z - 2.3 * size)]
    for k, ((a, b), (c, d)) in enumerate(zip(points, points[1:], strict=False)):
        radius = (0.15, 0.125, 0.1, 0.08)
        toy.add(rod((a, 0, b), (c, 0, d), radius[k], radius[k + 1]), blend=0.06)
    tusk = rng.uniform(0.3, 0.42) if kind == "elephant" else rng.uniform(0.5, 0.6)
    root = (x + 0.7 * size, 0.5 * size, z - 0.5 * size)
    bend = (root[0] + 0.6 * tusk, 0.75 * size, root[2] - 0.35 * tusk)
    tip = (root[0] + 1.2 * tusk, 0.7 * size, root[2] + 0.1 * tusk)
    toy.add(rod(root, bend, 0.055), rod(bend, tip, 0.055, 0.035), both=True)
    ear = rng.uniform(0.95, 1.2) * (0.36 if kind == "elephant" else 0.24)
    place = (x - 0.35 * size, 1.15 * size, z + 0.05)
    toy.add(ball(place, (0.09, 0.85 * ear, ear)), blend=0.05, both=True)


def _tail(
    toy: Sculpture,
    kind: str,
    length: float,
    thick: float,
    height: float,
    rng: np.random.Generator,
) -> None:
    """Add the tail."""
    root = (-length / 2 - 0.7 * thick, 0.0, height + 0.4 * thick)
    if kind in ("horse", "pony"):
        end = (root[0] - rng.uniform(0.15, 0.3), 0.0, root[2] - 0.65)
        toy.add(rod(root, end, 0.085, 0.07), blend=0.06)
    elif kind == "dog":
        end = (root[0] - 0.22, 0.0, root[2] + rng.uniform(0.1, 0.4))
        toy.add(rod(root, end, 0.065, 0.045), blend=0.06)
    elif kind == "pig":
        toy.add(ball((root[0] - 0.04, 0.0, root[2]), 0.08), blend=0.03)
    else:
        end = (root[0] - 0.08, 0.0, root[2] - rng.uniform(0.4, 0.6))
        toy.add(rod(root, end, 0.05, 0.04), ball(end, 0.075), blend=0.04)
