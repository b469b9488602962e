"""Baselines, the command `test` and the objective of `tune`, on tiny networks."""

import dataclasses
import json
import math

import keras
import numpy as np
import pytest
from photos_of_shapes import make_pairs, silhouettes
from PIL import Image
from shapes import boxes, padded

from chapter02_3dgan import evaluation as chapter02
from chapter02_3dgan.generation import make_shapes
from common.errors import UserError
from common.images.pixels import to_floats
from common.training.network_files import save_network
from common.training.run_dir import RunDir
from common.tuning.space import Space
from study_3dvaegan import baselines, data, evaluation, tuning
from study_3dvaegan.config import PRESETS, Config
from study_3dvaegan.data import Pairs
from study_3dvaegan.data_sets.ikea import Ikea
from study_3dvaegan.networks import (
    build_encoder,
    build_generator,
    build_reconstructor,
)

TINY = Config(width=0.05, encoder_width=0.03, latent_dim=8, validation_every=4)


@pytest.fixture(scope="module")
def splits() -> dict[str, Pairs]:
    """Return photos of 16 boxes to train on and of 5 to test on."""
    return {
        "train": silhouettes(padded(boxes(16))),
        "test": silhouettes(padded(boxes(5, seed=1)), seed=1),
    }


@pytest.fixture
def loads(splits, monkeypatch):
    """Let all modules load these photos."""
    for module in (data, evaluation):
        monkeypatch.setattr(module, "load_split", lambda _, split: splits[split])


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RunDir:
    """Return the folder of an untrained run with tiny networks."""
    run = RunDir(tmp_path_factory.mktemp("run") / "tiny", "study_3dvaegan")
    keras.utils.set_random_seed(0)
    run.path.mkdir()
    run.write_config(TINY)
    save_network(build_encoder(TINY), run.path / "encoder.keras")
    save_network(build_generator(TINY, 0.1), run.generator)
    (run.path / "threshold.json").write_text('{"threshold": 0.37}')
    return run


# --- baselines


def test_the_mean_shape_counts_each_shape_once():
    shapes = np.zeros((2, 2, 2, 2), bool)
    shapes[0, 0] = True
    pairs = make_pairs(shapes, np.zeros((2, 4, 4, 3), np.uint8))
    views = dataclasses.replace(pairs, shape_rows=np.array([0, 0, 0, 1]))
    predict = baselines.mean_shape_predictor(views)
    made = predict(np.zeros((3, 4, 4, 3), np.uint8))
    np.testing.assert_array_equal(made, np.broadcast_to(shapes.mean(0), made.shape))


def test_a_network_predicts_the_occupancy_of_the_mean(splits):
    keras.utils.set_random_seed(0)
    encoder, generator = build_encoder(TINY), build_generator(TINY)
    images = splits["train"].images[:40]  # more than a batch
    made = baselines.network_predictor(encoder, generator)(images)
    whole = build_reconstructor(encoder, generator)(to_floats(images), training=False)
    assert made.shape == (40, 32, 32, 32)
    np.testing.assert_allclose(made, np.asarray(whole)[..., 0], atol=1e-5)


@pytest.mark.parametrize("name", list(baselines.PIXELS))
def test_pixels_find_the_photo_itself_in_another_light(splits, name):
    train = splits["train"]
    way = baselines.PIXELS[name]
    retrieval = baselines.Retrieval(train, way, way.extract(train.images))
    darker = (train.images * 0.7 + 20).astype(np.uint8)
    np.testing.assert_array_equal(retrieval.nearest(darker), np.arange(len(train)))
    found = retrieval(darker[:5])
    assert found.dtype == bool
    truth = train.shapes.voxels(train.shape_rows[:5])
    np.testing.assert_array_equal(found, truth)


def test_pixel_features_by_hand():
    image = np.zeros((1, 4, 4, 3), np.uint8)
    image[:, :, 2:] = 100
    left_right = baselines.pixel_features(2, "greys")(image)
    np.testing.assert_allclose(left_right, [[-50, 50, -50, 50]], atol=1e-6)
    # The only change is to the right, from the second to the third column.
    gradients = baselines.pixel_features(2, "gradients")(image).reshape(2, 2, 2)
    np.testing.assert_allclose(gradients[..., 0], 0, atol=1e-6)
    np.testing.assert_allclose(gradients[..., 1], [[25, -25]] * 2, atol=1e-5)


