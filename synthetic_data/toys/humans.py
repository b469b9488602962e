"""Human figures, such as soldiers, workers and dancers, on a small base."""

import numpy as np

from synthetic_data.toys.solids import Point, Sculpture, ball, block, drum, rod

KINDS = (
    "soldier",
    "cowboy",
    "worker",
    "dancer",
    "wizard",
    "guard",
    "runner",
    "knight",
    "queen",
    "hiker",
)
# Where the hands are (forward, outward, up, from the shoulders), right and left.
_ARMS: dict[str, tuple[Point, Point]] = {
    "soldier": ((0.46, -0.16, -0.12), (0.56, -0.22, -0.02)),
    "cowboy": ((0.58, 0.10, -0.02), (0.12, 0.30, -0.52)),
    "worker": ((0.46, 0.10, -0.18), (0.46, 0.10, -0.18)),
    "dancer": ((0.12, 0.52, 0.34), (0.32, 0.50, -0.04)),
    "wizard": ((0.44, 0.20, 0.16), (0.40, 0.26, -0.10)),
    "guard": ((0.40, 0.14, -0.20), (0.06, 0.16, -0.58)),
    "runner": ((0.46, 0.02, 0.00), (-0.40, 0.14, -0.34)),
    "knight": ((0.30, 0.26, 0.40), (0.40, 0.06, -0.26)),
    "queen": ((0.34, -0.06, -0.34), (0.34, -0.06, -0.34)),
    "hiker": ((0.44, 0.16, -0.24), (0.30, 0.12, -0.44)),
}


def human(kind: str, rng: np.random.Generator) -> Sculpture:
    """Return a figure.

    Args:
        kind: one of `KINDS`.
        rng: source of its proportions.
    """
    toy = Sculpture()
    hips = rng.uniform(0.80, 0.95)
    chest = hips + rng.uniform(0.50, 0.60)
    stout = rng.uniform(0.92, 1.18)
    shoulder = 0.30 * stout
    if kind in ("dancer", "queen", "wizard"):
        _skirt(toy, kind, hips, stout, rng)
    else:
        _legs(toy, kind, hips, stout, rng)
    toy.add(
        rod((0.0, 0.0, hips), (0.02, 0.0, chest - 0.08), 0.19 * stout, 0.22 * stout),
        rod((0, -shoulder + 0.1, chest), (0, shoulder - 0.1, chest), 0.13),
        blend=0.12,
    )
    _arms(toy, kind, shoulder, chest, rng)
    head = (0.05, 0.0, chest + 0.34)
    size = rng.uniform(0.19, 0.22)
    toy.add(rod((0.0, 0.0, chest), head, 0.09), blend=0.06)
    toy.add(ball(head, (1.05 * size, 0.9 * size, 1.15 * size)), blend=0.03)
    nose = (head[0] + 1.0 * size, 0.0, head[2] - 0.03)
    toy.add(ball(nose, (0.07, 0.05, 0.065)), blend=0.03)
    _hat(toy, kind, head, size, rng)
    _load(toy, kind, chest, hips, stout, rng)
    width = rng.uniform(0.34, 0.42)
    toy.add(drum((0.04, 0, -0.05), (0.04, 0, 0.03), width, width - 0.03), blend=0.02)
    return toy


def _legs(
    toy: Sculpture, kind: str, hips: float, stout: float, rng: np.random.Generator
) -> None:
    """Add legs with feet that point forward."""
    stride = rng.uniform(0.0, 0.12)
    if kind in ("runner", "hiker", "cowboy"):
        stride = rng.uniform(0.2, 0.3)
    for side in (1, -1):
        y, thick = side * rng.uniform(0.12, 0.15) * stout, 0.11 * stout
        hip, foot = (0.0, y, hips), (side * stride - 0.04, y * 1.3, 0.1)
        knee = (side * stride * 0.5 + 0.05, y * 1.15, 0.5 * hips)
        toy.add(rod(hip, knee, 0.145 * stout, thick), blend=0.06)
        toy.add(rod(knee, foot, thick, 0.085), blend=0.04)
        toe = (foot[0] + 0.2, foot[1] + side * 0.04, 0.07)
        toy.add(rod(foot, toe, 0.1, 0.08), blend=0.04)


def _skirt(
    toy: Sculpture, kind: str, hips: float, stout: float, rng: np.random.Generator
) -> None:
    """Add a long gown, or a short skirt with legs."""
    waist, width = (0.0, 0.0, hips + 0.12), rng.uniform(0.30, 0.38)
    if kind == "dancer":
        _legs(toy, kind, hips, 0.85 * stout, rng)
        hem = (0.0, 0.0, hips - rng.uniform(0.2, 0.3))
        toy.add(drum(hem, waist, 1.15 * width, 0.17), blend=0.05)
        return
    toy.add(drum((0.0, 0.0, 0.02), waist, width, 0.17 * stout), blend=0.08)
    # A train behind and shoes in front tell the two sides apart.
    toy.add(rod((-0.2, 0.0, 0.08), (-0.48, 0.0, 0.05), 0.14, 0.06), blend=0.12)
    toy.add(rod((0.25, 0.1, 0.07), (0.42, 0.11, 0.06), 0.08, 0.07), both=True)


