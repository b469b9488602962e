"""VON: the files and scores of `test`, with networks that make boxes."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import tiny
from shapes import write_boxes
from von_boxes import box_networks
from von_runs import write_photos, write_run

from common.errors import UserError
from common.features.extractors import Extractor
from common.training.run_dir import RunDir
from study_von import evaluation
from study_von.data import load_split
from study_von.foregrounds import foreground

IMAGE_SCORES = {f"{name}12_local" for name in ("fid", "kid", "precision", "recall")}
SHAPE_SCORES = {"cov_iou", "mmd_iou", "one_nna_iou", "pairwise_iou"}
CHECKS = {"photos_silhouette_iou", "renders_view_error_deg"}
OBJECTS = {"silhouette_iou", "view_error_deg", "colour_drift", "histogram_drift"}
COLOURS = {"colour_spread", "high_frequency"}
MINUTES = {"dcgan_minutes"}


def encode(images, training):
    """Return the texture whose colour is that of the images' objects."""
    pixels = np.rint((np.asarray(images) + 1) * 127.5).astype(np.uint8)
    means = [p[m].mean(axis=0) for p, m in zip(pixels, foreground(pixels), strict=True)]
    values = (np.array(means) / 127.5 - 1) / 0.9
    return np.arctanh(np.clip(values, -0.999, 0.999)).astype(np.float32), None


def networks(*_: object, stage: str = "texture"):
    return box_networks()._replace(texture_encoder=encode, stage=stage)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RunDir:
    folder = tmp_path_factory.mktemp("von")
    write_photos(folder / "photos", 12)
    return write_run(
        folder / "run",
        data=write_boxes(folder / "shapes"),
        photos=folder / "photos",
    )


def small_extractor() -> Extractor:
    """Return an extractor whose features are the colours of the quarters."""
    images = keras.Input((32, 32, 3))
    features = keras.layers.Flatten()(keras.layers.AveragePooling2D(16)(images))
    classes = keras.layers.Softmax()(features)
    return Extractor("local", keras.Model(images, [features, classes]))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Replace whatever is trained."""
    monkeypatch.setattr(evaluation, "choose_extractor", lambda *args: small_extractor())
    monkeypatch.setattr(evaluation, "load_networks", networks)
    monkeypatch.setattr(
        evaluation,
        "view_network",
        lambda *args: (
            lambda images, training: [
                np.zeros((len(images), 36)),
                np.zeros((len(images), 12)),
            ]
        ),
    )

    def noise(run, config, photos, minutes, count, seed):
        shape = (count, config.image_size, config.image_size, 3)
        return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)

    monkeypatch.setattr(evaluation, "dcgan_images", noise)


def test_the_scores_of_a_run_and_its_baselines(run):
    metrics = evaluation.test(run, baseline_minutes=0.5)
    own = IMAGE_SCORES | SHAPE_SCORES | CHECKS | OBJECTS | COLOURS | MINUTES
    assert own | {"transfer_error"} <= set(metrics)
    for prefix in ("baseline_train_", "baseline_untrained_"):
        assert {prefix + k for k in IMAGE_SCORES | SHAPE_SCORES} <= set(metrics)
    assert {"baseline_dcgan_" + k for k in IMAGE_SCORES | COLOURS} <= set(metrics)
    assert not [name for name in metrics if name.startswith("before_joint_")]
    # The boxes have one colour from all sides, and about that of the photo.
    assert metrics["colour_drift"] == pytest.approx(0, abs=1e-6)
    assert metrics["transfer_error"] < 0.3
    assert metrics["high_frequency"] == pytest.approx(0, abs=0.01)
    assert metrics["baseline_dcgan_high_frequency"] > 1
    assert metrics["silhouette_iou"] > 0.95
    assert json.loads((run.path / "metrics.json").read_text()) == metrics
    text = (run.path / "metrics.md").read_text()
    assert "| this run |" in text and "before joint" not in text
    for name in ("test.png", "transfer.png"):
        assert (run.path / name).is_file()


def test_the_stage_before_the_joint_one_is_a_column(run, monkeypatch):
    asked = []

    def earlier(run, stage):
        asked.append(stage)
        return networks()

    monkeypatch.setattr(
        evaluation, "load_networks", lambda run: networks(stage="joint")
    )
    monkeypatch.setattr(evaluation, "load_stage", earlier)
    metrics = evaluation.test(run, baseline_minutes=0)
    assert asked == ["texture"]
    # Both stages have the same networks here.
    for name in (*IMAGE_SCORES, *SHAPE_SCORES, *OBJECTS, *COLOURS, "transfer_error"):
        assert metrics[f"before_joint_{name}"] == metrics[name]
    assert not [name for name in metrics if "dcgan" in name]


def test_the_minutes_of_a_run_are_the_dcgans(run, monkeypatch):
    monkeypatch.setattr(evaluation, "minutes_of", lambda run: 7.5)
    assert evaluation.test(run)["dcgan_minutes"] == 7.5


@pytest.mark.parametrize("minutes", [-1, float("nan"), float("inf")])
def test_wrong_minutes(run, minutes):
    with pytest.raises(UserError, match="--baseline-minutes must be 0 or above"):
        evaluation.test(run, baseline_minutes=minutes)


def test_a_run_without_a_texture_network(run, monkeypatch, tmp_path):
    monkeypatch.undo()
    empty = RunDir(tmp_path, "study_von")
    empty.write_config(run.read_config())
    with pytest.raises(UserError, match="no texture network"):
        evaluation.test(empty, data=run.read_config().data)


def test_the_published_network_gets_its_two_maps_alone(run):
    config = run.read_config()
    assert config.texture == "published"
    seen = []

    def paint(inputs, training):
        seen.append(inputs[0].shape[-1])
        return box_networks().texture_generator(inputs, training)

    bench = evaluation.set_up_bench(config, None, 1, "local", None)
    own = networks()._replace(texture_generator=paint)
    scores = evaluation.score_drift(config, bench, own)
    assert set(seen) == {2} and scores["colour_drift"] == pytest.approx(0, abs=1e-6)


def test_fields_are_solid_where_sketches_see_them():
    config = dataclasses.replace(tiny.STUDY_VON, representation="distance", size=128)
    volumes = np.float32([0.5, 0.89, 0.91, 1.0]).reshape(1, 4, 1, 1, 1)
    found = evaluation.solid(config, volumes, np.array([0]))
    assert found.ravel().tolist() == [False, False, True, True]
    found = evaluation.solid(tiny.STUDY_VON, volumes, np.array([0]))
    assert found.ravel().tolist() == [False, True, True, True]


def test_untrained_networks_differ_with_the_seed_only(run):
    config = run.read_config()
    bench = evaluation.set_up_bench(config, 10, 1, "local", None)
    first, again = (
        evaluation.baseline_images(run, config, bench, networks(), 0) for _ in range(2)
    )
    keras.utils.set_random_seed(7)
    other = evaluation.baseline_images(
        run, config, dataclasses.replace(bench, seed=2), networks(), 0
    )
    name = evaluation.UNTRAINED
    np.testing.assert_array_equal(first[name].images, again[name].images)
    assert (first[name].images != other[name].images).any()
    train = load_split(config, "train").photos.images
    for image in first[evaluation.TRAIN].images:
        assert (image == train).all(axis=(1, 2, 3)).any()
