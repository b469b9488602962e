"""The classification task for images without labels."""

import numpy as np
import pytest

from common.features import pretext_task
from common.features.pretext_task import blurred, cluster, grained, make_task, warped
from synthetic_data.anime_faces.write import make_faces

FACES = make_faces(40, seed=3, size=32)[0]


def steepness(images: np.ndarray) -> float:
    return float(np.abs(np.diff(images.astype(float), axis=2)).mean())


def test_clusters_separate_images_of_different_colours():
    red, blue = np.zeros((2, 20, 16, 16, 3), np.uint8)
    noise = np.random.default_rng(0).integers(0, 20, (2, 20, 16, 16, 3), np.uint8)
    red[..., 0], blue[..., 2] = 230, 230
    classes = cluster(np.concatenate([red + noise[0], blue + noise[1]]), seed=0)
    assert not set(classes[:20]) & set(classes[20:])


@pytest.mark.parametrize(
    ("change", "low", "high"),
    [(blurred, 0.1, 0.9), (grained, 1.1, 9), (warped, 0.7, 1.1)],
)
def test_versions_are_smoother_rougher_or_equally_sharp(change, low, high):
    """Blur makes images smoother and grain rougher; a warp keeps them sharp."""
    changed = change(FACES, np.random.default_rng(0))
    assert changed.shape == FACES.shape and changed.dtype == np.uint8
    assert low < steepness(changed) / steepness(FACES) < high
    assert np.abs(changed.astype(float) - FACES).mean() > 1
    # The mean colour stays nearly the same.
    assert np.abs(changed.mean(axis=(0, 1, 2)) - FACES.mean(axis=(0, 1, 2))).max() < 6


def test_each_version_has_classes_of_its_own():
    images, classes = make_task(FACES)
    assert images.shape == (160, 32, 32, 3) and classes.shape == (160,)
    np.testing.assert_array_equal(images[:40], FACES)
    parts = [set(part) for part in classes.reshape(4, 40)]
    assert sum(len(part) for part in parts) == len(set.union(*parts))
    again = make_task(FACES)
    np.testing.assert_array_equal(images, again[0])
    np.testing.assert_array_equal(classes, again[1])


def test_a_random_part_of_large_sets_is_used(monkeypatch):
    monkeypatch.setattr(pretext_task, "MOST_IMAGES", 20)
    images, classes = make_task(FACES)
    assert len(images) == len(classes) == 80
