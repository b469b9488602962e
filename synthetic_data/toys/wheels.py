"""Wheels, which trucks and cars share."""

from collections.abc import Iterable

from synthetic_data.toys.solids import Sculpture, drum


def add_wheels(
    toy: Sculpture,
    axles: Iterable[float],
    radius: float,
    track: float,
    width: float,
    arch: float = 0.05,
) -> None:
    """Cut wheel arches and add a pair of wheels to each axle.

    Args:
        toy: the vehicle so far.
        axles: x of each axle.
        radius: radius of the wheels; they stand on z = 0.
        track: distance of the outer side of a wheel from the middle.
        width: width of a wheel.
        arch: gap between wheel and body; 0 for wheels without arches.
    """
    for x in axles:
        inner, outer = (x, track - width, radius), (x, track, radius)
        if arch:
            outside = (x, track + 0.2, radius)
            toy.cut(drum(inner, outside, radius + arch), both=True)
        toy.add(drum(inner, outer, radius, edge=0.04), blend=0.01, both=True)
        # A hollow rim, and an axle that joins both wheels.
        rim = (x, track - 0.04, radius), (x, track + 0.1, radius)
        toy.cut(drum(*rim, 0.55 * radius), both=True)
        toy.add(drum((x, -track + 0.06, radius), (x, track - 0.06, radius), 0.06))
