"""smallNORB: scores of a run, by hand, and the files that `test` writes."""

import dataclasses
import functools
import json
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from norb_files import write_tiny_norb

from common.errors import UserError
from common.features import local_classifier
from common.images.pixels import to_floats
from common.training.network_files import save_network
from common.training.run_dir import RunDir
from study_norb import (
    evaluation,
    label_scores,
    model_scores,
    pose_regression,
    score_sheets,
)
from study_norb.config import CLASSES, Config
from study_norb.data import load_split
from study_norb.generation import Labels
from study_norb.networks import build_discriminator, build_encoder, build_generator

SCORES = {f"{name}40_local" for name in ("fid", "kid", "precision", "recall")}
COPIES = {"nearest_training_ratio", "nearest_training_share"}
SHARES = {*(f"class_share_{name}" for name in CLASSES), "min_class_share", "n_classes"}
# What is scored of every set of images.
EVERY = SCORES | {"is40_local"} | COPIES | SHARES
POSES = {"azimuth_error_deg", "median_azimuth_error_deg", "elevation_error_deg"}
CAPSULES = {
    f"capsule_{capsule}_on_{images}"
    for capsule in ("real", "generated")
    for images in ("real", "generated")
}
LATENTS = {"r_x", "r_x_train", "r_z", "z_mean_abs", "z_std_mean"}


# --- stubs


class Classes:
    """Stands for an extractor: the first pixel of an image is its class."""

    def __call__(self, images):
        numbers = np.rint((images[:, 0, 0, 0] + 1) * 127.5).astype(int)
        return None, np.eye(5, dtype=np.float32)[numbers]


def images_of(values, size: int = 4) -> np.ndarray:
    """Return images uint8 (N, S, S, 1), each of one grey value."""
    column = np.asarray(values, np.uint8)[:, None, None, None]
    return np.broadcast_to(column, (len(values), size, size, 1)).copy()


def mean_of(images, training):
    """Stand for E: the latent is the mean of the image."""
    return tf.reduce_mean(images, axis=(1, 2))


def constant(latents, training):
    """Stand for G: an image of the grey value that the latent names."""
    return tf.tile(tf.reshape(latents, (-1, 1, 1, 1)), (1, 4, 4, 1))


# --- values by hand


def test_shares_of_classes():
    guessed = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, 2] * 10)
    scores = label_scores.class_scores(guessed, ("a", "b", "c", "d"))
    assert scores == {
        "class_share_a": 0.3,
        "class_share_b": 0.2,
        "class_share_c": 0.5,
        "class_share_d": 0.0,
        "min_class_share": 0.0,
        "n_classes": 3,
    }


def test_a_class_is_found_from_a_tenth_of_an_equal_share():
    # An equal share of four classes is 100 of 400 images.
    scores = [
        label_scores.class_scores(
            np.repeat([0, 1, 2, 3], (200 - few, 100, 100, few)), "abcd"
        )["n_classes"]
        for few in (9, 10)
    ]
    assert scores == [3, 4]


def test_images_are_put_in_the_most_probable_class(monkeypatch):
    monkeypatch.setattr(label_scores, "BATCH", 2)
    guessed = label_scores.classify(Classes(), images_of([3, 0, 4, 1, 1]))
    np.testing.assert_array_equal(guessed, [3, 0, 4, 1, 1])


