"""Airplanes on their wheels."""

import numpy as np

from synthetic_data.toys.solids import (
    Sculpture,
    ball,
    block,
    drum,
    plate,
    profile,
    rod,
)

KINDS = (
    "airliner",
    "fighter",
    "sports plane",
    "bomber",
    "biplane",
    "business jet",
    "delta",
    "racer",
    "transport",
    "triplane",
)
_OLD = ("sports plane", "biplane", "racer", "triplane")
# Length and radius of the fuselage; half of the span; chord at the root and at the
# tip; sweep of the leading edge per unit of span; x of the leading edge at the root.
_BUILD = {
    "airliner": (2.3, 0.165, 1.10, 0.50, 0.22, 0.55, 0.35),
    "fighter": (2.2, 0.155, 0.72, 0.80, 0.28, 0.80, 0.25),
    "sports plane": (1.7, 0.190, 1.10, 0.44, 0.34, 0.04, 0.42),
    "bomber": (2.1, 0.185, 1.30, 0.52, 0.28, 0.18, 0.40),
    "biplane": (1.6, 0.190, 1.00, 0.40, 0.38, 0.02, 0.50),
    "business jet": (2.1, 0.155, 0.92, 0.46, 0.20, 0.32, 0.15),
    "delta": (2.2, 0.145, 0.84, 1.30, 0.18, 1.30, 0.45),
    "racer": (1.7, 0.165, 0.88, 0.50, 0.24, 0.10, 0.35),
    "transport": (2.0, 0.225, 1.25, 0.46, 0.30, 0.08, 0.35),
    "triplane": (1.5, 0.190, 0.86, 0.34, 0.34, 0.00, 0.55),
}
_HALF = 0.042  # half of the thickness of wings


def airplane(kind: str, rng: np.random.Generator) -> Sculpture:
    """Return an airplane.

    Args:
        kind: one of `KINDS`.
        rng: source of its proportions.
    """
    toy = Sculpture()
    vary = rng.uniform(0.92, 1.08, 7)
    length, radius, span, root, tip, sweep, lead = _BUILD[kind] * vary
    z = 0.5
    nose, tail = length * 0.5, -length * 0.5
    _fuselage(toy, kind, nose, tail, radius, z)
    # Wings: one, two or three pairs above one another.
    levels = {"biplane": (-0.13, 0.42), "triplane": (-0.15, 0.17, 0.49)}.get(kind)
    high = kind in ("transport", "sports plane")
    rise = rng.uniform(0.0, 0.1)
    for level in levels or ((0.14,) if high else (-0.08,)):
        outline = _wing(lead, span, root, tip, sweep)
        toy.add(plate(outline, z + level, _HALF, rise=rise), blend=0.05)
    if levels:
        # Struts hold the upper wings, which rise with the distance from the middle.
        for x in (lead - 0.08, lead - root + 0.1):
            for y in (0.13, 0.68 * span):
                foot, top = z - 0.1, z + max(levels) + rise * y
                toy.add(rod((x, y, foot), (x, y, top), 0.035), both=True)
    _tail(toy, kind, tail, radius, z, rng)
    _engines(toy, kind, nose, radius, z, lead, span, sweep)
    _wheels(toy, kind, nose, tail, lead, root, z, radius)
    return toy


def _wing(
    lead: float, span: float, root: float, tip: float, sweep: float
) -> list[tuple[float, float]]:
    """Return the outline of both wings, from above."""
    x = lead - sweep * span
    return [
        (lead, 0.0),
        (x, span),
        (x - tip, span),
        (lead - root, 0.0),
        (x - tip, -span),
        (x, -span),
    ]


def _fuselage(
    toy: Sculpture, kind: str, nose: float, tail: float, radius: float, z: float
) -> None:
    """Add fuselage, nose and cockpit."""
    middle = (0.1 * nose, 0.0, z)
    end = (tail + 0.05, 0.0, z + 0.4 * radius)
    toy.add(rod(middle, end, radius, 0.4 * radius), blend=0.05)
    if kind in ("fighter", "delta"):  # a pointed nose
        shoulder = (0.5 * nose, 0.0, z)
        toy.add(rod(middle, shoulder, radius, 0.85 * radius), blend=0.05)
        toy.add(rod(shoulder, (nose, 0.0, z - 0.03), 0.85 * radius, 0.05), blend=0.05)
    else:
        blunt = nose - (0.6 if kind in _OLD else 0.9) * radius
        toy.add(rod(middle, (blunt, 0.0, z), radius, 0.95 * radius), blend=0.05)
    if kind in _OLD:
        # An open cockpit with a windscreen and a pilot's head, behind the wings.
        toy.add(ball((-0.02, 0.0, z + 1.15 * radius), 0.11), blend=0.02)
        toy.add(block((0.16, 0, z + radius), (0.05, 0.12, 0.1)), blend=0.03)
    else:
        place = {"fighter": 0.45, "delta": 0.4}.get(kind, 0.76) * nose
        long = 0.3 if kind in ("fighter", "delta") else 0.17
        canopy = (place, 0.0, z + 0.75 * radius)
        toy.add(ball(canopy, (long, 0.75 * radius, 0.75 * radius)), blend=0.04)


