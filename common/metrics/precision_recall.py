"""Precision and recall of generated images, from nearest neighbours of features."""

from collections.abc import Iterator

import numpy as np

from common.errors import UserError
from common.metrics.feature_statistics import check_counts, checked_features

# Largest number of distances in memory: 32 MiB.
_BLOCK_VALUES = 2**22


def precision_recall(
    real: np.ndarray, fake: np.ndarray, *, k: int = 3
) -> tuple[float, float]:
    """Return the improved precision and recall of generated images.

    Around each feature there is a ball whose radius is the distance to the k-th
    nearest other feature of the same set. The union of these balls estimates the
    support of the set. The boundary of a ball is part of it.

    precision = share of generated features inside the ball of a real one
    recall = share of real features inside the ball of a generated one

    Low precision means that generated images do not look like real ones. Low recall
    means that some kinds of real images are never generated. Both grow with k and
    depend on the numbers of images, so compare only equal numbers.

    Equal features are neighbours at distance 0: a feature is not its own neighbour,
    but its copies are. With at least k copies, the radius is 0, and only the copies
    are inside the ball. Distances that differ by no more than the rounding error of
    float64 count as equal, so a feature exactly on the boundary is always inside.

    Args:
        real: (M, D) features of real images, finite.
        fake: (N, D) features of generated images, finite.
        k: number of the neighbour that sets the radius, at least 1 and below M and N.

    Returns:
        Precision and recall, each in [0, 1].

    Raises:
        UserError: `k` is below 1, or not below the numbers of images.
        ValueError: the features are not finite or have different numbers of
            dimensions.

    Reference:
        Kynkaanniemi et al. 2019, arXiv:1904.06991, eq. 1 and 2.
    """
    precision = in_manifold(real, fake, k=k).mean()
    return float(precision), float(in_manifold(fake, real, k=k).mean())


def in_manifold(support: np.ndarray, points: np.ndarray, *, k: int = 3) -> np.ndarray:
    """Return whether each point is inside the estimated support of a set of features.

    Args:
        support: (M, D) features, finite; each has a ball as in `precision_recall`.
        points: (N, D) features, finite.
        k: number of the neighbour that sets the radius, at least 1 and below M and N.

    Returns:
        bool (N,), True for points inside at least one ball.

    Raises:
        UserError: `k` is below 1, or not below the numbers of features.
        ValueError: the features are not finite or have different numbers of
            dimensions.

    Reference:
        Kynkaanniemi et al. 2019, arXiv:1904.06991, eq. 1.
    """
    support = checked_features("real", support)
    points = checked_features("fake", points, support.shape[1])
    if k < 1:
        raise UserError(f"k: expected a number of at least 1, found {k}; use 3")
    name = f"precision and recall with k = {k}"
    check_counts(name, len(support), len(points), k + 1)
    # This changes no distance, and numbers around 0 have smaller rounding errors.
    centre = support.mean(axis=0)
    support, points = support - centre, points - centre
    radii = _squared_radii(support, k)
    inside = np.zeros(len(points), bool)
    for rows, distances in _squared_distances(points, support, -1):
        inside[rows] = (distances <= radii).any(axis=1)
    return inside


def _squared_radii(points: np.ndarray, k: int) -> np.ndarray:
    """Return an upper bound of each point's squared distance to its k-th neighbour."""
    radii = np.empty(len(points))
    for rows, distances in _squared_distances(points, points, +1):
        numbers = np.arange(len(points))[rows]
        distances[np.arange(len(numbers)), numbers] = np.inf  # the point itself
        radii[rows] = np.partition(distances, k - 1, axis=1)[:, k - 1]
    return radii


def _squared_distances(
    x: np.ndarray, y: np.ndarray, side: int
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield blocks of rows of x and bounds of |x - y|^2 = |x|^2 + |y|^2 - 2 x'y.

    The matrix product is much faster than subtracting all pairs, but has rounding
    errors. Therefore this yields an upper bound if `side` is +1, and a lower bound if
    it is -1.
    """
    # The rounding error of a sum of D products is at most D eps / 2 times the sum of
    # their absolute values.
    slack = 1 + side * (x.shape[1] + 4) * np.finfo(np.float64).eps
    squares_x = np.sum(x * x, axis=1) * slack
    squares_y = np.sum(y * y, axis=1) * slack
    step = max(1, _BLOCK_VALUES // len(y))
    for start in range(0, len(x), step):
        rows = slice(start, start + step)
        distances = squares_x[rows, None] + squares_y
        distances -= 2 * (x[rows] @ y.T)
        yield rows, distances
