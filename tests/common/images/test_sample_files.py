"""Pictures of walks between latents."""

import numpy as np
from PIL import Image, ImageSequence

from common.images.reading import read_image
from common.images.sample_files import write_walks


def test_walks_are_rows_and_round_trips_are_side_by_side(tmp_path):
    strip = np.arange(0, 240, 40, dtype=np.uint8)[:, None, None, None]
    strip = strip.repeat(56, axis=1).repeat(56, axis=2)
    # Three frames of two images.
    tours = np.array([[0, 50], [100, 150], [200, 250]], np.uint8)[..., None, None]
    tours = tours.repeat(96, axis=2).repeat(96, axis=3)
    picture, animation = write_walks(strip, 3, tours, tmp_path)
    assert (picture.name, animation.name) == ("interpolation.png", "interpolation.gif")
    image = read_image(picture)[..., 0]
    # Two walks of three images of 56 pixels, with gaps of 2.
    assert image.shape == (2 * 58 + 2, 3 * 58 + 2)
    np.testing.assert_array_equal(
        image[2::58, 2::58][:2, :3].ravel(), strip[:, 0, 0, 0]
    )
    with Image.open(animation) as gif:
        frames = [np.array(f.convert("L")) for f in ImageSequence.Iterator(gif)]
    assert [frame.shape for frame in frames] == [(192, 384)] * 3
    found = [[frame[0, 0], frame[0, 192]] for frame in frames]
    np.testing.assert_array_equal(found, tours[:, :, 0, 0])
