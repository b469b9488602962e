"""Semi-supervised learning: the choice of labels, the trainings and their report."""

import dataclasses
import json

import numpy as np
import pytest

from common.errors import UserError
from common.training.network_files import save_network
from common.training.run_dir import RunDir
from study_norb import few_labels as module
from study_norb.config import CLASSES, Config
from study_norb.data import Toys
from study_norb.few_labels import (
    ALONE,
    GAN,
    accuracy,
    build_classifier,
    check_counts,
    choose_labelled,
    convolutions,
    draw,
    semi_supervised,
    tabulate,
)
from study_norb.networks import build_discriminator

FILES = [f"semi_supervised.{kind}" for kind in ("json", "md", "png")]


def toys(views=3, classes=5, size=48, seed=0):
    """Noise as pictures of 5 instances of each class, in mixed order."""
    rng = np.random.default_rng(seed)
    grid = np.mgrid[:classes, 4:9, :views].reshape(3, -1)
    grid = grid[:, rng.permutation(grid.shape[1])]
    count = grid.shape[1]
    return Toys(
        images=rng.integers(0, 256, (count, size, size, 1), np.uint8),
        classes=grid[0].astype(np.int32),
        instances=grid[1].astype(np.int32),
        azimuths=np.zeros(count, np.float32),
        elevations=np.zeros(count, np.float32),
        lightings=np.zeros(count, np.int32),
        class_names=CLASSES[:classes],
    )


@pytest.fixture
def run(monkeypatch, tmp_path):
    """A finished run with a tiny discriminator, and noise instead of the toys."""
    splits = {"train": toys(), "test": toys(views=1, seed=1)}
    monkeypatch.setattr(module, "load_split", lambda config, split: splits[split])
    return make_run(tmp_path / "run")


def make_run(folder, **options):
    """Return a run as `train` leaves it, with an untrained discriminator."""
    config = Config(filters=2, **options)
    made = RunDir(folder)
    folder.mkdir()
    made.write_config(config)
    save_network(build_discriminator(config), made.discriminator)
    return made


def rows(results):
    """Rows of semi_supervised.json: (labels, seed, accuracy alone, with the GAN)."""
    return [
        {"labels": labels, "seed": seed, "method": method, "accuracy": accuracy}
        for labels, seed, *both in results
        for method, accuracy in zip((ALONE, GAN), both, strict=True)
    ]


