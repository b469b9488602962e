"""IoU, its threshold and average precision: values by hand and of scikit-learn."""

import numpy as np
import pytest
from photos_of_shapes import make_pairs
from sklearn.metrics import average_precision_score

from common.metrics.shape_scores import pairwise_iou
from study_3dvaegan import prediction_scores as scores


def row(*values) -> np.ndarray:
    """Return eight values as one prediction or shape (1, 2, 2, 2)."""
    return np.array(values).reshape(1, 2, 2, 2)


TRUTH = row(1, 1, 1, 0, 0, 0, 0, 0).astype(bool)
PREDICTED = row(0.9, 0.6, 0.2, 0.7, 0.1, 0.1, 0.0, 0.0)


def test_iou_by_hand():
    # Above 0.5: three voxels, two of them right, of four in the union.
    assert scores.mean_iou(PREDICTED, TRUTH, 0.5) == 2 / 4
    assert scores.mean_iou(PREDICTED, TRUTH, 0.15) == 3 / 4
    assert scores.mean_iou(PREDICTED, TRUTH, 0.8) == 1 / 3
    nothing = np.zeros_like(TRUTH)
    assert scores.mean_iou(nothing, nothing, 0.5) == 1
    assert scores.mean_iou(nothing, TRUTH, 0.5) == 0


def test_average_precision_by_hand():
    # Precision at the three filled voxels: 1 of 1, 2 of 3, 3 of 4.
    found = scores.average_precision(PREDICTED, TRUTH)
    assert found == pytest.approx((1 + 2 / 3 + 3 / 4) / 3, abs=1e-12)
    assert scores.average_precision(TRUTH, TRUTH) == 1
    # All voxels are one threshold: the precision is the share of filled voxels.
    assert scores.average_precision(np.zeros((1, 2, 2, 2)), TRUTH) == 3 / 8
    assert scores.average_precision(PREDICTED, np.zeros_like(TRUTH)) == 0


@pytest.mark.parametrize("decimals", [0, 1, 7], ids=["bool", "many equal", "few equal"])
def test_scores_are_those_of_other_programs(decimals):
    rng = np.random.default_rng(decimals)
    shapes = rng.random((6, 8, 8, 8)) < 0.2
    noise = np.clip(0.4 * shapes + 0.8 * rng.random(shapes.shape), 0, 1)
    predicted = np.round(noise, decimals).astype(np.float32)
    flat = zip(shapes.reshape(6, -1), predicted.reshape(6, -1), strict=True)
    np.testing.assert_allclose(
        scores.average_precisions(predicted, shapes),
        [average_precision_score(*pair) for pair in flat],
        atol=1e-12,
    )
    at = scores.iou_at(predicted, shapes, np.array([0.2, 0.5]))
    for column, threshold in enumerate((0.2, 0.5)):
        expected = np.diagonal(pairwise_iou(predicted > threshold, shapes))
        np.testing.assert_allclose(at[:, column], expected, atol=1e-6)


def test_a_voxel_at_the_threshold_is_empty():
    # 0.3 in float32 is above 0.3 in float64.
    for threshold in (0.3, 0.35, 0.7):
        predicted = np.full((1, 2, 2, 2), threshold, np.float32)
        assert scores.mean_iou(predicted, TRUTH, threshold) == 0


def test_the_best_threshold_separates():
    rng = np.random.default_rng(0)
    shapes = rng.random((3, 4, 4, 4)) < 0.3
    predicted = np.where(shapes, 0.42, 0.32).astype(np.float32)
    best = scores.best_threshold(predicted, shapes)
    assert 0.32 <= best < 0.42 and scores.mean_iou(predicted, shapes, best) == 1
    assert scores.best_threshold(shapes, shapes) == 0.5


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(1)
    shapes = rng.random((7, 4, 4, 4)) < 0.4
    predicted = rng.random(shapes.shape).astype(np.float32) * 0.5 + 0.3 * shapes
    # The only pixel of a photo is the number of its shape.
    pairs = make_pairs(shapes, np.arange(7, dtype=np.uint8).reshape(7, 1, 1, 1))

    def predict(images):
        return predicted[images[:, 0, 0, 0]]

    monkeypatch.setattr(scores, "BLOCK", 3)
    best = scores.choose_threshold(predict, pairs)
    assert best == scores.best_threshold(predicted, shapes)
    iou, ap = scores.score_photos(predict, pairs, best)
    assert iou.mean() == pytest.approx(scores.mean_iou(predicted, shapes, best))
    assert ap.mean() == pytest.approx(scores.average_precision(predicted, shapes))


def test_shapes_of_another_size_are_refused():
    with pytest.raises(ValueError, match="expected bool shapes"):
        scores.mean_iou(PREDICTED, np.zeros((1, 3, 3, 3), bool), 0.5)
