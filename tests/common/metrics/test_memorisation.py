"""Memorisation: copies of training items are told from new ones."""

import numpy as np
import pytest

from common.metrics.memorisation import (
    MAX_ITEMS,
    compare_nearest,
    nearest_distances,
    nearest_images,
    score_copied_images,
)


def test_distances_are_compared_with_those_of_held_out_items():
    held_out = np.arange(1.0, 102.0)  # median 51; 1 % are below 2
    scores = compare_nearest(np.array([0.0, 17.0, 1.5, 40.0]), held_out)
    assert scores == {
        "nearest_training_ratio": (1.5 + 17) / 2 / 51,
        "nearest_training_share": 0.5,
    }
    # Where the held-out items are copies as well, nothing can be said of the ratio.
    assert compare_nearest(np.ones(3), np.zeros(3)) == {"nearest_training_share": 0.0}
    assert compare_nearest(np.zeros(3), np.zeros(3)) == {"nearest_training_share": 1.0}


def test_the_nearest_is_found_in_any_block():
    items = np.array([[0.0], [10.0], [21.0]])
    blocks = [np.array([[4.0], [30.0]]), np.array([[11.0]])]
    sets = [items, items[:1] + 5]
    found = nearest_distances(sets, blocks, lambda a, b: np.abs(a - b.T))
    assert [distances.tolist() for distances in found] == [[4, 1, 9], [1]]


@pytest.mark.parametrize("shape", [(2, 28, 28), (2, 64, 64, 3), (2, 33, 20, 1)])
def test_images_are_compared_by_sums_over_squares(shape):
    """28 pixels have squares of 2 x 2, 64 of 4 x 4, and 33 of 3 x 3."""
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    factor = {28: 2, 64: 4, 33: 3}[shape[1]]
    height, width = (edge // factor for edge in shape[1:3])
    difference = noise[0].astype(float) - noise[1]
    sums = [
        difference[y * factor : (y + 1) * factor, x * factor : (x + 1) * factor].sum(
            axis=(0, 1)
        )
        for y in range(height)
        for x in range(width)
    ]
    assert nearest_images(noise, noise).tolist() == [0, 0]
    [found] = nearest_images(noise[:1], noise[1:])
    assert found == pytest.approx(np.linalg.norm(sums))


def test_what_is_learnt_by_heart_is_told_from_new_images():
    rng = np.random.default_rng(0)
    size = MAX_ITEMS + 100
    images = rng.integers(0, 200, (3 * size, 16, 16), np.uint8)
    train, held_out, new = np.split(images, 3)
    blurred = train + rng.integers(0, 20, train.shape, np.uint8)
    columns = {"copies": train, "alike": blurred, "new": new}
    scores = score_copied_images(columns, held_out, train)
    ratio, share = "nearest_training_ratio", "nearest_training_share"
    assert scores["copies"] == {ratio: 0, share: 1}
    assert scores["alike"][ratio] < 0.25 and scores["alike"][share] == 1
    assert scores["new"][ratio] == pytest.approx(1, abs=0.02)
    assert scores["new"][share] < 0.05
