"""Frechet distances of two sets of image features (FID and its joint variant)."""

import numpy as np

from common.metrics.feature_statistics import GaussianStatistics, check_counts


def fid(real: GaussianStatistics, fake: GaussianStatistics) -> float:
    """Return the Frechet Inception Distance between generated and real images.

    It is the `frechet_distance` of the two Gaussians that have the means and
    covariances of the two sets of features.

    Low is good. Compare only values with the same feature network and the same numbers
    of images, because the FID is larger with few images: it is biased, on average
    above its limit for infinitely many images, and there is no unbiased estimate. With
    fewer images than feature dimensions the covariance is also singular, and the bias
    is large. KID has no such bias.

    Args:
        real: statistics of the features of real images.
        fake: statistics of the features of generated images.

    Returns:
        The distance, at least 0.

    Raises:
        UserError: there are fewer than 2 real or fewer than 2 generated images.
        ValueError: the two sets of features have different numbers of dimensions.

    Reference:
        Heusel et al. 2017, arXiv:1706.08500, eq. 6;
        Binkowski et al. 2018, arXiv:1801.01401 (the bias).
    """
    check_counts("FID", real.count, fake.count, 2)
    return frechet_distance(real.mean, real.covariance, fake.mean, fake.covariance)


def frechet_joint_distance(
    real: np.ndarray,
    real_conditions: np.ndarray,
    fake: np.ndarray,
    fake_conditions: np.ndarray,
) -> float:
    r"""Return the Frechet Joint Distance between conditional samples and real images.

    It is the FID of the vectors $(f(x), \alpha c)$, which join the feature of an image
    and its condition. The weight $\alpha = E|f(x)| / E|c|$ over the real images gives
    both parts the same importance. The distance includes the covariance of features
    and conditions. Therefore it is large for images that look real but do not match
    the conditions they were generated for.

    Args:
        real: (M, D) features of real images.
        real_conditions: (M, K), for example one-hot classes; not all 0.
        fake: (N, D) features of generated images.
        fake_conditions: (N, K), the conditions that the images were generated for.
            They should be distributed as among the real images, because a difference
            increases the distance.

    Returns:
        The distance, at least 0.

    Raises:
        UserError: there are fewer than 2 real or fewer than 2 generated images.
        ValueError: the numbers of dimensions differ, or a value is not finite.

    Reference: DeVries et al. 2019, arXiv:1907.08175, sections 3 and 4.
    """
    length = np.linalg.norm(real, axis=1).mean()
    weight = length / np.linalg.norm(real_conditions, axis=1).mean()
    joint = []
    for features, conditions in ((real, real_conditions), (fake, fake_conditions)):
        rows = np.hstack([features, weight * conditions])
        joint.append(GaussianStatistics(real.shape[1] + real_conditions.shape[1]))
        joint[-1].update(rows)
    return fid(*joint)


def frechet_distance(
    mean_1: np.ndarray,
    covariance_1: np.ndarray,
    mean_2: np.ndarray,
    covariance_2: np.ndarray,
) -> float:
    """Return the squared Frechet (2-Wasserstein) distance of two Gaussians.

    d^2 = |m_1 - m_2|^2 + Tr(C_1 + C_2 - 2 (C_1 C_2)^(1/2))

    C_1 C_2 is not symmetric, but it has the same eigenvalues as the symmetric matrix
    C_1^(1/2) C_2 C_1^(1/2), and the trace of a square root is the sum of the square
    roots of the eigenvalues. So all numbers are real, even if a covariance is
    singular. A general matrix square root can fail or become complex there.

    Args:
        mean_1: (D,).
        covariance_1: (D, D), symmetric, without negative eigenvalues.
        mean_2: (D,).
        covariance_2: (D, D), like `covariance_1`.

    Returns:
        The squared distance, at least 0.

    Raises:
        ValueError: the shapes do not fit, a value is not finite, or a
            covariance is not symmetric.

    Reference:
        Dowson & Landau 1982, Journal of Multivariate Analysis 12(3).
    """
    mean_1, covariance_1 = _gaussian("1", mean_1, covariance_1)
    mean_2, covariance_2 = _gaussian("2", mean_2, covariance_2)
    if mean_1.shape != mean_2.shape:
        raise ValueError(
            f"the Gaussians must have one width, have {mean_1.size} and {mean_2.size}"
        )
    eigenvalues, vectors = np.linalg.eigh(covariance_1)
    root = vectors * np.sqrt(np.maximum(eigenvalues, 0)) @ vectors.T
    product = root @ covariance_2 @ root
    eigenvalues = np.linalg.eigvalsh((product + product.T) / 2)
    # Because of rounding, eigenvalues of 0 can be slightly negative.
    trace_of_root = np.sqrt(np.maximum(eigenvalues, 0)).sum()
    shift = np.sum((mean_1 - mean_2) ** 2)
    spread = np.trace(covariance_1) + np.trace(covariance_2) - 2 * trace_of_root
    return max(0.0, float(shift + spread))


def _gaussian(
    name: str, mean: np.ndarray, covariance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return a checked mean and covariance as float64."""
    mean = np.asarray(mean, np.float64)
    covariance = np.asarray(covariance, np.float64)
    if mean.ndim != 1 or covariance.shape != (mean.size, mean.size):
        raise ValueError(
            f"Gaussian {name} must have a mean (D,) and a covariance (D, D), has "
            f"shapes {mean.shape} and {covariance.shape}"
        )
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise ValueError(f"mean and covariance {name} must be finite")
    tolerance = 1e-6 * np.abs(covariance).max(initial=0)
    if (np.abs(covariance - covariance.T) > tolerance).any():
        raise ValueError(f"covariance {name} must be symmetric")
    return mean, covariance
