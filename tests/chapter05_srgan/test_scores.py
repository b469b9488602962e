"""Chapter 5: scores of enlarged images, by hand, by theory and on photos."""

import numpy as np
import pytest
from pictures import noise, smooth
from scipy import ndimage, signal

from chapter05_srgan import perceptual_scores
from chapter05_srgan.data import reduce_by
from chapter05_srgan.perceptual_scores import (
    cut_patches,
    details,
    most_detailed_square,
    patch_extractor,
    patch_fid,
    radial_spectrum,
    spectrum_distance,
)
from chapter05_srgan.pixel_scores import crop_to_multiple, enlarge, luma, psnr_y, ssim_y
from common.features import local_classifier
from common.features.extractors import Extractor
from common.images.full_size_store import PictureStore


def flat(value: int, height: int = 20, width: int = 24) -> np.ndarray:
    """Return an image of one grey level."""
    return np.full((height, width, 3), value, np.uint8)


def textured(seed: int, size: int = 128) -> np.ndarray:
    """Return blocks of random colours with grain, as rough as photos are."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(60, 196, (size // 16, size // 16, 3)).astype(float)
    blocks = blocks.repeat(16, axis=0).repeat(16, axis=1)
    grain = ndimage.gaussian_filter(rng.normal(size=(size, size, 1)), (0.7, 0.7, 0))
    return np.clip(blocks + 40 * grain / grain.std(), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def set5(shared_data, tmp_path_factory) -> list[np.ndarray]:
    """Return the five photos of Set5, cropped to sides that are multiples of 4."""
    cache = tmp_path_factory.mktemp("cache")
    store = PictureStore.open(shared_data / "set5", cache_dir=cache)
    return [crop_to_multiple(picture, 4) for picture in store]


def scores(originals: list, enlarged: list) -> tuple[float, float]:
    """Return the mean PSNR and SSIM at scale 4."""
    pairs = list(zip(originals, enlarged, strict=True))
    return tuple(np.mean([f(a, b, 4) for a, b in pairs]) for f in (psnr_y, ssim_y))


# --- pixel by pixel


def test_luma_by_hand():
    colours = np.array(
        [[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8
    )
    wanted = [16, 235, 81.481, 144.553, 40.966]
    np.testing.assert_allclose(luma(colours), wanted, rtol=1e-12)
    assert luma(noise(0)).shape == (16, 16) and luma(noise(0)).dtype == np.float64


@pytest.mark.parametrize("bad", [np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8)])
def test_luma_needs_bytes_in_colour(bad):
    with pytest.raises(ValueError, match=r"expected images uint8 \(..., 3\)"):
        luma(bad)


def test_psnr_by_hand():
    # A difference of 1 grey level is one of 219 / 255 in luma.
    wanted = 20 * np.log10(255 / (10 * 219 / 255))
    assert psnr_y(flat(100), flat(110), 0) == pytest.approx(wanted)
    assert psnr_y(flat(100), flat(100), 4) == np.inf


def test_the_border_is_not_compared():
    other = flat(100)
    other[:4], other[-4:], other[:, :4], other[:, -4:] = 0, 0, 0, 0
    assert psnr_y(flat(100), other, 4) == np.inf
    assert ssim_y(flat(100), other, 4) == 1
    assert psnr_y(flat(100), other, 3) < np.inf
    assert ssim_y(flat(100), other, 3) < 1


def test_ssim_by_hand():
    # Images without variance are compared by their means alone.
    a, b = 16 + 100 * 219 / 255, 16 + 140 * 219 / 255
    wanted = (2 * a * b + 2.55**2) / (a**2 + b**2 + 2.55**2)
    assert ssim_y(flat(100), flat(140), 4) == pytest.approx(wanted)


def test_ssim_agrees_with_plain_convolutions():
    a, b = noise(0, 30, 26), noise(1, 30, 26) // 2 + noise(0, 30, 26) // 2
    x, y = luma(a[4:-4, 4:-4]), luma(b[4:-4, 4:-4])
    window = np.exp(-np.square(np.arange(-5, 6)) / (2 * 1.5**2))
    window = np.outer(window, window) / window.sum() ** 2

    def mean(values):
        return signal.convolve2d(values, window, "valid")

    m, n = mean(x), mean(y)
    covariance = mean(x * y) - m * n
    variances = mean(x * x) - m**2 + mean(y * y) - n**2
    first, second = 2.55**2, 7.65**2
    values = (2 * m * n + first) * (2 * covariance + second)
    values /= (m**2 + n**2 + first) * (variances + second)
    assert ssim_y(a, b, 4) == pytest.approx(values.mean(), rel=1e-9)


def test_images_of_different_shapes_or_below_the_border_are_refused():
    for score in (psnr_y, ssim_y):
        with pytest.raises(ValueError, match="two images of the same shape"):
            score(flat(0, 20, 24), flat(0, 24, 20), 4)
        with pytest.raises(ValueError, match="larger than a border of 10 pixels"):
            score(flat(0, 20, 24), flat(0, 20, 24), 10)
    with pytest.raises(ValueError, match="win_size"):
        ssim_y(flat(0, 18, 24), flat(0, 18, 24), 4)


def test_images_are_cropped_to_multiples():
    picture = noise(0, 11, 16)
    np.testing.assert_array_equal(crop_to_multiple(picture, 4), picture[:8])
    assert crop_to_multiple(picture, 3).shape == (9, 15, 3)


def test_nearest_repeats_pixels():
    picture = noise(0, 5, 7)
    wanted = picture.repeat(4, axis=0).repeat(4, axis=1)
    np.testing.assert_array_equal(enlarge(picture, 4, "nearest"), wanted)


@pytest.mark.parametrize("kind", ["bicubic", "lanczos"])
def test_filters_keep_a_gradient(kind):
    enlarged = enlarge(smooth(20, 30), 2, kind)
    assert enlarged.shape == (40, 60, 3)
    assert np.abs(enlarged.astype(float) - smooth(40, 60)).max() < 7
    with pytest.raises(ValueError, match="kind must be one of"):
        enlarge(smooth(20, 30), 2, "cubic")


def test_bicubic_on_set5_has_the_published_scores(set5):
    """Published for x4: 28.42 dB and 0.8104, with MATLAB's rounded luma."""
    reduced = [reduce_by(picture, 4) for picture in set5]
    psnr, ssim = scores(set5, [enlarge(picture, 4) for picture in reduced])
    assert psnr == pytest.approx(28.42, abs=0.02)
    assert ssim == pytest.approx(0.8104, abs=0.001)
    lanczos = scores(set5, [enlarge(picture, 4, "lanczos") for picture in reduced])
    nearest = scores(set5, [enlarge(picture, 4, "nearest") for picture in reduced])
    assert lanczos > (psnr, ssim) > nearest


