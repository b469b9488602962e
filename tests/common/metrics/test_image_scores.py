"""All scores of generated images at once: names, streaming, the whole chain."""

import math
import re
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from common.errors import UserError
from common.features import local_classifier
from common.features.extractors import Extractor
from common.metrics import kid as kid_module
from common.metrics import report
from common.metrics.fid import frechet_distance
from common.metrics.image_scores import (
    ImageFeatures,
    choose_count,
    extract,
    metric_name,
    score_images,
)
from common.metrics.inception_score import inception_score, mode_score
from common.metrics.precision_recall import precision_recall
from synthetic_data.digits.glyphs import make_glyphs

METRICS = ("fid", "kid", "is", "mode_score", "label_kl", "precision", "recall")


@dataclass
class Columns:
    """Replace an extractor: of 7 numbers, 4 are features and 3 probabilities."""

    name: str = "local"
    key: str = "a"
    dimensions: int = 4
    classes: int = 3

    def __call__(self, rows):
        return rows[:, :4].astype(np.float32), rows[:, 4:].astype(np.float32)


def rows(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 4))
    return np.hstack([features, rng.dirichlet([0.3, 0.5, 0.2], count)])


def features_of(data: np.ndarray, batch: int = 64, **options) -> ImageFeatures:
    starts = range(0, len(data), batch)
    return extract((data[i : i + batch] for i in starts), Columns(), **options)


# --- names


@pytest.mark.parametrize(
    ("metric", "count", "extractor", "name"),
    [
        ("fid", 1000, "local", "fid1k_local"),
        ("fid", 5000, "inceptionv3", "fid5k_inceptionv3"),
        ("kid", 500, "local", "kid500_local"),
        ("is", 2500, "local", "is2500_local"),
        ("label_kl", 50_000, "local", "label_kl50k_local"),
        ("recall", 1, "local", "recall1_local"),
    ],
)
def test_metric_name(metric, count, extractor, name):
    assert metric_name(metric, count, extractor) == name


def test_metric_name_needs_an_image():
    with pytest.raises(ValueError, match="found 0"):
        metric_name("fid", 0, "local")


def test_every_score_has_its_arrow():
    names = [metric_name(metric, 1000, "local") for metric in METRICS]
    lines = report.table("T", {"x": dict.fromkeys(names, 1.0)}).splitlines()[4:]
    arrows = dict(re.findall(r"\w+. ?\W", line)[0].split() for line in lines)
    up = {"is1k_local", "mode_score1k_local", "precision1k_local", "recall1k_local"}
    assert arrows == {name: "↑" if name in up else "↓" for name in names}


# --- streaming


def test_the_batch_size_does_not_change_the_features():
    data = rows(500)
    whole, pieces = features_of(data, 500, keep=90), features_of(data, 7, keep=90)
    assert whole.count == pieces.count == 500
    np.testing.assert_allclose(pieces.statistics.mean, whole.statistics.mean)
    np.testing.assert_allclose(
        pieces.statistics.covariance, whole.statistics.covariance
    )
    np.testing.assert_allclose(pieces.class_shares, whole.class_shares)
    np.testing.assert_array_equal(pieces.features, whole.features)
    np.testing.assert_array_equal(pieces.probabilities, whole.probabilities)


def test_sums_are_over_all_images_and_rows_are_those_of_kept_images():
    data = rows(300)
    gathered = features_of(data, keep=50)
    np.testing.assert_allclose(
        gathered.statistics.mean, data[:, :4].mean(axis=0), atol=1e-6
    )
    np.testing.assert_allclose(
        gathered.class_shares, data[:, 4:].mean(axis=0), atol=1e-6
    )
    assert gathered.features.shape == (50, 4)
    joined = np.hstack([gathered.features, gathered.probabilities])
    places = [np.abs(data - row).max(axis=1).argmin() for row in joined]
    np.testing.assert_allclose(joined, data[places], atol=1e-6)
    assert len(set(places)) == 50  # no image twice


def test_up_to_keep_images_all_are_kept_in_their_order():
    data = rows(50)
    gathered = features_of(data, 8, keep=50)
    np.testing.assert_allclose(gathered.features, data[:, :4], atol=1e-6)


def test_every_image_is_kept_with_the_same_probability():
    """Data sets can be sorted, so the first images must not be preferred."""
    kept = np.zeros(40)
    for seed in range(400):
        gathered = ImageFeatures(Columns(), keep=10, seed=seed)
        for start in (0, 25):
            part = np.arange(start, min(start + 25, 40))
            gathered.update(np.tile(part[:, None], 4), np.full((len(part), 3), 1 / 3))
        kept[gathered.features[:, 0].astype(int)] += 1
    # Binomial: 400 draws with probability 1/4 give 100 with a deviation of 8.7.
    np.testing.assert_allclose(kept, 100, atol=35)
    assert kept.sum() == 4000


def test_wrong_batches_are_refused_and_add_nothing():
    gathered = features_of(rows(20))
    good = rows(5)
    with pytest.raises(ValueError, match="probabilities"):
        gathered.update(good[:, :4], good[:4, 4:])
    with pytest.raises(ValueError, match="probabilities"):
        gathered.update(good[:, :4], good[:, 4:] * np.nan)
    with pytest.raises(ValueError, match="features"):
        gathered.update(good[:, :4] * np.nan, good[:, 4:])
    with pytest.raises(ValueError, match="keep"):
        ImageFeatures(Columns(), keep=0)
    assert gathered.count == 20
    np.testing.assert_allclose(gathered.class_shares, rows(20)[:, 4:].mean(axis=0))


# --- scores


