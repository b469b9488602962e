"""Procedural cars, in metres: a body with arches, wheels and a cabin.

The front faces negative x, and the wheels stand on z = 0.
"""

import dataclasses

import numpy as np

from synthetic_data.shapes.primitives import ROUND, Part, bar, box, mirrored

Generator = np.random.Generator
Range = tuple[float, float]
# Exponent of the outline of a body seen from above: round corners, straight sides.
_PLAN = 6.0
_ARCH = 0.15  # free space around a wheel
_TYRE = 0.26  # width of a wheel
_BED_WALL = 0.12  # thickness of the walls around a pickup's bed


@dataclasses.dataclass(frozen=True)
class _Kind:
    """Ranges of the dimensions of one kind of car.

    Attributes:
        share: share of the cars that are of this kind.
        length: length of the body.
        width: width of the body.
        height: height of the roof.
        belt: height of the lower edge of the side windows.
        nose: height of the front end of the bonnet, as a share of `belt`.
        bonnet: length of the bonnet.
        screen: length of the slope of the windscreen, seen from above.
        rear: length of the slope of the rear window, seen from above.
        boot: length of the boot behind it, or of the bed of a pickup.
        clearance: height of the underside.
        wheel: radius of the wheels.
    """

    share: float
    length: Range
    width: Range
    height: Range
    belt: Range
    nose: Range
    bonnet: Range
    screen: Range
    rear: Range
    boot: Range
    clearance: Range
    wheel: Range


_KINDS = {
    "saloon": _Kind(
        share=0.22,
        length=(4.3, 5.1),
        width=(1.7, 1.9),
        height=(1.36, 1.5),
        belt=(0.86, 0.97),
        nose=(0.72, 0.92),
        bonnet=(1.0, 1.4),
        screen=(0.5, 0.85),
        rear=(0.35, 0.8),
        boot=(0.5, 0.95),
        clearance=(0.26, 0.36),
        wheel=(0.34, 0.39),
    ),
    "hatchback": _Kind(
        share=0.2,
        length=(3.5, 4.3),
        width=(1.62, 1.82),
        height=(1.4, 1.6),
        belt=(0.88, 1.0),
        nose=(0.7, 0.9),
        bonnet=(0.65, 1.05),
        screen=(0.5, 0.9),
        rear=(0.12, 0.55),
        boot=(0.0, 0.12),
        clearance=(0.26, 0.36),
        wheel=(0.33, 0.38),
    ),
    "estate": _Kind(
        share=0.11,
        length=(4.4, 5.0),
        width=(1.7, 1.88),
        height=(1.4, 1.54),
        belt=(0.88, 0.98),
        nose=(0.72, 0.92),
        bonnet=(1.0, 1.35),
        screen=(0.5, 0.85),
        rear=(0.08, 0.4),
        boot=(0.0, 0.05),
        clearance=(0.26, 0.36),
        wheel=(0.34, 0.39),
    ),
    "off-roader": _Kind(
        share=0.17,
        length=(3.9, 5.0),
        width=(1.76, 2.0),
        height=(1.62, 1.92),
        belt=(1.02, 1.16),
        nose=(0.8, 0.98),
        bonnet=(0.85, 1.3),
        screen=(0.2, 0.65),
        rear=(0.05, 0.45),
        boot=(0.0, 0.08),
        clearance=(0.36, 0.5),
        wheel=(0.39, 0.46),
    ),
    "pickup": _Kind(
        share=0.09,
        length=(4.8, 5.6),
        width=(1.78, 2.0),
        height=(1.66, 1.92),
        belt=(1.04, 1.16),
        nose=(0.86, 0.98),
        bonnet=(0.95, 1.3),
        screen=(0.35, 0.65),
        rear=(0.03, 0.15),
        boot=(1.4, 2.3),
        clearance=(0.38, 0.52),
        wheel=(0.39, 0.46),
    ),
    "van": _Kind(
        share=0.09,
        length=(4.2, 5.4),
        width=(1.75, 2.0),
        height=(1.8, 2.35),
        belt=(1.0, 1.25),
        nose=(0.7, 0.9),
        bonnet=(0.2, 0.75),
        screen=(0.4, 0.95),
        rear=(0.02, 0.12),
        boot=(0.0, 0.0),
        clearance=(0.3, 0.4),
        wheel=(0.34, 0.4),
    ),
    "sports car": _Kind(
        share=0.12,
        length=(3.9, 4.7),
        width=(1.74, 2.0),
        height=(1.1, 1.3),
        belt=(0.72, 0.86),
        nose=(0.6, 0.85),
        bonnet=(1.0, 1.6),
        screen=(0.55, 0.95),
        rear=(0.5, 1.2),
        boot=(0.1, 0.5),
        clearance=(0.22, 0.3),
        wheel=(0.34, 0.39),
    ),
}


