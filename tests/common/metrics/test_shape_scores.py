"""Scores of sets of shapes against values by hand and from slow loops."""

import logging

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import jaccard_score

from common.errors import UserError
from common.metrics import set_distances, shape_scores

# Rows are samples, columns are reference shapes.
# The nearest reference shapes of the rows are 0, 0, 2, so columns 0 and 2 are covered.
# The smallest distances of the columns are 1, 4, 0.5.
ACROSS = np.array([[1, 4, 3], [2, 5, 6], [7, 8, 0.5]])
SAMPLES = np.array([[0, 1.5, 5], [1.5, 0, 2.5], [5, 2.5, 0]])
REFERENCE = np.array([[0, 3, 4.5], [3, 0, 9], [4.5, 9, 0]])


def random_boxes(count: int, seed: int, size: int = 10) -> np.ndarray:
    """Return boxes of random position and size, bool (count, size, size, size)."""
    rng = np.random.default_rng(seed)
    voxels = np.zeros((count, size, size, size), bool)
    for shape in voxels:
        low = rng.integers(0, size // 2, 3)
        high = low + rng.integers(2, size // 2 + 1, 3)
        shape[low[0] : high[0], low[1] : high[1], low[2] : high[2]] = True
    return voxels


def random_voxels(count: int, seed: int, share: float = 0.3) -> np.ndarray:
    return np.random.default_rng(seed).random((count, 4, 4, 4)) < share


def slow_iou(x: np.ndarray, y: np.ndarray) -> float:
    pairs = list(zip(x.ravel().tolist(), y.ravel().tolist(), strict=True))
    return sum(p and q for p, q in pairs) / sum(p or q for p, q in pairs)


def slow_measures(ss: np.ndarray, sr: np.ndarray, rr: np.ndarray) -> dict:
    """Return coverage, matching distance and 1-NN accuracy, computed in loops."""
    n, m = sr.shape
    covered, best, right = set(), [float("inf")] * m, 0
    for i in range(n):
        covered.add(min(range(m), key=lambda j, i=i: sr[i, j]))
        for j in range(m):
            best[j] = min(best[j], sr[i, j])
    joined = np.block([[ss, sr], [sr.T, rr]])
    for i in range(n + m):
        others = [j for j in range(n + m) if j != i]
        nearest = min(others, key=lambda j, i=i: joined[i, j])
        right += (nearest < n) == (i < n)
    return {"cov": len(covered) / m, "mmd": sum(best) / m, "nna": right / (n + m)}


# --- sets


def test_coverage_by_hand():
    assert set_distances.coverage(ACROSS) == pytest.approx(2 / 3)


def test_coverage_of_equally_near_references_counts_one():
    assert set_distances.coverage(np.ones((5, 4))) == pytest.approx(1 / 4)


def test_minimum_matching_distance_by_hand():
    assert set_distances.minimum_matching_distance(ACROSS) == pytest.approx(5.5 / 3)


def test_one_nearest_neighbour_accuracy_by_hand():
    # s0: own 1.5, other 1: wrong. s1: own 1.5, other 2: right.
    # s2: own 2.5, other 0.5: wrong. r0: own 3, other 1: wrong.
    # r1: own 3, other 4: right. r2: own 4.5, other 0.5: wrong.
    value = set_distances.one_nearest_neighbour_accuracy(SAMPLES, ACROSS, REFERENCE)
    assert value == pytest.approx(2 / 6)


def test_one_nearest_neighbour_accuracy_shares_ties():
    # Two samples and one reference shape, all at distance 1: each sample scores
    # 1/2, and the reference shape, the only one of its set, scores 0.
    ones = np.ones
    value = set_distances.one_nearest_neighbour_accuracy(
        ones((2, 2)), ones((2, 1)), [[0.0]]
    )
    assert value == pytest.approx(1 / 3)


def test_one_nearest_neighbour_accuracy_ignores_order_under_ties():
    rng = np.random.default_rng(0)
    points = rng.integers(0, 3, (24, 2))  # many equal points and distances
    distances = np.abs(points[:, None] - points[None]).sum(-1)

    def value(s, r):
        return set_distances.one_nearest_neighbour_accuracy(
            distances[np.ix_(s, s)], distances[np.ix_(s, r)], distances[np.ix_(r, r)]
        )

    s, r = np.arange(12), np.arange(12, 24)
    expected = value(s, r)
    assert 0 < expected < 1
    assert value(rng.permutation(s), rng.permutation(r)) == pytest.approx(expected)


def test_one_nearest_neighbour_accuracy_of_a_copy_is_zero():
    before = SAMPLES.copy()
    assert set_distances.one_nearest_neighbour_accuracy(SAMPLES, SAMPLES, SAMPLES) == 0
    np.testing.assert_array_equal(SAMPLES, before)  # the argument is not changed


def test_mean_pairwise_by_hand_ignores_the_diagonal():
    matrix = SAMPLES + np.diag([9.0, 9.0, 9.0])
    assert set_distances.mean_pairwise(matrix) == pytest.approx((1.5 + 5 + 2.5) / 3)


def test_sets_agree_with_slow_loops():
    rng = np.random.default_rng(1)
    points = rng.normal(np.where(np.arange(23) < 9, 0.7, 0), size=(3, 23)).T
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    ss, sr, rr = distances[:9, :9], distances[:9, 9:], distances[9:, 9:]
    slow = slow_measures(ss, sr, rr)
    assert set_distances.coverage(sr) == pytest.approx(slow["cov"])
    assert set_distances.minimum_matching_distance(sr) == pytest.approx(slow["mmd"])
    accuracy = set_distances.one_nearest_neighbour_accuracy(ss, sr, rr)
    assert accuracy == pytest.approx(slow["nna"])


def test_one_nearest_neighbour_accuracy_of_one_distribution_is_a_half():
    points = np.random.default_rng(2).normal(size=(600, 3))
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    value = set_distances.one_nearest_neighbour_accuracy(
        distances[:300, :300], distances[:300, 300:], distances[300:, 300:]
    )
    assert value == pytest.approx(0.5, abs=0.06)  # standard deviation 0.02


@pytest.mark.parametrize(
    "bad", [np.zeros((0, 3)), np.zeros(3), np.array([[1.0, np.nan]])]
)
def test_sets_refuse_inputs_that_are_not_distance_matrices(bad):
    for measure in (
        set_distances.coverage,
        set_distances.minimum_matching_distance,
        set_distances.mean_pairwise,
    ):
        with pytest.raises(ValueError, match="must be"):
            measure(bad)


def test_sets_refuse_matrices_that_do_not_fit():
    with pytest.raises(ValueError, match=r"sample_sample must have shape \(3, 3\)"):
        set_distances.one_nearest_neighbour_accuracy(SAMPLES[:2, :2], ACROSS, REFERENCE)
    with pytest.raises(ValueError, match="square"):
        set_distances.mean_pairwise(ACROSS[:2])
    with pytest.raises(ValueError, match="at least 2"):
        set_distances.mean_pairwise(np.zeros((1, 1)))


# --- voxels


def test_pairwise_iou_by_hand():
    empty = np.zeros((2, 2, 2), bool)
    one, layer, full = empty.copy(), empty.copy(), ~empty
    one[0, 0, 0] = True  # 1 cell, inside the layer
    layer[:, :, 0] = True  # 4 cells
    iou = shape_scores.pairwise_iou(
        np.stack([one, layer, empty]), np.stack([full, layer])
    )
    assert iou.dtype == np.float32
    # one: 1 of 8, 1 of 4; layer: 4 of 8, the same; empty shares nothing.
    np.testing.assert_array_equal(iou, [[0.125, 0.25], [0.5, 1], [0, 0]])


def test_pairwise_iou_of_two_empty_shapes_is_one():
    empty = np.zeros((2, 3, 3, 3), bool)
    np.testing.assert_array_equal(
        shape_scores.pairwise_iou(empty, empty), np.ones((2, 2))
    )


def test_pairwise_iou_agrees_with_loops_and_with_sklearn():
    a, b = random_voxels(5, 0), random_voxels(7, 1, 0.6)
    iou = shape_scores.pairwise_iou(a, b)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            assert iou[i, j] == pytest.approx(slow_iou(x, y), abs=1e-6)
            assert iou[i, j] == pytest.approx(
                jaccard_score(x.ravel(), y.ravel()), abs=1e-6
            )


def test_pairwise_iou_is_the_same_in_small_blocks(monkeypatch):
    a, b = random_voxels(5, 0), random_voxels(7, 1)
    whole = shape_scores.pairwise_iou(a, b)
    monkeypatch.setattr(shape_scores, "_BLOCK_VALUES", 12 * 5)  # 5 of 64 cells at once
    np.testing.assert_array_equal(shape_scores.pairwise_iou(a, b), whole)


def test_occupancy_by_hand():
    voxels = np.zeros((2, 2, 2, 2), bool)
    voxels[0, 0, 0] = True  # 2 of 16 cells
    assert shape_scores.occupancy(voxels) == 0.125


def test_jensen_shannon_by_hand():
    a = np.zeros((1, 2, 2, 2), bool)
    b = a.copy()
    a[0, 0, 0, 0] = True  # P = (1, 0)
    b[0, 0, 0, :] = True  # Q = (1/2, 1/2), M = (3/4, 1/4)
    expected = 0.5 * np.log2(4 / 3) + 0.5 * (0.5 * np.log2(2 / 3) + 0.5 * np.log2(2))
    assert shape_scores.jensen_shannon_occupancy(a, b) == pytest.approx(expected)


def test_jensen_shannon_agrees_with_scipy():
    a, b = random_voxels(3, 0, 0.2), random_voxels(6, 1, 0.2)
    sums = [x.sum(axis=0).ravel() for x in (a, b)]
    assert min(s.min() for s in sums) == 0  # the case with empty cells
    expected = jensenshannon(*sums, base=2) ** 2
    assert shape_scores.jensen_shannon_occupancy(a, b) == pytest.approx(expected)


def test_jensen_shannon_at_its_bounds():
    a = random_voxels(3, 0)
    left, empty = a.copy(), np.zeros_like(a)
    left[:, :2], a[:, 2:] = False, False
    assert shape_scores.jensen_shannon_occupancy(a, a) == 0
    assert shape_scores.jensen_shannon_occupancy(a, left) == pytest.approx(
        1
    )  # no cell in common
    assert shape_scores.jensen_shannon_occupancy(a, empty) == 1
    assert shape_scores.jensen_shannon_occupancy(empty, empty) == 0


def test_evaluate_shapes_against_itself():
    shapes = np.unique(random_boxes(20, 0), axis=0)  # without equal shapes
    result = shape_scores.evaluate_shapes(shapes, shapes)
    assert result["cov_iou"] == 1
    assert result["mmd_iou"] == 0
    assert result["jsd_occupancy"] == 0
    assert result["one_nna_iou"] == 0  # every nearest neighbour is the copy
    assert result["occupancy"] == shapes.mean()


def test_evaluate_shapes_agrees_with_slow_loops():
    samples, reference = random_voxels(6, 3), random_voxels(5, 4)

    def distances(a, b):
        # The same rounding as in the module, so that ties stay ties.
        iou = np.array([[slow_iou(x, y) for y in b] for x in a], np.float32)
        return 1 - iou

    ss = distances(samples, samples)
    slow = slow_measures(
        ss, distances(samples, reference), distances(reference, reference)
    )
    result = shape_scores.evaluate_shapes(samples, reference)
    assert result["cov_iou"] == pytest.approx(slow["cov"])
    assert result["mmd_iou"] == pytest.approx(slow["mmd"])
    assert result["one_nna_iou"] == pytest.approx(slow["nna"])
    pairs = [1 - ss[i, j] for i in range(6) for j in range(6) if i != j]
    assert result["pairwise_iou"] == pytest.approx(np.mean(pairs))
    assert (result["n_samples"], result["n_reference"]) == (6, 5)


def test_evaluate_shapes_detects_collapse():
    reference = random_boxes(60, 0)
    good = shape_scores.evaluate_shapes(random_boxes(60, 1), reference)
    collapsed = np.repeat(random_boxes(1, 2), 60, axis=0)
    collapsed ^= np.random.default_rng(3).random(collapsed.shape) < 0.01
    bad = shape_scores.evaluate_shapes(collapsed, reference)
    assert good["one_nna_iou"] == pytest.approx(0.5, abs=0.12)
    assert bad["one_nna_iou"] > 0.95
    assert good["cov_iou"] > 0.4 > 0.2 > bad["cov_iou"]
    assert good["pairwise_iou"] < 0.3 < 0.6 < bad["pairwise_iou"]
    assert good["mmd_iou"] < bad["mmd_iou"]
    assert good["jsd_occupancy"] < bad["jsd_occupancy"]


@pytest.mark.parametrize("fill", [False, True])
def test_evaluate_shapes_is_finite_for_an_untrained_generator(fill):
    samples = np.full((4, 4, 4, 4), fill)
    result = shape_scores.evaluate_shapes(samples, random_voxels(4, 0))
    assert all(type(value) in (int, float) for value in result.values())
    assert np.isfinite(list(result.values())).all()
    assert result["cov_iou"] == 0.25
    assert result["pairwise_iou"] == 1


def test_evaluate_shapes_warns_about_unequal_numbers(caplog):
    with caplog.at_level(logging.WARNING):
        shape_scores.evaluate_shapes(random_voxels(2, 0), random_voxels(3, 1))
    assert "2 samples against 3 reference" in caplog.text


def test_voxel_measures_refuse_wrong_input():
    shapes = random_voxels(3, 0)
    with pytest.raises(UserError, match="found 1 and 3"):
        shape_scores.evaluate_shapes(shapes[:1], shapes)
    with pytest.raises(UserError, match="found 3 and 0"):
        shape_scores.evaluate_shapes(shapes, shapes[:0])
    with pytest.raises(UserError, match="found 4 x 4 x 4 and 10 x 10 x 10"):
        shape_scores.evaluate_shapes(shapes, random_boxes(2, 0))
    with pytest.raises(ValueError, match="must be bool"):
        shape_scores.pairwise_iou(shapes.astype(np.float32), shapes)
    with pytest.raises(ValueError, match="must be bool"):
        shape_scores.occupancy(shapes[0])
    with pytest.raises(ValueError, match="must hold a shape"):
        shape_scores.occupancy(shapes[:0])
