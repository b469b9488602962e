"""The idx files of MNIST: their bytes, errors in damaged files, and splits."""

import functools
import gzip
import logging
import re
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from common.errors import UserError
from common.images import idx

# Two images of 2 rows and 3 columns.
HEADER = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3])
PIXELS = bytes([0, 1, 2, 3, 4, 5, 250, 251, 252, 253, 254, 255])
LABELS = bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9])
IMAGES = np.array([[[0, 1, 2], [3, 4, 5]], [[250, 251, 252], [253, 254, 255]]])
# Without a time stamp, because pytest puts these bytes into the names of tests.
packed = functools.partial(gzip.compress, mtime=0)
PACKED = packed(HEADER + PIXELS)


def saved(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def message(read, *arguments) -> str:
    """Return the error message for a wrong file; it must be one line."""
    with pytest.raises(UserError) as caught:
        read(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("pack", [bytes, packed])
@pytest.mark.parametrize("name", ["a", "b.idx3-ubyte"])
def test_images_by_hand(tmp_path, name, pack):
    images = idx.read_images(saved(tmp_path / name, pack(HEADER + PIXELS)))
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, IMAGES)


def test_labels_by_hand(tmp_path):
    labels = idx.read_labels(saved(tmp_path / "a", LABELS))
    assert labels.dtype == np.uint8
    assert labels.tolist() == [7, 9]


def test_written_bytes_are_the_format(tmp_path):
    idx.write_images(tmp_path / "images", IMAGES.astype(np.uint8))
    idx.write_labels(tmp_path / "labels", np.array([7, 9], np.uint8))
    assert (tmp_path / "images").read_bytes() == HEADER + PIXELS
    assert (tmp_path / "labels").read_bytes() == LABELS


@pytest.mark.parametrize("end", ["", ".gz", ".GZ"])
def test_round_trip(tmp_path, end):
    images, labels = noise(300, 28, 20), noise(300)
    idx.write_images(tmp_path / f"images{end}", images)
    idx.write_labels(tmp_path / f"labels{end}", labels)
    np.testing.assert_array_equal(idx.read_images(tmp_path / f"images{end}"), images)
    np.testing.assert_array_equal(idx.read_labels(tmp_path / f"labels{end}"), labels)


def test_compressed_bytes_do_not_depend_on_time_or_name(tmp_path):
    for name in ("a.gz", "b.gz"):
        idx.write_images(tmp_path / name, noise(3, 28, 28))
    packed = (tmp_path / "a.gz").read_bytes()
    assert packed == (tmp_path / "b.gz").read_bytes()
    # The flags are 0, so no name is stored, and so is the time.
    assert packed[:8] == b"\x1f\x8b\x08" + bytes(5)


def test_the_arrays_are_writable(tmp_path):
    for content in (HEADER + PIXELS, PACKED):
        idx.read_images(saved(tmp_path / "a", content))[...] += 1


@pytest.mark.parametrize("array", [noise(2, 3), noise(2, 3, 4) * 1.0, noise(0, 3, 4)])
def test_arrays_that_are_not_images_are_refused(tmp_path, array):
    with pytest.raises(ValueError, match="images must be"):
        idx.write_images(tmp_path / "a", array)
    assert not list(tmp_path.iterdir())


# --- damaged files


def header(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (HEADER[:3], "truncated: expected a header of 16 bytes, found 3"),
        (HEADER[:11], "truncated: expected a header of 16 bytes, found 11"),
        (HEADER, "truncated: expected the 12 bytes .* announces, found 0"),
        (HEADER + PIXELS[:-1], "truncated: expected the 12 bytes .* found 11"),
        (HEADER + PIXELS + b"\0", "too long: expected the 12 bytes .* found more"),
        (LABELS, r"magic number 2051 \(idx images\), found 2049 \(idx labels\)"),
        (header(2052, 2, 2, 3), "expected the magic number 2051 .* found 2052 "),
        (b"<!DOCTYPE html>", "expected the magic number 2051 .*not a file of MNIST"),
        (
            header(2051, 0, 28, 28),
            "contains no images: expected some, found 0 x 28 x 28",
        ),
        (header(2051, 5, 28, 0), "contains no images: expected some, found 5 x 28 x 0"),
        (header(2051, 1_000_001, 1, 1), "at most 1,000,000 .* 1,000,001 x 1 x 1"),
        (header(2051, 1, 28_000, 28_001), "784,000,000 .* 1 x 28,000 x 28,001"),
        (header(2051, *3 * [2**32 - 1]), "is too large"),
        (PACKED[:-9], "truncated: expected more gzip data, found its end"),
        (PACKED[:-1], "truncated: expected more gzip data, found its end"),
        (PACKED[:3], "truncated: expected more gzip data, found its end"),
        (PACKED[:-8] + bytes([PACKED[-8] ^ 1]) + PACKED[-7:], "damaged gzip file"),
        (PACKED[:2] + b"no gzip at all", "damaged gzip file"),
        (PACKED + b"x", "too long: expected one stream of gzip data, found more"),
        (packed(LABELS), "expected the magic number 2051 .* found 2049"),
        (packed(HEADER + PIXELS[:-1]), "truncated: expected the 12 .* found 11"),
        (packed(HEADER + PIXELS + b"\0"), "too long: expected the 12 bytes"),
        (packed(b"\0\0"), "truncated: expected a header of 16 bytes, found 2"),
    ],
)
def test_wrong_images_give_one_clear_line(tmp_path, content, words):
    path = saved(tmp_path / "some-images", content)
    line = message(idx.read_images, path)
    assert str(path) in line
    assert re.search(words, line)