def bench_of(**changes) -> evaluation.Bench:
    """Return a bench of stubs."""
    fields = dict.fromkeys(field.name for field in dataclasses.fields(evaluation.Bench))
    return evaluation.Bench(**fields | changes)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Return a data set of 40 images to train on and 40 to test on."""
    return write_tiny_norb(tmp_path_factory.mktemp("norb") / "data", per_class=8)


def config_of(data: Path, **changes) -> Config:
    return dataclasses.replace(tiny.STUDY_NORB, data=data, **changes)


def test_label_accuracy_is_the_share_in_the_class_asked_for(data):
    bench = bench_of(classifier=Classes(), train=load_split(config_of(data), "train"))
    zeros = np.zeros(4)
    labels = Labels(np.array([3, 0, 2, 1]), zeros, zeros, zeros)
    shown = evaluation.ImageSet(images_of([3, 0, 4, 1]), labels)
    scores = evaluation.recognise(bench, shown)
    assert scores["label_accuracy"] == 0.75
    assert set(scores) == SHARES | {"label_accuracy"}
    unlabelled = evaluation.ImageSet(shown.images, None)
    assert set(evaluation.recognise(bench, unlabelled)) == SHARES


def test_errors_of_poses(monkeypatch):
    read = np.array([350.0, 10, 180, 0]), np.array([30.0, 50, 50, 70])
    monkeypatch.setattr(label_scores, "read_poses", lambda network, images: read)
    scores = label_scores.pose_scores(
        None, images_of([0] * 4), np.array([10, 350, 0, 0]), np.full(4, 50)
    )
    assert scores == {
        "azimuth_error_deg": (20 + 20 + 180 + 0) / 4,
        "median_azimuth_error_deg": 20,
        "elevation_error_deg": 10,
    }
    chance = label_scores.chance_scores(np.array([30, 50, 70, 60]))
    assert chance["azimuth_error_deg"] == 90 and chance["elevation_error_deg"] == 12.5


def test_reconstructions_by_hand(monkeypatch):
    monkeypatch.setattr(model_scores, "BATCH", 2)
    images = images_of([0, 255, 0])
    images[2, :2] = 255  # half black, half white: its mean is grey
    latents = np.array([[0.5], [-1.0], [0.0]], np.float32)
    scores = model_scores.reconstruction_scores(
        constant, mean_of, images, images[:2], latents
    )
    expected = {
        "r_x": 1 / 3,
        "r_x_train": 0,
        "r_z": 0,
        "z_mean_abs": 0,
        "z_std_mean": np.std([-1, 1, 0]),
    }
    assert scores == pytest.approx(expected, abs=1e-6)

    def half(images, training):
        return mean_of(images, training) / 2

    assert model_scores.latent_error(constant, half, latents) == pytest.approx(
        (0.25**2 + 0.5**2) / 3
    )


def test_the_baseline_of_the_mean_image(monkeypatch):
    monkeypatch.setattr(model_scores, "BATCH", 2)
    # The mean of the training images is 51, which is -0.6.
    scores = model_scores.mean_image_scores(
        images_of([0, 255, 51]), images_of([0, 0, 51, 102, 102])
    )
    assert scores == pytest.approx({"r_x": (0.4 + 1.6 + 0) / 3, "r_z": 1}, abs=1e-6)


@pytest.mark.parametrize("labelled", [False, True])
def test_lengths_of_capsules(labelled, monkeypatch):
    """D gives each image's grey value x: the capsules of classes x and x / 2."""
    monkeypatch.setattr(model_scores, "BATCH", 2)

    def discriminator(images, training):
        value = (images[:, 0, 0] + 1) / 2
        lengths = tf.concat([value / 2, value, 1 - value], axis=1)
        return [lengths, tf.zeros((len(images), 7))] if labelled else lengths

    scores = model_scores.capsule_scores(
        discriminator, images_of([255, 255, 204]), images_of([51, 0])
    )
    expected = {
        "capsule_real_on_real": (1 + 1 + 0.8) / 3,
        "capsule_generated_on_real": 0.2 / 3,
        "capsule_real_on_generated": 0.1,
        "capsule_generated_on_generated": 0.9,
    }
    assert scores == pytest.approx(expected, abs=1e-6)


# --- images


@pytest.mark.parametrize("cameras", ["left", "both", "stereo"])
def test_networks_learn_from_left_images_whatever_the_cameras(data, cameras):
    wanted = load_split(config_of(data), "train")
    config = config_of(data, cameras=cameras)
    seen = evaluation.seen_left(config, load_split(config, "train"))
    np.testing.assert_array_equal(seen.images, wanted.images)
    np.testing.assert_array_equal(seen.azimuths, wanted.azimuths)


@pytest.fixture
def quick(monkeypatch):
    """Train the networks that score for a few steps only."""
    monkeypatch.setattr(evaluation, "STEPS", 4)
    monkeypatch.setattr(local_classifier, "BATCH_SIZE", 16)
    short = functools.partial(pose_regression.pose_network, steps=2)
    monkeypatch.setattr(evaluation, "pose_network", short)


