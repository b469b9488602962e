"""Scores of the detail of enlarged images: does it look like that of photos?

They compare two sets of images, not pixel by pixel, but by the power of their detail
at each frequency and by a network's features of small patches.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from chapter05_srgan.pixel_scores import luma
from common.images.pixels import to_floats
from common.metrics.feature_statistics import GaussianStatistics
from common.metrics.fid import fid

if TYPE_CHECKING:  # importing it loads TensorFlow, which takes seconds
    from common.features.extractors import Extractor

# Edge of a patch in pixels, and number of patches cut out of a set of images.
PATCH = 32
PATCHES = 4000
# Standard deviation, in pixels, of the blur that is subtracted from the patches. What
# remains is the detail that is lost when an image is reduced to a quarter.
COARSE = 2.0
# Training steps of the patches' network: less than a minute on two cores.
STEPS = 300
# Patches that the network computes at a time.
_BATCH = 500
# Frequencies are rounded to multiples of 1 / 32 cycles per pixel. The highest, that of
# a diagonal checkerboard, is 0.707 = 22.6 / 32.
_STEPS_PER_CYCLE = 32
_HIGHEST = 22
# Variance of the rounding error of whole numbers, the least power that is counted.
_ROUNDING = 1 / 12

# A set of images: a list, or a PictureStore.
Pictures = Sequence[np.ndarray]


def spectrum_distance(a: Pictures, b: Pictures) -> float:
    """Return how much the power of detail differs between two sets of images.

    P(f) is the power of the luma at the frequency f, in dB, averaged over all
    directions and over the images of a set.

    distance = sqrt(mean over f of (P_a(f) - P_b(f))^2)

    Blur lowers the power of high frequencies; checkerboards and noise raise it.

    Args:
        a: first set of images, uint8 (H, W, 3), of any sizes from 32 x 32.
        b: second set, likewise. The sets may differ in number and content.

    Returns:
        The distance in dB, 0 or more.

    Raises:
        ValueError: a set is empty, or an image is too small.

    Reference: Durall et al. 2020, arXiv:2003.01826, section 3.1 (radial spectra).
    """
    difference = _mean_spectrum(a) - _mean_spectrum(b)
    return float(np.sqrt(np.mean(difference**2)))


def radial_spectrum(image: np.ndarray) -> np.ndarray:
    """Return the power of an image's luma at each frequency.

    The mean luma is subtracted and a Hann window hides the edges. The squared
    amplitudes, divided by the window's power, are averaged over all directions. White
    noise of variance v therefore has the power 10 log10 v dB at every frequency.
    1/12, the variance of the rounding to whole numbers, is added to the power.

    Args:
        image: uint8 (H, W, 3), at least 32 x 32.

    Returns:
        Power in dB, float64 (22,). Element k - 1 is that of the frequencies that round
        to k / 32 cycles per pixel; the last one includes all higher frequencies, up to
        the diagonal's 0.707.

    Raises:
        ValueError: a side is too short.
    """
    brightness = luma(image)
    height, width = brightness.shape
    if min(height, width) < PATCH:
        raise ValueError(
            f"expected an image of at least {PATCH} x {PATCH} pixels, found "
            f"{height} x {width}"
        )
    # Periodic windows (without their last value) spread a wave of a whole number of
    # periods to the neighbouring frequencies only.
    window = np.outer(np.hanning(height + 1)[:-1], np.hanning(width + 1)[:-1])
    amplitudes = np.fft.rfft2(window * (brightness - brightness.mean()))
    power = np.abs(amplitudes) ** 2 / np.sum(window**2)
    # Average over rings of equal frequency; ring 0 is the mean, which is left out.
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    rings = np.rint(frequency * _STEPS_PER_CYCLE).astype(int).clip(max=_HIGHEST)
    sums = np.bincount(rings.ravel(), power.ravel())[1:]
    counts = np.bincount(rings.ravel())[1:]
    return 10 * np.log10(sums / counts + _ROUNDING)


def patch_extractor(images: Pictures, *, steps: int = STEPS) -> "Extractor":
    """Train the network whose features `patch_fid` compares, or load it from the cache.

    It sees only the `details` of patches. It learns to classify them by their layout
    and by whether they are unchanged, blurred, grainy or warped; see
    `common.features.pretext_task`.

    Args:
        images: real images, uint8 (H, W, 3), of any sizes from 32 x 32; not those
            that are scored.
        steps: number of training steps.

    Returns:
        The extractor, for patches of 32 x 32.

    Raises:
        ValueError: there are no images, or one is too small.
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
    """Return the Frechet distance between the patches of two sets of images.

    Low is good. Two sets of images of the same sizes are cut at the same positions,
    so a perfect enlargement has the distance 0 from its originals. The features are
    those of the patches' `details`: whole patches of different photos differ more in
    colour than any blur changes them.

    Args:
        real: original images, uint8 (H, W, 3), of any sizes from 32 x 32.
        made: enlarged images, likewise.
        extractor: float patches (B, 32, 32, 3) in [-1, 1] -> features (B, D) and
            further outputs; a result of `patch_extractor`.
        count: number of patches of each set. Compare distances of equal counts only:
            fewer patches raise the distance.

    Returns:
        The distance, 0 or more.

    Raises:
        ValueError: a set is empty, or an image is too small.

    Reference: Heusel et al. 2017, arXiv:1706.08500, eq. 6 (of whole images).
    """
    return fid(
        _statistics(cut_patches(real, count), extractor),
        _statistics(cut_patches(made, count), extractor),
    )


