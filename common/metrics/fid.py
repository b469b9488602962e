"""Frechet distance of two sets of image features (FID)."""

import numpy as np

from common.metrics.feature_statistics import GaussianStatistics, check_counts


def fid(real: GaussianStatistics, fake: GaussianStatistics) -> float:
    """Return the Frechet Inception Distance of generated from real images.

    FID = frechet_distance of the Gaussians with the sets' means and covariances.

    Low is good. It is comparable only between values with the same feature
    network and the same numbers of images: few images raise it. The estimate is
    biased, on average above the value for endless images, and no unbiased one
    exists. With fewer images than feature dimensions the covariance is singular
    on top of that, and the bias is large. KID has no such bias.

    Args:
        real: statistics of the features of real images.
        fake: statistics of the features of generated images.

    Returns:
        The distance, 0 or more.

    Raises:
        UserError: there are fewer than 2 images on either side.
        ValueError: the features differ in width.

    Reference:
        Heusel et al. 2017, arXiv:1706.08500, eq. 6;
        Binkowski et al. 2018, arXiv:1801.01401 (the bias).
    """
    check_counts("FID", real.count, fake.count, 2)
    return frechet_distance(real.mean, real.covariance, fake.mean, fake.covariance)


def frechet_distance(
    mean_1: np.ndarray,
    covariance_1: np.ndarray,
    mean_2: np.ndarray,
    covariance_2: np.ndarray,
) -> float:
    """Return the squared Frechet (2-Wasserstein) distance of two Gaussians.

    d^2 = |m_1 - m_2|^2 + Tr(C_1 + C_2 - 2 (C_1 C_2)^(1/2))

    C_1 C_2 is not symmetric, but it has the eigenvalues of the symmetric matrix
    C_1^(1/2) C_2 C_1^(1/2), and the trace of a root is the sum of the roots of
    the eigenvalues. So all is real, also when a covariance is singular, where
    a general matrix root can fail or give complex numbers.

    Args:
        mean_1: (D,).
        covariance_1: (D, D), symmetric, no negative eigenvalues.
        mean_2: (D,).
        covariance_2: (D, D), as `covariance_1`.

    Returns:
        The squared distance, 0 or more.

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
    # Rounding can leave eigenvalues of 0 slightly negative.
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


def frechet_joint_distance(
    real: np.ndarray,
    real_conditions: np.ndarray,
    fake: np.ndarray,
    fake_conditions: np.ndarray,
) -> float:
    r"""Return the Frechet Joint Distance of conditional samples from real images.

    The FID of rows $(f(x), \alpha c)$: an image's feature and its condition, weighted
    by $\alpha = E|f(x)| / E|c|$ over the real images, so that both count alike. The
    covariance of features and conditions is part of it. So images that are good, but
    not of the conditions that were asked for, are far from the real ones.

    Args:
        real: (M, D) features of real images.
        real_conditions: (M, K), for example one-hot classes; not all 0.
        fake: (N, D) features of generated images.
        fake_conditions: (N, K), what they were asked to show. They should be as
            frequent as among the real images, or that adds to the distance.

    Returns:
        The distance, 0 or more.

    Raises:
        UserError: there are fewer than 2 images on either side.
        ValueError: widths differ, or a value is not finite.

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