@dataclasses.dataclass(frozen=True)
class _Body:
    """The dimensions that all parts of one car share; x is 0 in its middle.

    Attributes:
        kind: name of the kind.
        front, back: x of both ends.
        half: half of the width.
        roof, belt, nose, clearance: heights, as in `_Kind`.
        axles: x of both axles.
        wheel: radius of the wheels.
        cowl: x of the foot of the windscreen.
        roof_front, roof_back: x of both ends of the roof.
        deck: x of the foot of the rear window, where the boot or the bed begins.
    """

    kind: str
    front: float
    back: float
    half: float
    roof: float
    belt: float
    nose: float
    clearance: float
    axles: tuple[float, float]
    wheel: float
    cowl: float
    roof_front: float
    roof_back: float
    deck: float


def car(rng: Generator) -> list[Part]:
    """Return the parts of one random car.

    Args:
        rng: source of the random values.

    Returns:
        Parts for `primitives.voxelise`.
    """
    shares = [kind.share for kind in _KINDS.values()]
    body = _draw_body(str(rng.choice(list(_KINDS), p=shares)), rng)
    parts = _sides(body) + _upper_body(body, rng) + _cabin(body, rng) + _wheels(body)
    return parts + _extras(body, rng)


def _draw_body(name: str, rng: Generator) -> _Body:
    """Return random dimensions of one kind of car."""
    kind = _KINDS[name]
    value = {
        field.name: rng.uniform(*getattr(kind, field.name))
        for field in dataclasses.fields(kind)
        if field.name != "share"
    }
    front, back = -value["length"] / 2, value["length"] / 2
    wheel = value["wheel"]
    overhangs = rng.uniform(0.32, 0.52, 2) * (1, 1.25 if name == "saloon" else 1)
    cowl = front + value["bonnet"]
    deck = back - value["boot"]
    return _Body(
        kind=name,
        front=front,
        back=back,
        half=value["width"] / 2,
        roof=value["height"],
        belt=value["belt"],
        nose=value["belt"] * value["nose"],
        clearance=value["clearance"],
        axles=(front + overhangs[0] + wheel, back - overhangs[1] - wheel),
        wheel=wheel,
        cowl=cowl,
        roof_front=cowl + value["screen"],
        roof_back=deck - value["rear"],
        deck=deck,
    )


def _sides(b: _Body) -> list[Part]:
    """Return the lower body: a floor between the wheels, and sides with arches."""
    top = 2 * b.wheel + _ARCH
    inner = b.half - _TYRE - 0.08
    parts = [box((b.front + 0.1, b.back - 0.1), (-inner, inner), (b.clearance, top))]
    reach = b.wheel + _ARCH
    edges = [b.front + 0.06]
    for axle in b.axles:
        edges += [axle - reach, axle + reach]
    edges.append(b.back - 0.06)
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if end - start > 0.05:
            # Ends are narrower than the middle, as those of the upper body.
            half = b.half if start > b.axles[0] and end < b.axles[1] else 0.94 * b.half
            parts.append(box((start, end), (-half, half), (b.clearance, top)))
    return parts


def _upper_body(b: _Body, rng: Generator) -> list[Part]:
    """Return the body from the arches to the belt: bonnet, doors, boot or bed."""
    low = 2 * b.wheel + _ARCH - 0.05
    whole = b.front, b.back
    sides = -b.half, b.half
    parts = [box(whole, sides, (low, max(b.nose, low + 0.08)), _PLAN)]
    # The bonnet rises from the nose to the belt.
    middle, depth = (low + b.nose) / 2, max(b.nose - low, 0.08) / 2
    start = (b.front + 0.05, 0, middle)
    end = (b.cowl, 0, (low + b.belt) / 2)
    halves = (0, 0.9 * b.half, depth), (0, b.half * 0.97, (b.belt - low) / 2)
    parts.append(bar(start, end, *halves, axis=0))
    if b.kind == "pickup":
        parts.append(box((b.cowl, b.deck), sides, (low, b.belt)))
        return parts + _bed(b, low, rng)
    parts.append(box((b.cowl, b.deck), sides, (low, b.belt)))
    drop = rng.uniform(-0.03, 0.1) if b.kind in ("saloon", "sports car") else 0.0
    rear = b.back - 0.02, b.belt - drop
    start = (b.deck - 0.3, 0, (low + b.belt) / 2)
    end = (rear[0], 0, (low + rear[1]) / 2)
    halves = (0, b.half, (b.belt - low) / 2), (0, 0.92 * b.half, (rear[1] - low) / 2)
    parts.append(bar(start, end, *halves, axis=0))
    return parts


