"""Sets of images found in folders by the names that people give to the files."""

import logging
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from chapter01_gan.image_sets import load_set
from common.errors import UserError
from common.images import idx


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def message(*arguments) -> str:
    """Return the error message for a wrong folder; it must be one line."""
    with pytest.raises(UserError) as caught:
        load_set(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def fill(folder: Path, **counts: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Write a set of images for each split; the labels are their indices."""
    made = {
        s: (noise(n, 4, 4), np.arange(n, dtype=np.uint8)) for s, n in counts.items()
    }
    for split, (images, labels) in made.items():
        idx.write_split(folder, split, images, labels)
    return made


def test_each_split_has_its_own_files(tmp_path):
    made = fill(tmp_path / "new", train=7, test=3)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
    ]
    for split, arrays in made.items():
        for found, expected in zip(
            load_set(tmp_path / "new", split), arrays, strict=True
        ):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("end", ["", ".gz"])
def test_names_with_a_dot(tmp_path, end):
    for name, write in (("images.idx3", idx.write_images), ("labels.idx1", None)):
        array = noise(6, 4, 4) if write else noise(6)
        (write or idx.write_labels)(tmp_path / f"train-{name}-ubyte{end}", array)
    fill(tmp_path, test=2)
    images, labels = load_set(tmp_path, "train")
    assert len(images) == len(labels) == 6


def test_plain_files_are_preferred_to_compressed_ones(tmp_path):
    fill(tmp_path, train=7, test=3)
    idx.write_images(tmp_path / "train-images-idx3-ubyte", np.ones((7, 2, 2), np.uint8))
    assert load_set(tmp_path, "train")[0].shape == (7, 2, 2)


@pytest.mark.parametrize("only", idx.SPLITS)
def test_the_only_file_is_split_in_order(tmp_path, caplog, only):
    images, _ = fill(tmp_path, **{only: 14})[only]
    with caplog.at_level(logging.INFO):
        train, train_labels = load_set(tmp_path, "train")
        test, test_labels = load_set(tmp_path, "test")
    np.testing.assert_array_equal(np.concatenate([train, test]), images)
    assert train_labels.tolist() == list(range(12))
    assert test_labels.tolist() == [12, 13]
    assert "first 12 are for training and the last 2 for testing" in caplog.text


def test_two_files_are_not_split(tmp_path, caplog):
    fill(tmp_path, train=7, test=3)
    with caplog.at_level(logging.INFO):
        load_set(tmp_path, "train")
    assert not caplog.text


def test_labels_may_be_missing(tmp_path):
    fill(tmp_path, train=10, test=10)
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    images, labels = load_set(tmp_path, "train")
    assert len(images) == 10
    assert labels is None
    assert load_set(tmp_path, "test")[1] is not None
    (tmp_path / "t10k-images-idx3-ubyte.gz").unlink()
    assert load_set(tmp_path, "test")[1] is None


def test_wrong_folders(tmp_path):
    line = message(tmp_path / "none", "train")
    assert line.startswith(f"no such directory: {tmp_path / 'none'}")
    line = message(tmp_path, "train")
    assert "train-images-idx3-ubyte or t10k-images-idx3-ubyte" in line
    fill(tmp_path, test=4)
    assert "expected at least 5, found 4" in message(tmp_path, "train")
    fill(tmp_path, test=6)
    for count in (5, 7):
        idx.write_labels(tmp_path / "t10k-labels-idx1-ubyte.gz", noise(count))
        line = message(tmp_path, "test")
        assert re.search(f"holds 6 images, but .* holds {count} labels", line)


def test_unknown_split_is_a_programming_error(tmp_path):
    with pytest.raises(ValueError, match="train or test"):
        load_set(tmp_path, "val")


# --- names


def write(path: Path, count: int) -> None:
    """Write `count` images or labels; the name decides which."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if "label" in path.name.lower():
        labels = np.arange(count, dtype=np.uint8)
        if path.suffix == ".npz":
            np.savez(path, labels.astype(np.int64))
        else:
            idx.write_labels(path, labels)
    elif path.suffix == ".npz":
        np.savez(path, noise(count, 4, 5))
    else:
        idx.write_images(path, noise(count, 4, 5))


@pytest.mark.parametrize(
    "names",
    [
        "test-images-idx3-ubyte test-labels-idx1-ubyte",
        "t10k-images.idx3-ubyte t10k-labels.idx1-ubyte",
        "Testing-Images-IDX3-UBYTE.GZ TESTING-LABELS-IDX1-UBYTE.gz",
        "test_images.idx test_labels.idx",
        "fashion-test-images.idx3.ubyte fashion-test-labels-ubyte",
        "MNIST/raw/t10k-images-idx3-ubyte MNIST/raw/t10k-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte/t10k-images-idx3-ubyte "
        "t10k-labels-idx1-ubyte/t10k-labels-idx1-ubyte",
        "Test/images-idx3-ubyte Test/labels-idx1-ubyte",
        "images/test-images-idx3-ubyte labels/test-labels-idx1-ubyte",
        "kmnist-test-imgs.npz kmnist-test-labels.npz",
        "val-images-idx3-ubyte val-labels-idx1-ubyte",
    ],
)
def test_names_of_files(tmp_path, caplog, names):
    def train_for(split: re.Match) -> str:
        return "Training" if split[0].lower() == "testing" else "train"

    for name in names.split():
        write(tmp_path / name, 3)
        write(tmp_path / re.sub("(?i)t10k|test(ing)?|val", train_for, name), 7)
    for split, count in (("train", 7), ("test", 3)):
        images, labels = load_set(tmp_path, split)
        np.testing.assert_array_equal(images, noise(count, 4, 5))
        assert labels.dtype == np.uint8
        assert labels.tolist() == list(range(count))
    assert not caplog.text


def test_images_of_emnist_are_set_upright(tmp_path, caplog):
    stored = np.array([[[0, 2], [1, 3]], [[4, 6], [5, 7]]] * 5, np.uint8)
    upright = [[[0, 1], [2, 3]], [[4, 5], [6, 7]]] * 5
    for split in ("train", "test"):
        name = f"emnist-letters-{split}-images-idx3-ubyte.gz"
        idx.write_images(tmp_path / name, stored)
    # Sets that are upright, though their names end alike.
    idx.write_images(tmp_path / "up" / "qmnist-train-images-idx3-ubyte", stored)
    with caplog.at_level(logging.INFO):
        for split in ("train", "test"):
            assert load_set(tmp_path, split)[0].tolist() == upright
    assert "EMNIST's images are transposed; set upright" in caplog.text
    np.testing.assert_array_equal(load_set(tmp_path / "up", "train")[0], stored[:8])


def test_one_of_several_sets_is_chosen_by_a_file(tmp_path):
    for place, name in enumerate(("digits", "letters")):
        for split in ("train", "test"):
            file = f"emnist-{name}-{split}-images-idx3-ubyte"
            write(tmp_path / "g z" / file, 3 + place)
    line = message(tmp_path, "test")
    assert "holds 2 sets of images (g z/emnist-digits-train-images-idx3-ubyte, " in line
    option = shlex.split(line.split("choose one by its file: ")[1])
    assert option[0] == "--data"
    assert len(load_set(option[1], "test")[0]) == 3
    other = option[1].replace("digits", "letters")
    assert len(load_set(other, "test")[0]) == 4
    line = message(tmp_path / "g z" / "notes.txt", "test")
    assert line.startswith("no such directory")
    # Also where the splits are folders.
    for place, name in enumerate("ab"):
        for split, count in (("train", 9), ("test", 5 + place)):
            write(tmp_path / "f" / name / split / "images-idx3-ubyte", count)
    option = shlex.split(message(tmp_path / "f", "test").split("by its file: ")[1])
    assert option[1] == str(tmp_path / "f" / "a" / "train" / "images-idx3-ubyte")
    assert len(load_set(option[1], "test")[0]) == 5
    (tmp_path / "g z" / "notes.txt").touch()
    line = message(tmp_path / "g z" / "notes.txt", "test")
    assert "expected a folder, or a file of images" in line
    assert line.endswith(f"give '{tmp_path / 'g z'}'")


def test_what_is_passed_over_is_named(tmp_path, caplog):
    fill(tmp_path, train=7, test=3)
    write(tmp_path / "val-images-idx3-ubyte", 2)
    write(tmp_path / "test-images-idx3-ubyte", 2)
    write(tmp_path / "below" / "train-images-idx3-ubyte", 2)
    (tmp_path / "train-images-idx3-ubyte (1).gz").touch()
    (tmp_path / "._train-images-idx3-ubyte").touch()
    (tmp_path / "mapping.txt").touch()
    assert len(load_set(tmp_path, "train")[0]) == 7
    load_set(tmp_path, "test")
    for words in (
        "passed over 1 hidden (._train-images-idx3-ubyte), 1 .txt (mapping.txt)",
        "passed over train-images-idx3-ubyte (1).gz and 1 more",
        "passed over val-images-idx3-ubyte",
        "test-images-idx3-ubyte both hold images of one split: the first is read",
    ):
        assert words in caplog.text


def test_pictures_are_for_chapter_4(tmp_path):
    (tmp_path / "zero").mkdir()
    (tmp_path / "zero" / "1.PNG").touch()
    line = message(tmp_path, "train")
    assert line.endswith(f"python chapter04_dcgan/main.py train --data {tmp_path}")


# --- .npz files of a whole set


@pytest.mark.parametrize("form", ["x_train y_train", "train_images train_labels"])
@pytest.mark.parametrize("give", ["folder", "file"])
def test_npz_of_a_whole_set(tmp_path, form, give):
    images, labels = form.split()
    arrays = {}
    for split, count in (("train", 7), ("test", 3)):
        arrays[images.replace("train", split)] = noise(count, 4, 5, 1)
        arrays[labels.replace("train", split)] = np.arange(count)[:, None]
    np.savez(tmp_path / "mnist.npz", **arrays)
    path = tmp_path if give == "folder" else tmp_path / "mnist.npz"
    for split, count in (("train", 7), ("test", 3)):
        found, classes = load_set(path, split)
        np.testing.assert_array_equal(found, noise(count, 4, 5))
        assert (classes.dtype, classes.tolist()) == (np.uint8, list(range(count)))


IMAGES = noise(2, 4, 4)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x_train": IMAGES / 255}, "grey images in x_train, .* found float64"),
        ({"x_train": noise(2, 4, 4, 3)}, r"found uint8 \(2, 4, 4, 3\)"),
        ({"x_train": noise(0, 4, 4)}, r"found uint8 \(0, 4, 4\)"),
        ({"x_train": np.array([{}], object)}, "pickled Python objects"),
        ({"a": IMAGES}, "expected the arrays x_train, .* found a;"),
        ({"x_train": IMAGES, "y_train": np.eye(2)}, r"found float64 \(2, 2\)"),
        ({"x_train": IMAGES, "y_train": [0, 300]}, "0 to 255, found 0 to 300"),
        ({"x_train": IMAGES, "y_train": [-1, 3]}, "0 to 255, found -1 to 3"),
        ({"x_train": IMAGES, "y_train": ["a", "b"]}, "found <U1"),
        ({"x_train": IMAGES, "y_train": [1]}, "holds 2 images, but .* 1 labels"),
    ],
)
def test_wrong_npz(tmp_path, arrays, words):
    np.savez(tmp_path / "mnist.npz", **arrays)
    assert re.search(words, message(tmp_path, "train"))


def test_damaged_npz(tmp_path):
    (tmp_path / "mnist.npz").write_bytes(b"PK no archive")
    assert "not a .npz archive" in message(tmp_path, "train")


# --- the real files


def test_mnist(shared_data):
    train, train_labels = load_set(shared_data / "mnist", "train")
    test, test_labels = load_set(shared_data / "mnist", "test")
    assert train_labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert train.shape == (8000, 28, 28)
    assert test.shape == (2000, 28, 28)
    assert test_labels[-3:].tolist() == [4, 5, 6]


def test_fashion_mnist(shared_data):
    _, train = load_set(shared_data / "fashion_mnist", "train")
    images, test = load_set(shared_data / "fashion_mnist", "test")
    assert train[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert test[:6].tolist() == [9, 2, 1, 1, 6, 1]
    assert images.shape == (10_000, 28, 28)
