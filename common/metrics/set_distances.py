"""Scores that compare two sets by the distances between their members.

The functions take matrices of distances, so any distance can be used: 1 - IoU of
voxels, Chamfer distance of point clouds, or a distance of features. S is the set of N
generated samples and R the set of M reference objects.
"""

import numpy as np


def coverage(sample_to_reference: np.ndarray) -> float:
    """Return the share of reference objects that are the nearest to some sample.

    COV(S, R) = |{argmin_{Y in R} d(X, Y) : X in S}| / |R|

    High is good. The score does not measure quality, because a poor sample also has a
    nearest reference object. A sample covers exactly one reference object, the first
    if several are equally near. (Otherwise a single empty shape, which has the same
    largest distance to all of them, would cover the whole reference.) So the score is
    at most N / M, and duplicates in the reference lower it.

    Args:
        sample_to_reference: (N, M) distances, finite.

    Returns:
        The share, in [1 / M, 1].

    Raises:
        ValueError: the matrix is empty, not 2-D or not finite.

    Reference:
        Achlioptas et al. 2018, arXiv:1707.02392, evaluation metrics.
    """
    distances = _matrix("sample_to_reference", sample_to_reference)
    covered = np.unique(distances.argmin(axis=1))
    return float(covered.size / distances.shape[1])


def minimum_matching_distance(sample_to_reference: np.ndarray) -> float:
    """Return the mean distance from a reference object to its nearest sample.

    MMD(S, R) = 1 / |R| * sum_{Y in R} min_{X in S} d(X, Y)

    Low is good. More samples can only lower it, so compare only equal numbers.

    Args:
        sample_to_reference: (N, M) distances, finite.

    Returns:
        The mean, in the unit of the distances.

    Raises:
        ValueError: the matrix is empty, not 2-D, or not finite.

    Reference:
        Achlioptas et al. 2018, arXiv:1707.02392, evaluation metrics.
    """
    distances = _matrix("sample_to_reference", sample_to_reference)
    return float(distances.min(axis=0).mean(dtype=np.float64))


def one_nearest_neighbour_accuracy(
    sample_sample: np.ndarray,
    sample_reference: np.ndarray,
    reference_reference: np.ndarray,
) -> float:
    """Return the accuracy of a 1-NN classifier that separates samples and reference.

    Let N_X be the nearest neighbour of X in the union of S and R without X:

    1-NNA(S, R) = (sum_{X in S} [N_X in S] + sum_{Y in R} [N_Y in R])
                  / (|S| + |R|)

    The best value is 0.5, for sets of equal size from the same distribution. Near 1,
    the sets differ or the samples have collapsed. Below 0.5, the samples are closer to
    the reference objects than these are to each other, which means that they are
    copies: a set without duplicates and its own copy give 0. Always look at the other
    scores too, because 0.5 is also the mean of 0 for the samples and 1 for the
    reference. This happens for scattered noise, which is less similar to other noise
    than to a shape.

    If several neighbours are equally near, a point counts with the share of them that
    belong to its own set. This is the mean over random choices, so the score does not
    depend on the order of the members.

    Args:
        sample_sample: (N, N) distances between samples; the diagonal is not used.
        sample_reference: (N, M) distances between samples and reference objects.
        reference_reference: (M, M) distances between reference objects; the diagonal
            is not used.

    Returns:
        The accuracy, in [0, 1].

    Raises:
        ValueError: a matrix is empty, not finite or of a wrong shape.

    Reference:
        Lopez-Paz & Oquab 2017, arXiv:1610.06545 (the test);
        Yang et al. 2019, arXiv:1906.12320, evaluation metrics (for shapes).
    """
    across = _matrix("sample_reference", sample_reference)
    n, m = across.shape
    within_samples = _matrix("sample_sample", sample_sample, (n, n))
    within_reference = _matrix("reference_reference", reference_reference, (m, m))
    hits = _own_share(within_samples, across).sum()
    hits += _own_share(within_reference, across.T).sum()
    return float(hits / (n + m))


def mean_pairwise(distances: np.ndarray) -> float:
    """Return the mean distance over all pairs of different members of a set.

    1 / (N (N - 1)) * sum_{i != j} d(i, j)

    Args:
        distances: (N, N) distances or similarities between the members, N >= 2; the
            diagonal is not used.

    Returns:
        The mean, in the unit of the matrix.

    Raises:
        ValueError: the matrix is not square, not finite or smaller than 2 x 2.
    """
    distances = _matrix("distances", distances)
    n = len(distances)
    if distances.shape != (n, n) or n < 2:
        raise ValueError(
            f"distances must be square with at least 2 rows, is {distances.shape}"
        )
    total = distances.sum(dtype=np.float64) - np.trace(distances, dtype=np.float64)
    return float(total / (n * (n - 1)))


def _own_share(within: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Return for each row the share of its nearest neighbours in its own set."""
    others = within.astype(np.result_type(within, np.float32))  # a copy
    np.fill_diagonal(others, np.inf)  # a member is not its own neighbour
    nearest = np.minimum(others.min(axis=1), across.min(axis=1))[:, None]
    own = np.count_nonzero(others == nearest, axis=1)
    foreign = np.count_nonzero(across == nearest, axis=1)
    return own / (own + foreign)


def _matrix(
    name: str, values: np.ndarray, shape: tuple[int, int] | None = None
) -> np.ndarray:
    """Check that `values` is a finite matrix, of a given shape if any."""
    values = np.asarray(values)
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"{name} must be a non-empty matrix, has shape {values.shape}")
    if shape is not None and values.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, has {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite, contains NaN or infinity")
    return values