def test_the_best_way_is_chosen_without_photos_of_the_same_shape():
    shapes = np.zeros((4, 2, 2, 2), bool)
    shapes[:2, 0] = shapes[2:, 1] = True
    shapes[1, 1, 0, 0] = shapes[3, 0, 0, 0] = True
    # Shapes that are alike have photos of nearly the same brightness.
    light = np.array([10, 12, 200, 202], np.uint8)
    train = make_pairs(
        shapes, np.broadcast_to(light[:, None, None, None], (4, 2, 2, 3))
    )
    validation = train.of_shapes([0, 2])

    def brightness(images):
        calls.append(len(images))
        return images.mean(axis=(1, 2, 3), dtype=np.float32)[:, None]

    calls = []
    ways = {
        "blind": baselines.Way(brightness, np.zeros_like),
        "brightness": baselines.Way(brightness),
    }
    name, best = baselines.best_retrieval(ways, train, validation)
    # The training photos' features are extracted once.
    assert name == "brightness" and calls == [4, 2, 2]
    # The retrieval that is returned finds all training photos.
    np.testing.assert_array_equal(best(validation.images), shapes[[0, 2]])
    others = np.array([False, True, False, True])
    assert best.nearest(validation.images, others).tolist() == [1, 3]


def test_a_way_that_finds_other_photos_of_the_same_shape_is_not_preferred(monkeypatch):
    """A held-out shape has no photos among the training photos."""
    monkeypatch.setattr(baselines, "MAX_VALIDATION", 2)
    shapes = np.zeros((4, 2, 2, 2), bool)
    shapes[:2, 0] = shapes[2:, 1] = True
    shapes[1, 1, 0, 0] = shapes[3, 0, 0, 0] = True
    images = np.zeros((8, 2, 2, 3), np.uint8)
    # By red, the next shape is of the other kind; by green, it is of the same.
    images[..., 0] = np.repeat([10, 100, 20, 110], 2)[:, None, None]
    images[..., 1] = np.repeat([10, 12, 200, 202], 2)[:, None, None]
    train = make_pairs(shapes, images, views=2)

    def channel(number):
        return lambda photos: photos[:, 0, 0, number, None].astype(np.float32)

    ways = {name: baselines.Way(channel(i)) for i, name in enumerate(("red", "green"))}
    name, _ = baselines.best_retrieval(ways, train, train.of_shapes([0, 2]))
    assert name == "green"


def test_fitted_latents_come_nearer_to_the_shapes(monkeypatch):
    monkeypatch.setattr(baselines, "FIT_STEPS", 60)
    keras.utils.set_random_seed(0)
    generator = build_generator(TINY, 0.2)
    target = baselines.occupancies(generator, 2 * np.eye(3, 8, dtype=np.float32))
    shapes = target > np.median(target)
    start = np.ones((3, 8), np.float32)
    weights = [w.copy() for w in generator.get_weights()]
    # How much higher the occupancy is in filled voxels than in empty ones.
    before, after = (
        made[shapes].mean() - made[~shapes].mean()
        for made in (
            baselines.occupancies(generator, start),
            baselines.fit_latents(generator, shapes, start),
        )
    )
    assert after > 3 * abs(before)
    for old, new in zip(weights, generator.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


# --- test


def test_metrics_of_all_columns(run, loads, splits, monkeypatch):
    monkeypatch.setattr(baselines, "FIT_STEPS", 2)
    thresholds = []

    def make(generator, latents, threshold=0.1, fragments=False):
        thresholds.append(threshold)
        return make_shapes(generator, latents, threshold, fragments)

    monkeypatch.setattr(chapter02, "make_shapes", make)
    metrics = evaluation.test(run, TINY)
    # Samples of the prior are scored as `generate` makes them.
    assert set(thresholds) == {0.37}
    assert json.loads((run.path / "metrics.json").read_text()) == metrics
    for prefix in evaluation.PREFIXES.values():
        assert 0 <= metrics[f"{prefix}iou_test"] <= 1
        assert 0 < metrics[f"{prefix}ap_test"] <= 1
    assert metrics["threshold"] == 0.37 and metrics["n_photos"] == 15
    assert metrics["baseline_fitted_n_photos"] == 5
    views = [metrics[f"iou_test_elevation_{n}"] for n in (0, 15, 30)]
    assert np.mean(views) == pytest.approx(metrics["iou_test"])
    # Retrieval by the outline finds boxes of nearly the same size.
    retrieved = metrics["baseline_retrieval_iou_test"]
    assert retrieved > metrics["baseline_untrained_iou_test"] + 0.2
    # The scores of the prior have their names from chapter 2.
    for name in ("mmd_iou", "cov_iou", "one_nna_iou", "nearest_training_share"):
        assert name in metrics and f"baseline_train_{name}" in metrics
    assert not [name for name in metrics if "ikea" in name]
    text = (run.path / "metrics.md").read_text()
    assert "15 photos of 5 held-out shapes" in text and "Samples of the prior" in text
    # Five photos, two in a row, each with three shapes of 128 pixels.
    with Image.open(run.path / "test.png") as sheet:
        assert sheet.width > 8 * 128 and sheet.height > 3 * 128


def test_some_photos_and_the_ikea_set(run, loads, splits, monkeypatch):
    monkeypatch.setattr(baselines, "FIT_STEPS", 1)
    grids = np.zeros((3, 20, 20, 20), bool)
    grids[:, :, 5:15, 7:13] = True
    furniture = Ikea(
        images=splits["test"].images[:3],
        grids=grids,
        class_names=("chair", "bed", "chair"),
        model_ids=np.array([2, 1, 2]),
        names=("a", "b", "c"),
    )
    monkeypatch.setattr(evaluation, "load_ikea", lambda *_, **__: furniture)
    metrics = evaluation.test(run, TINY, samples=4, photos=4, ikea=run.path)
    assert metrics["n_photos"] == metrics["baseline_mean_n_photos"] == 4
    assert metrics["n_samples"] == 4
    for prefix in evaluation.PREFIXES.values():
        names = [f"{prefix}ap_ikea_{name}" for name in ("chair", "bed", "mean")]
        if "fitted" not in prefix:
            chair, bed, mean = (metrics[name] for name in names)
            assert mean == pytest.approx((chair + bed) / 2)
    # Boxes are what the mean of boxes looks like.
    assert metrics["baseline_mean_ap_ikea_chair"] > 0.5
    text = (run.path / "metrics.md").read_text()
    assert "3 photos (1 bed, 2 chair) of 2 models" in text
    ours, papers = text.index("| this run"), text.index("paper: 3D-VAE-GAN, one model")
    assert ours < papers and "53.1" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"photos": 16}, "--photos must be from 1 to the 15 held-out photos, found 16"),
        ({"photos": 0}, "--photos must be from 1"),
        ({"samples": 17}, "--samples must be from 2 to the 16 training shapes"),
        ({"seed": -1}, "--seed must be a whole number from 0"),
    ],
)
def test_wrong_options_are_told_first(run, loads, options, message):
    with pytest.raises(UserError, match=message):
        evaluation.test(run, TINY, **options)


