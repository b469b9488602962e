"""Pictures and films are written, read back and never longer than they should be."""

import imageio.v3 as imageio
import numpy as np
import pytest

from common.images import writing


def frames(count: int) -> list[np.ndarray]:
    return [np.full((8, 6, 3), 2 * i, np.uint8) for i in range(count)]


def test_a_picture_comes_back(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (8, 6, 3), np.uint8)
    writing.save_image(picture, tmp_path / "a.png")
    np.testing.assert_array_equal(writing.load_image(tmp_path / "a.png"), picture)


@pytest.mark.parametrize(("given", "written"), [(1, 1), (5, 5), (100, 60)])
def test_films(tmp_path, given, written):
    writing.save_gif(frames(given), tmp_path / "a.gif")
    film = imageio.imread(tmp_path / "a.gif", index=None)
    assert len(film) == written
    assert film[0].mean() == pytest.approx(0, abs=2)
    assert film[-1].mean() == pytest.approx(2 * (given - 1), abs=2)


def test_a_film_of_equal_pictures_and_of_none(tmp_path):
    writing.save_gif(frames(1) * 3, tmp_path / "a.gif")
    assert (tmp_path / "a.gif").exists()
    writing.save_gif([], tmp_path / "b.gif")
    assert not (tmp_path / "b.gif").exists()
