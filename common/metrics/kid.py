"""Kernel distance of two sets of image features (KID)."""

import numpy as np
from tqdm import tqdm

from common.metrics.feature_statistics import check_counts, checked_features

# Kernel values held at once: 32 MiB.
_BLOCK_VALUES = 2**22


def kid(
    real: np.ndarray,
    fake: np.ndarray,
    *,
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the Kernel Inception Distance of generated from real images.

    The squared maximum mean discrepancy without bias, with the kernel
    k(x, y) = (x'y / D + 1)^3:

    MMD^2 = sum_{i != j} k(x_i, x_j) / (m (m - 1))
            + sum_{i != j} k(y_i, y_j) / (n (n - 1))
            - 2 sum_{i, j} k(x_i, y_j) / (m n)

    KID is its mean over random subsets, each drawn without replacement. Low is
    good. It is 0 on average when both sets are from one distribution, whatever
    their sizes, so a single value can be slightly negative. Unlike FID it can
    be compared between different numbers of images.

    A set with at most `subset_size` members goes into every subset whole. When
    both sets do, there is only one value, with the standard deviation 0.

    Args:
        real: (M, D) features of real images, finite.
        fake: (N, D) features of generated images, finite.
        subsets: how many subsets are drawn, at least 1.
        subset_size: members of each side of a subset, at least 2.
        seed: of the random choice.

    Returns:
        The mean, and the standard deviation over the subsets (not of the mean).

    Raises:
        UserError: there are fewer than 2 images on either side.
        ValueError: the features are not finite or differ in width, or a number
            is out of its range.

    Reference:
        Binkowski et al. 2018, arXiv:1801.01401 (KID);
        Gretton et al. 2012, JMLR 13, eq. 3 (the estimate without bias).
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
    """Return MMD^2 of two sets, without bias."""
    across = _kernel_sum(x, y) / (len(x) * len(y))
    return _mean_of_pairs(x) + _mean_of_pairs(y) - 2 * across


def _mean_of_pairs(x: np.ndarray) -> float:
    """Return the mean kernel value of two different members of one set."""
    # A member with itself is left out: that is what removes the bias.
    own = np.sum((np.sum(x * x, axis=1) / x.shape[1] + 1) ** 3)
    return (_kernel_sum(x, x) - float(own)) / (len(x) * (len(x) - 1))


def _kernel_sum(x: np.ndarray, y: np.ndarray) -> float:
    """Return the sum of the kernel over all pairs, in blocks of rows."""
    rows = max(1, _BLOCK_VALUES // len(y))
    total = 0.0
    for start in range(0, len(x), rows):
        base = x[start : start + rows] @ y.T / x.shape[1] + 1
        total += float(np.sum(base * base * base))  # many times as fast as ** 3
    return total