def test_reduction_without_antialiasing_costs_decibels(set5):
    """Every fourth pixel is taken, as the resizing of TensorFlow 1 does."""
    reduced = [np.ascontiguousarray(picture[::4, ::4]) for picture in set5]
    psnr, _ = scores(set5, [enlarge(picture, 4) for picture in reduced])
    assert psnr == pytest.approx(23.84, abs=0.02)


# --- spectra


def test_white_noise_has_its_variance_at_every_frequency():
    values = np.random.default_rng(0).normal(128, 20, (400, 300, 1))
    picture = values.clip(0, 255).round().astype(np.uint8).repeat(3, axis=-1)
    spectrum = radial_spectrum(picture)
    assert spectrum.shape == (22,)
    wanted = 10 * np.log10((20 * 219 / 255) ** 2)
    np.testing.assert_allclose(spectrum, wanted, atol=0.5)


@pytest.mark.parametrize(("period", "ring"), [(16, 2), (4, 8), (2, 16)])
def test_waves_have_their_power_at_their_frequency(period, ring):
    wave = 128 + 100 * np.cos(2 * np.pi * np.arange(96) / period)
    picture = np.broadcast_to(wave[:, None, None], (96, 64, 3)).astype(np.uint8)
    assert radial_spectrum(picture).argmax() == ring - 1
    turned = np.ascontiguousarray(picture.swapaxes(0, 1))
    assert radial_spectrum(turned).argmax() == ring - 1


def test_a_checkerboard_has_its_power_at_the_highest_frequency():
    board = (np.indices((64, 64)).sum(axis=0) % 2 * 200).astype(np.uint8)
    assert radial_spectrum(np.stack([board] * 3, -1)).argmax() == 21


def test_spectra_of_all_sizes_are_finite():
    for height in range(32, 70):
        assert np.isfinite(radial_spectrum(noise(0, height, 32))).all()
    np.testing.assert_allclose(radial_spectrum(flat(9, 40, 40)), 10 * np.log10(1 / 12))


def test_doubling_the_amplitude_is_a_distance_of_six_decibels():
    rng = np.random.default_rng(0)
    weak = rng.integers(-30, 31, (3, 64, 64, 1)).repeat(3, axis=-1)
    distance = spectrum_distance(
        list((128 + weak).astype(np.uint8)), list((128 + 2 * weak).astype(np.uint8))
    )
    assert distance == pytest.approx(20 * np.log10(2), abs=0.01)


def test_blur_lowers_the_spectrum_by_its_transfer_function():
    """The filter 1/4, 1/2, 1/4 multiplies the amplitude at f by cos(pi f)^2."""
    rng = np.random.default_rng(0)
    sharp = rng.integers(0, 256, (256, 256))
    blurred = (np.roll(sharp, 1, 0) + 2 * sharp + np.roll(sharp, -1, 0)) / 4
    a, b = (
        radial_spectrum(np.rint(x).astype(np.uint8)[..., None].repeat(3, axis=-1))
        for x in (sharp, blurred)
    )
    # The mean of cos(pi f sin(angle))^4 over all directions of a ring.
    angles = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    rings = np.arange(1, 16) / 32
    passed = np.cos(np.pi * rings[:, None] * np.sin(angles)) ** 4
    np.testing.assert_allclose((a - b)[:15], -10 * np.log10(passed.mean(1)), atol=0.3)


