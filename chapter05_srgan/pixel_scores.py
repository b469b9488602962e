"""How near an enlarged picture comes to its original, pixel with pixel.

Only the brightness is compared, within a border, by custom of the field. Both
measures prefer a blurred guess to a sharp one that is a little off: for the detail
of photos see `chapter05_srgan.perceptual_scores`.
"""

from typing import Literal, get_args

import numpy as np
from PIL import Image
from skimage.metrics import structural_similarity

Kind = Literal["nearest", "bicubic", "lanczos"]


def luma(images: np.ndarray) -> np.ndarray:
    """Return the brightness Y' of ITU-R BT.601, as MATLAB's rgb2ycbcr does.

    Y = 16 + 65.481 R + 128.553 G + 24.966 B, with R, G, B in [0, 1]

    It is not rounded, as MATLAB does with whole numbers: that lowers the scores of
    bicubic enlargement by 4 on Set5 from 28.43 dB and 0.811 to 28.42 and 0.810.

    Args:
        images: uint8 (..., 3), RGB.

    Returns:
        float64 (...), in [16, 235].

    Raises:
        ValueError: type or shape are others.

    Reference: Poynton 2012, Digital Video and HD, chapter 25.
    """
    if images.dtype != np.uint8 or images.shape[-1:] != (3,):
        raise ValueError(
            f"expected images uint8 (..., 3), found {images.dtype} {images.shape}"
        )
    return 16 + images @ (np.array([65.481, 128.553, 24.966]) / 255)


def psnr_y(a: np.ndarray, b: np.ndarray, border: int) -> float:
    """Return the peak signal-to-noise ratio of two pictures' brightness.

    PSNR = 10 log10(255^2 / mean((Y_a - Y_b)^2))

    Args:
        a: uint8 (H, W, 3).
        b: uint8 (H, W, 3).
        border: pixels that are cut off at every edge; the scale, by custom.

    Returns:
        dB, infinite for equal pictures.

    Raises:
        ValueError: the shapes differ, or nothing is left within the border.

    Reference: Ledig et al. 2017, arXiv:1609.04802, section 3.1 (Y, border of 4).
    """
    a, b = _inner_luma(a, b, border)
    error = np.mean((a - b) ** 2)
    return float(10 * np.log10(255**2 / error)) if error else float("inf")


def ssim_y(a: np.ndarray, b: np.ndarray, border: int) -> float:
    """Return the mean structural similarity of two pictures' brightness.

    The mean over all windows of
    (2 m_a m_b + C_1) (2 s_ab + C_2) / ((m_a^2 + m_b^2 + C_1) (s_a^2 + s_b^2 + C_2))
    with Gaussian windows of 11 x 11 pixels and a deviation of 1.5,
    C_1 = (0.01 * 255)^2 and C_2 = (0.03 * 255)^2.

    Args:
        a: uint8 (H, W, 3).
        b: uint8 (H, W, 3).
        border: pixels that are cut off at every edge; the scale, by custom.

    Returns:
        At most 1, which only equal pictures have.

    Raises:
        ValueError: the shapes differ, or no window fits within the border.

    Reference: Wang et al. 2004, IEEE Transactions on Image Processing 13(4), eq. 13.
    """
    a, b = _inner_luma(a, b, border)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return float(structural_similarity(a, b, data_range=255, **options))


def crop_to_multiple(image: np.ndarray, scale: int) -> np.ndarray:
    """Cut rows and columns off the end until both sides are multiples of `scale`.

    Args:
        image: (H, W, ...).
        scale: whole number from 1.

    Returns:
        The rest, without a copy.
    """
    height, width = image.shape[:2]
    return image[: height - height % scale, : width - width % scale]


def enlarge(image: np.ndarray, scale: int, kind: Kind = "bicubic") -> np.ndarray:
    """Enlarge a picture by a fixed filter: what every network must beat.

    Args:
        image: uint8 (H, W, 3).
        scale: whole number from 1.
        kind: nearest pixel, Keys's cubic with a = -0.5, or Lanczos with 3 lobes.

    Returns:
        uint8 (scale H, scale W, 3).

    Raises:
        ValueError: `kind` is another.
    """
    if kind not in get_args(Kind):
        raise ValueError(f"kind must be one of {get_args(Kind)}, is {kind!r}")
    size = (image.shape[1] * scale, image.shape[0] * scale)
    resampling = Image.Resampling[kind.upper()]
    return np.asarray(Image.fromarray(image).resize(size, resampling))


def _inner_luma(
    a: np.ndarray, b: np.ndarray, border: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the brightness of two pictures of one shape within a border."""
    if a.shape != b.shape or min(a.shape[:2]) <= 2 * border:
        raise ValueError(
            f"expected two pictures of one shape, larger than a border of {border}, "
            f"found {a.shape} and {b.shape}"
        )
    inner = slice(border, -border or None)
    return luma(a[inner, inner]), luma(b[inner, inner])