@pytest.mark.parametrize("count", [25, 50])
def test_chosen_labels_are_equally_many_of_each_instance(count):
    data = toys()
    chosen = choose_labelled(data, count, seed=3)
    assert len(set(chosen)) == count
    pairs = zip(data.classes[chosen], data.instances[chosen], strict=True)
    _, found = np.unique(list(pairs), axis=0, return_counts=True)
    assert found.tolist() == [count // 25] * 25


def test_a_few_labels_are_equally_many_of_each_class_and_of_different_instances():
    data = toys()
    chosen = choose_labelled(data, 10, seed=3)
    assert np.bincount(data.classes[chosen]).tolist() == [2] * 5
    pairs = list(zip(data.classes[chosen], data.instances[chosen], strict=True))
    assert len(set(pairs)) == 10


def test_numbers_of_chosen_labels_differ_by_at_most_one():
    data = toys()
    found = np.bincount(data.classes[choose_labelled(data, 13, seed=0)])
    assert sorted(found) == [2, 2, 3, 3, 3]


def test_chosen_labels_depend_on_the_seed_alone_and_grow_with_the_count():
    data = toys(views=20)
    first = choose_labelled(data, 50, seed=1)
    assert first.tolist() == choose_labelled(data, 50, seed=1).tolist()
    assert first.tolist() != choose_labelled(data, 50, seed=2).tolist()
    assert set(first) <= set(choose_labelled(data, 100, seed=1))


def test_the_classifier_begins_with_the_convolutions_of_the_discriminator():
    config = Config(filters=2)
    discriminator = build_discriminator(config)
    classifier = build_classifier(config, 5, discriminator)
    pairs = list(
        zip(convolutions(classifier), convolutions(discriminator), strict=True)
    )
    assert len(pairs) == 4
    for own, learnt in pairs:
        for a, b in zip(own.get_weights(), learnt.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    # Copies: training the classifier does not change the run's discriminator.
    assert pairs[0][0] is not pairs[0][1]
    alone = convolutions(build_classifier(config, 5, None))[0].get_weights()[0]
    assert not np.array_equal(alone, pairs[0][1].get_weights()[0])


def test_accuracy_is_the_share_of_right_classes():
    data = toys()
    # The logit of class 2 is always the largest; a fifth of the images is of it.
    logits = np.eye(5, dtype=np.float32)[2]
    found = accuracy(lambda x, training: np.tile(logits, (len(x), 1)), data)
    assert found == pytest.approx(0.2)


def test_few_labels_are_learnt_by_heart(run):
    """The classifier can learn, so that a low accuracy is that of unseen toys."""
    data = toys()
    labelled = choose_labelled(data, 5, seed=0)
    seen = dataclasses.replace(
        data,
        **{
            name: getattr(data, name)[labelled]
            for name in ("images", "classes", "instances")
        },
    )
    config = Config(filters=8)
    discriminator = build_discriminator(config)
    training = module.Training(GAN, 5, 0)
    row = module.run_training(config, training, discriminator, 60, data, seen)
    assert row["accuracy"] >= 0.8


@pytest.mark.parametrize(
    "counts, message",
    [
        ((), "--counts needs at least one number"),
        ((50, 4), "from 5, the number of classes, to 75.*found 4"),
        ((76,), "from 5, the number of classes, to 75.*found 76"),
    ],
)
def test_impossible_counts_are_errors_in_one_line(counts, message):
    with pytest.raises(UserError, match=message) as error:
        check_counts(toys(), counts)
    assert "\n" not in str(error.value)


def test_the_table_has_means_and_deviations_in_percent():
    text = tabulate(rows([(50, 0, 0.5, 0.7), (50, 1, 0.6, 0.7), (100, 0, 0.8, 0.75)]))
    assert "| 50 | 55.0 ± 5.0 | 70.0 ± 0.0 | +15.0 ± 5.0 |" in text
    assert "| 100 | 80.0 ± 0.0 | 75.0 ± 0.0 | -5.0 ± 0.0 |" in text


def test_the_chart_is_a_png(tmp_path):
    draw(rows([(50, 0, 0.5, 0.7), (100, 0, 0.8, 0.75)]), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_gets_all_files(run):
    before = {path.name for path in run.path.iterdir()}
    text = semi_supervised(run, counts=(5,), steps=2, seeds=1)
    assert {path.name for path in run.path.iterdir()} - before == set(FILES)
    page = run.path / "semi_supervised.md"
    assert page.read_text(encoding="utf-8") == text
    found = json.loads((run.path / "semi_supervised.json").read_text())
    assert found["steps"] == 2
    kinds = [(row["labels"], row["method"]) for row in found["trainings"]]
    assert kinds == [(5, ALONE), (5, GAN)]
    assert all(0 <= row["accuracy"] <= 1 for row in found["trainings"])
    assert semi_supervised(run, counts=(5,), steps=2, seeds=1) == text


def test_an_interruption_leaves_the_finished_pairs(run, tmp_path, monkeypatch):
    def interrupted(config, training, *others):
        if training.labels == 10 and training.method == GAN:
            raise KeyboardInterrupt
        return {**dataclasses.asdict(training), "accuracy": 0.5}

    monkeypatch.setattr(module, "run_training", interrupted)
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        semi_supervised(run, counts=(5, 10), steps=2, seeds=1, out=out)
    assert sorted(path.name for path in out.iterdir()) == FILES
    found = json.loads((out / "semi_supervised.json").read_text())
    assert [row["labels"] for row in found["trainings"]] == [5, 5]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"seeds": 0}, "--seeds must be 1 or above, found 0"),
        ({"steps": 0}, "--steps must be 1 or above, found 0"),
        ({"seed": -1}, "--seed must be a whole number from 0, found -1"),
    ],
)
def test_impossible_numbers_are_errors(run, options, message):
    with pytest.raises(UserError, match=message):
        semi_supervised(run, **options)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"labels": "class"}, "has seen labels .--labels class."),
        ({"model": "aegan", "terms": "aae"}, "trains no discriminator of images"),
        ({"model": "capsgan"}, "needs a light dcgan or aegan.*light capsgan"),
    ],
)
def test_other_runs_are_refused(run, tmp_path, options, message):
    other = make_run(tmp_path / "other", **options)
    with pytest.raises(UserError, match=message):
        semi_supervised(other)
