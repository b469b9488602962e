"""Kernel Inception Distance of two sets of image features (KID)."""

import numpy as np
from tqdm import tqdm

from common.metrics.feature_statistics import check_counts, checked_features

# Largest number of kernel values in memory: 32 MiB.
_BLOCK_VALUES = 2**22


def kid(
    real: np.ndarray,
    fake: np.ndarray,
    *,
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the Kernel Inception Distance between generated and real images.

    It is the unbiased estimate of the squared maximum mean discrepancy, with the
    kernel k(x, y) = (x'y / D + 1)^3:

    MMD^2 = sum_{i != j} k(x_i, x_j) / (m (m - 1))
            + sum_{i != j} k(y_i, y_j) / (n (n - 1))
            - 2 sum_{i, j} k(x_i, y_j) / (m n)

    The KID is the mean of this estimate over random subsets, each drawn without
    replacement. Low is good. If both sets are from the same distribution, its expected
    value is 0 for any numbers of images, so a single value can be slightly negative.
    Unlike the FID it can be compared between different numbers of images.

    A set with at most `subset_size` images is used as a whole in every subset. If this
    holds for both sets, there is only one value, and the standard deviation is 0.

    Args:
        real: (M, D) features of real images, finite.
        fake: (N, D) features of generated images, finite.
        subsets: number of subsets, at least 1.
        subset_size: number of real and of generated images in a subset, at least 2.
        seed: seed of the random subsets.

    Returns:
        The mean, and the standard deviation over the subsets (not of the mean).

    Raises:
        UserError: there are fewer than 2 real or fewer than 2 generated images.
        ValueError: the features are not finite or have different numbers of
            dimensions, or an argument is out of its range.

    Reference:
        Binkowski et al. 2018, arXiv:1801.01401 (KID);
        Gretton et al. 2012, JMLR 13, eq. 3 (the unbiased estimate).
    """
    if subsets < 1 or subset_size < 2:
        raise ValueError(
            "subsets must be at least 1 and subset_size at least 2, are "
            f"{subsets} and {subset_size}"
        )
    real = checked_features("real", real)
    fake = checked_features("fake", fake, real.shape[1])
    check_counts("KID", len(real), len(fake), 2)
    if max(len(real), len(fake)) <= subset_size:
        return _squared_discrepancy(real, fake), 0.0
    rng = np.random.default_rng(seed)
    values = []
    for _ in tqdm(range(subsets), "KID", disable=None, delay=1, leave=False):
        parts = (
            x[rng.choice(len(x), min(subset_size, len(x)), replace=False)]
            for x in (real, fake)
        )
        values.append(_squared_discrepancy(*parts))
    return float(np.mean(values)), float(np.std(values))


def _squared_discrepancy(x: np.ndarray, y: np.ndarray) -> float:
    """Return the unbiased estimate of MMD^2 of two sets of features."""
    across = _kernel_sum(x, y) / (len(x) * len(y))
    return _mean_of_pairs(x) + _mean_of_pairs(y) - 2 * across


def _mean_of_pairs(x: np.ndarray) -> float:
    """Return the mean kernel value over all pairs of different members of a set."""
    # Leave out the pairs of a member with itself, because they cause the bias.
    own = np.sum((np.sum(x * x, axis=1) / x.shape[1] + 1) ** 3)
    return (_kernel_sum(x, x) - float(own)) / (len(x) * (len(x) - 1))


def _kernel_sum(x: np.ndarray, y: np.ndarray) -> float:
    """Return the sum of the kernel over all pairs, computed in blocks of rows."""
    rows = max(1, _BLOCK_VALUES // len(y))
    total = 0.0
    for start in range(0, len(x), rows):
        base = x[start : start + rows] @ y.T / x.shape[1] + 1
        total += float(np.sum(base * base * base))  # much faster than ** 3
    return total
