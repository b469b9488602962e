"""The IKEA test: scaling, alignment and means over classes."""

import itertools

import numpy as np
import pytest

from study_3dvaegan import ikea_protocol as protocol
from study_3dvaegan.prediction_scores import average_precisions


def chair(size: int = 20) -> np.ndarray:
    """Return a seat with a back and one leg, bool (S, S, S), without symmetries."""
    shape = np.zeros((size,) * 3, bool)
    shape[: size - 2, 2 : size - 4, size // 2] = True
    shape[0, 2 : size - 4, size // 2 : size - 2] = True
    shape[size - 3, 3, : size // 2] = True
    return shape


def test_a_shape_that_fills_the_grid_stays_the_same():
    shape = np.zeros((20, 20, 20), bool)
    shape[:, 5:15, 7:13] = True
    np.testing.assert_array_equal(protocol.to_grid(shape, 0.5), shape)


def test_the_longest_side_fills_the_grid_and_the_middle_stays_in_the_middle():
    shape = np.zeros((32, 32, 32), np.float32)
    shape[4:14, 20:25, 3:8] = 0.8
    grid = protocol.to_grid(shape, 0.5)
    assert grid.shape == (20, 20, 20) and grid.max() == pytest.approx(0.8)
    low, high = (edge(np.argwhere(grid > 0.4), axis=0) for edge in (np.min, np.max))
    assert low.tolist() == [0, 5, 5] and high.tolist() == [19, 14, 14]
    # Volumes are scaled by 2^3.
    assert grid.sum() == pytest.approx(8 * shape.sum(), rel=0.15)


def test_large_volumes_are_averaged():
    # Stripes of one voxel are finer than a voxel of the grid.
    shape = np.zeros((64, 64, 64), np.float32)
    shape[2:62, 2:62, 2:62] = 1
    striped = shape.copy()
    striped[::2] = 0.5
    grid = protocol.to_grid(striped, 0.4)
    np.testing.assert_allclose(grid[2:-2, 2:-2, 2:-2], 0.75, atol=0.1)


def test_specks_do_not_shrink_the_shape():
    shape = np.zeros((32, 32, 32), np.float32)
    shape[6:26, 6:26, 6:26] = 1
    alone = protocol.to_grid(shape, 0.5)
    shape[0, 0, 0] = shape[31, 31, 31] = 1
    np.testing.assert_array_equal(protocol.to_grid(shape, 0.5), alone)
    assert protocol.to_grid(np.zeros((32, 32, 32)), 0.5).sum() == 0


def test_there_are_48_orientations_and_125_translations():
    grid = chair()
    turned = protocol.orientations(grid)
    assert len(np.unique(turned.reshape(48, -1), axis=0)) == 48
    moved = protocol.translations(grid)
    assert moved.shape == (125, 20, 20, 20)
    np.testing.assert_array_equal(moved[62], grid)
    expected = np.zeros_like(grid)
    expected[:-2, :, 1:] = grid[2:, :, :-1]
    assert sum((m == expected).all() for m in moved) == 1


def test_a_turned_and_moved_shape_is_found():
    grid = np.roll(chair(), 1, axis=(0, 1, 2))
    for turned in protocol.orientations(chair())[[0, 11, 29, 47]]:
        assert protocol.best_precision(turned.astype(np.float32), grid) == 1
    empty = np.zeros_like(grid)
    assert protocol.best_precision(chair().astype(np.float32), empty) == 0


def test_the_search_finds_what_trying_all_alignments_finds():
    rng = np.random.default_rng(0)
    grid = chair(8)
    shape = np.rot90(chair(8), axes=(0, 2)) * 0.5 + 0.6 * rng.random((8, 8, 8))
    predicted = shape.astype(np.float32)
    tried = []
    for axes in itertools.permutations(range(3)):
        turned = np.pad(predicted.transpose(axes), 2)
        for flipped, place in itertools.product(
            itertools.product((1, -1), repeat=3), itertools.product(range(5), repeat=3)
        ):
            x, y, z = flipped
            window = tuple(slice(start, start + 8) for start in place)
            tried.append(turned[::x, ::y, ::z][window])
    tried = np.stack(tried)
    expected = average_precisions(tried, np.broadcast_to(grid, tried.shape)).max()
    assert len(tried) == 6000
    for shortlist in (None, protocol.SHORTLIST):
        found = protocol.best_precision(predicted, grid, shortlist)
        assert found == pytest.approx(expected, abs=1e-12)


def test_photos_of_one_model_and_means_over_classes():
    grids = np.stack([chair(), chair(), np.zeros_like(chair())])
    grids[2, 3:9, 3:9, 3:9] = True
    turned = np.rot90(chair()).copy()
    images = np.zeros((3, 4, 4, 3), np.uint8)
    calls = []

    def predict(photos):
        calls.append(len(photos))
        return np.stack([turned] * len(photos))

    found = protocol.aligned_precisions(predict, 0.5, images, grids)
    assert calls == [3] and found[0] == found[1] > 0.9 > found[2] > 0
    scores = protocol.by_class(np.array([0.2, 0.4, 0.9]), ["chair", "chair", "bed"])
    assert list(scores) == ["bed", "chair", "mean"]
    assert scores == pytest.approx({"bed": 0.9, "chair": 0.3, "mean": 0.6})
