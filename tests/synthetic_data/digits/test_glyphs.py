"""The stand-in for MNIST: position and size of digits, variety and legibility."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.distance import pdist
from sklearn.neighbors import KNeighborsClassifier

from chapter01_gan.image_sets import load_set
from common.errors import UserError
from common.images import idx
from synthetic_data.digits import glyphs
from synthetic_data.digits.skeletons import cells, distance_fields


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    return glyphs.make_glyphs(2500, seed=0)


def accuracy(train: tuple, test: tuple) -> float:
    """Return the share of `test` that the nearest neighbour in `train` classifies."""
    (images, labels), (others, expected) = train, test
    nearest = KNeighborsClassifier(1).fit(images.reshape(len(images), -1) / 255, labels)
    return nearest.score(others.reshape(len(others), -1) / 255, expected)


def spread(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the mean distance between two images of each class."""
    flat = images.reshape(len(images), -1) / 255
    return np.array([pdist(flat[labels == c][:150]).mean() for c in range(10)])


def digests(folder: Path) -> dict[str, str]:
    return {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()
    }


# --- what is drawn


def test_shapes_types_and_range(drawn):
    images, labels = drawn
    assert images.shape == (2500, 28, 28)
    assert images.dtype == labels.dtype == np.uint8
    # White on black: most of an image is background.
    assert (images.max(axis=(1, 2)) > 200).all()
    assert 0.7 < (images == 0).mean() < 0.9


def test_classes_are_balanced_in_random_order():
    _, labels = glyphs.make_glyphs(1003, seed=5)
    assert sorted(np.bincount(labels)) == 7 * [100] + 3 * [101]
    # In random order, one pair of neighbours in ten has the same label.
    assert 60 < (labels[1:] == labels[:-1]).sum() < 140


@pytest.mark.parametrize("count", [1, 249, 250, 251])
def test_any_count(count):
    images, labels = glyphs.make_glyphs(count)
    assert len(images) == len(labels) == count


def test_same_seed_same_images(drawn):
    again, labels = glyphs.make_glyphs(2500, seed=0)
    np.testing.assert_array_equal(again, drawn[0])
    np.testing.assert_array_equal(labels, drawn[1])


@pytest.mark.parametrize(("seed", "split"), [(1, "train"), (0, "test")])
def test_seeds_and_splits_differ(seed, split):
    images, _ = glyphs.make_glyphs(200, seed, split)
    others, _ = glyphs.make_glyphs(200, 0, "train")
    assert not (images[:, None] == others).all(axis=(2, 3)).any()


def sides(image: np.ndarray) -> tuple[int, int]:
    """Return the height and width of the pixels that are not black."""
    return tuple(int(np.ptp(np.flatnonzero(image.any(axis=a)))) + 1 for a in (1, 0))


def test_the_longer_side_of_a_digit_has_20_pixels(drawn):
    heights, widths = np.array([sides(image) for image in drawn[0]]).T
    # The outermost ink may be so faint that it rounds to 0.
    assert np.isin(np.maximum(heights, widths), [19, 20]).all()
    assert heights.min() < 17
    assert widths.min() < 8


def test_the_centre_of_mass_is_in_the_middle(drawn):
    centres = np.array([ndimage.center_of_mass(i.astype(float)) for i in drawn[0]])
    assert (np.abs(centres - 14) <= 0.5 + 1e-9).all()
    # Digits are shifted by whole pixels, as in MNIST, so the rest is spread evenly.
    assert np.abs(centres - 14).mean() == pytest.approx(0.25, abs=0.02)


def test_position_and_size_are_those_of_mnist(shared_data):
    images = idx.read_images(shared_data / "mnist" / "t10k-images-idx3-ubyte.gz")[:500]
    for image in images:
        assert max(sides(image)) in (19, 20)
        centre = ndimage.center_of_mass(image.astype(float))
        assert np.abs(np.array(centre) - 14).max() <= 0.51


def test_digits_are_connected(drawn):
    # A 4, 5 or 7 may have separate parts, but there are no specks of ink.
    for image in drawn[0][:600]:
        parts, count = ndimage.label(image > 60, np.ones((3, 3)))
        assert count <= 3
        assert ndimage.sum_labels(image, parts, range(1, count + 1)).min() > 255


# --- variety and legibility


def test_no_two_are_equal(drawn):
    assert len(np.unique(drawn[0].reshape(2500, -1), axis=0)) == 2500


def test_a_class_is_as_varied_as_in_mnist(drawn, shared_data):
    real = load_set(shared_data / "mnist", "train")
    ratio = spread(*drawn) / spread(*real)
    assert (np.abs(ratio - 1) < 0.2).all(), ratio.round(2)


def test_mean_and_spread_of_ink_are_those_of_mnist(drawn, shared_data):
    real, _ = load_set(shared_data / "mnist", "train")
    for measure in (np.mean, np.std):
        ink = [measure(images.mean(axis=(1, 2))) for images in (drawn[0], real)]
        assert ink[0] == pytest.approx(ink[1], rel=0.2)


