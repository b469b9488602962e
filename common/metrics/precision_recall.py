"""Precision and recall of generated images, by nearest neighbours of features."""

from collections.abc import Iterator

import numpy as np

from common.errors import UserError
from common.metrics.feature_statistics import check_counts, checked_features

# Distances held at once: 32 MiB.
_BLOCK_VALUES = 2**22


def precision_recall(
    real: np.ndarray, fake: np.ndarray, *, k: int = 3
) -> tuple[float, float]:
    """Return improved precision and recall of generated images.

    The ball of a feature reaches to its k-th nearest other member of its own
    set; the balls together are the set's estimated support. With the edge of a
    ball being part of it:

    precision = share of generated features inside the ball of a real one
    recall = share of real features inside the ball of a generated one

    Low precision: images that look like no real one. Low recall: kinds of real
    images that are never generated. Both grow with k and depend on the numbers
    of images: compare equal numbers.

    Equal features are neighbours at distance 0. Only the feature itself is
    left out of its own neighbours, not its copies: with more than k copies the
    ball has the radius 0 and holds just these. Distances that differ by no more
    than the rounding of float64 count as equal, so a feature exactly on the
    edge is inside, whichever way it was rounded.

    Args:
        real: (M, D) features of real images, finite.
        fake: (N, D) features of generated images, finite.
        k: which neighbour sets the radius, from 1 to below M and N.

    Returns:
        Precision and recall, each in [0, 1].

    Raises:
        UserError: `k` is below 1, or not below the number of images on both
            sides.
        ValueError: the features are not finite or differ in width.

    Reference:
        Kynkaanniemi et al. 2019, arXiv:1904.06991, eq. 1 and 2.
    """
    precision = in_manifold(real, fake, k=k).mean()
    return float(precision), float(in_manifold(fake, real, k=k).mean())


def in_manifold(support: np.ndarray, points: np.ndarray, *, k: int = 3) -> np.ndarray:
    """Say of each point whether it lies inside the ball of a member of the support.

    Args:
        support: (M, D) features, finite; their balls are those of
            `precision_recall`.
        points: (N, D) features, finite.
        k: which neighbour sets the radius, from 1 to below M.

    Returns:
        bool (N,).

    Raises:
        UserError: `k` is below 1, or not below the numbers of features.
        ValueError: the features are not finite or differ in width.

    Reference:
        Kynkaanniemi et al. 2019, arXiv:1904.06991, eq. 1.
    """
    support = checked_features("real", support)
    points = checked_features("fake", points, support.shape[1])
    if k < 1:
        raise UserError(f"k: expected a neighbour from 1 on, found {k}; take 3")
    name = f"precision and recall with k = {k}"
    check_counts(name, len(support), len(points), k + 1)
    # Distances do not change, and numbers around 0 lose fewer digits.
    centre = support.mean(axis=0)
    support, points = support - centre, points - centre
    radii = _squared_radii(support, k)
    inside = np.zeros(len(points), bool)
    for rows, distances in _squared_distances(points, support, -1):
        inside[rows] = (distances <= radii).any(axis=1)
    return inside


def _squared_radii(points: np.ndarray, k: int) -> np.ndarray:
    """Return the upper bound of each point's squared distance to its k-th other."""
    radii = np.empty(len(points))
    for rows, distances in _squared_distances(points, points, +1):
        numbers = np.arange(len(points))[rows]
        distances[np.arange(len(numbers)), numbers] = np.inf  # the point itself
        radii[rows] = np.partition(distances, k - 1, axis=1)[:, k - 1]
    return radii


def _squared_distances(
    x: np.ndarray, y: np.ndarray, side: int
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield blocks of rows and their bounds of |x - y|^2 = |x|^2 + |y|^2 - 2 x'y.

    A matrix product is many times as fast as differences, but rounds. The bound
    is the upper one for `side` +1 and the lower one for -1.
    """
    # A sum of D products is off by at most D eps / 2 of the sum of their sizes.
    slack = 1 + side * (x.shape[1] + 4) * np.finfo(np.float64).eps
    squares_x = np.sum(x * x, axis=1) * slack
    squares_y = np.sum(y * y, axis=1) * slack
    step = max(1, _BLOCK_VALUES // len(y))
    for start in range(0, len(x), step):
        rows = slice(start, start + step)
        distances = squares_x[rows, None] + squares_y
        distances -= 2 * (x[rows] @ y.T)
        yield rows, distances
