"""Objectives: the joint distance, validation rows, and samples that are NaN."""

import json
import math

import keras
import numpy as np
import pytest

from common.errors import TrainingError, UserError
from common.features import (
    cached_network,
    extractors,
    local_classifier,
    pretext_task,
)
from common.metrics.fid import frechet_joint_distance
from common.tuning.objective import chosen_rows, finite_samples, nan_if_not_finite
from synthetic_data.anime_faces.write import make_faces

RNG = np.random.default_rng(0)


def test_the_joint_distance_of_gaussians():
    """Features are +-2, conditions +-1, alpha is 2; the signs agree, then differ.

    The joint covariances are v v' with v = s (2, 2) and s (2, -2), s^2 = 4/3, whose
    product's root has the trace 0: the distance is 2 * 16 s^2 / 2.
    """
    real = np.array([[2.0], [2.0], [-2.0], [-2.0]])
    conditions = np.sign(real)
    same = frechet_joint_distance(real, conditions, real, conditions)
    assert same == pytest.approx(0, abs=1e-9)
    apart = frechet_joint_distance(real, conditions, real, -conditions)
    assert apart == pytest.approx(2 * (4 + 4) * 4 / 3)


def test_the_weight_of_conditions_is_that_of_the_real_features():
    real, conditions = RNG.normal(size=(50, 3)), np.eye(2)[RNG.integers(0, 2, 50)]
    fake = RNG.normal(size=(50, 3))
    plain = frechet_joint_distance(real, conditions, fake, conditions)
    scaled = frechet_joint_distance(real, 7 * conditions, fake, 7 * conditions)
    assert scaled == pytest.approx(plain)
    ten = frechet_joint_distance(10 * real, conditions, 10 * fake, conditions)
    assert ten == pytest.approx(100 * plain)


def test_chosen_rows_are_validation_rows_evenly_spaced():
    assert chosen_rows(30, 10, 1, 99).tolist() == [9, 19, 29]
    assert chosen_rows(100, 10, 1, 3).tolist() == [9, 49, 99]
    assert chosen_rows(40, 10, 4, 4).tolist() == [9, 19, 29, 39]
    with pytest.raises(UserError, match="at least 40 items.*every 10th.*found 39"):
        chosen_rows(39, 10, 4, 99)


def test_samples_that_are_not_finite_make_all_metrics_nan():
    def measure(generator):
        return {"a": finite_samples(generator)(np.ones(2)).sum(), "b": 2, "more": 3}

    objective = nan_if_not_finite(("a", "b"), measure)
    metrics = objective(lambda x, training: x)
    assert metrics == {"a": 2.0, "b": 2.0}
    assert {type(value) for value in metrics.values()} == {float}
    for bad in (np.nan, np.inf):
        metrics = objective(lambda x, training, bad=bad: x * bad)
        assert set(metrics) == {"a", "b"} and all(map(math.isnan, metrics.values()))
    with pytest.raises(TrainingError):
        finite_samples(lambda x, training: x / 0.0 * np.inf)(np.full(1, np.nan))
    with pytest.raises(TrainingError):
        finite_samples(lambda x, training: x)(np.array([[1.0, 2.0], [3.0, np.nan]]))


def test_an_objective_hides_no_other_error():
    def measure(generator):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        nan_if_not_finite(("a",), measure)(None)


def test_a_generator_runs_in_inference_mode_by_default():
    flags = []

    def generator(x, training):
        flags.append(training)
        return 3 * x

    call = finite_samples(generator)
    assert call(np.ones(2)).tolist() == [3.0, 3.0]
    call(np.ones(2), training=True)
    call(np.ones(2), training=False)
    assert flags == [False, True, False]


def test_the_note_of_a_cached_network_is_written_before_the_network(
    tmp_path, monkeypatch
):
    """So a second process that finds the network also finds its note."""
    path = tmp_path / "net.keras"
    images = keras.Input((2,))
    network = keras.Model(images, keras.layers.Dense(1)(images))
    replace, seen = cached_network.atomic_path, []

    def watch(target, mode):
        seen.append((target.suffix, path.with_suffix(".json").is_file()))
        return replace(target, mode)

    monkeypatch.setattr(cached_network, "atomic_path", watch)
    cached_network.load_or_train(path, lambda: (network, 0.5))
    assert seen == [(".json", False), (".keras", True)]
    assert json.loads(path.with_suffix(".json").read_text()) == {"accuracy": 0.5}

    def again():
        raise AssertionError("it is there already")

    assert cached_network.load_or_train(path, again)[1] == 0.5


def test_the_task_for_images_without_labels_is_generated_once(tmp_path, monkeypatch):
    trained = []

    def train(*arguments):
        """Note what would be trained on, and return an untrained network."""
        trained.append(arguments)
        return local_classifier.build((32, 32, 3), 4, seed=0), 0.5

    monkeypatch.setattr(local_classifier, "train", train)
    images = make_faces(40, seed=0, size=32)[0]
    options = {"steps": 2, "cache_dir": tmp_path}
    first = extractors.local_unlabelled(images, **options)
    task = pretext_task.make_task(images)
    extractors.local(*task, steps=2, cache_dir=tmp_path / "other")
    for ours, theirs in zip(*trained, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert len(set(trained[0][1])) == len(set(task[1]))
    monkeypatch.setattr(pretext_task, "make_task", None)
    assert extractors.local_unlabelled(images, **options).key == first.key
    with pytest.raises(TypeError):
        extractors.local_unlabelled(images[::-1], **options)
