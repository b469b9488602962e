"""Cars."""

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
    "saloon",
    "van",
    "convertible",
    "racing car",
    "beetle",
    "coupe",
    "off-roader",
    "roadster",
    "sports car",
    "hatchback",
)
_OPEN = ("convertible", "roadster")
# Length, height of the bonnet, of the boot and of the roof. Then x as shares of the
# length, from 0 at the back to 1 at the front: back of the rear window, back and
# front of the roof, and foot of the windscreen.
_BUILD = {
    "saloon": (2.1, 0.46, 0.46, 0.76, 0.16, 0.30, 0.58, 0.70),
    "van": (2.0, 0.50, 0.92, 0.95, 0.02, 0.05, 0.72, 0.88),
    "convertible": (2.1, 0.45, 0.45, 0.66, 0.30, 0.36, 0.58, 0.66),
    "beetle": (1.8, 0.44, 0.40, 0.80, 0.10, 0.40, 0.56, 0.68),
    "coupe": (2.1, 0.44, 0.44, 0.68, 0.02, 0.24, 0.42, 0.56),
    "off-roader": (1.8, 0.60, 0.60, 0.95, 0.03, 0.05, 0.58, 0.66),
    "roadster": (1.8, 0.42, 0.42, 0.62, 0.24, 0.30, 0.48, 0.55),
    "sports car": (2.1, 0.40, 0.46, 0.60, 0.10, 0.36, 0.50, 0.72),
    "hatchback": (1.6, 0.47, 0.48, 0.80, 0.03, 0.16, 0.58, 0.80),
}


def car(kind: str, rng: np.random.Generator) -> Sculpture:
    """Return a car.

    Args:
        kind: one of `KINDS`.
        rng: source of its proportions.
    """
    toy = Sculpture()
    if kind == "racing car":
        _racing_car(toy, rng)
        return toy
    vary = rng.uniform(0.95, 1.06, 4)
    length, bonnet, boot, roof = _BUILD[kind][:4] * vary
    shares = np.add(_BUILD[kind][4:], rng.uniform(-0.015, 0.015, 4))
    half = rng.uniform(0.39, 0.44)
    radius = rng.uniform(0.19, 0.22) + (0.04 if kind == "off-roader" else 0.0)
    x = (shares - 0.5) * length
    _body(toy, kind, length, bonnet, boot, half)
    if kind in _OPEN:
        _open_top(toy, bonnet, roof, half, x)
    else:
        _cabin(toy, kind, bonnet, boot, roof, half, x)
    _extras(toy, kind, length, bonnet, boot, roof, half, rng)
    axles = (0.30 * length, -0.30 * length)
    add_wheels(toy, axles, radius, half + 0.02, 0.16)
    return toy


def _body(
    toy: Sculpture, kind: str, length: float, bonnet: float, boot: float, half: float
) -> None:
    """Add the body below the windows."""
    front, back = length / 2, -length / 2
    low = 0.14
    belt = min(boot, bonnet + 0.06)
    outline = [
        (back, low),
        (back - 0.02, belt - 0.06),
        (back + 0.06, belt),
        (0.25 * front, bonnet + 0.03),
        (front - 0.12, bonnet - 0.04),
        (front, bonnet - 0.14),
        (front, low),
    ]
    if kind == "sports car":  # a wedge
        outline[4:6] = [(front - 0.2, bonnet - 0.09), (front + 0.05, 0.2)]
    toy.add(profile(outline, half, 0.94 * half, edge=0.07), blend=0.03)
    if kind == "beetle":
        for x in (0.3 * length, -0.3 * length):
            guard = (x, half - 0.06, 0.26)
            toy.add(ball(guard, (0.34, 0.13, 0.25)), blend=0.05, both=True)
        toy.add(ball((0.28 * length, 0, 0.34), (0.42, 0.26, 0.2)), blend=0.08)


def _cabin(
    toy: Sculpture,
    kind: str,
    bonnet: float,
    boot: float,
    roof: float,
    half: float,
    x: np.ndarray,
) -> None:
    """Add the cabin, with recessed windows.

    Args:
        toy: the car so far.
        kind: one of `KINDS`.
        bonnet, boot, roof: heights.
        half: half of the width.
        x: back of the rear window, back and front of the roof, foot of the windscreen.
    """
    sill = bonnet - 0.06
    behind = min(boot, bonnet + 0.02) - 0.06
    outline = [(x[0], behind), (x[1], roof), (x[2], roof), (x[3], sill)]
    if kind == "beetle":
        outline[1:2] = [(x[0] + 0.12, roof - 0.2), (x[1], roof)]
    edge = 0.09 if kind == "beetle" else 0.06
    toy.add(profile(outline, 0.93 * half, 0.76 * half, edge=edge), blend=0.04)
    # Windscreen and rear window, as slanted as the cabin's front and back.
    panes = [(x[3], x[2], sill, 0.68), (x[0], x[1], behind, 0.62)]
    for foot, top, low, wide in panes[:1] if kind == "beetle" else panes:
        middle = ((foot + top) / 2, 0.0, (low + roof) / 2 + 0.015)
        slope = np.degrees(np.arctan2(foot - top, roof - low))
        size = (0.05, wide * half, 0.32 * np.hypot(foot - top, roof - low))
        toy.cut(tilted(block(middle, size, 0.02), slope, middle))
    # Side windows with a pillar between them.
    base, top = bonnet + 0.04, roof - 0.09
    glass = [
        (x[0] + 0.45 * (x[1] - x[0]) + 0.06, base),
        (x[1] + 0.05, top),
        (x[2] - 0.04, top),
        (x[3] - 0.45 * (x[3] - x[2]) - 0.02, base),
    ]
    if kind == "van":
        glass[0], glass[1] = (-0.12, base), (-0.12, top)
    pane = profile(glass, 0.1, y=0.93 * half, edge=0.02)
    toy.cut(pane, both=True)
    pillar = (x[1] + x[2]) / 2 - 0.03
    post = block(
        (pillar, 0, (base + top) / 2), (0.04, 0.8 * half, (top - base) / 2), 0.02
    )
    toy.add(post, blend=0.02)


