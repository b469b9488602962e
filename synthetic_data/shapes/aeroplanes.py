"""Procedural aeroplanes, in lengths of the body; the nose points to -x."""

import dataclasses

import numpy as np

from synthetic_data.shapes.primitives import ROUND, Part, bar, box, ellipsoid, mirrored

Generator = np.random.Generator


@dataclasses.dataclass(frozen=True)
class _Body:
    """Dimensions of the body of one aeroplane, in lengths of the body.

    Attributes:
        radius: half of the width of the body.
        tall: half of the height of the body.
        tail: z of the centre of the body at its rear end.
    """

    radius: float
    tall: float
    tail: float


def aeroplane(rng: Generator) -> list[Part]:
    """Return the parts of one random aeroplane.

    Args:
        rng: source of the random values.

    Returns:
        Parts for `primitives.voxelise`.
    """
    kinds = {
        _airliner: 0.38,
        _propeller: 0.2,
        _fighter: 0.2,
        _delta: 0.08,
        _biplane: 0.08,
        _glider: 0.06,
    }
    makers = list(kinds)
    return makers[rng.choice(len(makers), p=list(kinds.values()))](rng)


def _airliner(rng: Generator) -> list[Part]:
    """Return a jet with swept wings and two to four engines."""
    body = _draw_body(rng, (0.042, 0.075))
    layout = str(rng.choice(["two", "four", "rear"], p=[0.5, 0.25, 0.25]))
    span, sweep = rng.uniform(0.38, 0.56), rng.uniform(0.15, 0.36)
    root, tip = rng.uniform(0.14, 0.24), rng.uniform(0.03, 0.07)
    lead = rng.uniform(-0.14, 0.02)
    level = body.tall * rng.choice([-0.6, -0.6, -0.6, 0.9])
    rise = rng.uniform(0.0, 0.08) if level < 0 else rng.uniform(-0.04, 0.02)
    parts = _fuselage(body, rng)
    parts += _wing(lead, span, root, tip, sweep, level, level + rise)
    high = layout == "rear" or rng.random() < 0.12
    parts += _tail(body, rng, "t" if high else "low", swept=True)
    size = rng.uniform(0.024, 0.04)
    length = rng.uniform(0.05, 0.085)
    if layout == "rear":
        y, x = body.radius + size, rng.uniform(0.22, 0.32)
        pod = bar((x - length, y, 0.02), (x + length, y, 0.02), size, power=ROUND)
        return parts + mirrored([pod])
    for share in (0.35,) if layout == "two" else (0.32, 0.64):
        x = lead + sweep * share + 0.02
        z = level + rise * share - size * (1 if level < 0 else 1.2)
        y = span * share
        pod = bar((x - length, y, z), (x + length * 0.6, y, z), size, power=ROUND)
        parts += mirrored([pod])
    return parts


def _propeller(rng: Generator) -> list[Part]:
    """Return a propeller aeroplane with straight wings and one or two engines."""
    body = _draw_body(rng, (0.055, 0.095))
    span = rng.uniform(0.5, 0.75)
    root = rng.uniform(0.15, 0.24)
    tip, sweep = root * rng.uniform(0.5, 1.0), rng.uniform(0, 0.05)
    high = rng.random() < 0.5
    level = body.tall * (1.0 if high else -0.7)
    lead = rng.uniform(-0.3, -0.15)
    rise = rng.uniform(0, 0.02 if high else 0.08)
    parts = _fuselage(body, rng)
    parts += _wing(lead, span, root, tip, sweep, level, level + rise)
    parts += _tail(body, rng, str(rng.choice(["low", "low", "t"])), swept=False)
    disc = rng.uniform(0.12, 0.17)
    if rng.random() < 0.6:
        cabin = (lead + root * 0.6, 0, body.tall * 0.9)
        parts.append(ellipsoid(cabin, (0.15, body.radius * 0.85, body.tall * 0.8)))
        parts += _spinner(-0.5, 0.0, 0.0, disc, rng)
    else:
        y, size = span * rng.uniform(0.3, 0.42), rng.uniform(0.03, 0.045)
        pod = bar((lead - 0.1, y, level), (lead + root, y, level), size, power=ROUND)
        parts += mirrored([pod, *_spinner(lead - 0.1, y, level, disc * 0.8, rng)])
    if rng.random() < 0.35:
        parts += _wheels(body, lead + root / 2, rng)
    return parts