def cut_patches(images: Pictures, count: int, seed: int = 0) -> np.ndarray:
    """Cut squares of 32 x 32 pixels out of images, at random positions.

    The image of each patch is drawn with a probability proportional to its area.

    Args:
        images: uint8 (H, W, 3) each, of any sizes from 32 x 32.
        count: number of patches.
        seed: seed of the positions, which depend on the sizes of the images too.

    Returns:
        uint8 (count, 32, 32, 3).

    Raises:
        ValueError: there are no images, or one is too small.
    """
    shapes = np.array([image.shape[:2] for image in images])
    if not len(shapes) or shapes.min() < PATCH:
        raise ValueError(
            f"expected images of at least {PATCH} x {PATCH} pixels, found "
            f"{len(shapes)} images with sides from {shapes.min(initial=0)} pixels"
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
    """Return the fine detail of patches: 128 + x - (x blurred by 2 pixels).

    Args:
        patches: uint8 (B, H, W, 3).

    Returns:
        uint8 (B, H, W, 3), clipped to [0, 255].
    """
    patches = patches.astype(np.float32)
    coarse = ndimage.gaussian_filter(patches, (0, COARSE, COARSE, 0))
    return np.clip(np.rint(128 + patches - coarse), 0, 255).astype(np.uint8)


def most_detailed_square(image: np.ndarray, size: int) -> tuple[slice, slice]:
    """Return the position of the square with the steepest edges on average.

    Edges are the Sobel gradients of the mean of the colours. Every position inside
    the image is compared.

    Args:
        image: (H, W, 3), uint8 or another number type.
        size: edge of the square in pixels, 1 or larger; it is reduced to the shorter
            side of a smaller image.

    Returns:
        The rows and the columns of the square: `image[rows, columns]` cuts it out.
    """
    # float32: an image of a user may be very large.
    grey = image.mean(axis=2, dtype=np.float32)
    size = min(size, *grey.shape)
    edges = np.hypot(ndimage.sobel(grey, 0), ndimage.sobel(grey, 1))
    means = ndimage.uniform_filter(edges, size, mode="constant")
    # A mean stands at the centre of its square. Leave out the centres of squares that
    # extend beyond the image.
    half = size // 2
    last_row, last_column = grey.shape[0] - size + half, grey.shape[1] - size + half
    inside = means[half : last_row + 1, half : last_column + 1]
    top, left = np.unravel_index(inside.argmax(), inside.shape)
    return slice(top, top + size), slice(left, left + size)


def _mean_spectrum(images: Pictures) -> np.ndarray:
    """Return the mean of the radial spectra of a set of images, (22,) in dB."""
    if not len(images):
        raise ValueError("expected at least 1 image, found none")
    return np.mean([radial_spectrum(image) for image in images], axis=0)


def _statistics(
    patches: np.ndarray, extractor: Callable[[np.ndarray], tuple]
) -> GaussianStatistics:
    """Return the mean and the covariance of the features of patches' details."""
    patches = details(patches)
    starts = range(0, len(patches), _BATCH)
    parts = [extractor(to_floats(patches[i : i + _BATCH]))[0] for i in starts]
    statistics = GaussianStatistics(parts[0].shape[1])
    for part in parts:
        statistics.update(part)
    return statistics
