"""The solids of toys: distances worked out by hand, and surfaces."""

import numpy as np
import pytest

from synthetic_data.toys.solids import (
    Sculpture,
    ball,
    block,
    drum,
    mirrored,
    plate,
    profile,
    rod,
    tilted,
)

SQUARE = [(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0)]
# A triangle with a notch on the right: the point (1.5, 1) is outside.
NOTCHED = [(0.0, 0.0), (2.0, 0.0), (1.0, 1.0), (2.0, 2.0), (0.0, 2.0)]
CASES = (
    (ball((1, 0, 0), 0.5), (1, 0, 2), 1.5),
    (ball((1, 0, 0), 0.5), (1, 0.25, 0), -0.25),
    (ball((0, 0, 0), (2, 1, 1)), (0, 3, 0), 2.0),
    (rod((0, 0, 0), (2, 0, 0), 0.5), (1, 2, 0), 1.5),
    (rod((0, 0, 0), (2, 0, 0), 0.5, 0.25), (4, 0, 0), 1.75),
    (drum((0, 0, 0), (0, 0, 2), 1.0), (0, 0, 3), 1.0),
    (drum((0, 0, 0), (0, 0, 2), 1.0, 0.5), (2, 0, 2), 1.5),
    (block((0, 0, 0), (1, 2, 3)), (0, 0, 5), 2.0),
    (block((0, 0, 0), (1, 2, 3)), (0.5, 0, 0), -0.5),
    (profile(SQUARE, 0.5), (1, 2, 1), 1.5),
    (profile(SQUARE, 0.5), (4, 0, 1), 2.0),
    (profile(SQUARE, 1.0, 0.5), (1, 2, 2), 1.5),
    (profile(NOTCHED, 2.0), (1.5, 0, 1), 0.5 / np.sqrt(2)),
    (plate(SQUARE, 1.0, 0.25), (1, 1, 2), 0.75),
    (plate(SQUARE, 1.0, 0.25, rise=0.5), (1, 1, 2), 0.25),
    (mirrored(ball((0, 1, 0), 0.5)), (0, -3, 0), 1.5),
    # Raised by 90 degrees, the front end of the rod is above the pivot.
    (tilted(rod((0, 0, 0), (2, 0, 0), 0.5), 90, (0, 0, 0)), (0, 0, 4), 1.5),
)


@pytest.mark.parametrize("solid, point, expected", CASES)
def test_distances(solid, point, expected):
    x, y, z = (np.full((1, 1, 1), value, np.float32) for value in point)
    assert solid.distance(x, y, z).item() == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("solid", [case[0] for case in CASES])
def test_the_box_of_a_solid_contains_it(solid):
    axes = [np.linspace(-5, 5, 61, dtype=np.float32) + 0.01] * 3
    x, y, z = np.meshgrid(*axes, indexing="ij")
    points = np.stack([x, y, z])[:, solid.distance(x, y, z) < 0]
    assert (points >= solid.low[:, None] - 1e-4).all()
    assert (points <= solid.high[:, None] + 1e-4).all()


def test_the_surface_of_a_ball_is_a_sphere_on_the_ground():
    toy = Sculpture()
    toy.add(ball((3, 4, 5), 2.0))
    surface, openness = toy.surface(cells=40)
    outward = surface.vertices - [0, 0, 1]
    np.testing.assert_allclose(np.linalg.norm(outward, axis=1), 1, atol=0.01)
    assert (surface.normals * outward).sum(axis=1).min() > 0.98
    a, b, c = (surface.vertices[surface.faces[:, k]] for k in range(3))
    assert ((np.cross(b - a, c - a) * (a - [0, 0, 1])).sum(axis=1) > -1e-9).all()
    assert openness.min() > 0.7


def test_what_is_cut_away_is_missing():
    whole, holed = Sculpture(), Sculpture()
    for toy in (whole, holed):
        toy.add(block((0, 0, 0), (1, 1, 1)))
    holed.cut(rod((-2, 0, 0), (2, 0, 0), 0.5), blend=0.01)

    def nearest(toy):
        surface, _ = toy.surface(cells=40)
        centred = surface.vertices - [0, 0, surface.vertices[:, 2].max() / 2]
        return np.linalg.norm(centred[:, 1:], axis=1).min() * np.sqrt(3)

    # The ends are flat in the whole cube; else they have a hole of radius 0.5.
    assert nearest(whole) < 0.1
    assert nearest(holed) == pytest.approx(0.5, abs=0.06)


def test_a_smooth_union_fills_the_corner():
    def lowest(blend):
        toy = Sculpture()
        toy.add(ball((-0.5, 0, 0), 0.7), ball((0.5, 0, 0), 0.7), blend=blend)
        surface, _ = toy.surface(cells=60)
        waist = np.abs(surface.vertices[:, 0]) < 0.02
        return np.abs(surface.vertices[waist, 1]).max()

    assert lowest(0.4) > lowest(0.01) + 0.03
