"""Image scores of one set: streaming statistics and scores of class probabilities."""

import math

import numpy as np
import pytest
from scipy.stats import entropy

from common.errors import UserError
from common.metrics.feature_statistics import GaussianStatistics
from common.metrics.inception_score import (
    inception_score,
    label_divergence,
    mode_score,
)


def normal(count: int, dimensions: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dimensions))


def statistics_of(features: np.ndarray, batch: int = 7) -> GaussianStatistics:
    statistics = GaussianStatistics(features.shape[1])
    for start in range(0, len(features), batch):
        statistics.update(features[start : start + batch])
    return statistics


def random_probabilities(count: int, classes: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(classes, 0.3), count)


# --- statistics


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_statistics_equal_those_of_numpy_for_any_batch_size(batch):
    features = normal(100, 5, 0) @ normal(5, 5, 1) + np.arange(5)
    statistics = statistics_of(features, batch)
    assert statistics.count == 100
    np.testing.assert_allclose(statistics.mean, features.mean(axis=0), atol=1e-13)
    expected = np.cov(features, rowvar=False)
    np.testing.assert_allclose(statistics.covariance, expected, atol=1e-12)


def test_statistics_stay_precise_with_a_large_offset():
    # A running sum of squares would be wrong by about 1e12 * 2e-16 * 1000.
    features = normal(1000, 3, 0)
    covariance = statistics_of(features + 1e6).covariance
    expected = np.cov(features + 1e6, rowvar=False)
    np.testing.assert_allclose(covariance, expected, atol=1e-12)
    np.testing.assert_allclose(covariance, np.cov(features, rowvar=False), atol=1e-8)


def test_statistics_of_float32_are_computed_in_float64():
    features = (normal(1000, 3, 0) + 1000).astype(np.float32)
    covariance = statistics_of(features).covariance
    assert covariance.dtype == np.float64
    expected = np.cov(features.astype(np.float64), rowvar=False)
    np.testing.assert_allclose(covariance, expected, rtol=1e-9, atol=1e-12)


def test_statistics_return_copies_and_accept_empty_batches():
    statistics = statistics_of(normal(9, 2, 0))
    mean = statistics.mean.copy()
    statistics.mean[:] = 9
    statistics.covariance[:] = 9
    statistics.update(np.zeros((0, 2)))
    assert statistics.count == 9
    np.testing.assert_array_equal(statistics.mean, mean)
    assert statistics.covariance[0, 1] != 9


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_statistics_refuse_features_that_are_not_finite_and_stay_as_they_were(bad):
    statistics = statistics_of(normal(9, 2, 0))
    with pytest.raises(ValueError, match="finite"):
        statistics.update(np.array([[0, 0], [0, bad]]))
    assert statistics.count == 9


def test_statistics_refuse_another_width_and_too_few_features():
    statistics = GaussianStatistics(3)
    with pytest.raises(ValueError, match=r"\(N, 3\), has \(4, 2\)"):
        statistics.update(np.zeros((4, 2)))
    with pytest.raises(ValueError, match=r"has \(3,\)"):
        statistics.update(np.zeros(3))
    with pytest.raises(ValueError, match="at least 1"):
        _ = statistics.mean
    statistics.update(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="at least 2"):
        _ = statistics.covariance
    with pytest.raises(ValueError, match="dimensions"):
        GaussianStatistics(0)


# --- Inception Score


def test_inception_score_of_clear_images_of_all_classes_is_their_number():
    assert inception_score(np.tile(np.eye(10), (20, 1))) == pytest.approx((10, 0))


@pytest.mark.parametrize("row", [[0.2, 0.5, 0.3], [0, 1, 0]])
def test_inception_score_of_images_all_alike_is_one(row):
    assert inception_score(np.tile(row, (40, 1))) == pytest.approx((1, 0))


def test_inception_score_by_hand():
    # Both rows have KL(row || marginal) = 0.8 log 1.6 + 0.2 log 0.4.
    rows = [[0.8, 0.2], [0.2, 0.8]]
    expected = 1.6**0.8 * 0.4**0.2
    assert inception_score(rows, splits=1) == pytest.approx((expected, 0))
    # The second split is uniform over two clear classes: score 2.
    mean, deviation = inception_score([*rows, [1, 0], [0, 1]], splits=2)
    assert mean == pytest.approx((expected + 2) / 2)
    assert deviation == pytest.approx((2 - expected) / 2)


def test_inception_score_agrees_with_scipy():
    rows = random_probabilities(103, 7, 0)
    parts = np.split(rows, [20, 41, 61, 82])  # 103 i / 5, rounded down
    scores = [np.exp(entropy(p.T, p.mean(0)[:, None]).mean()) for p in parts]
    expected = np.mean(scores), np.std(scores)
    assert inception_score(rows, splits=5) == pytest.approx(expected)