def test_spectra_need_images_that_are_large_enough():
    with pytest.raises(ValueError, match="at least 1 image, found none"):
        spectrum_distance([], [flat(0, 40, 40)])
    with pytest.raises(ValueError, match="at least 32 x 32 pixels, found 31 x 40"):
        spectrum_distance([flat(0, 40, 40)], [flat(0, 31, 40)])


# --- patches


def test_patches_come_from_every_position_in_proportion_to_areas():
    small, large = flat(0, 32, 64), flat(9, 96, 64)
    patches = cut_patches([small, large], 800)
    assert patches.shape == (800, 32, 32, 3) and patches.dtype == np.uint8
    assert np.mean(patches == 0) == pytest.approx(0.25, abs=0.05)
    ramp = np.arange(64, dtype=np.uint8)[:, None, None].repeat(40, 1).repeat(3, -1)
    assert set(cut_patches([ramp], 400)[:, 0, 0, 0]) == set(range(33))


def test_sets_of_equal_sizes_are_cut_at_the_same_positions():
    picture = noise(0, 60, 50)
    patches = cut_patches([picture], 20)
    np.testing.assert_array_equal(patches // 2, cut_patches([picture // 2], 20))
    assert not np.array_equal(patches, cut_patches([picture], 20, seed=1))


@pytest.mark.parametrize("pictures", [[], [flat(0, 31, 40)]])
def test_patches_need_images_that_are_large_enough(pictures):
    with pytest.raises(ValueError, match="at least 32 x 32 pixels"):
        cut_patches(pictures, 5)


def test_details_are_the_difference_to_a_blurred_image():
    ramp = smooth(64, 64)[None]
    assert np.abs(details(ramp)[:, 8:-8, 8:-8].astype(int) - 128).max() <= 1
    dot = np.full((2, 33, 33, 3), 100, np.uint8)
    dot[0, 16, 16] = 200
    # The centre of a Gaussian of deviation 2 is 1 / (8 pi).
    assert (details(dot)[0, 16, 16] == round(128 + 100 * (1 - 1 / (8 * np.pi)))).all()
    assert (details(dot)[0, 16, 18] == round(128 - 100 / (8 * np.pi * np.e**0.5))).all()
    assert (details(dot)[1] == 128).all()


def test_patch_distance_of_plain_features_by_hand(monkeypatch):
    """The feature is the mean brightness: the distance is the squared difference.

    Both sets have the same spread.
    """

    def features(patches):
        means = patches.mean(axis=(1, 2))[:, :1]
        return means, means

    monkeypatch.setattr(perceptual_scores, "details", lambda patches: patches // 3)
    pictures = [noise(seed, 64, 64) // 2 for seed in range(3)]
    brighter = [picture + 51 for picture in pictures]
    distance = patch_fid(pictures, brighter, features, count=700)
    assert distance == pytest.approx((0.4 / 3) ** 2, rel=1e-3)
    assert patch_fid(pictures, pictures, features, count=700) < 1e-9


@pytest.fixture(scope="module")
def extractor(tmp_path_factory) -> Extractor:
    """Return a patch extractor that was trained for a few seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(perceptual_scores, "PATCHES", 300)
        pictures = [textured(seed) for seed in range(6)]
        trained = patch_extractor(pictures, steps=30)
        # The second time it comes from the cache.
        patch.setattr(local_classifier, "train", None)
        assert patch_extractor(pictures, steps=30).key == trained.key
    return trained


@pytest.mark.parametrize(("top", "left"), [(30, 60), (0, 0), (40, 70)])
def test_the_most_detailed_square_is_found(top, left):
    image = np.full((60, 90, 3), 100, np.uint8)
    image[top : top + 20 : 2, left : left + 20] = 200
    rows, columns = most_detailed_square(image, 20)
    assert abs(rows.start - top) <= 2 and abs(columns.start - left) <= 2
    assert image[rows, columns].shape == (20, 20, 3)


@pytest.mark.parametrize("size", [11, 12, 13])
def test_the_most_detailed_square_lies_inside_the_image(size):
    """Every position is compared, whether the size is odd or even."""
    corners = set()
    for seed in range(40):
        rows, columns = most_detailed_square(noise(seed, size + 1, size + 1), size)
        corners.add((rows.start, columns.start))
        assert rows.stop <= size + 1 and columns.stop <= size + 1
    assert corners == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_the_most_detailed_square_of_a_small_image_is_as_large_as_it_fits():
    rows, columns = most_detailed_square(noise(0, 10, 14), 64)
    assert (rows.start, rows.stop) == (0, 10)
    assert columns.stop - columns.start == 10


def test_blurred_images_are_farther_from_real_ones(extractor):
    real = [textured(seed) for seed in range(6, 10)]
    mild = [ndimage.gaussian_filter(picture, (0.6, 0.6, 0)) for picture in real]
    enlarged = [enlarge(reduce_by(picture, 4), 4) for picture in real]
    sets = (real, mild, enlarged)
    same, near, far = (patch_fid(real, made, extractor, count=300) for made in sets)
    assert same < 1e-6 < near < 0.8 * far
    same, near, far = (spectrum_distance(real, made) for made in sets)
    assert same == 0 < 1 < near < 0.8 * far
