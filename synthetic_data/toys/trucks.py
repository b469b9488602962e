"""Trucks: a cab in front, and what is on the frame behind it."""

import numpy as np

from synthetic_data.toys.solids import (
    Sculpture,
    ball,
    block,
    drum,
    profile,
    rod,
    tilted,
)
from synthetic_data.toys.wheels import add_wheels

KINDS = (
    "box truck",
    "tanker",
    "dump truck",
    "pickup",
    "fire engine",
    "semi-trailer",
    "mixer",
    "log truck",
    "crane truck",
    "covered truck",
)
_BONNETS = ("dump truck", "pickup", "semi-trailer", "covered truck", "log truck")


def truck(kind: str, rng: np.random.Generator) -> Sculpture:
    """Return a truck.

    Args:
        kind: one of `KINDS`.
        rng: source of its proportions.
    """
    toy = Sculpture()
    length = rng.uniform(2.0, 2.3)
    length += {"semi-trailer": 0.5, "pickup": -0.25}.get(kind, 0.0)
    half = rng.uniform(0.38, 0.43)
    radius = rng.uniform(0.19, 0.22) + (0.03 if kind == "dump truck" else 0.0)
    floor = 0.42  # upper side of the frame
    front, back = length / 2, -length / 2
    toy.add(block((0, 0, floor - 0.09), (length / 2 - 0.05, 0.26, 0.09)))
    cab_back = _cab(toy, kind, front, half, floor, rng)
    load = cab_back - (0.2 if kind == "semi-trailer" else 0.07)
    _load(toy, kind, back, load, half, floor, rng)
    axles = [front - 0.36, back + 0.3]
    if kind in ("semi-trailer", "tanker", "mixer", "log truck", "crane truck"):
        axles.append(axles[1] + 2 * radius + 0.06)
    if kind == "semi-trailer":
        axles.append(cab_back - 0.12)
    if kind == "pickup":
        axles[1] += 0.12
    add_wheels(toy, axles, radius, half + 0.02, 0.17)
    return toy


def _cab(
    toy: Sculpture,
    kind: str,
    front: float,
    half: float,
    floor: float,
    rng: np.random.Generator,
) -> float:
    """Add the driver's cab, and return the x of its back."""
    low = floor - 0.2
    height = rng.uniform(0.66, 0.78)
    if kind == "pickup":
        height = 0.55
    bonnet = rng.uniform(0.36, 0.46) if kind in _BONNETS else 0.0
    long = rng.uniform(0.48, 0.58) + (0.12 if kind == "pickup" else 0.0)
    slant = 0.2 if kind == "pickup" else rng.uniform(0.06, 0.12)
    face, back = front - bonnet, front - bonnet - long
    top, sill = floor + height, floor + 0.48 * height
    if kind == "pickup":
        sill = floor + 0.42 * height
    outline = [(back, low), (back, top), (face - slant, top), (face, sill), (face, low)]
    toy.add(profile(outline, half, 0.92 * half, edge=0.05), blend=0.03)
    if bonnet:
        hood = [(face - 0.1, low), (face - 0.1, sill), (face, sill)]
        hood += [(front, sill - 0.08), (front, low)]
        narrow = 0.96 * half if kind == "pickup" else 0.72 * half
        toy.add(profile(hood, narrow, edge=0.06), blend=0.04)
        if kind != "pickup":  # mudguards
            guard = (front - 0.34, half - 0.1, floor)
            toy.add(block(guard, (0.3, 0.1, 0.09), 0.08), blend=0.04, both=True)
    # Windscreen and side windows are recessed.
    glass = np.array([face - slant / 2, 0.0, (top + sill) / 2])
    tilt = np.degrees(np.arctan2(slant, top - sill))
    pane = block(tuple(glass), (0.055, 0.78 * half, 0.36 * (top - sill)), 0.02)
    toy.cut(tilted(pane, tilt, tuple(glass)))
    window = ((face + back - slant) / 2 + 0.02, half, (top + sill) / 2)
    side = block(window, (0.32 * long, 0.075, 0.3 * (top - sill)), 0.02)
    toy.cut(side, both=True)
    # Bumper, headlights, and an exhaust pipe behind the cab of some trucks.
    toy.add(block((front + 0.02, 0, low + 0.05), (0.06, 0.95 * half, 0.06)))
    lamp = (front + 0.01, 0.6 * half, low + 0.2)
    toy.add(ball(lamp, (0.05, 0.075, 0.075)), blend=0.02, both=True)
    if kind in ("semi-trailer", "log truck", "tanker"):
        pipe = (back - 0.03, half - 0.04, floor)
        toy.add(rod(pipe, (pipe[0], pipe[1], top + 0.2), 0.05), both=True)
    return back


