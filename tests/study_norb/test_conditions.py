"""smallNORB: labels as numbers, by hand, and the loss of guessed ones."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from tiny import STUDY_NORB as TINY

from study_norb.conditions import (
    azimuth_of,
    elevations_of,
    encode,
    encode_toys,
    guess_loss,
    label_parts,
    label_size,
    scale_elevations,
    split_label,
    turned,
)
from study_norb.data import Toys

POSE = dataclasses.replace(TINY, labels="pose")
CLASS = dataclasses.replace(TINY, labels="class")
RNG = np.random.default_rng(0)


def labels(config=POSE, classes=(0,), azimuths=(0,), elevations=(50,), lightings=(0,)):
    """Return labels (N, d); options that are not named are those of one toy."""
    parts = (classes, azimuths, elevations, lightings)
    count = max(map(len, parts))
    return encode(config, *(np.resize(np.asarray(part), count) for part in parts))


def parts_of(label: np.ndarray) -> dict[str, np.ndarray]:
    return {name: np.asarray(part) for name, part in split_label(POSE, label)}


def test_lengths_of_labels():
    assert [label_size(c) for c in (TINY, CLASS, POSE)] == [0, 5, 18]
    three = ("animal", "truck", "car")
    assert label_size(dataclasses.replace(CLASS, classes=three)) == 3
    assert label_size(dataclasses.replace(POSE, classes=three)) == 16
    # A pose is of use even if all toys are of one class.
    assert label_size(dataclasses.replace(POSE, classes=("car",))) == 14
    for config in (CLASS, POSE):
        assert labels(config).shape == (1, label_size(config))
        assert sum(n for _, n in label_parts(config)) == label_size(config)


def test_a_label_by_hand():
    """A truck at 90 degrees, seen from 60 degrees, in the fifth lighting."""
    found = labels(classes=[3], azimuths=[90], elevations=[60], lightings=[4])
    assert found.dtype == np.float32
    expected = [0, 0, 0, 1, 0, *(0, -1, 0), *(1, 0, -1), 0.5, 0, 0, 0, 0, 1, 0]
    np.testing.assert_allclose(found, [expected], atol=1e-6)
    np.testing.assert_array_equal(labels(CLASS, classes=[3]), found[:, :5])


def test_elevations_reach_from_minus_1_to_1():
    found = parts_of(labels(elevations=[30, 50, 70]))["elevation"]
    np.testing.assert_allclose(found, [[-1], [0], [1]])


def test_azimuths_359_and_0_are_close():
    zero, almost, quarter = parts_of(labels(azimuths=[0, 359, 90]))["azimuth"]
    # The third multiple moves by 3 degrees: 0.052 at most.
    assert 0 < abs(zero - almost).max() < 0.053
    assert abs(zero - quarter).max() >= 1


def test_whole_turns_change_nothing():
    azimuths = np.array([0.0, 77.0, 340.0])
    for turns in (-360, 360, 720):
        np.testing.assert_allclose(
            labels(azimuths=azimuths + turns), labels(azimuths=azimuths), atol=1e-5
        )


def test_elevations_are_read_back():
    elevations = np.array([30.0, 45.0, 70.0])
    np.testing.assert_allclose(scale_elevations(elevations), [-1, -0.25, 1])
    np.testing.assert_allclose(elevations_of(scale_elevations(elevations)), elevations)


def test_the_azimuth_of_a_label_is_that_encoded():
    azimuths = np.arange(0.0, 360, 20)
    part = parts_of(labels(azimuths=azimuths))["azimuth"]
    found = azimuth_of(part[:, 0], part[:, 3])
    # Close to 0 may be close to 360.
    np.testing.assert_allclose((found - azimuths + 180) % 360, 180, atol=1e-3)
    assert 0 <= found.min() and found.max() < 360
    # A guess may be longer or shorter than a cosine and a sine are.
    again = azimuth_of(0.2 * part[:, 0], 0.2 * part[:, 3])
    np.testing.assert_allclose(again[1:], azimuths[1:], atol=1e-3)


def test_labels_of_pictures_are_those_of_their_poses():
    count = 7
    toys = Toys(
        np.zeros((count, 48, 48, 1), np.uint8),
        RNG.integers(0, 5, count),
        np.zeros(count, np.int32),
        RNG.uniform(0, 360, count).astype(np.float32),
        RNG.uniform(30, 70, count).astype(np.float32),
        RNG.integers(0, 6, count),
        tuple("abcde"),
    )
    found = parts_of(encode_toys(POSE, toys))
    np.testing.assert_array_equal(found["class"].argmax(axis=1), toys.classes)
    np.testing.assert_array_equal(found["lighting"].argmax(axis=1), toys.lightings)
    azimuths = azimuth_of(found["azimuth"][:, 0], found["azimuth"][:, 3])
    np.testing.assert_allclose(azimuths, toys.azimuths, atol=1e-2)
    np.testing.assert_allclose(
        50 + 20 * found["elevation"][:, 0], toys.elevations, rtol=1e-5
    )


def test_the_parts_make_up_the_label():
    label = RNG.normal(size=(3, 18)).astype(np.float32)
    names, parts = zip(*split_label(POSE, label), strict=True)
    assert names == ("class", "azimuth", "elevation", "lighting")
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), label)


# --- the loss of guesses


def cross_entropy(logits, index):
    return np.log(np.exp(logits).sum()) - logits[index]


def test_the_loss_of_a_guessed_class_by_hand():
    label = labels(CLASS, classes=[0, 2])
    guess = np.array([[2, 0, 0, 0, 0], [1, 3, 2, 0, 0]], np.float32)
    loss, logs = guess_loss(CLASS, tf.constant(guess), tf.constant(label))
    expected = (cross_entropy(guess[0], 0) + cross_entropy(guess[1], 2)) / 2
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    assert {name: float(value) for name, value in logs.items()} == {
        "class_accuracy": 0.5
    }


def test_the_loss_of_a_guessed_pose_by_hand():
    label = labels(classes=[1, 4], azimuths=[0, 90], elevations=[30, 70], lightings=[5])
    guess = RNG.normal(size=(2, 18)).astype(np.float32)
    loss, logs = guess_loss(POSE, tf.constant(guess), tf.constant(label))
    expected = np.mean(
        [
            cross_entropy(g[:5], c)
            + np.sum((g[5:12] - y[5:12]) ** 2)
            + cross_entropy(g[12:], 5)
            for g, y, c in zip(guess, label, (1, 4), strict=True)
        ]
    )
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    # The azimuths are 0 and 90 degrees.
    norms = np.hypot(guess[:, 5], guess[:, 8])
    cosines = guess[0, 5] / norms[0], guess[1, 8] / norms[1]
    assert float(logs["azimuth_cosine"]) == pytest.approx(np.mean(cosines), rel=1e-4)


@pytest.mark.parametrize(("turn", "cosine"), [(0, 1), (90, 0), (180, -1)])
def test_the_cosine_says_how_far_an_azimuth_is_off(turn, cosine):
    azimuths = np.array([10.0, 200.0, 330.0])
    guess, label = (tf.constant(labels(azimuths=azimuths + more)) for more in (turn, 0))
    _, logs = guess_loss(POSE, 0.3 * guess, label)
    assert float(logs["azimuth_cosine"]) == pytest.approx(cosine, abs=1e-5)


def test_a_right_guess_costs_least():
    label = labels(classes=[2], azimuths=[140], elevations=[45], lightings=[3])
    right = label.copy()
    right[:, :5] *= 30
    right[:, 12:] *= 30
    loss, _ = guess_loss(POSE, tf.constant(right), tf.constant(label))
    assert float(loss) == pytest.approx(0, abs=1e-5)
    for place in range(18):
        wrong = right.copy()
        wrong[0, place] += 40 if place < 5 or place > 11 else 0.5
        if place in (2, 15):
            wrong[0, place] = 0
        loss, _ = guess_loss(POSE, tf.constant(wrong), tf.constant(label))
        assert float(loss) > 0.1, place


def test_a_guess_of_nothing_has_a_finite_gradient():
    """The direction of a guessed azimuth (0, 0) is not defined."""
    guess, label = tf.zeros((2, 18)), tf.constant(labels(azimuths=[20, 300]))
    with tf.GradientTape() as tape:
        tape.watch(guess)
        loss, logs = guess_loss(POSE, guess, label)
    assert np.isfinite(tape.gradient(loss, guess)).all()
    assert np.isfinite(float(logs["azimuth_cosine"]))


def test_turned_labels_are_those_of_other_azimuths():
    """Only the azimuth changes, by the share of a whole turn."""
    toy = {"classes": [0, 4, 2], "elevations": [30, 50, 70], "lightings": [5, 0, 1]}
    shares = np.array([0.25, 0.5, 0.0], np.float32)
    before, after = (
        labels(azimuths=np.array([0, 350, 100]) + turn, **toy)
        for turn in (0, 360 * shares)
    )
    found = turned(POSE, tf.constant(before), tf.constant(shares))
    np.testing.assert_allclose(found, after, atol=1e-5)
