"""Writing images and animations, and reading them back."""

import imageio.v3 as imageio
import numpy as np
import pytest
from PIL import Image, ImageSequence

from common.images import writing


def frames(count: int) -> list[np.ndarray]:
    return [np.full((8, 6, 3), 2 * i, np.uint8) for i in range(count)]


def test_a_written_image_is_read_back_unchanged(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (8, 6, 3), np.uint8)
    writing.save_image(picture, tmp_path / "a.png")
    np.testing.assert_array_equal(writing.load_image(tmp_path / "a.png"), picture)


@pytest.mark.parametrize(("given", "written"), [(1, 1), (5, 5), (100, 60)])
def test_an_animation_has_at_most_60_frames_with_both_ends(tmp_path, given, written):
    writing.save_gif(frames(given), tmp_path / "a.gif")
    animation = imageio.imread(tmp_path / "a.gif", index=None)
    assert len(animation) == written
    assert animation[0].mean() == pytest.approx(0, abs=2)
    assert animation[-1].mean() == pytest.approx(2 * (given - 1), abs=2)


def test_an_animation_of_equal_frames_and_of_none(tmp_path):
    writing.save_gif(frames(1) * 3, tmp_path / "a.gif")
    assert (tmp_path / "a.gif").exists()
    writing.save_gif([], tmp_path / "b.gif")
    assert not (tmp_path / "b.gif").exists()


@pytest.mark.parametrize(("last", "expected"), [(None, 2000), (50, 50)])
def test_the_last_frame_has_a_time_of_its_own(tmp_path, last, expected):
    options = {} if last is None else {"last": last}
    writing.save_gif(frames(3), tmp_path / "a.gif", 50, **options)
    with Image.open(tmp_path / "a.gif") as gif:
        times = [frame.info["duration"] for frame in ImageSequence.Iterator(gif)]
    assert times == [50, 50, expected]
