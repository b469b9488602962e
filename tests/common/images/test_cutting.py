"""The square around an object in a photo, and masks."""

import numpy as np
import pytest
from pictures import saved
from PIL import Image

from common.images.cutting import cut_square, filled_box, read_mask
from common.images.image_file import ImageError


def test_a_mask_is_cut_as_its_photo():
    mask = np.zeros((30, 50), np.uint8)
    mask[10:20, 20:40] = 255
    photo = np.repeat(mask[..., None], 3, axis=2)
    options = {"box": (20, 10, 40, 20), "margin": 0.05, "fill": 0}
    square = cut_square(mask, 44, **options)
    # The edge is 22 pixels, which become 44.
    assert filled_box(square >= 128) == (2, 12, 42, 32)
    assert np.array_equal(cut_square(photo, 44, **options)[..., 1], square)


def test_what_lies_beyond_the_photo_is_filled_or_repeated():
    photo = np.full((10, 20, 3), 90, np.uint8)
    filled = cut_square(photo, 20, margin=0, fill=255)
    assert (filled[:4] == 255).all() and (filled[7:13] == 90).all()
    assert (cut_square(photo, 20, margin=0) == 90).all()


def test_the_filter_is_the_chosen_one():
    step = np.repeat(np.uint8([[0] * 8 + [200] * 8]), 16, axis=0)
    nearest = cut_square(step, 24, margin=0, resample=Image.Resampling.NEAREST)
    assert set(nearest.flat) == {0, 200}
    assert len(set(cut_square(step, 24, margin=0).flat)) > 2


def test_no_filled_pixel_has_no_box():
    assert filled_box(np.zeros((3, 4), bool)) is None


@pytest.mark.parametrize("scale", [255, 251, 128, 2, 1])
def test_masks_are_as_bright_as_their_brightest_pixel(tmp_path, scale):
    mask = np.zeros((10, 20), np.uint8)
    mask[2, 3], mask[4, 5] = scale, scale // 2
    found = read_mask(saved(mask, tmp_path / "mask.png"), tmp_path / "a.png", (10, 20))
    assert found.dtype == np.uint8 and found[2, 3] == 255
    # Filled is what is brighter than half of the brightest.
    assert found[4, 5] < 128 and found[0, 0] == 0


def test_a_transparent_mask(tmp_path):
    mask = np.zeros((10, 20, 4), np.uint8)
    mask[2, 3, 3] = 200
    found = read_mask(saved(mask, tmp_path / "mask.png"), tmp_path / "a.png", (10, 20))
    assert found[2, 3] == 200 and found.sum() == 200


def test_wrong_masks_are_named(tmp_path):
    empty = saved(np.zeros((10, 20), np.uint8), tmp_path / "mask.png")
    with pytest.raises(ImageError, match=r"mask\.png: .* found an empty one"):
        read_mask(empty, tmp_path / "a.png", (10, 20))
    with pytest.raises(ImageError, match=r"20 x 11 pixels as .*a\.png has, found 20"):
        read_mask(empty, tmp_path / "a.png", (11, 20))