def test_inception_score_equals_that_of_torch_fidelity():
    # Computed from these logits by torch-fidelity 0.4.0, 4 splits, no shuffling.
    rng = np.random.default_rng(7)
    rng.normal(size=(60, 6)), rng.normal(size=(50, 6)), rng.normal(size=(6, 6))
    weights = np.exp(rng.normal(0, 2, (58, 5)))
    value = inception_score(weights / weights.sum(axis=1, keepdims=True), splits=4)
    assert value == pytest.approx((1.87186091356337, 0.164002739844259), rel=1e-12)


def test_class_scores_are_never_nan_with_zero_and_vanishing_probabilities():
    rows = np.array([[1, 0, 0], [0.5, 0.5, 0], [1, 5e-324, 0], [1, 1e-45, 1e-310]])
    mean, deviation = inception_score(rows, splits=2)
    assert 1 <= mean <= 3 and 0 <= deviation <= 2
    assert math.isfinite(mode_score(rows, [1, 0, 0]))
    assert label_divergence(rows, [0.5, 0.5, 0]) < math.inf


def test_class_scores_take_float32_and_half_precision():
    rows = random_probabilities(50, 1000, 0)
    for dtype, tolerance in ((np.float32, 1e-5), (np.float16, 1e-2)):
        value = inception_score(rows.astype(dtype), splits=2)
        assert value == pytest.approx(inception_score(rows, splits=2), rel=tolerance)


def test_inception_score_refuses_fewer_images_than_splits():
    rows = np.eye(3)
    with pytest.raises(UserError, match="at least 10 images .*found 3; .*fewer splits"):
        inception_score(rows)
    assert inception_score(rows, splits=3) == pytest.approx((1, 0))
    with pytest.raises(UserError, match="found 0"):
        inception_score(np.zeros((0, 3)), splits=1)
    with pytest.raises(ValueError, match="splits must be"):
        inception_score(rows, splits=0)


# --- Mode Score and label divergence


def test_mode_score_by_its_formula():
    rows = random_probabilities(60, 5, 0)
    marginal = rows.mean(axis=0)
    for reference in ([0.2] * 5, [0.6, 0.1, 0.1, 0.1, 0.1]):
        clear = entropy(rows, marginal[None], axis=1).mean()
        formula = np.exp(clear - entropy(marginal, reference))
        assert mode_score(rows, reference) == pytest.approx(formula)


def test_the_first_form_of_the_mode_score_is_the_inception_score():
    """A reference in both terms cancels, which is why that form is not used."""
    rows = random_probabilities(60, 5, 0)
    for reference in ([0.2] * 5, [0.6, 0.1, 0.1, 0.1, 0.1]):
        to_reference = entropy(rows, np.array([reference]), axis=1).mean()
        formula = np.exp(to_reference - entropy(rows.mean(axis=0), reference))
        assert inception_score(rows, splits=1)[0] == pytest.approx(formula)


def test_mode_score_and_label_divergence_detect_missing_classes():
    reference = [0.1] * 5 + [0.5]
    fitting = np.repeat(np.eye(6), [1, 1, 1, 1, 1, 5], axis=0)
    unfitting = np.repeat(np.eye(6), [5, 1, 1, 1, 1, 1], axis=0)
    assert label_divergence(fitting, reference) == pytest.approx(0, abs=1e-15)
    expected = 0.5 * np.log(0.5 / 0.1) + 0.1 * np.log(0.1 / 0.5)
    assert label_divergence(unfitting, reference) == pytest.approx(expected)
    score, _ = inception_score(fitting, splits=1)
    assert mode_score(fitting, reference) == pytest.approx(score)
    assert mode_score(unfitting, reference) == pytest.approx(score * np.exp(-expected))
    # Five of ten classes: each of the five twice too frequent.
    assert mode_score(np.eye(10)[:5], [0.1] * 10) == pytest.approx(5 / 2)


def test_label_divergence_of_missing_classes_is_the_log_of_their_factor():
    uniform = np.full(10, 0.1)
    assert label_divergence(np.eye(10)[:4], uniform) == pytest.approx(np.log(10 / 4))
    assert label_divergence(np.eye(10), uniform) == pytest.approx(0, abs=1e-15)


def test_a_class_that_the_reference_lacks():
    rows, reference = np.eye(3), [0.5, 0.5, 0]
    assert label_divergence(rows, reference) == math.inf
    assert mode_score(rows, reference) == 0
    assert label_divergence(rows[:2], reference) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("score", [mode_score, label_divergence])
def test_class_scores_refuse_inputs_that_are_not_distributions(score):
    rows, reference = np.eye(3), np.full(3, 1 / 3)
    for bad in (rows * 2, -rows, rows * np.nan, rows[0], rows[:, :0]):
        with pytest.raises(ValueError, match="probabilities must"):
            score(bad, reference)
    for bad in (reference * 2, -reference, rows):
        with pytest.raises(ValueError, match="reference must"):
            score(rows, bad)
    with pytest.raises(ValueError, match="must have 3 classes, has 2"):
        score(rows, [0.5, 0.5])
    with pytest.raises(UserError, match="at least 1 image, found 0"):
        score(rows[:0], reference)