def test_images_are_generated_for_held_out_labels(data, quick):
    config = config_of(data, labels="pose")
    bench = evaluation.set_up_bench(config, 40, 1, "local", None)
    found, wanted = (
        np.stack([part.classes, part.azimuths, part.elevations, part.lightings])
        for part in (bench.labels, load_split(config, "test"))
    )
    assert not np.array_equal(found, wanted)
    order = [np.lexsort(part) for part in (found, wanted)]
    np.testing.assert_array_equal(found[:, order[0]], wanted[:, order[1]])
    fewer = evaluation.set_up_bench(config, 10, 1, "local", None)
    assert len(fewer.held_out) == len(fewer.labels.classes) == 10
    np.testing.assert_array_equal(
        np.sort(fewer.labels.classes), np.sort(fewer.held_out.classes)
    )


def test_labels_of_other_classes_are_refused_before_anything_is_trained(
    data, monkeypatch
):
    """Images of two classes cannot be scored by a run that has learnt five."""
    config = config_of(data, labels="class")
    two = load_split(dataclasses.replace(config, classes=("car", "truck")), "test")
    monkeypatch.setattr(evaluation, "load_split", lambda *_: two)
    with pytest.raises(UserError, match="has 2 classes .car, ..... but the labels"):
        evaluation.set_up_bench(config, 10, 1, "local", None)


def test_rows_of_samples_are_classes_by_azimuth(monkeypatch):
    drawn = {}

    def keep(rows, row_labels):
        drawn.update(rows=rows, labels=row_labels)
        return np.zeros((1, 1, 3), np.uint8)

    monkeypatch.setattr(score_sheets, "sheet", keep)
    images = images_of([10, 20, 30, 40])
    score_sheets.draw_classes(
        images, np.array([2, 0, 2, 2]), "abc", np.array([200, 20, 100, 0])
    )
    captions = [[caption for _, caption in row] for row in drawn["rows"]]
    assert captions == [["20°"], [None], ["0°", "100°", "200°"]]
    greys = [[int(tile[0, 0, 0]) for tile, _ in row] for row in drawn["rows"]]
    assert greys == [[20], [255], [40, 30, 10]] and drawn["labels"] == "abc"


# --- whole runs


@pytest.fixture
def make_run(tmp_path, data) -> Callable[..., RunDir]:
    """Return a function that writes a run of untrained networks."""

    def make(name: str = "run", **changes) -> RunDir:
        config = config_of(data, **changes)
        run = RunDir(tmp_path / name, "study_norb")
        run.path.mkdir()
        run.write_config(config)
        keras.utils.set_random_seed(0)
        save_network(build_generator(config), run.generator)
        save_network(build_discriminator(config), run.discriminator)
        if config.model == "aegan":
            save_network(build_encoder(config), run.path / "encoder.keras")
        return run

    return make


def named(prefix: str, names: set[str]) -> set[str]:
    return {f"baseline_{prefix}_{name}" for name in names}


