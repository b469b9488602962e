"""Whether enlarged pictures have the detail of photos, wherever it lies.

Two sets of pictures are compared, not pixel with pixel: by the power of their detail
at each frequency, and by what a network sees in small patches of them.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from chapter05_srgan.pixel_scores import luma
from common.images.pixels import to_floats
from common.metrics.feature_statistics import GaussianStatistics
from common.metrics.fid import fid

if TYPE_CHECKING:  # TensorFlow's seconds are for those who train.
    from common.features.extractors import Extractor

PATCH = 32
PATCHES = 4000
# Deviation in pixels of the blur that is taken off the patches: it leaves what a
# reduction to a quarter can lose.
COARSE = 2.0
# Batches to train the patches' network for: less than a minute on two cores.
STEPS = 300
_BATCH = 500
# Frequencies are told apart in steps of 1 / 32, up to both axes' highest together.
_STEPS_PER_CYCLE = 32
_HIGHEST = 22
# Power of the rounding to whole numbers: nothing below it can be seen.
_ROUNDING = 1 / 12

# A set of pictures: a list, or a PictureStore.
Pictures = Sequence[np.ndarray]


def spectrum_distance(a: Pictures, b: Pictures) -> float:
    """Return how much the power of detail differs between two sets of pictures.

    With P(f) the power of the brightness at all directions of the frequency f, in
    dB and averaged over a set,

    distance = sqrt(mean over f of (P_a(f) - P_b(f))^2)

    Blur lowers the power of high frequencies; checkerboards and noise raise it.

    Args:
        a: pictures uint8 (H, W, 3), of any sizes from 32 x 32.
        b: pictures likewise; neither their number nor what they show need agree.

    Returns:
        dB, 0 or more.

    Raises:
        ValueError: a set is empty, or a picture is too small.

    Reference: Durall et al. 2020, arXiv:2003.01826, section 3.1 (radial spectra).
    """
    difference = _mean_spectrum(a) - _mean_spectrum(b)
    return float(np.sqrt(np.mean(difference**2)))


def radial_spectrum(image: np.ndarray) -> np.ndarray:
    """Return the power of a picture's brightness by frequency.

    The mean brightness is taken off, a Hann window hides the edges, and the squared
    amplitudes, over the window's power, are averaged over all directions. So white
    noise of variance v has 10 log10 v everywhere. Nothing counts as less than the
    rounding to whole numbers, 1/12.

    Args:
        image: uint8 (H, W, 3), at least 32 x 32.

    Returns:
        float64 (22,), dB: row k - 1 is of k / 32 cycles a pixel, rounded; the last
        takes all up to the diagonal's 0.707.

    Raises:
        ValueError: a side is too short.
    """
    brightness = luma(image)
    height, width = brightness.shape
    if min(height, width) < PATCH:
        raise ValueError(f"{height} x {width} pixels are fewer than {PATCH} x {PATCH}")
    # Periodic windows: whole waves stay within two neighbouring frequencies.
    window = np.outer(np.hanning(height + 1)[:-1], np.hanning(width + 1)[:-1])
    amplitudes = np.fft.rfft2(window * (brightness - brightness.mean()))
    power = np.abs(amplitudes) ** 2 / np.sum(window**2)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    rings = np.rint(frequency * _STEPS_PER_CYCLE).astype(int).clip(max=_HIGHEST)
    sums = np.bincount(rings.ravel(), power.ravel())[1:]
    counts = np.bincount(rings.ravel())[1:]
    return 10 * np.log10(sums / counts + _ROUNDING)


def patch_extractor(images: Pictures, *, steps: int = STEPS) -> "Extractor":
    """Train the network whose features `patch_fid` compares, or take it from the cache.

    It sees only the `details` of patches. It learns to tell those of alike layout
    apart, and each as it is from the same blurred, with grain and warped; see
    `common.features.pretext_task`.

    Args:
        images: real pictures, uint8 (H, W, 3), not those that are judged.
        steps: batches to train for.

    Returns:
        The extractor, for patches of 32 x 32.

    Raises:
        ValueError: there are no pictures, or one is too small.
    """
    from common.features import extractors

    patches = details(cut_patches(images, PATCHES))
    return extractors.local_unlabelled(patches, steps=steps)


def patch_fid(
    real: Pictures,
    made: Pictures,
    extractor: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    *,
    count: int = PATCHES,
) -> float:
    """Return the Frechet distance of two sets of pictures by their patches' features.

    Low is good. Sets of the same sizes are cut at the same places: against its own
    originals, a perfect enlargement has 0. Features are those of the patches'
    `details`, for the colours of other photos are farther away than any blur.

    Args:
        real: original pictures, uint8 (H, W, 3), of any sizes from 32 x 32.
        made: enlarged pictures likewise.
        extractor: floats (B, 32, 32, 3) in [-1, 1] -> features (B, D) and more, as
            `patch_extractor` returns.
        count: of patches of each set. Compare equal numbers only: few raise it.

    Returns:
        The distance, 0 or more.

    Raises:
        ValueError: a set is empty, or a picture is too small.

    Reference: Heusel et al. 2017, arXiv:1706.08500, eq. 6 (of whole images).
    """
    return fid(*(_statistics(cut_patches(x, count), extractor) for x in (real, made)))


def cut_patches(images: Pictures, count: int, seed: int = 0) -> np.ndarray:
    """Cut squares of 32 pixels out of pictures, in proportion to their areas.

    Args:
        images: pictures uint8 (H, W, 3), of any sizes from 32 x 32.
        count: how many.
        seed: of their places, which depend on the pictures' sizes besides.

    Returns:
        uint8 (count, 32, 32, 3).

    Raises:
        ValueError: there are no pictures, or one is too small.
    """
    shapes = np.array([image.shape[:2] for image in images])
    if not len(shapes) or shapes.min() < PATCH:
        raise ValueError(
            f"expected pictures of at least {PATCH} x {PATCH} pixels, found "
            f"{len(shapes)} of sides from {shapes.min(initial=0)}"
        )
    rng = np.random.default_rng(seed)
    areas = shapes.prod(axis=1)
    rows = rng.choice(len(shapes), count, p=areas / areas.sum())
    corners = (rng.random((count, 2)) * (shapes[rows] - PATCH + 1)).astype(int)
    return np.stack(
        [
            images[row][top : top + PATCH, left : left + PATCH]
            for row, (top, left) in zip(rows, corners, strict=True)
        ]
    )


def details(patches: np.ndarray) -> np.ndarray:
    """Return patches without what is coarse: 128 + x - (x blurred by 2 pixels).

    Args:
        patches: uint8 (B, H, W, 3).

    Returns:
        uint8 (B, H, W, 3), cut off at 0 and 255.
    """
    patches = patches.astype(np.float32)
    coarse = ndimage.gaussian_filter(patches, (0, COARSE, COARSE, 0))
    return np.clip(np.rint(128 + patches - coarse), 0, 255).astype(np.uint8)


def _mean_spectrum(images: Pictures) -> np.ndarray:
    """Return the mean of the spectra of a set of pictures, dB."""
    if not len(images):
        raise ValueError("expected at least 1 picture, found none")
    return np.mean([radial_spectrum(image) for image in images], axis=0)


def _statistics(
    patches: np.ndarray, extractor: Callable[[np.ndarray], tuple]
) -> GaussianStatistics:
    """Return mean and covariance of the features of patches' details."""
    patches = details(patches)
    starts = range(0, len(patches), _BATCH)
    parts = [extractor(to_floats(patches[i : i + _BATCH]))[0] for i in starts]
    statistics = GaussianStatistics(parts[0].shape[1])
    for part in parts:
        statistics.update(part)
    return statistics
