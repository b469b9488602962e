"""Scores of predicted occupancies against shapes: IoU, its threshold, and AP."""

from collections.abc import Callable, Iterator

import numpy as np

from study_3dvaegan.data import Pairs

# Thresholds among which the best is chosen: 0.05, 0.06, ... 0.95.
THRESHOLDS = np.round(np.linspace(0.05, 0.95, 91), 2)
# Most validation photos on which choices are made.
MAX_VALIDATION = 400
# Photos whose occupancies are in memory at once: 16 MB at 32^3, 134 MB at 64^3.
BLOCK = 128

# From photos, uint8 (n, H, H, 3), to occupancies, float32 in [0, 1] or bool
# (n, S, S, S).
Predictor = Callable[[np.ndarray], np.ndarray]


def iou_at(
    predicted: np.ndarray, shapes: np.ndarray, thresholds: np.ndarray
) -> np.ndarray:
    """Return the IoU of each prediction with its shape at several thresholds.

    Voxels whose occupancy is above the threshold are filled. The IoU of two empty
    shapes is 1, as in `common.metrics.shape_scores.pairwise_iou`.

    Args:
        predicted: float (N, S, S, S) in [0, 1], or bool.
        shapes: bool (N, S, S, S).
        thresholds: float (T,).

    Returns:
        float64 (N, T) in [0, 1].
    """
    scores = np.empty((len(predicted), len(thresholds)))
    # As `occupancy > 0.3` does for float32: voxels that equal a threshold are empty.
    thresholds = np.asarray(thresholds, np.float32)
    for row, values, filled in _flat(predicted, shapes):
        values = np.sort(values)
        filled = np.sort(filled)
        above = len(values) - np.searchsorted(values, thresholds, "right")
        common = len(filled) - np.searchsorted(filled, thresholds, "right")
        union = above + len(filled) - common
        scores[row] = np.where(union > 0, common / np.maximum(union, 1), 1.0)
    return scores


def mean_iou(predicted: np.ndarray, shapes: np.ndarray, threshold: float) -> float:
    """Return the mean IoU of predictions and their shapes at one threshold.

    Args:
        predicted: float (N, S, S, S) in [0, 1], or bool, N >= 1.
        shapes: bool (N, S, S, S).
        threshold: occupancy above which a voxel is filled.
    """
    return float(iou_at(predicted, shapes, np.array([threshold])).mean())


def best_threshold(predicted: np.ndarray, shapes: np.ndarray) -> float:
    """Return the threshold from 0.05 to 0.95 at which the mean IoU is largest.

    Of equal ones it is the middle one, so that shapes without doubtful voxels
    get 0.5.

    Args:
        predicted: float (N, S, S, S) in [0, 1], or bool, N >= 1.
        shapes: bool (N, S, S, S).
    """
    return _best(iou_at(predicted, shapes, THRESHOLDS).mean(axis=0))


def average_precisions(predicted: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    """Return the average precision of each prediction over its voxels.

    AP = sum over thresholds n of (R_n - R_(n-1)) P_n

    P_n and R_n are precision and recall of the voxels whose occupancy is at least the
    n-th largest value. Each filled voxel adds 1 / (number of filled voxels) to the
    recall, so this is the mean, over the filled voxels, of the precision at the
    occupancy of each. Equal values are one threshold. The result is that of
    scikit-learn's average_precision_score, several times faster.

    Args:
        predicted: float (N, S, S, S), or bool.
        shapes: bool (N, S, S, S).

    Returns:
        float64 (N,) in [0, 1]; 0 for a shape without filled voxels.
    """
    scores = np.zeros(len(predicted))
    for row, values, filled in _flat(predicted, shapes):
        if len(filled):
            values = np.sort(values)
            filled = np.sort(filled)
            # Number of voxels, and of filled ones, from each occupancy upwards.
            voxels = len(values) - np.searchsorted(values, filled, "left")
            true = len(filled) - np.searchsorted(filled, filled, "left")
            scores[row] = np.mean(true / voxels)
    return scores


def average_precision(predicted: np.ndarray, shapes: np.ndarray) -> float:
    """Return the mean over the photos of the average precision over their voxels.

    Args:
        predicted: float (N, S, S, S), or bool, N >= 1.
        shapes: bool (N, S, S, S).
    """
    return float(average_precisions(predicted, shapes).mean())


def score_photos(
    predict: Predictor, pairs: Pairs, threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the IoU and the average precision of each photo's prediction.

    Args:
        predict: photos -> occupancies.
        pairs: photos and their shapes, N.
        threshold: occupancy above which a voxel is filled.

    Returns:
        IoU and average precision, float64 (N,) each.
    """
    iou, precision = np.empty(len(pairs)), np.empty(len(pairs))
    for rows, predicted in in_blocks(predict, pairs.images):
        shapes = pairs.shapes.voxels(pairs.shape_rows[rows])
        iou[rows] = iou_at(predicted, shapes, np.array([threshold]))[:, 0]
        precision[rows] = average_precisions(predicted, shapes)
    return iou, precision


def choose_threshold(predict: Predictor, pairs: Pairs) -> float:
    """Return what `best_threshold` does, without all occupancies in memory.

    Args:
        predict: photos -> occupancies.
        pairs: photos and their shapes, at least one.
    """
    total = np.zeros(len(THRESHOLDS))
    for rows, predicted in in_blocks(predict, pairs.images):
        shapes = pairs.shapes.voxels(pairs.shape_rows[rows])
        total += iou_at(predicted, shapes, THRESHOLDS).sum(axis=0)
    return _best(total / len(pairs))


def in_blocks(
    predict: Predictor, images: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows of some photos, and what is predicted of them, block by block.

    Args:
        predict: photos -> occupancies.
        images: uint8 (N, H, H, 3); may be memory-mapped.

    Yields:
        int64 (n,) and the occupancies (n, S, S, S).
    """
    for start in range(0, len(images), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(images)))
        yield rows, predict(np.asarray(images[start : start + BLOCK]))


def _best(mean_ious: np.ndarray) -> float:
    """Return the threshold of the largest mean IoU; of equal ones the middle one."""
    # Sums of the same numbers in another order differ by rounding errors.
    best = np.flatnonzero(mean_ious >= mean_ious.max() - 1e-12)
    return float(THRESHOLDS[best[len(best) // 2]])


def _flat(
    predicted: np.ndarray, shapes: np.ndarray
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield each row with its occupancies (S^3,) and those of its filled voxels."""
    if predicted.shape != shapes.shape or shapes.dtype != np.bool_:
        raise ValueError(
            f"expected bool shapes {predicted.shape} as the predictions have, found "
            f"{shapes.dtype} {shapes.shape}"
        )
    for row, (values, filled) in enumerate(zip(predicted, shapes, strict=True)):
        values = values.astype(np.float32, copy=False)
        yield row, values.ravel(), values[filled]