def _fighter(rng: Generator) -> list[Part]:
    """Return a jet fighter: pointed nose, low aspect ratio, one or two fins."""
    body = _draw_body(rng, (0.05, 0.08))
    span, root = rng.uniform(0.26, 0.42), rng.uniform(0.3, 0.46)
    tip, sweep = rng.uniform(0.03, 0.12), rng.uniform(0.12, 0.32)
    lead = rng.uniform(-0.16, 0.0)
    nose = rng.uniform(0.3, 0.5)
    parts = [
        bar((-0.5, 0, 0), (nose - 0.5, 0, 0), 0.008, _ring(body), ROUND),
        bar((nose - 0.5, 0, 0), (0.5, 0, 0), _ring(body), _ring(body, 0.75), ROUND),
    ]
    canopy = (nose - 0.5 + rng.uniform(-0.08, 0.04), 0, body.tall * 0.8)
    parts.append(ellipsoid(canopy, (0.11, body.radius * 0.6, body.tall * 0.75)))
    parts += _wing(lead, span, root, tip, sweep, 0.0, rng.uniform(-0.03, 0.03))
    if rng.random() < 0.5:
        width = body.radius * rng.uniform(1.2, 1.8)
        parts.append(box((lead, 0.47), (-width, width), (-body.tall, body.tall * 0.45)))
    start = rng.uniform(0.3, 0.38)
    parts += _wing(start, span * rng.uniform(0.45, 0.7), 0.16, 0.06, 0.1, 0.0, 0.0)
    height, foot = rng.uniform(0.14, 0.24), rng.uniform(0.14, 0.22)
    if rng.random() < 0.45:
        y, out = body.radius * rng.uniform(0.9, 1.5), rng.uniform(0, 0.08)
        fin = _fin(0.26, y, 0.0, foot, height, 0.12, y + out)
        return parts + mirrored([fin])
    return parts + [_fin(0.24, 0.0, 0.0, foot, height + body.tall, 0.16, 0.0)]


def _delta(rng: Generator) -> list[Part]:
    """Return an aeroplane with a triangular wing and no tailplane."""
    body = _draw_body(rng, (0.035, 0.065))
    span, root = rng.uniform(0.28, 0.48), rng.uniform(0.48, 0.75)
    lead = 0.47 - root
    level = -body.tall * rng.uniform(0.2, 0.8)
    sweep = root - rng.uniform(0.04, 0.1)
    parts = _fuselage(body, rng)
    parts += _wing(lead, span, root, root - sweep, sweep, level, level)
    height = rng.uniform(0.12, 0.22) + body.tall
    parts.append(_fin(0.22, 0.0, 0.0, 0.26, height, 0.18, 0.0))
    if rng.random() < 0.5:
        y, size = span * rng.uniform(0.3, 0.5), rng.uniform(0.025, 0.04)
        z = level - size
        pod = bar((0.2, y, z), (0.46, y, z), size)
        parts += mirrored([pod])
    return parts


def _biplane(rng: Generator) -> list[Part]:
    """Return a biplane with struts, wheels and a propeller."""
    body = _draw_body(rng, (0.06, 0.09))
    span, chord = rng.uniform(0.5, 0.7), rng.uniform(0.15, 0.21)
    lead, gap = rng.uniform(-0.36, -0.26), rng.uniform(0.09, 0.15)
    low, high = -body.tall * 0.8, body.tall + gap
    stagger = rng.uniform(-0.06, 0.04)
    parts = _fuselage(body, rng)
    parts += _wing(lead, span * rng.uniform(0.8, 1), chord, chord, 0, low, low)
    parts += _wing(lead + stagger, span, chord, chord, 0, high, high)
    middle = lead + chord / 2
    struts = []
    for y in (body.radius * 0.8, span * rng.uniform(0.6, 0.75)):
        struts.append(bar((middle, y, low), (middle + stagger, y, high), 0.012))
    parts += mirrored(struts)
    parts += _tail(body, rng, "low", swept=False)
    parts += _spinner(-0.5, 0.0, 0.0, rng.uniform(0.13, 0.18), rng)
    return parts + _wheels(body, middle - 0.02, rng)


def _glider(rng: Generator) -> list[Part]:
    """Return a glider: long thin wings, thin body, T-tail."""
    body = _draw_body(rng, (0.035, 0.055))
    span, root = rng.uniform(0.75, 1.0), rng.uniform(0.11, 0.17)
    level = body.tall * rng.uniform(0.2, 0.9)
    rise = rng.uniform(0, 0.12)
    lead = rng.uniform(-0.22, -0.08)
    parts = _fuselage(body, rng)
    parts += _wing(lead, span, root, root * 0.5, 0.03, level, level + rise)
    return parts + _tail(body, rng, "t", swept=False)