@pytest.mark.parametrize(
    ("changes", "own", "heldout", "more"),
    [
        ({}, set(), set(), set()),
        ({"labels": "class"}, {"label_accuracy"}, set(), set()),
        (
            {"labels": "pose", "condition": "projection", "cameras": "stereo"},
            {"label_accuracy", *POSES},
            POSES,
            named("chance", POSES),
        ),
        ({"model": "capsgan", "cameras": "stereo"}, CAPSULES, set(), set()),
        (
            {"model": "capsgan", "labels": "class"},
            {"label_accuracy", *CAPSULES},
            set(),
            set(),
        ),
        (
            {"model": "aegan", "cameras": "stereo"},
            LATENTS,
            set(),
            named("mean", {"r_x", "r_z"}),
        ),
        ({"model": "aegan", "terms": "gan"}, set(), set(), set()),
    ],
    ids=["dcgan", "class", "pose", "capsgan", "capsgan-class", "aegan", "gan"],
)
def test_names_of_all_scores(make_run, quick, changes, own, heldout, more):
    run = make_run(**changes)
    metrics = evaluation.test(run, samples=40)
    assert json.loads((run.path / "metrics.json").read_text()) == metrics
    conditional = own & {"label_accuracy", *POSES}
    assert set(metrics) == (
        EVERY
        | own
        | {"classifier_accuracy"}
        | named("train", EVERY | {"label_accuracy"} | heldout)
        | named("heldout", SHARES | {"label_accuracy"} | heldout)
        | named("untrained", EVERY | conditional)
        | more
    )
    # Training items are what a generator would make that has learnt them by heart.
    assert metrics["baseline_train_nearest_training_ratio"] == 0
    assert metrics["classifier_accuracy"] == metrics["baseline_heldout_label_accuracy"]
    sheets = {"samples.png", "neighbours.png"}
    if "r_x" in own:
        sheets.add("reconstructions.png")
    assert {path.name for path in run.path.glob("*.png")} == sheets
    table = (run.path / "metrics.md").read_text()
    assert "training images" in table and "untrained" in table


def test_a_single_class_has_no_scores_of_classes(make_run, quick):
    run = make_run(classes=("car",))
    # The test split has eight cars.
    with pytest.raises(UserError, match="at least 10 held-out images"):
        evaluation.test(run)


def test_names_of_a_single_class(tmp_path, make_run, quick):
    more = write_tiny_norb(tmp_path / "more", per_class=12)
    metrics = evaluation.test(make_run(classes=("car",)), data=more)
    scores = {f"{name}12_local" for name in ("fid", "kid", "precision", "recall")}
    scores |= COPIES
    assert set(metrics) == scores | named("train", scores) | named("untrained", scores)


def test_a_second_run_is_a_baseline(make_run, quick):
    """The run itself stands for the seed's network, so all its scores are equal."""
    run = make_run()
    metrics = evaluation.test(run, seed_run=run.path)
    for name in EVERY:
        assert metrics[name] == metrics[f"baseline_seed_{name}"]
    assert "seed's network" in (run.path / "metrics.md").read_text()


def test_same_seed_same_scores(make_run, quick):
    run = make_run(labels="class")
    first = evaluation.test(run, samples=20, seed=3)
    assert evaluation.test(run, samples=20, seed=3) == first
    assert evaluation.test(run, samples=20, seed=4) != first


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "--seed must be a whole number from 0, found -1"),
        ({"samples": 9}, "--samples must be from 10 to the 40"),
        ({"samples": 41}, "--samples must be from 10 to the 40"),
    ],
)
def test_wrong_options_are_one_line(make_run, options, message):
    with pytest.raises(UserError, match=message) as caught:
        evaluation.test(make_run(), **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 96}, "makes images of 96 pixels, this run of 48; give"),
        ({"classes": ("car",)}, "has learnt the classes car, this run all; give"),
    ],
)
def test_a_baseline_of_other_images_is_refused(make_run, changes, message):
    other = make_run("other", **changes)
    with pytest.raises(UserError, match=message):
        evaluation.test(make_run(), seed_run=other.path)


def test_reconstructions_are_drawn_below_their_images(data, tmp_path, monkeypatch):
    drawn = {}

    def keep(rows, row_labels):
        drawn.update(rows=rows, labels=row_labels)
        return np.zeros((1, 1, 3), np.uint8)

    monkeypatch.setattr(score_sheets, "sheet", keep)
    toys = load_split(config_of(data), "test")

    def tiled(latents, training):
        return tf.tile(tf.reshape(latents, (-1, 1, 1, 1)), (1, 48, 48, 1))

    evaluation.draw_reconstructions(tiled, mean_of, toys, tmp_path / "sheet.png")
    assert drawn["labels"] == ["held out", "G(E(x))"] * 3
    for above, below in zip(drawn["rows"][::2], drawn["rows"][1::2], strict=True):
        assert len(above) == len(below) == 10
        for (image, _), (again, _) in zip(above, below, strict=True):
            mean = to_floats(image).mean()
            assert to_floats(again).mean() == pytest.approx(mean, abs=0.01)
            assert again.std() == 0 < image.std()
