"""VON: renders with known viewpoints, and the network that reads viewpoints."""

import numpy as np
import pytest

from study_von import pose_regression
from study_von.pose_regression import AZIMUTHS, ELEVATIONS
from study_von.renders import Renders, render
from study_von.viewpoints import Viewpoints


class Reads:
    """Stands for the network: the first two pixels say which angles are probable."""

    def __call__(self, images, training: bool):
        first = np.rint((np.asarray(images)[:, 0, :2, 0] + 1) * 127.5).astype(int)
        return [
            10.0 * np.eye(len(angles))[column]
            for angles, column in zip((AZIMUTHS, ELEVATIONS), first.T, strict=True)
        ]


def images_of(*numbers: tuple[int, int]) -> np.ndarray:
    images = np.zeros((len(numbers), 4, 4, 3), np.uint8)
    images[:, 0, :2] = np.array(numbers, np.uint8)[..., None]
    return images


def l_shapes(count: int = 2) -> np.ndarray:
    """Return seats with a back, which faces high indices of axis 0."""
    shapes = np.zeros((count, 32, 32, 32), bool)
    shapes[:, 8:24, 8:24, 10:14] = True
    shapes[:, 20:24, 8:24, 10:26] = True
    return shapes


POOL = Viewpoints(np.float32([0, 90, -90, 180]), np.float32([10, 20, 30, 40]))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [(350, 10, 20), (0, 180, 180), (359, 720, 1), (-90, 90, 180)],
)
def test_angles_are_compared_across_zero(a, b, expected):
    assert pose_regression.angular_distances(a, b) == pytest.approx(expected)


def test_viewpoints_are_decoded():
    azimuths, elevations = pose_regression.read_views(Reads(), images_of((9, 4)))
    np.testing.assert_allclose(azimuths, [90], atol=0.1)
    np.testing.assert_allclose(elevations, [30], atol=0.1)


def test_opposite_directions_are_not_averaged():
    logits = np.full((1, 36), -20.0)
    logits[0, [0, 18, 19]] = 1.0, 0.9, -20.0
    distances = pose_regression.angular_distances(AZIMUTHS[:, None], AZIMUTHS)
    shares = pose_regression._near_best(logits, distances)
    assert shares[0, 0] == pytest.approx(1, abs=1e-6) and not shares[0, 18]


def test_errors_are_angles_between_directions():
    images = images_of((0, 1), (9, 1), (0, 4))
    meant = Renders(images, np.array([0.0, 0.0, 0.0]), np.array([0.0, 0.0, 0.0]))
    errors = pose_regression.view_errors(Reads(), meant)
    np.testing.assert_allclose(errors, [0, 90, 30], atol=0.2)


def test_from_above_azimuths_make_no_difference():
    found = pose_regression.directions(np.array([0.0, 120.0]), np.array([90.0, 90.0]))
    np.testing.assert_allclose(found, [[0, 0, 1]] * 2, atol=1e-6)


def test_the_choice_is_soft_and_goes_round():
    distances = pose_regression.angular_distances(np.array([[0.0]]), AZIMUTHS)
    shares = pose_regression.soft_choice(distances)
    assert shares.sum() == pytest.approx(1, rel=1e-5) and shares[0].argmax() == 0
    assert shares[0, 1] == shares[0, 35]


def test_renders_show_the_side_that_they_are_seen_from():
    front, left, right, back = (
        render(l_shapes(1), np.array([[a]]), np.array([[5.0]]), 32).images[0]
        for a in (0.0, 90.0, -90.0, 180.0)
    )
    shown = [picture.min(axis=-1) < 250 for picture in (front, left, right, back)]
    # From a side the back is a thin bar at one end; from the other it is at the other.
    upper = [picture[8:12].mean(axis=0) for picture in shown]
    assert upper[0].sum() > 1.5 * upper[1].sum()
    ends = [side[:16].sum() > side[16:].sum() for side in upper[1:3]]
    assert ends[0] != ends[1]


def test_the_same_seed_gives_the_same_renders():
    first, again, other = (
        pose_regression.render_views(l_shapes(), POOL, 32, 2, seed)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.images, again.images)
    assert (first.images != other.images).any()
    assert first.images.shape == (4, 32, 32, 3)
    assert set(first.azimuths) <= set(POOL.azimuths)


def test_empty_shapes_are_not_rendered():
    shapes = l_shapes(3)
    shapes[1] = False
    found = pose_regression.render_views(shapes, POOL, 32, 1, 0)
    assert len(found.images) == 2


def test_the_network_learns_to_tell_viewpoints_and_is_cached(tmp_path, monkeypatch):
    monkeypatch.setattr(pose_regression, "BATCH", 16)
    network = pose_regression.view_network(
        l_shapes(), POOL, 32, steps=25, cache_dir=tmp_path
    )
    renders = pose_regression.render_views(l_shapes(), POOL, 32, 10, 5)
    errors = pose_regression.view_errors(network, renders)
    assert np.median(errors) < 20

    def fail(*args):
        raise AssertionError("trained again")

    monkeypatch.setattr(pose_regression, "train_network", fail)
    again = pose_regression.view_network(
        l_shapes(), POOL, 32, steps=25, cache_dir=tmp_path
    )
    for found, expected in zip(again.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