def _draw_body(rng: Generator, radius: tuple[float, float]) -> _Body:
    """Return random dimensions of the body; `radius` is the range of its radius."""
    wide = rng.uniform(*radius)
    tall = wide * rng.uniform(0.9, 1.3)
    return _Body(wide, tall, rng.uniform(0.1, 0.6) * tall)


def _fuselage(body: _Body, rng: Generator) -> list[Part]:
    """Return a body: a round nose, a tube and a rear that narrows and rises."""
    nose, rear = rng.uniform(-0.42, -0.32), rng.uniform(0.08, 0.25)
    ring = _ring(body)
    return [
        ellipsoid((nose, 0, 0), (nose + 0.5, body.radius, body.tall)),
        bar((nose, 0, 0), (rear, 0, 0), ring, power=ROUND),
        bar((rear, 0, 0), (0.5, 0, body.tail), ring, _ring(body, 0.25), ROUND),
    ]


def _ring(body: _Body, scale: float = 1.0) -> tuple[float, float, float]:
    """Return the half widths of the body, scaled, for a bar along x."""
    return 0.0, body.radius * scale, body.tall * scale


def _wing(
    lead: float,
    span: float,
    root: float,
    tip: float,
    sweep: float,
    level: float,
    tip_level: float,
) -> list[Part]:
    """Return two wings.

    Args:
        lead: x of the leading edge at the body.
        span: y of the tips.
        root: chord at the body.
        tip: chord at the tips.
        sweep: distance in x of the tip's leading edge behind that of the root.
        level: z at the body.
        tip_level: z of the tips.

    Returns:
        The two wings.
    """
    start = (lead + root / 2, 0.0, level)
    end = (lead + sweep + tip / 2, span, tip_level)
    halves = (root / 2, 0.0, root * 0.05), (tip / 2, 0.0, tip * 0.05)
    return mirrored([bar(start, end, *halves, ROUND if tip > 0.2 else 0.0, axis=1)])


def _fin(
    lead: float,
    y: float,
    z: float,
    chord: float,
    height: float,
    sweep: float,
    top_y: float,
) -> Part:
    """Return an upright fin.

    Args:
        lead: x of the leading edge at the foot.
        y: y of the foot.
        z: z of the foot.
        chord: chord at the foot.
        height: height of the fin.
        sweep: distance in x of the top's leading edge behind that of the foot.
        top_y: y of the top.

    Returns:
        The fin.
    """
    tip = chord * 0.5
    start = (lead + chord / 2, y, z)
    end = (lead + sweep + tip / 2, top_y, z + height)
    thick = 0.008
    return bar(start, end, (chord / 2, thick, 0), (tip / 2, thick, 0), axis=2)


def _tail(body: _Body, rng: Generator, form: str, swept: bool) -> list[Part]:
    """Return a fin and a tailplane, at the foot of the fin ("low") or on top ("t")."""
    chord, height = rng.uniform(0.13, 0.2), rng.uniform(0.13, 0.22)
    sweep = rng.uniform(0.08, 0.15) if swept else rng.uniform(0.02, 0.07)
    lead = 0.5 - chord
    fin = _fin(lead, 0.0, body.tail, chord, height, sweep, 0.0)
    span, root = rng.uniform(0.16, 0.26), rng.uniform(0.09, 0.14)
    level = body.tail + (height if form == "t" else rng.uniform(0, 0.03))
    at = lead + (sweep if form == "t" else chord - root)
    back = rng.uniform(0.05, 0.12) if swept else 0.01
    return [fin, *_wing(at, span, root, root * 0.6, back, level, level)]


def _spinner(x: float, y: float, z: float, reach: float, rng: Generator) -> list[Part]:
    """Return the hub and the two blades of a propeller, upright or level.

    The hub is at (x, y, z); `reach` is the length of a blade.
    """
    hub = bar((x - 0.03, y, z), (x + 0.03, y, z), 0.02, power=ROUND)
    if rng.random() < 0.5:
        return [hub, bar((x, y, z - reach), (x, y, z + reach), 0.01)]
    return [hub, bar((x, y - reach, z), (x, y + reach, z), 0.01)]


def _wheels(body: _Body, x: float, rng: Generator) -> list[Part]:
    """Return two wheels on struts."""
    y, z = body.radius * rng.uniform(1.2, 1.8), -body.tall - rng.uniform(0.05, 0.09)
    strut = bar((x, body.radius * 0.5, -body.tall * 0.6), (x, y, z), 0.012)
    wheel = box((x - 0.03, x + 0.03), (y - 0.012, y + 0.012), (z - 0.03, z + 0.03))
    return mirrored([strut, wheel])
