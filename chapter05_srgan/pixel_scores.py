"""Scores that compare an enlarged image with its original, pixel by pixel.

As is usual for super-resolution, only the luma is compared, without a border. PSNR
and SSIM both prefer a blurred image to a sharp one whose detail is slightly
displaced. `chapter05_srgan.perceptual_scores` has scores of the detail.
"""

from typing import Literal, get_args

import numpy as np
from PIL import Image
from skimage.metrics import structural_similarity

Kind = Literal["nearest", "bicubic", "lanczos"]


def luma(images: np.ndarray) -> np.ndarray:
    """Return the luma Y' (brightness) of ITU-R BT.601, as MATLAB's rgb2ycbcr does.

    Y' = 16 + 65.481 R + 128.553 G + 24.966 B, with R, G, B in [0, 1]

    Unlike MATLAB's for uint8 images it is not rounded. Rounding lowers the scores of
    bicubic enlargement by 4 on Set5 from 28.43 dB and 0.811 to 28.42 dB and 0.810.

    Args:
        images: uint8 (..., 3), RGB.

    Returns:
        float64 (...), in [16, 235].

    Raises:
        ValueError: the images are not uint8 or their last axis is not 3.

    Reference: Poynton 2012, Digital Video and HD, chapter 25.
    """
    if images.dtype != np.uint8 or images.shape[-1:] != (3,):
        raise ValueError(
            f"expected images uint8 (..., 3), found {images.dtype} {images.shape}"
        )
    return 16 + images @ (np.array([65.481, 128.553, 24.966]) / 255)


def psnr_y(a: np.ndarray, b: np.ndarray, border: int) -> float:
    """Return the peak signal-to-noise ratio (PSNR) of two images' luma.

    PSNR = 10 log10(255^2 / mean((Y_a - Y_b)^2))

    Args:
        a: first image, uint8 (H, W, 3).
        b: second image, uint8 (H, W, 3).
        border: number of pixels cut off at every edge; usually the scale.

    Returns:
        The ratio in dB; infinity if the luma of both is equal.

    Raises:
        ValueError: the shapes differ, or nothing is left inside the border.

    Reference: Ledig et al. 2017, arXiv:1609.04802, section 3.1 (Y, border of 4).
    """
    a, b = _inner_luma(a, b, border)
    error = np.mean((a - b) ** 2)
    return float(10 * np.log10(255**2 / error)) if error else float("inf")


def ssim_y(a: np.ndarray, b: np.ndarray, border: int) -> float:
    """Return the mean structural similarity (SSIM) of two images' luma.

    It is the mean over all windows of
    (2 m_a m_b + C_1) (2 s_ab + C_2) / ((m_a^2 + m_b^2 + C_1) (s_a^2 + s_b^2 + C_2))
    where m are the means in a window, s^2 the variances and s_ab the covariance.
    The windows are Gaussians of 11 x 11 pixels with a standard deviation of 1.5;
    C_1 = (0.01 * 255)^2 and C_2 = (0.03 * 255)^2.

    Args:
        a: first image, uint8 (H, W, 3).
        b: second image, uint8 (H, W, 3).
        border: number of pixels cut off at every edge; usually the scale.

    Returns:
        A number of at most 1; it is 1 only if the luma of both is equal.

    Raises:
        ValueError: the shapes differ, or no window fits inside the border.

    Reference: Wang et al. 2004, IEEE Transactions on Image Processing 13(4), eq. 13.
    """
    a, b = _inner_luma(a, b, border)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return float(structural_similarity(a, b, data_range=255, **options))


def crop_to_multiple(image: np.ndarray, scale: int) -> np.ndarray:
    """Cut off rows and columns at the end so that both sides are multiples of `scale`.

    Args:
        image: array (H, W, ...) of any dtype.
        scale: whole number, 1 or larger.

    Returns:
        A view of the rest, (H - H % scale, W - W % scale, ...).
    """
    height, width = image.shape[:2]
    return image[: height - height % scale, : width - width % scale]


def enlarge(image: np.ndarray, scale: int, kind: Kind = "bicubic") -> np.ndarray:
    """Enlarge an image by a fixed filter, the baseline of every network.

    Args:
        image: uint8 (H, W, 3).
        scale: whole number, 1 or larger.
        kind: "nearest" is the nearest pixel, "bicubic" Keys's cubic with a = -0.5,
            "lanczos" Lanczos's filter with 3 lobes.

    Returns:
        uint8 (scale H, scale W, 3).

    Raises:
        ValueError: `kind` is none of these.
    """
    if kind not in get_args(Kind):
        raise ValueError(f"kind must be one of {get_args(Kind)}, found {kind!r}")
    size = (image.shape[1] * scale, image.shape[0] * scale)
    resampling = Image.Resampling[kind.upper()]
    return np.asarray(Image.fromarray(image).resize(size, resampling))


def _inner_luma(
    a: np.ndarray, b: np.ndarray, border: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the luma of two images of the same shape without a border."""
    if a.shape != b.shape or min(a.shape[:2]) <= 2 * border:
        raise ValueError(
            "expected two images of the same shape, larger than a border of "
            f"{border} pixels, found {a.shape} and {b.shape}"
        )
    # With a border of 0 the slice must end in None: -0 would select nothing.
    inner = slice(border, -border or None)
    return luma(a[inner, inner]), luma(b[inner, inner])
