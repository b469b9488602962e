"""The pen of the cartoons: where it paints, and its curves."""

import numpy as np
import pytest
from PIL import Image

from synthetic_data.drawing import pen


def paint(shape: np.ndarray, **options: object) -> np.ndarray:
    """Return the pixels a pen with 20 pixels per head unit paints, bool (100, 100)."""
    image = Image.new("RGB", (100, 100))
    pen.Pen(image, 20, (50, 50), **options).fill(shape, pen.WHITE)
    return np.asarray(image)[..., 0] > 0


def test_a_pen_places_tilts_and_turns():
    bar = [(0, -0.2), (2, -0.2), (2, 0.2), (0, 0.2)]
    rows, columns = np.nonzero(paint(bar))
    assert (rows.min(), rows.max()) == (46, 54)
    assert (columns.min(), columns.max()) == (50, 90)
    # A quarter turn clockwise moves the bar from the right to the bottom.
    rows, columns = np.nonzero(paint(bar, tilt=90))
    assert (rows.min(), rows.max()) == (50, 90)
    rows, _ = np.nonzero(paint(bar, tilt=90, pivot=(2, 0)))
    assert (rows.min(), rows.max()) == (10, 50)
    # The middle of a face moves to the right; its outline stays.
    dot, rim = pen.ellipse(0, 0, 0.1, 0.1), pen.ellipse(1.1, 0, 0.1, 0.1)
    places = [paint(dot, turn=(x, 0)).nonzero()[1].mean() for x in (0, 0.5)]
    assert places[1] - places[0] == pytest.approx(10, abs=0.6)
    np.testing.assert_array_equal(paint(rim), paint(rim, turn=(0.5, 0)))


def test_curves_pass_through_their_points():
    points = np.random.default_rng(0).normal(size=(5, 2))
    np.testing.assert_allclose(pen.curve(points)[::6], points)
    np.testing.assert_allclose(pen.curve(points, closed=True)[::6], points)
    # Catmull-Rom curves keep even steps along a line.
    line = np.stack([np.arange(6.0), 2 * np.arange(6.0)], 1)
    inner = pen.curve(line)[6:-6]
    np.testing.assert_allclose(np.diff(inner, axis=0), [[1 / 6, 1 / 3]] * 18)


def test_a_stroke_has_the_given_widths():
    outline = pen.stroke([(-1, 0), (0, 0), (1, 0)], 0.4, start=0.5, end=0)
    x, y = outline.T
    assert y.max() == pytest.approx(0.2, abs=0.01)
    assert np.abs(y[x == -1]).max() == pytest.approx(0.1)
    assert np.abs(y[x == 1]).max() == pytest.approx(0, abs=1e-6)


def test_bows_are_quadratic():
    corners = np.array([[(0.0, 0.0)], [(1.0, 2.0)], [(2.0, 0.0)]])
    x, y = pen.bows(*corners)[:, 0].T
    np.testing.assert_allclose(x, np.linspace(0, 2, 7))
    np.testing.assert_allclose(y, x * (2 - x))