def _open_top(
    toy: Sculpture, bonnet: float, roof: float, half: float, x: np.ndarray
) -> None:
    """Add a cockpit with windscreen, seats and a driver; see `_cabin`."""
    pit = ((x[0] + x[3]) / 2 - 0.02, 0.0, bonnet + 0.04)
    toy.cut(block(pit, ((x[3] - x[0]) / 2, 0.76 * half, 0.18), 0.05))
    screen = ((x[2] + x[3]) / 2, 0.0, (bonnet + roof) / 2)
    slope = np.degrees(np.arctan2(x[3] - x[2], roof - bonnet))
    tall = (roof - bonnet) / 2 + 0.05
    pane = block(screen, (0.045, 0.8 * half, tall), 0.03)
    toy.add(tilted(pane, slope, screen), blend=0.03)
    for y in (0.38 * half, -0.38 * half):
        seat = (x[0] + 0.14, y, bonnet)
        toy.add(block(seat, (0.07, 0.26 * half, 0.16), 0.05), blend=0.03)
    head = (x[0] + 0.28, 0.38 * half, bonnet + 0.2)
    toy.add(ball(head, 0.11), rod(head, (head[0], head[1], bonnet - 0.1), 0.07, 0.14))


def _extras(
    toy: Sculpture,
    kind: str,
    length: float,
    bonnet: float,
    boot: float,
    roof: float,
    half: float,
    rng: np.random.Generator,
) -> None:
    """Add bumpers, lamps, mirrors and what only some cars have."""
    front, back = length / 2, -length / 2
    for x in (front, back):
        toy.add(block((x, 0, 0.22), (0.06, 0.9 * half, 0.055)), blend=0.03)
    level = bonnet - (0.13 if kind != "sports car" else 0.12)
    lamp = (front - (0.02 if kind != "sports car" else 0.2), 0.66 * half, level)
    toy.add(ball(lamp, (0.06, 0.085, 0.075)), blend=0.02, both=True)
    if kind not in ("beetle", "sports car"):
        mirror = (0.14 * length, half - 0.01, bonnet + 0.03)
        toy.add(ball(mirror, (0.04, 0.075, 0.05)), blend=0.04, both=True)
    if kind == "sports car":
        level = boot + 0.16
        toy.add(block((back + 0.08, 0, level), (0.11, 0.95 * half, 0.035)))
        stand = block((back + 0.1, 0.6 * half, boot + 0.06), (0.05, 0.04, 0.12))
        toy.add(stand, both=True)
    if kind == "off-roader":
        wheel = (back + 0.1, 0, bonnet), (back - 0.17, 0, bonnet)
        toy.add(drum(*wheel, 0.21, edge=0.05), blend=0.02)
        toy.add(block((front + 0.05, 0, 0.4), (0.04, 0.6 * half, 0.13)))
    if kind == "hatchback" and rng.random() < 0.5:
        rack = (-0.1 * length, 0.0, roof + 0.03)
        toy.add(block(rack, (0.3, 0.26, 0.05)), blend=0.03)


def _racing_car(toy: Sculpture, rng: np.random.Generator) -> None:
    """Add a racing car with free wheels, a thin nose and two spoilers."""
    length = rng.uniform(2.1, 2.3)
    front, back = length / 2, -length / 2
    toy.add(rod((back + 0.15, 0, 0.32), (0.0, 0, 0.32), 0.17, 0.2), blend=0.05)
    toy.add(rod((0.0, 0, 0.32), (front - 0.05, 0, 0.22), 0.19, 0.08), blend=0.06)
    pod = (-0.22, 0.27, 0.26)
    toy.add(block(pod, (0.4, 0.13, 0.12), 0.06), blend=0.05, both=True)
    # Engine cover, cockpit and the driver's head.
    toy.add(rod((back + 0.25, 0, 0.4), (-0.2, 0, 0.5), 0.1, 0.12), blend=0.06)
    toy.cut(ball((0.08, 0, 0.52), (0.22, 0.13, 0.12)))
    toy.add(ball((0.02, 0, 0.52), 0.11), rod((0.02, 0, 0.5), (0.02, 0, 0.3), 0.1))
    wing = rng.uniform(0.4, 0.48)
    toy.add(block((front - 0.08, 0, 0.15), (0.13, wing, 0.04)), blend=0.03)
    toy.add(block((back + 0.06, 0, 0.62), (0.13, wing, 0.045)), blend=0.03)
    for y in (wing, -wing):
        toy.add(block((back + 0.06, y, 0.58), (0.16, 0.04, 0.14)), blend=0.02)
    stand = block((back + 0.1, 0.14, 0.45), (0.06, 0.04, 0.18))
    toy.add(stand, blend=0.03, both=True)
    for x, radius, width in ((0.55, 0.2, 0.17), (-0.68, 0.24, 0.22)):
        add_wheels(toy, [x], radius, 0.54, width, arch=0.0)
