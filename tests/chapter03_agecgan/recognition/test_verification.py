"""Pairs of photos, distances, thresholds and error rates."""

import itertools

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from chapter03_agecgan.recognition.verification import (
    accept_rate,
    area_under_curve,
    distances,
    equal_error_rate,
    false_accept_rate,
    other_pairs,
    same_pairs,
    threshold,
    verify,
)
from common.errors import UserError

PERSONS = list("baacbada")


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def as_sets(pairs: np.ndarray) -> set[frozenset]:
    return {frozenset(pair) for pair in pairs.tolist()}


def test_distances_of_known_embeddings():
    a = np.array([[0, 0], [1, 0], [0.6, 0.8]], np.float32)
    b = np.array([[3, 4], [0, 1], [0.6, 0.8]], np.float32)
    np.testing.assert_allclose(distances(a, b), [5, np.sqrt(2), 0])
    assert distances(a, b).dtype == np.float64


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.zeros((2, 3)), np.zeros((3, 3)), "one shape"),
        (np.zeros(3), np.zeros(3), "one shape"),
        (np.full((2, 3), np.nan), np.zeros((2, 3)), "finite"),
    ],
)
def test_unequal_or_infinite_embeddings_are_refused(a, b, message):
    with pytest.raises(ValueError, match=message):
        distances(a, b)


@pytest.mark.parametrize("same", [True, False])
def test_all_pairs_are_returned_if_they_are_few(same):
    wanted = {
        frozenset((i, j))
        for i, j in itertools.combinations(range(len(PERSONS)), 2)
        if (PERSONS[i] == PERSONS[j]) == same
    }
    pairs = (same_pairs if same else other_pairs)(PERSONS, rng())
    assert len(pairs) == len(wanted) == (7 if same else 21)
    assert as_sets(pairs) == wanted


@pytest.mark.parametrize("draw", [same_pairs, other_pairs])
def test_pairs_are_drawn_uniformly_and_repeatably(draw):
    whole = as_sets(draw(PERSONS, rng()))
    pairs = draw(PERSONS, rng(), 5)
    assert len(as_sets(pairs)) == 5 and as_sets(pairs) <= whole
    np.testing.assert_array_equal(pairs, draw(PERSONS, rng(), 5))
    generator = rng()
    drawn = [pair for _ in range(700) for pair in as_sets(draw(PERSONS, generator, 5))]
    shares = np.array([drawn.count(pair) for pair in whole]) / 700
    np.testing.assert_allclose(shares, 5 / len(whole), atol=0.08)


def test_few_pairs_are_drawn_from_a_hundred_thousand_photos():
    persons = np.arange(100_000) // 1000
    pairs = same_pairs(persons, rng(), 100)
    assert (persons[pairs[:, 0]] == persons[pairs[:, 1]]).all()
    assert (pairs[:, 0] != pairs[:, 1]).all()
    pairs = other_pairs(persons, rng(), 100)
    assert (persons[pairs[:, 0]] != persons[pairs[:, 1]]).all()


def test_without_photos_there_are_no_pairs():
    assert same_pairs([], rng()).shape == other_pairs([], rng()).shape == (0, 2)
    assert same_pairs(["a", "b"], rng()).shape == (0, 2)


def test_threshold_is_the_smallest_that_accepts_the_share():
    values = np.random.default_rng(1).permutation(100) + 1.0
    assert threshold(values) == 99
    assert threshold(values, 1) == 100
    # 0.07 * 100 is 7.000000000000001.
    assert threshold(values, 0.07) == 7
    assert threshold(values, 0.071) == 8
    assert threshold(np.array([0.5])) == 0.5


@pytest.mark.parametrize("share", [0, 1.1, np.nan])
def test_a_share_outside_0_to_1_is_refused(share):
    with pytest.raises(ValueError, match="share"):
        threshold(np.ones(3), share)


def test_a_distance_equal_to_the_threshold_is_accepted():
    values = np.array([0.1, 0.2, 0.3, 0.4])
    assert accept_rate(values, 0.3) == false_accept_rate(values, 0.3) == 0.75
    assert accept_rate(values, 0.05) == 0


def test_area_and_equal_error_rate_of_known_distances():
    same, other = np.array([1, 2, 3, 6.0]), np.array([4, 5, 7, 8, 9.0])
    # 2 of the 20 comparisons are wrong: the genuine 6 is above 4 and 5.
    assert area_under_curve(same, other) == pytest.approx(18 / 20)
    # At the threshold 4: one of five accepted, one of four rejected.
    assert equal_error_rate(same, other) == pytest.approx((1 / 5 + 1 / 4) / 2)
    assert equal_error_rate(same, same + 10) == 0
    assert area_under_curve(same, same) == 0.5


def test_area_agrees_with_scikit_learn_with_ties():
    same = rng().integers(0, 12, 60) / 10
    other = rng().integers(5, 20, 90) / 10
    labels = np.repeat([1, 0], [60, 90])
    wanted = roc_auc_score(labels, -np.concatenate([same, other]))
    assert area_under_curve(same, other) == pytest.approx(wanted)


@pytest.mark.parametrize(
    "call",
    [
        lambda none: threshold(none),
        lambda none: accept_rate(none, 1.0),
        lambda none: area_under_curve(none, np.ones(2)),
        lambda none: equal_error_rate(np.ones(2), none),
    ],
)
def test_empty_distances_are_refused(call):
    with pytest.raises(ValueError, match="P >= 1"):
        call(np.zeros(0))


class Pixels:
    """A replacement of a network: the embedding is the colour of the first pixel."""

    def embed(self, images: np.ndarray) -> np.ndarray:
        return images[:, 0, 0].astype(np.float32) / 255


def test_verify_returns_all_rates():
    images = np.zeros((5, 2, 2, 3), np.uint8)
    images[:, 0, 0, 0] = [0, 51, 204, 255, 102]
    found = verify(Pixels(), images, ["a", "a", "b", "b", "a"])
    # Distances of genuine pairs: 0.2 0.4 0.2 0.2; of impostor pairs: 0.8 1.0 0.6 0.8
    # 0.4 0.6.
    assert found["threshold"] == pytest.approx(0.4)
    assert found["same_accepted"] == 1
    assert found["false_accept"] == pytest.approx(1 / 6)
    assert found["auc"] == pytest.approx(1 - 0.5 / 24)
    assert found["eer"] == pytest.approx((0 + 1 / 6) / 2)
    assert (found["same_pairs"], found["other_pairs"]) == (4, 6)


@pytest.mark.parametrize("persons", [["a", "b", "c"], ["a", "a", "a"]])
def test_missing_pairs_are_reported_in_one_line(persons):
    with pytest.raises(UserError, match="2 people or more") as caught:
        verify(Pixels(), np.zeros((3, 2, 2, 3), np.uint8), persons)
    assert "\n" not in str(caught.value)