def test_elevations_are_rounded():
    found = evaluation.rounded_elevations(np.array([-0.2, 14.9, np.nan, 30.4]))
    np.testing.assert_array_equal(found, [0, 15, np.nan, 30])
    many = evaluation.rounded_elevations(np.linspace(23, 31, 50))
    assert set(many.tolist()) == {20, 30}
    nothing = evaluation.rounded_elevations(np.full(3, np.nan))
    assert np.isnan(nothing).all()


def test_the_sheet_shows_another_view_of_each_shape():
    rows = evaluation.sheet_rows(np.repeat(np.arange(20), 3))
    assert len(rows) == 16
    np.testing.assert_array_equal(rows[:5], [0, 4, 8, 9, 13])


# --- tune


def test_the_preset_lies_in_the_space():
    space = Space(tuning.SPACE, Config)
    quick = json.loads(json.dumps(dataclasses.asdict(PRESETS["quick"])))
    draws = space.draws(quick)
    assert draws is not None
    assert space.values(draws).items() <= quick.items()


def test_the_objective_is_the_iou_of_validation_photos(splits, loads, monkeypatch):
    monkeypatch.setattr(tuning, "MOST", 9)
    validation = data.training_and_validation(TINY)[1]
    assert len(validation.shapes) == 4
    rows = np.linspace(0, 11, 9).astype(int)
    truth = validation.shapes.voxels(validation.shape_rows[rows])[..., None]
    objective = tuning.make_objective(TINY)

    def replay(items):
        return lambda photos, training: items

    assert objective(replay(truth * 0.6)) == {"iou": 1, "ap": 1, "threshold": 0.32}
    half = np.full(truth.shape, 0.5)
    assert objective(replay(half))["iou"] == pytest.approx(truth.mean(), rel=0.3)
    half[0] = np.nan
    assert all(map(math.isnan, objective(replay(half)).values()))
    network = build_reconstructor(build_encoder(TINY), build_generator(TINY))
    assert 0 <= objective(network)["iou"] < 1
    assert tuning.TUNING.loss == "iou" and tuning.TUNING.sign == -1


def test_too_few_validation_shapes_are_an_error(splits, monkeypatch):
    few = splits["train"].of_shapes([0, 1, 2, 3])
    monkeypatch.setattr(data, "load_split", lambda *_, **__: few)
    with pytest.raises(UserError, match="at least 2 validation shapes.*found 1"):
        tuning.make_objective(TINY)