def test_a_file_of_images_is_refused_as_labels(tmp_path):
    line = message(idx.read_labels, saved(tmp_path / "a", HEADER + PIXELS))
    assert "magic number 2049 (idx labels), found 2051 (idx images)" in line


@pytest.mark.parametrize("name", ["a.gz", "a.GZ"])
def test_a_file_named_gz_must_be_gzip(tmp_path, name):
    line = message(idx.read_images, saved(tmp_path / name, HEADER + PIXELS))
    assert "not a gzip file: expected the first bytes 1f 8b, found 00 00" in line


def test_missing_file(tmp_path):
    assert "no such file" in message(idx.read_images, tmp_path / "a")
    assert "no such file" in message(idx.read_labels, tmp_path)


def test_unreadable_file(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    path = saved(tmp_path / "a", HEADER + PIXELS)
    monkeypatch.setattr(Path, "open", refuse)
    assert message(idx.read_images, path) == f"cannot read {path}: Permission denied"


def test_max_items(tmp_path):
    path = saved(tmp_path / "a", HEADER + PIXELS)
    assert len(idx.read_images(path, max_items=2)) == 2
    line = message(idx.read_images, path, 1)
    assert re.search("at most 1 images .* found 2 x 2 x 3", line)


@pytest.mark.parametrize(
    "content",
    [
        packed(HEADER + bytes(30_000_000), 1),  # much longer than its header says
        packed(header(2051, 1_000_000, 28, 28) + bytes(9)),  # much shorter
        header(2051, 1_000_000, 28, 28) + bytes(9),
        packed(header(2051, 10**9, 28, 28) + bytes(30_000_000), 1),
        header(2049, 10, 28, 28) + bytes(3_000_000),
    ],
)
def test_wrong_sizes_cost_no_memory(tmp_path, content):
    path = saved(tmp_path / "a", content)
    tracemalloc.start()
    try:
        message(idx.read_images, path)
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()


# --- folders


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
            idx.load_split(tmp_path / "new", split), arrays, strict=True
        ):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("end", ["", ".gz"])
def test_names_with_a_dot(tmp_path, end):
    for name, write in (("images.idx3", idx.write_images), ("labels.idx1", None)):
        array = noise(6, 4, 4) if write else noise(6)
        (write or idx.write_labels)(tmp_path / f"train-{name}-ubyte{end}", array)
    fill(tmp_path, test=2)
    images, labels = idx.load_split(tmp_path, "train")
    assert len(images) == len(labels) == 6


def test_plain_files_are_preferred_to_compressed_ones(tmp_path):
    fill(tmp_path, train=7, test=3)
    idx.write_images(tmp_path / "train-images-idx3-ubyte", np.ones((7, 2, 2), np.uint8))
    assert idx.load_split(tmp_path, "train")[0].shape == (7, 2, 2)


@pytest.mark.parametrize("only", idx.SPLITS)
def test_the_only_file_is_split_in_order(tmp_path, caplog, only):
    images, _ = fill(tmp_path, **{only: 14})[only]
    with caplog.at_level(logging.INFO):
        train, train_labels = idx.load_split(tmp_path, "train")
        test, test_labels = idx.load_split(tmp_path, "test")
    np.testing.assert_array_equal(np.concatenate([train, test]), images)
    assert train_labels.tolist() == list(range(12))
    assert test_labels.tolist() == [12, 13]
    assert "first 12 are for training and the last 2 for testing" in caplog.text


def test_two_files_are_not_split(tmp_path, caplog):
    fill(tmp_path, train=7, test=3)
    with caplog.at_level(logging.INFO):
        idx.load_split(tmp_path, "train")
    assert not caplog.text


def test_labels_may_be_missing(tmp_path):
    fill(tmp_path, train=10, test=10)
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    images, labels = idx.load_split(tmp_path, "train")
    assert len(images) == 10
    assert labels is None
    assert idx.load_split(tmp_path, "test")[1] is not None
    (tmp_path / "t10k-images-idx3-ubyte.gz").unlink()
    assert idx.load_split(tmp_path, "test")[1] is None


def test_wrong_folders(tmp_path):
    line = message(idx.load_split, tmp_path / "none", "train")
    assert line.startswith(f"no such directory: {tmp_path / 'none'}")
    line = message(idx.load_split, tmp_path, "train")
    assert "train-images-idx3-ubyte or t10k-images-idx3-ubyte" in line
    fill(tmp_path, test=4)
    assert "expected at least 5, found 4" in message(idx.load_split, tmp_path, "train")
    fill(tmp_path, test=6)
    for count in (5, 7):
        idx.write_labels(tmp_path / "t10k-labels-idx1-ubyte.gz", noise(count))
        line = message(idx.load_split, tmp_path, "test")
        assert re.search(f"holds 6 images, but .* holds {count} labels", line)


def test_unknown_split_is_a_programming_error(tmp_path):
    with pytest.raises(ValueError, match="train or test"):
        idx.load_split(tmp_path, "val")


# --- the real files


def test_mnist(shared_data):
    train, train_labels = idx.load_split(shared_data / "mnist", "train")
    test, test_labels = idx.load_split(shared_data / "mnist", "test")
    assert train_labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert train.shape == (8000, 28, 28)
    assert test.shape == (2000, 28, 28)
    assert test_labels[-3:].tolist() == [4, 5, 6]


def test_fashion_mnist(shared_data):
    _, train = idx.load_split(shared_data / "fashion_mnist", "train")
    images, test = idx.load_split(shared_data / "fashion_mnist", "test")
    assert train[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert test[:6].tolist() == [9, 2, 1, 1, 6, 1]
    assert images.shape == (10_000, 28, 28)