def _tail(
    toy: Sculpture,
    kind: str,
    tail: float,
    radius: float,
    z: float,
    rng: np.random.Generator,
) -> None:
    """Add fin and tailplane."""
    height = rng.uniform(0.40, 0.52)
    base = z + 0.4 * radius
    slant = 0.12 if kind in _OLD else 0.32
    fin = [
        (tail + 0.42, base),
        (tail + 0.42 - slant, base + height),
        (tail - 0.1, base + height),
        (tail, base),
    ]
    if kind == "fighter":
        for y in (0.17, -0.17):
            toy.add(profile(fin, _HALF, y=y, edge=0.03), blend=0.04)
    else:
        toy.add(profile(fin, _HALF, edge=0.03), blend=0.04)
    if kind == "delta":
        return
    level = base
    if kind in ("business jet", "transport"):  # a T-shaped tail
        level = base + height - 0.03
    half = rng.uniform(0.36, 0.48)
    sweep = 0.1 if kind in _OLD else 0.45
    lead = tail + (0.12 if level > base else 0.32)
    toy.add(plate(_wing(lead, half, 0.3, 0.18, sweep), level, _HALF), blend=0.04)


def _engines(
    toy: Sculpture,
    kind: str,
    nose: float,
    radius: float,
    z: float,
    lead: float,
    span: float,
    sweep: float,
) -> None:
    """Add propellers or jets."""
    if kind in _OLD:
        toy.add(drum((nose - 0.16, 0, z), (nose + 0.03, 0, z), 1.12 * radius))
        toy.add(rod((nose, 0, z), (nose + 0.12, 0, z), 0.07, 0.04))
        toy.add(block((nose + 0.08, 0, z), (0.04, 0.4, 0.05)), blend=0.02)
        toy.add(block((nose + 0.08, 0, z), (0.04, 0.05, 0.4)), blend=0.02)
    elif kind in ("airliner", "bomber", "transport"):
        shares = (0.36,) if kind == "airliner" else (0.32, 0.62)
        for share in shares:
            x, y = lead - sweep * share * span, share * span
            level = z + (0.08 if kind == "transport" else -0.12)
            if kind == "airliner":
                level -= 0.1
            thick = 0.12 if kind == "airliner" else 0.095
            start, end = (x + 0.24, y, level), (x - 0.2, y, level)
            toy.add(drum(start, end, thick, 0.7 * thick), blend=0.03, both=True)
            if kind == "airliner":
                toy.cut(
                    drum((x + 0.3, y, level), (x + 0.12, y, level), 0.07), both=True
                )
            else:
                toy.add(ball((x + 0.27, y, level), (0.035, 0.2, 0.2)), both=True)
    elif kind == "business jet":
        start, end = (-0.42, 0.27, z + 0.12), (-0.85, 0.27, z + 0.12)
        toy.add(drum(start, end, 0.11, 0.08), blend=0.05, both=True)
        toy.add(block((-0.62, 0, z + 0.1), (0.13, 0.25, 0.045)), blend=0.04)
    else:
        # Air intakes beside the cockpit.
        start = (0.28, radius + 0.04, z - 0.02)
        toy.add(block(start, (0.24, 0.08, 0.1), 0.04), blend=0.03, both=True)


def _wheels(
    toy: Sculpture,
    kind: str,
    nose: float,
    tail: float,
    lead: float,
    root: float,
    z: float,
    radius: float,
) -> None:
    """Add the undercarriage."""
    main = lead - (0.1 if kind in _OLD else 0.75 * root)
    foot = (main, 0.3, z - radius - 0.16)
    toy.add(rod((main, 0.12, z - 0.08), foot, 0.04), blend=0.03, both=True)
    toy.add(ball(foot, (0.1, 0.05, 0.1)), blend=0.02, both=True)
    x = tail + 0.15 if kind in _OLD else 0.72 * nose
    foot = (x, 0.0, z - 0.1 if kind in _OLD else foot[2])
    toy.add(rod((x, 0.0, z), foot, 0.04), ball(foot, (0.09, 0.05, 0.09)), blend=0.03)
