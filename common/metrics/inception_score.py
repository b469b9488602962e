"""Scores computed from the class probabilities that a classifier predicts."""

import math

import numpy as np

from common.errors import UserError
from common.metrics.divergence import kl_divergence

# Rows in half precision have 3 digits, and the errors of K numbers add up.
_SUM_TOLERANCE = 1e-2
# Smaller probabilities are set to 0. The mean over many images could round them to 0,
# and then the divergence from the mean would be infinite.
_NEGLIGIBLE = 1e-200


def inception_score(probabilities: np.ndarray, splits: int = 10) -> tuple[float, float]:
    """Return the Inception Score of generated images.

    IS = exp(mean_x KL(p(y|x) || p(y))),  p(y) = mean_x p(y|x),  0 log 0 = 0

    High is good: each image clearly belongs to one class, and all classes are equally
    frequent. The score is between 1 (all images have the same probabilities) and the
    number of classes K. It does not use real images, and does not detect whether all
    images of a class are the same.

    The images are split in their order, so the score is too low if they are sorted by
    class. It is also too low if a split has few images: n images give at most n.

    Args:
        probabilities: (N, K), each row non-negative with sum 1 (within 0.01;
            rows are divided by their sum).
        splits: number of parts, at least 1.

    Returns:
        The mean and the standard deviation over the splits.

    Raises:
        UserError: there are fewer images than splits.
        ValueError: the rows are not distributions, or `splits` is below 1.

    Reference:
        Salimans et al. 2016, arXiv:1606.03498, section 4.
    """
    if splits < 1:
        raise ValueError(f"splits must be at least 1, is {splits}")
    probabilities = _distributions("probabilities", probabilities, 2)
    count = len(probabilities)
    if count < splits:
        raise UserError(
            f"Inception Score: expected at least {splits} images for {splits} "
            f"splits, found {count}; score more images or use fewer splits"
        )
    ends = [count * i // splits for i in range(splits + 1)]
    scores = [
        math.exp(_mean_divergence(probabilities[start:end]))
        for start, end in zip(ends[:-1], ends[1:], strict=True)
    ]
    return float(np.mean(scores)), float(np.std(scores))


def mode_score(probabilities: np.ndarray, reference: np.ndarray) -> float:
    """Return the Mode Score of generated images.

    MS = exp(mean_x KL(p(y|x) || p(y)) - KL(p(y) || r(y))),  p(y) = mean_x p(y|x)

    where r are the class frequencies of the real images. It is the Inception Score
    with one split, but lower if classes are missing or too frequent.

    The paper that introduced the score uses r in both terms, KL(p(y|x) || r(y)) and
    KL(p(y) || r(y)). Then r cancels, because the mean over x of
    sum_y p(y|x) log r(y) is sum_y p(y) log r(y), and the result is only the Inception
    Score (Zhou et al. 2018). This function uses the form of Xu et al. 2018, which does
    depend on r.

    Args:
        probabilities: (N, K), as in `inception_score`, N >= 1.
        reference: (K,) class frequencies of the real images, non-negative with
            sum 1 (within 0.01; divided by their sum).

    Returns:
        The score, in [0, K]; 0 if a class is generated that the real images do not
        have.

    Raises:
        UserError: there is no image.
        ValueError: an input is not a distribution, or the numbers of classes
            differ.

    Reference:
        Che et al. 2017, arXiv:1612.02136 (MODE score);
        Zhou et al. 2018, arXiv:1703.02000 (its equality to the Inception Score);
        Xu et al. 2018, arXiv:1806.07755, section 2.2 (this form).
    """
    missing = label_divergence(probabilities, reference)
    return inception_score(probabilities, splits=1)[0] * math.exp(-missing)


def label_divergence(probabilities: np.ndarray, reference: np.ndarray) -> float:
    """Return the divergence of the generated class frequencies from the real ones.

    KL(p(y) || r(y)),  p(y) = mean_x p(y|x)

    where r are the class frequencies of the real images. Low is good. If classes are
    missing, the others are too frequent: k of K equally frequent classes give
    log(K / k). The divergence is infinite if a class is generated that the real images
    do not have. Because a classifier's probabilities are hardly ever exactly 0, use
    as `reference` the mean of the same classifier's probabilities for the real images,
    not the counts of their labels.

    Args:
        probabilities: (N, K), as in `inception_score`, N >= 1.
        reference: (K,) class frequencies of the real images, non-negative with
            sum 1 (within 0.01; divided by their sum).

    Returns:
        The divergence in nats, in [0, infinity].

    Raises:
        UserError: there is no image.
        ValueError: an input is not a distribution, or the numbers of classes
            differ.
    """
    probabilities, reference = _checked(probabilities, reference)
    return kl_divergence(probabilities.mean(axis=0), reference)


def _mean_divergence(probabilities: np.ndarray) -> float:
    """Return the mean KL divergence of the rows from their mean."""
    marginal = probabilities.mean(axis=0)
    return float(np.mean([kl_divergence(row, marginal) for row in probabilities]))


def _checked(
    probabilities: np.ndarray, reference: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the checked probabilities and reference."""
    probabilities = _distributions("probabilities", probabilities, 2)
    reference = _distributions("reference", reference, 1)
    if probabilities.shape[1] != reference.size:
        raise ValueError(
            f"the reference must have {probabilities.shape[1]} classes, "
            f"has {reference.size}"
        )
    if len(probabilities) == 0:
        raise UserError(
            "class scores: expected at least 1 image, found 0; score more images"
        )
    return probabilities, reference


def _distributions(name: str, values: np.ndarray, axes: int) -> np.ndarray:
    """Check distributions along the last axis; return them as float64 with sum 1."""
    values = np.asarray(values, np.float64)
    if values.ndim != axes or values.shape[-1] == 0:
        shape = "(N, K)" if axes == 2 else "(K,)"
        raise ValueError(f"{name} must have shape {shape}, has {values.shape}")
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise ValueError(f"{name} must be finite and not negative")
    values = np.where(values < _NEGLIGIBLE, 0, values)
    totals = values.sum(axis=-1, keepdims=True)
    if (np.abs(totals - 1) > _SUM_TOLERANCE).any():
        worst = totals.flat[np.argmax(np.abs(totals - 1))]
        raise ValueError(f"{name} must have sum 1, found {worst:.6g}")
    return values / totals
