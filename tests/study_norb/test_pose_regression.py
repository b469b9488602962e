"""smallNORB: the network that reads poses, and errors of angles."""

import dataclasses

import numpy as np
import pytest
import tiny
from norb_files import write_tiny_norb

from common.images.pixels import to_floats
from study_norb import pose_regression
from study_norb.camera_images import left
from study_norb.data import Toys, load_split


class Reads:
    """Stands for a network: the first pixels of an image are its pose."""

    def __call__(self, images, training: bool):
        return np.asarray(images)[:, 0, :3, 0]


def images_of(poses: list[tuple[float, float, float]]) -> np.ndarray:
    """Return images uint8 (N, 4, 4, 1) whose first pixels are given numbers."""
    images = np.zeros((len(poses), 4, 4, 1), np.uint8)
    images[:, 0, :3, 0] = np.rint((np.array(poses) + 1) * 127.5)
    return images


@pytest.fixture(scope="module")
def toys(tmp_path_factory) -> Toys:
    """Return 100 training images whose sector shows the azimuth."""
    folder = write_tiny_norb(tmp_path_factory.mktemp("norb") / "data", per_class=20)
    return load_split(dataclasses.replace(tiny.STUDY_NORB, data=folder), "train")


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [(350, 10, 20), (10, 350, 20), (0, 180, 180), (90, 90, 0), (359, 720, 1)],
)
def test_angles_are_compared_across_zero(a, b, expected):
    found = pose_regression.angular_distances(np.array([a]), np.array([b]))
    np.testing.assert_allclose(found, [expected])


def test_random_directions_are_ninety_degrees_off():
    angles = np.random.default_rng(0).uniform(0, 360, (2, 20_000))
    mean = pose_regression.angular_distances(*angles).mean()
    assert mean == pytest.approx(pose_regression.CHANCE, abs=1)


def test_poses_are_read_from_cosine_sine_and_scaled_elevation():
    images = images_of([(1, 0, -1), (0, 1, 0), (-1, 0, 1), (0, -1, 1)])
    azimuths, elevations = pose_regression.read_poses(Reads(), images)
    # Pixels are whole numbers, so 0 is stored as 0.5 / 127.5.
    np.testing.assert_allclose(azimuths, [0, 90, 180, 270], atol=0.6)
    np.testing.assert_allclose(elevations, [30, 50, 70, 70], atol=0.1)


def test_errors_of_azimuths_are_angles():
    images = images_of([(1, 0, 0), (1, 0, 0), (-1, 0, 0)])
    errors = pose_regression.azimuth_errors(Reads(), images, np.array([340, 20, 0]))
    np.testing.assert_allclose(errors, [20, 20, 180], atol=0.6)


def test_targets_are_what_the_images_show(toys):
    targets = pose_regression.pose_targets(toys)
    assert targets.shape == (100, 3) and targets.dtype == np.float32
    row = int(np.flatnonzero((toys.azimuths == 60) & (toys.elevations > 30))[0])
    scaled = (toys.elevations[row] - 50) / 20
    np.testing.assert_allclose(
        targets[row], [0.5, np.sqrt(0.75), scaled], rtol=1e-5, atol=1e-6
    )


def test_the_choice_is_soft_and_goes_round():
    shares = pose_regression.soft_choice(np.array([0.0, 350.0]))
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    assert shares[0].argmax() == 0 and shares[0, 1] == shares[0, 17]
    # 350 degrees is in the middle of the directions 340 and 0.
    np.testing.assert_allclose(shares[1, 0], shares[1, 17], rtol=1e-5)
    # By hand: exp(-(20 / 12)^2 / 2) = 0.2494 of the largest.
    np.testing.assert_allclose(shares[0, 1] / shares[0, 0], 0.2494, rtol=1e-3)


def test_the_reader_averages_directions_by_their_probabilities():
    trained, reader = pose_regression.build(48, 0)
    batch = np.random.default_rng(0).uniform(-1, 1, (3, 48, 48, 1)).astype("f")
    logits, elevation = (np.asarray(part) for part in trained(batch, training=False))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    angles = np.radians(20 * np.arange(18))
    expected = np.stack([shares @ np.cos(angles), shares @ np.sin(angles)], axis=1)
    found = np.asarray(reader(batch, training=False))
    np.testing.assert_allclose(found[:, :2], expected, atol=1e-5)
    np.testing.assert_allclose(found[:, 2:], elevation, atol=1e-6)


def test_a_network_learns_to_read_and_is_kept(toys, tmp_path, monkeypatch):
    monkeypatch.setattr(pose_regression.local_classifier, "BATCH_SIZE", 32)
    network = pose_regression.pose_network(toys, steps=120, cache_dir=tmp_path)
    errors = pose_regression.azimuth_errors(network, left(toys.images), toys.azimuths)
    assert errors.shape == (100,) and errors.mean() < 30
    assert len(list(tmp_path.glob("pose-*.keras"))) == 1

    def refuse(*_):
        raise AssertionError("the network is trained again")

    monkeypatch.setattr(pose_regression, "train_network", refuse)
    again = pose_regression.pose_network(toys, steps=120, cache_dir=tmp_path)
    batch = to_floats(np.asarray(toys.images[:8]))
    np.testing.assert_array_equal(again(batch), network(batch))
    # Other images or settings need another network.
    fewer = dataclasses.replace(toys, images=255 - np.asarray(toys.images))
    for changes in ({"steps": 121}, {"seed": 1}):
        with pytest.raises(AssertionError, match="trained again"):
            options = {"steps": 120, "cache_dir": tmp_path} | changes
            pose_regression.pose_network(toys, **options)
    with pytest.raises(AssertionError, match="trained again"):
        pose_regression.pose_network(fewer, steps=120, cache_dir=tmp_path)