def _bed(b: _Body, low: float, rng: Generator) -> list[Part]:
    """Return the open bed of a pickup: floor, walls and sometimes a cover."""
    top = b.belt - rng.uniform(0, 0.1)
    span = b.deck, b.back
    y = b.half
    parts = mirrored([box(span, (y - _BED_WALL, y), (low, top))])
    parts.append(box((b.back - _BED_WALL, b.back), (-y, y), (low, top)))
    if rng.random() < 0.2:
        parts.append(box(span, (-y, y), (low, top)))
    return parts


def _cabin(b: _Body, rng: Generator) -> list[Part]:
    """Return the cabin, which is narrower at the roof and slopes at both ends."""
    low = b.belt - 0.05
    tumble = rng.uniform(0.94, 0.99) if b.kind == "van" else rng.uniform(0.76, 0.9)
    foot = 0.97 * b.half
    start = ((b.cowl + b.deck) / 2, 0, low)
    end = ((b.roof_front + b.roof_back) / 2, 0, b.roof)
    halves = (
        ((b.deck - b.cowl) / 2, foot, 0),
        (max(b.roof_back - b.roof_front, 0.3) / 2, foot * tumble, 0),
    )
    return [bar(start, end, *halves, axis=2)]


def _wheels(b: _Body) -> list[Part]:
    """Return four wheels, a little outside of the body's sides."""
    r = b.wheel
    width = b.half + 0.07 - _TYRE, b.half + 0.07
    parts = []
    for x in b.axles:
        parts.append(bar((x, width[0], r), (x, width[1], r), (r, 0, r), power=ROUND))
        # All tyres touch the ground, wherever the voxels' centres are.
        parts.append(box((x - 0.3 * r, x + 0.3 * r), width, (0, r)))
    return mirrored(parts)


def _extras(b: _Body, rng: Generator) -> list[Part]:
    """Return some of mirrors, bumpers, rails, a spoiler and a spare wheel."""
    parts: list[Part] = []
    if rng.random() < 0.5:
        mirror = box(
            (b.cowl + 0.2, b.cowl + 0.4),
            (b.half - 0.05, b.half + 0.16),
            (b.belt + 0.02, b.belt + 0.18),
        )
        parts += mirrored([mirror])
    if rng.random() < 0.4:
        height = b.clearance + 0.12, b.clearance + 0.3
        half = 0.9 * b.half
        parts.append(box((b.front - 0.06, b.front + 0.2), (-half, half), height))
        parts.append(box((b.back - 0.2, b.back + 0.06), (-half, half), height))
    if b.kind in ("estate", "off-roader") and rng.random() < 0.35:
        y = 0.66 * b.half
        start, end = b.roof_front + 0.1, b.roof_back - 0.1
        rail = bar((start, y, b.roof + 0.08), (end, y, b.roof + 0.08), 0.03)
        parts += mirrored([rail])
    if b.kind == "sports car" and rng.random() < 0.4:
        z, y = b.belt + rng.uniform(0.12, 0.25), 0.8 * b.half
        parts.append(box((b.back - 0.3, b.back), (-y, y), (z - 0.03, z + 0.03)))
        post = bar(
            (b.back - 0.15, y * 0.7, b.belt - 0.1), (b.back - 0.15, y * 0.7, z), 0.03
        )
        parts += mirrored([post])
    if b.kind == "off-roader" and rng.random() < 0.25:
        r, z = b.wheel * 0.9, b.belt - 0.1
        start, end = (b.back - 0.05, 0, z), (b.back + 0.2, 0, z)
        parts.append(bar(start, end, (0, r, r), power=ROUND))
    return parts
