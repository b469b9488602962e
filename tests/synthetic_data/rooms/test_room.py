"""Procedural rooms: the same for the same seed, varied, and full of edges."""

import numpy as np
import pytest

from synthetic_data.rooms.room import draw_room


def draw(seed: int, size: int = 64) -> np.ndarray:
    return draw_room(np.random.default_rng(seed), size)


@pytest.mark.parametrize("size", [16, 90])
def test_rooms_have_the_size_that_is_asked_for(size):
    room = draw(0, size)
    assert room.shape == (size, size, 3) and room.dtype == np.uint8


def test_a_seed_is_a_room():
    np.testing.assert_array_equal(draw(3), draw(3))
    assert np.abs(draw(3).astype(int) - draw(4)).mean() > 10


def test_rooms_are_varied_and_have_edges():
    rooms = np.stack([draw(seed) for seed in range(40)]).astype(float)
    brightness = rooms.mean(axis=(1, 2, 3))
    assert brightness.std() > 25 and 50 < brightness.mean() < 200
    # Walls differ from floors in most rooms.
    above, below = rooms[:, :12].mean(axis=(1, 2)), rooms[:, -12:].mean(axis=(1, 2))
    assert np.median(np.abs(above - below).max(axis=1)) > 20
    edges = np.abs(np.diff(rooms, axis=2)).max(axis=(1, 2, 3))
    assert np.median(edges) > 40