def _load(
    toy: Sculpture,
    kind: str,
    back: float,
    front: float,
    half: float,
    floor: float,
    rng: np.random.Generator,
) -> None:
    """Add what is behind the cab, between two x.

    Args:
        toy: the truck so far.
        kind: one of `KINDS`.
        back, front: x of both ends.
        half: half of the width.
        floor: height of the floor.
        rng: source of the proportions.
    """
    middle, long = (back + front) / 2, (front - back) / 2
    if kind in ("box truck", "semi-trailer"):
        height = rng.uniform(0.42, 0.52)
        box = block((middle, 0, floor + height), (long, half + 0.02, height), edge=0.03)
        toy.add(box, blend=0.02)
    elif kind == "covered truck":
        toy.add(block((middle, 0, floor + 0.22), (long, half, 0.22)))
        arch = rng.uniform(0.85, 1.0) * half
        start, end = (back + 0.03, 0, floor + 0.42), (front - 0.03, 0, floor + 0.42)
        toy.add(drum(start, end, arch, edge=0.03), blend=0.02)
        for x in np.linspace(back + 0.1, front - 0.1, 4):
            hoop = (x - 0.025, 0, floor + 0.42), (x + 0.025, 0, floor + 0.42)
            toy.add(drum(*hoop, arch + 0.035), blend=0.02)
    elif kind == "tanker":
        radius = rng.uniform(0.36, 0.42)
        level = floor + radius + 0.02
        toy.add(drum((back, 0, level), (front, 0, level), radius, edge=0.12))
        for x in (middle - 0.3 * long, middle + 0.4 * long):
            toy.add(drum((x, 0, level), (x, 0, level + radius + 0.09), 0.11))
        toy.add(block((middle, 0, floor + 0.02), (long, half, 0.05)))
    elif kind == "dump truck":
        _dump_body(toy, back, front, half, floor, rng)
    elif kind == "pickup":
        _open_body(toy, back, front, half, floor - 0.08, 0.34)
        if rng.random() < 0.5:
            barrel = (middle, 0.0, floor - 0.06), (middle, 0.0, floor + 0.42)
            toy.add(drum(*barrel, 0.17))
    elif kind == "fire engine":
        toy.add(block((middle, 0, floor + 0.28), (long, half, 0.3)), blend=0.02)
        ladder = rng.uniform(4, 14)
        start = (back - 0.02, 0.0, floor + 0.68)
        for y in (0.16, -0.16):
            rail = block((middle + 0.2, y, start[2]), (long + 0.3, 0.045, 0.06))
            toy.add(tilted(rail, ladder, start), blend=0.02)
        for x in np.linspace(back + 0.1, front + 0.36, 7):
            rung = block((x, 0, start[2]), (0.04, 0.16, 0.035))
            toy.add(tilted(rung, ladder, start), blend=0.02)
        base = (back + 0.3, 0, floor + 0.5), (back + 0.3, 0, floor + 0.72)
        toy.add(drum(*base, 0.22), blend=0.03)
    elif kind == "mixer":
        tip = rng.uniform(0.2, 0.24)
        widest = (middle + 0.15, 0.0, floor + 0.42)
        toy.add(drum((front - 0.04, 0, floor + 0.36), widest, 0.22, 0.41, edge=0.06))
        high = (back + 0.02, 0.0, floor + 0.72)
        toy.add(drum(widest, high, 0.41, tip, edge=0.06), blend=0.06)
        toy.add(rod((back + 0.02, 0, floor + 0.5), (back - 0.16, 0, floor), 0.1, 0.07))
        toy.add(block((back + 0.2, 0, floor + 0.12), (0.06, 0.3, 0.3)))
    elif kind == "log truck":
        toy.add(block((middle, 0, floor + 0.03), (long, half, 0.05)))
        logs = [(-0.25, 0.2), (0.0, 0.2), (0.25, 0.2), (-0.125, 0.42), (0.125, 0.42)]
        if rng.random() < 0.5:
            logs.append((0.0, 0.63))
        for y, z in logs:
            ends = rng.uniform(-0.06, 0.06, 2)
            start = (back - 0.05 + ends[0], y, floor + z)
            toy.add(drum(start, (front - 0.05 + ends[1], y, floor + z), 0.125))
        for x in (back + 0.2, front - 0.2):
            post = rod((x, half - 0.03, floor), (x, half - 0.03, floor + 0.6), 0.045)
            toy.add(post, both=True)
    elif kind == "crane truck":
        toy.add(block((middle, 0, floor + 0.03), (long, half, 0.08)))
        turret = (middle - 0.1, 0, floor + 0.3)
        toy.add(block(turret, (0.36, 0.3, 0.24), 0.06), blend=0.03)
        rise = np.radians(rng.uniform(16, 30))
        foot = np.array([middle - 0.3, 0.0, floor + 0.5])
        reach = np.array([np.cos(rise), 0.0, np.sin(rise)])
        toy.add(rod(foot, foot + 1.55 * reach, 0.11, 0.075), blend=0.03)
        tip = foot + 1.55 * reach
        toy.add(rod(tip, tip - (0, 0, 0.36), 0.035), ball(tip - (0, 0, 0.4), 0.09))