def test_nearest_neighbours_classify_the_digits(drawn):
    images, labels = drawn
    assert accuracy((images[:2000], labels[:2000]), glyphs.make_glyphs(500, 3)) > 0.9


def test_a_classifier_of_glyphs_classifies_mnist(drawn, shared_data):
    real = load_set(shared_data / "mnist", "test")
    assert accuracy(drawn, real) > 0.8
    assert accuracy(real, drawn) > 0.8


# --- skeletons


def test_fields_are_distances_to_digits_of_height_1():
    fields, first = distance_fields()
    assert len(first) == 11
    assert first[0] == 0
    assert first[-1] == len(fields)
    assert (np.diff(first) > 30).all()
    y = cells(fields.shape[-1])
    cell = float(y[1] - y[0])
    for field in fields:
        rows = y[(field < cell).any(axis=1)]
        assert rows.min() == pytest.approx(-0.5, abs=1.6 * cell)
        assert rows.max() == pytest.approx(0.5, abs=1.6 * cell)
    # The distances of two cells differ by no more than the distance between the cells.
    for axis in (1, 2):
        assert np.abs(np.diff(fields, axis=axis)).max() <= cell + 1e-6


# --- files


def test_written_glyphs_can_be_read(tmp_path):
    glyphs.write_glyphs(tmp_path / "new", train=30, test=20, seed=4)
    for split, count in (("train", 30), ("test", 20)):
        found = load_set(tmp_path / "new", split)
        for array, expected in zip(
            found, glyphs.make_glyphs(count, 4, split), strict=True
        ):
            np.testing.assert_array_equal(array, expected)
    assert [p.name for p in tmp_path.iterdir()] == ["new"]


def test_same_seed_same_bytes(tmp_path):
    for name in ("a", "b"):
        glyphs.write_glyphs(tmp_path / name, 30, 20, seed=1)
    glyphs.write_glyphs(tmp_path / "c", 30, 20, seed=2)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert digests(tmp_path / "a") != digests(tmp_path / "c")


def test_a_complete_set_is_kept(tmp_path, monkeypatch):
    glyphs.write_glyphs(tmp_path, 30, 20)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    monkeypatch.delattr(glyphs, "make_glyphs")
    glyphs.write_glyphs(tmp_path, 30, 20)
    assert before == {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()}


def test_other_files_are_not_overwritten(tmp_path):
    glyphs.write_glyphs(tmp_path, 30, 20)
    for arguments in ((31, 20, 0), (30, 20, 1)):
        with pytest.raises(UserError, match="already holds other files"):
            glyphs.write_glyphs(tmp_path, *arguments)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(UserError, match="already holds other files"):
        glyphs.write_glyphs(tmp_path, 30, 20)
    with pytest.raises(UserError, match="already holds other files"):
        glyphs.write_glyphs(tmp_path / "synthetic.json", 30, 20)


def test_a_set_that_another_process_has_written_meanwhile_is_kept(
    tmp_path, monkeypatch
):
    make = glyphs.make_glyphs

    def overtaken(*arguments):
        monkeypatch.setattr(glyphs, "make_glyphs", make)
        glyphs.write_glyphs(tmp_path / "new", 30, 20)
        return make(*arguments)

    monkeypatch.setattr(glyphs, "make_glyphs", overtaken)
    glyphs.write_glyphs(tmp_path / "new", 30, 20)
    assert len(load_set(tmp_path / "new", "train")[0]) == 30
    assert [p.name for p in tmp_path.iterdir()] == ["new"]


def test_other_digits_that_another_process_has_written_meanwhile_are_an_error(
    tmp_path, monkeypatch
):
    make = glyphs.make_glyphs

    def overtaken(*arguments):
        monkeypatch.setattr(glyphs, "make_glyphs", make)
        glyphs.write_glyphs(tmp_path / "new", 40, 20)
        return make(*arguments)

    monkeypatch.setattr(glyphs, "make_glyphs", overtaken)
    with pytest.raises(UserError, match="already holds other files"):
        glyphs.write_glyphs(tmp_path / "new", 30, 20)
    assert len(load_set(tmp_path / "new", "train")[0]) == 40


def test_writers_at_the_same_time_do_not_disturb_each_other(tmp_path):
    start = threading.Barrier(3)

    def write(_) -> None:
        start.wait()
        glyphs.write_glyphs(tmp_path / "new", 300, 20)

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(write, range(3))) == [None] * 3
    assert len(load_set(tmp_path / "new", "train")[0]) == 300
    assert [p.name for p in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0, 20), "train: expected 1 to 1,000,000 images, found 0"),
        ((20, -1), "test: expected 1 to 1,000,000 images, found -1"),
        ((1_000_001, 1), "found 1000001"),
        ((20, 20, -1), "seed: expected a whole number from 0, found -1"),
    ],
)
def test_wrong_arguments(tmp_path, arguments, words):
    with pytest.raises(UserError, match=words):
        glyphs.write_glyphs(tmp_path / "new", *arguments)
    assert not list(tmp_path.iterdir())
