"""Scores of generated voxel shapes, by 1 - IoU as the distance and by occupancy."""

import logging
import math
from collections.abc import Iterable, Mapping

import numpy as np
from tqdm import tqdm

from common.errors import UserError
from common.metrics import set_distances
from common.metrics.divergence import js_divergence
from common.metrics.memorisation import score_memorisation

_log = logging.getLogger(__name__)

# Largest number of float32 values in memory while bool cells are converted: 64 MiB.
_BLOCK_VALUES = 2**24
# Integers up to this are exact in float32, so counts of cells up to it are too.
_EXACT_IN_FLOAT32 = 2**24


def pairwise_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the intersection over union of each shape of `a` with each of `b`.

    IoU(x, y) = |x and y| / |x or y| = <x, y> / (|x| + |y| - <x, y>)

    Two empty shapes are equal, so their IoU is 1. Cells are counted exactly, so equal
    shapes give exactly 1, and equal ratios give exactly equal values.

    Args:
        a: (N, S, S, S) bool.
        b: (M, S, S, S) bool.

    Returns:
        (N, M) float32 in [0, 1].

    Raises:
        ValueError: an input is not 4-D bool.
        UserError: the grids have different sizes.
    """
    _check_same_grid(a, b)
    cells = math.prod(a.shape[1:])
    a, b = a.reshape(len(a), cells), b.reshape(len(b), cells)
    dtype = np.float32 if cells <= _EXACT_IN_FLOAT32 else np.float64
    intersection = np.zeros((len(a), len(b)), dtype)
    # Work in blocks of cells, not of shapes, so that each cell is converted only once.
    step = max(1, _BLOCK_VALUES // max(1, len(a) + len(b)))
    starts = range(0, cells, step)
    for start in tqdm(starts, "IoU", unit="block", disable=None, delay=1, leave=False):
        part = slice(start, start + step)
        intersection += a[:, part].astype(dtype) @ b[:, part].astype(dtype).T
    sizes_a = np.count_nonzero(a, axis=1).astype(dtype)
    sizes_b = np.count_nonzero(b, axis=1).astype(dtype)
    union = sizes_a[:, None] + sizes_b[None, :] - intersection
    iou = np.ones_like(intersection)
    np.divide(intersection, union, out=iou, where=union > 0)
    return iou.astype(np.float32, copy=False)


def occupancy(voxels: np.ndarray) -> float:
    """Return the share of filled cells in a set of shapes.

    Args:
        voxels: (N, S, S, S) bool, N >= 1.

    Returns:
        The share, in [0, 1].

    Raises:
        ValueError: the input is not 4-D bool, or empty.
    """
    _check_voxels("voxels", voxels)
    if voxels.size == 0:
        raise ValueError(f"voxels must hold a shape, has shape {voxels.shape}")
    return float(np.count_nonzero(voxels) / voxels.size)


def jensen_shannon_occupancy(a: np.ndarray, b: np.ndarray) -> float:
    """Return the Jensen-Shannon divergence between the occupied regions of two sets.

    For each set, count how many shapes fill each cell, and divide the counts by their
    sum. This gives a distribution over the cells, P for `a` and Q for `b`.

    JSD(P, Q) = KL(P || M) / 2 + KL(Q || M) / 2,  M = (P + Q) / 2,  in bits

    0 log 0 = 0. A set without any filled cell has no distribution. The value for two
    such sets is defined as 0, and for one such set and any other set as 1.

    Args:
        a: (N, S, S, S) bool.
        b: (M, S, S, S) bool.

    Returns:
        The divergence in bits, in [0, 1]; low is good.

    Raises:
        ValueError: an input is not 4-D bool.
        UserError: the grids have different sizes.

    Reference:
        Achlioptas et al. 2018, arXiv:1707.02392, evaluation metrics.
    """
    _check_same_grid(a, b)
    p, q = (x.sum(axis=0, dtype=np.int64).ravel().astype(np.float64) for x in (a, b))
    if p.sum() == 0 or q.sum() == 0:
        return 0.0 if p.sum() == q.sum() else 1.0
    nats = js_divergence(p / p.sum(), q / q.sum())
    return min(1.0, nats / math.log(2))  # rounding can exceed the bound by 1e-16


def evaluate_shapes(
    samples: np.ndarray, reference: np.ndarray
) -> dict[str, float | int]:
    """Return all scores of generated shapes against reference shapes.

    The distance is 1 - IoU. Use as many samples as reference shapes. Different numbers
    are allowed, with a warning, but then the coverage is at most N / M, and 0.5 is no
    longer the best 1-NN accuracy.

    Args:
        samples: (N, S, S, S) bool, N >= 2.
        reference: (M, S, S, S) bool, M >= 1, held-out shapes.

    Returns:
        cov_iou, mmd_iou, one_nna_iou: see `common.metrics.set_distances`;
        pairwise_iou: mean IoU of two samples, near 1 if all are similar;
        occupancy: share of filled cells in the samples;
        jsd_occupancy: see `jensen_shannon_occupancy`, in bits;
        n_samples, n_reference: N and M.

    Raises:
        ValueError: an input is not 4-D bool.
        UserError: there are too few shapes, or the grids have different sizes.

    Reference:
        Yang et al. 2019, arXiv:1906.12320, evaluation metrics.
    """
    _check_same_grid(samples, reference)
    if len(samples) < 2 or len(reference) < 1:
        raise UserError(
            "expected at least 2 samples and 1 reference shape, found "
            f"{len(samples)} and {len(reference)}; generate or load more"
        )
    if len(samples) != len(reference):
        _log.warning(
            "%d samples against %d reference shapes: coverage and 1-NN accuracy are "
            "only meaningful for equal numbers",
            len(samples),
            len(reference),
        )
    iou_samples = pairwise_iou(samples, samples)
    across = 1 - pairwise_iou(samples, reference)
    return {
        "cov_iou": set_distances.coverage(across),
        "mmd_iou": set_distances.minimum_matching_distance(across),
        "one_nna_iou": set_distances.one_nearest_neighbour_accuracy(
            1 - iou_samples, across, 1 - pairwise_iou(reference, reference)
        ),
        "pairwise_iou": set_distances.mean_pairwise(iou_samples),
        "occupancy": occupancy(samples),
        "jsd_occupancy": jensen_shannon_occupancy(samples, reference),
        "n_samples": len(samples),
        "n_reference": len(reference),
    }


def score_shape_sets(
    sets: Mapping[str, np.ndarray],
    reference: np.ndarray,
    train: Iterable[np.ndarray],
    prefix: str = "",
) -> dict[str, dict[str, float | int]]:
    """Return all scores of several sets of shapes, copies of training shapes included.

    Args:
        sets: shapes (N, S, S, S) bool by the names of the sets.
        reference: (M, S, S, S) bool, held-out shapes.
        train: the training shapes, in blocks (B, S, S, S) bool.
        prefix: begins the names of the scores of copies.

    Returns:
        By the names of the sets: the scores of `evaluate_shapes`, and those of
        `score_memorisation` with 1 - IoU as the distance.
    """
    copied = score_memorisation(
        sets, reference, train, lambda a, b: 1 - pairwise_iou(a, b)
    )
    return {
        name: evaluate_shapes(shapes, reference)
        | {prefix + score: value for score, value in copied[name].items()}
        for name, shapes in sets.items()
    }


def _check_voxels(name: str, voxels: np.ndarray) -> None:
    if voxels.ndim != 4 or voxels.dtype != np.bool_:
        raise ValueError(
            f"{name} must be bool of shape (N, S, S, S), "
            f"is {voxels.dtype} of shape {voxels.shape}"
        )


def _check_same_grid(a: np.ndarray, b: np.ndarray) -> None:
    _check_voxels("the first set", a)
    _check_voxels("the second set", b)
    if a.shape[1:] != b.shape[1:]:
        sizes = [" x ".join(map(str, x.shape[1:])) for x in (a, b)]
        raise UserError(
            "expected two sets of shapes on grids of the same size, found "
            f"{sizes[0]} and {sizes[1]}; load both sets at the same resolution"
        )