def test_scores_are_those_of_their_own_functions():
    real, fake = rows(900, 1), rows(1200, 2)
    fake[:, :4] += 0.5
    scores = score_images(features_of(fake, keep=1000), features_of(real))
    assert list(scores) == [
        "fid1200_local",
        "kid1k_local",
        "is1k_local",
        "mode_score1k_local",
        "label_kl1200_local",
        "precision1k_local",
        "recall1k_local",
    ]
    f, r = fake[:, :4].astype(np.float32), real[:, :4].astype(np.float32)
    kept = features_of(fake, keep=1000)
    p, q = fake[:, 4:].mean(axis=0), real[:, 4:].mean(axis=0)
    expected = [
        frechet_distance(r.mean(0), np.cov(r.T), f.mean(0), np.cov(f.T)),
        kid_module.kid(r, kept.features)[0],
        inception_score(kept.probabilities)[0],
        mode_score(kept.probabilities, q),
        np.sum(p * np.log(p / q)),
        *precision_recall(r, kept.features),
    ]
    np.testing.assert_allclose(list(scores.values()), expected, rtol=1e-4)
    assert all(type(value) is float for value in scores.values())


def test_options_reach_their_scores():
    real, fake = features_of(rows(300, 1)), features_of(rows(300, 2))
    usual = score_images(fake, real)
    for options, changed in [
        ({"splits": 3}, {"is300_local"}),
        ({"k": 5}, {"precision300_local", "recall300_local"}),
        ({"subset_size": 100, "subsets": 3}, {"kid300_local"}),
    ]:
        scores = score_images(fake, real, **options)
        assert {name for name in usual if scores[name] != usual[name]} == changed
    options = {"subset_size": 100, "subsets": 3}
    # `scores` are those of the last options, with the default seed.
    assert score_images(fake, real, seed=0, **options) == scores
    other = score_images(fake, real, seed=1, **options)
    assert other["kid300_local"] != scores["kid300_local"]


def test_missing_classes_show_in_the_label_divergence():
    def gather(labels: np.ndarray) -> ImageFeatures:
        return features_of(np.hstack([rows(120)[:, :4], np.eye(3)[labels]]))

    everything, one = gather(np.arange(120) % 3), gather(np.zeros(120, int))
    scores = score_images(one, everything)
    assert scores["label_kl120_local"] == pytest.approx(math.log(3))
    assert scores["is120_local"] == pytest.approx(1)
    scores = score_images(everything, everything)
    assert scores["label_kl120_local"] == pytest.approx(0, abs=1e-6)
    assert scores["is120_local"] == pytest.approx(3, rel=0.02)


@pytest.fixture(scope="module")
def chain() -> tuple[Extractor, np.ndarray]:
    """Return an extractor with an untrained network, and images in [-1, 1]."""
    images, _ = make_glyphs(200, seed=0)
    network = local_classifier.build((28, 28, 1), 10, seed=0)
    return Extractor("local", network, "chain"), images.astype(np.float32) / 127.5 - 1


def test_the_whole_chain_from_images_to_scores(chain):
    extractor, images = chain
    real = extract([images[:90], images[90:]], extractor, description="real")
    same = score_images(extract([images[:30], images[30:]], extractor), real)
    assert same["fid200_local"] == pytest.approx(0, abs=1e-6)
    assert same["kid200_local"] < 1e-6
    assert same["label_kl200_local"] == pytest.approx(0, abs=1e-6)
    assert same["precision200_local"] == same["recall200_local"] == 1

    collapsed = np.repeat(images[:4], 50, axis=0)
    scores = score_images(extract([collapsed], extractor), real)
    assert scores["precision200_local"] == 1
    assert scores["recall200_local"] < 0.1
    assert scores["fid200_local"] > 100 * max(same["fid200_local"], 1e-6)

    noise = np.random.default_rng(0).uniform(-1, 1, images.shape).astype(np.float32)
    scores = score_images(extract([noise], extractor), real)
    assert scores["precision200_local"] < 0.1
    assert scores["kid200_local"] > same["kid200_local"]


def test_features_of_different_extractors_are_refused():
    real = features_of(rows(30))
    for other in (Columns(name="inceptionv3"), Columns(key="b")):
        with pytest.raises(ValueError, match="two extractors"):
            score_images(extract([rows(30)], other), real)


@pytest.mark.parametrize(
    ("fake", "real", "found"),
    [(9, 50, "at least 10 .* found 9 and 50"), (50, 3, "4 real ones, found 50 and 3")],
)
def test_too_few_images_are_refused_in_one_line(fake, real, found):
    with pytest.raises(UserError, match=found) as caught:
        score_images(features_of(rows(fake)), features_of(rows(real)))
    assert "\n" not in str(caught.value)
    assert score_images(features_of(rows(10)), features_of(rows(4)))


def test_no_images_are_refused_in_one_line():
    with pytest.raises(UserError, match="found 0 and 20"):
        score_images(extract([], Columns()), features_of(rows(20)))


def test_scoring_needs_no_tensorflow():
    program = (
        "import sys, common.metrics.image_scores\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_too_few_held_out_images_are_not_blamed_on_an_option():
    assert choose_count(None, train=20, held_out=10) == 10
    assert choose_count(12, train=20, held_out=4) == 12
    for samples, held_out, told in (
        (None, 9, "at least 10 .*, found 9; add .*, or give --samples 10$"),
        (None, 3, "at least 10 .*, found 3; add images to the data set$"),
        (12, 3, "at least 4 .*, found 3; add images to the data set$"),
    ):
        with pytest.raises(UserError, match=told):
            choose_count(samples, train=20, held_out=held_out)
    for samples in (9, 21):
        with pytest.raises(UserError, match=f"from 10 to the 20 .*; found {samples}"):
            choose_count(samples, train=20, held_out=10)