def _arms(
    toy: Sculpture,
    kind: str,
    shoulder: float,
    chest: float,
    rng: np.random.Generator,
) -> None:
    """Add the arms."""
    for side, hand in zip((-1, 1), _ARMS[kind], strict=True):
        forward, out, up = np.add(hand, rng.uniform(-0.05, 0.05, 3))
        start = np.array([0.0, side * shoulder, chest])
        end = start + (forward, side * out, up)
        # The elbow is below and outside of the line from shoulder to hand.
        elbow = (start + end) / 2 + (-0.06, side * 0.08, -0.08)
        toy.add(rod(start, elbow, 0.1, 0.085), blend=0.05)
        toy.add(rod(elbow, end, 0.085, 0.07), ball(end, 0.095), blend=0.03)


def _hat(
    toy: Sculpture, kind: str, head: Point, size: float, rng: np.random.Generator
) -> None:
    """Add a hat, a helmet, a crown or hair."""
    x, _, z = head
    top = z + 0.75 * size
    if kind in ("cowboy", "hiker"):
        brim = rng.uniform(0.3, 0.38)
        toy.add(ball((x, 0, z + 0.5 * size), (1.15 * brim, brim, 0.05)), blend=0.02)
        toy.add(drum((x, 0, top - 0.06), (x, 0, top + 0.14), 0.18, 0.14), blend=0.03)
    elif kind == "wizard":
        tip = (x - 0.12, 0.0, top + rng.uniform(0.4, 0.55))
        toy.add(rod((x, 0, top - 0.08), tip, 0.19, 0.035), blend=0.03)
        toy.add(ball((x, 0, z + 0.5 * size), (0.28, 0.27, 0.05)), blend=0.02)
        toy.add(rod((x + 0.14, 0, z - 0.16), (x + 0.2, 0, z - 0.5), 0.1, 0.04))  # beard
    elif kind == "guard":
        toy.add(rod((x - 0.02, 0, top), (x - 0.03, 0, top + 0.26), 0.2, 0.19))
    elif kind == "queen":
        toy.add(drum((x, 0, top - 0.02), (x, 0, top + 0.14), 0.15, 0.2), blend=0.02)
        toy.add(ball((x - 0.14, 0, z - 0.1), (0.14, 0.19, 0.3)), blend=0.05)
    elif kind == "dancer":
        toy.add(ball((x - 0.06, 0, z + 0.04), 1.02 * size), blend=0.03)
        toy.add(ball((x - 0.2, 0, top), 0.12), blend=0.03)
        toy.add(rod((x - 0.24, 0, z), (x - 0.32, 0, z - 0.4), 0.09, 0.05))
    else:
        dome = 1.18 * size
        toy.add(ball((x - 0.02, 0, z + 0.4 * size), (dome, dome, 0.9 * size)))
        peak = (x + 1.25 * size, 0.0, z + 0.4 * size)
        toy.add(ball(peak, (0.14, 0.15, 0.04)), blend=0.03)
        if kind == "knight":
            plume = (x - 0.25, 0.0, top + rng.uniform(0.1, 0.25))
            toy.add(rod((x, 0, top + 0.08), plume, 0.06, 0.09))


def _load(
    toy: Sculpture,
    kind: str,
    chest: float,
    hips: float,
    stout: float,
    rng: np.random.Generator,
) -> None:
    """Add what the figure carries in its hands or on its back."""
    right, left = _ARMS[kind]
    shoulder = 0.30 * stout
    grip = np.array([right[0], -shoulder - right[1], chest + right[2]])
    if kind in ("soldier", "hiker", "worker"):
        depth = rng.uniform(0.12, 0.17)
        toy.add(block((-0.3, 0, chest - 0.18), (depth, 0.22, 0.26), 0.08), blend=0.03)
    if kind == "soldier":
        reach = rng.uniform(0.35, 0.5)
        toy.add(rod(grip - (0.35, 0, 0.1), grip + (reach, 0.1, 0.12), 0.06, 0.04))
    elif kind == "cowboy":
        toy.add(rod(grip, grip + (0.24, 0, 0.02), 0.055, 0.04))
    elif kind == "worker":
        size = (0.2, shoulder + 0.06, 0.18)
        toy.add(block((0.52, 0, chest - 0.2), size, 0.04), blend=0.03)
    elif kind == "wizard":
        foot = (grip[0], grip[1], 0.05)
        toy.add(rod(foot, grip + (0, 0, 0.5), 0.045), ball(grip + (0, 0, 0.55), 0.1))
    elif kind == "guard":
        toy.add(rod((grip[0], grip[1], 0.3), grip + (0, 0, 0.75), 0.045, 0.035))
        toy.add(ball(grip + (0, 0, 0.7), (0.04, 0.09, 0.16)))
    elif kind == "knight":
        toy.add(rod(grip - (0, 0, 0.1), grip + (0.3, 0, 0.5), 0.045, 0.03))
        shield = np.array([left[0] + 0.06, shoulder + left[1], chest + left[2]])
        toy.add(ball(shield, (0.07, 0.27, rng.uniform(0.3, 0.4))), blend=0.03)
    elif kind == "hiker":
        toy.add(rod((grip[0] + 0.1, grip[1], 0.03), grip + (0, 0, 0.12), 0.04))
