"""Conversions of pixel values, against floating-point numbers."""

import numpy as np
import pytest

from common.images import pixels
from common.images.pixels import in_bands, mean_channel, on_white, to_8_bits


def test_16_bits_become_the_nearest_8():
    values = np.arange(65536, dtype=np.uint16)
    assert np.array_equal(to_8_bits(values), np.rint(values / 257))
    assert to_8_bits(np.uint8([7])).tolist() == [7]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colours_are_put_on_white_and_averaged(dtype):
    peak = np.iinfo(dtype).max
    rng = np.random.default_rng(0)
    colours = rng.integers(0, peak, (50, 40, 3), dtype, endpoint=True)
    alpha = rng.integers(0, peak, (50, 40, 1), dtype, endpoint=True)
    colours[0], alpha[0], alpha[1] = peak, peak, 0
    share = alpha / peak
    exact = colours * share + peak * (1 - share)
    assert on_white(colours, alpha).dtype == dtype
    assert np.abs(on_white(colours, alpha) - exact).max() < 0.501
    mean = colours.mean(axis=-1, keepdims=True)
    assert np.array_equal(mean_channel(colours), np.rint(mean))


def test_bands_give_the_same_as_the_whole(monkeypatch):
    monkeypatch.setattr(pixels, "_BAND", 100)
    image = np.arange(11 * 7 * 3, dtype=np.uint16).reshape(11, 7, 3)
    seen = []

    def mean(band):
        seen.append(len(band))
        return mean_channel(band)

    assert np.array_equal(in_bands(mean, image), mean_channel(image))
    assert seen == [4, 4, 3]