def _open_body(
    toy: Sculpture, back: float, front: float, half: float, floor: float, wall: float
) -> None:
    """Add a body that is open above."""
    middle, long = (back + front) / 2, (front - back) / 2
    toy.add(block((middle, 0, floor + wall / 2), (long, half, wall / 2)), blend=0.02)
    hollow = (middle, 0, floor + wall)
    toy.cut(block(hollow, (long - 0.07, half - 0.08, wall - 0.08)))


def _dump_body(
    toy: Sculpture,
    back: float,
    front: float,
    half: float,
    floor: float,
    rng: np.random.Generator,
) -> None:
    """Add a tipped open body with a shield over the cab."""
    angle = rng.uniform(0, 16)
    height = rng.uniform(0.5, 0.6)
    pivot = (back, 0.0, floor)
    # A hoist lifts the front of the body from the frame.
    x = front - 0.3
    lifted = floor + 0.05 + np.tan(np.radians(angle)) * (x - back)
    toy.add(rod((x, 0.0, floor - 0.1), (x, 0.0, lifted), 0.09))
    shape = [
        (back - 0.05, floor),
        (back - 0.16, floor + 0.8 * height),
        (front, floor + height),
        (front + 0.24, floor + height + 0.12),
        (front + 0.24, floor + height + 0.02),
        (front - 0.02, floor),
    ]
    toy.add(tilted(profile(shape, half, half + 0.05, edge=0.03), angle, pivot))
    hollow = [
        (back - 0.3, floor + 0.1),
        (back - 0.4, floor + height + 0.3),
        (front - 0.07, floor + height + 0.3),
        (front - 0.12, floor + 0.1),
    ]
    toy.cut(tilted(profile(hollow, half - 0.08, edge=0.03), angle, pivot))
