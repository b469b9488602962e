"""The idx files of MNIST: their bytes, and errors in damaged files."""

import functools
import gzip
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


def test_the_classes_of_qmnist(tmp_path):
    """A label of QMNIST is 8 numbers: class, series, writer, ..."""
    rows = [[7, 0, 3811, 77, 1, 2, 3, 4], [9, 4, 2000, -1, 5, 6, 7, 8]]
    content = struct.pack(">3I16i", 0x0C02, 2, 8, *rows[0], *rows[1])
    for pack in (bytes, packed):
        labels = idx.read_labels(saved(tmp_path / "a", pack(content)))
        assert labels.dtype == np.uint8
        assert labels.tolist() == [7, 9]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (struct.pack(">3I8i", 0x0C02, 1, 8, 300, *range(7)), "0 to 255, found 300"),
        (struct.pack(">3I8i", 0x0C02, 1, 8, -1, *range(7)), "0 to 255, found -1"),
        (struct.pack(">3I7i", 0x0C02, 1, 8, *range(7)), "32 bytes .* found 28"),
        (struct.pack(">3I", 0x0C02, 1, 7), "expected 8 numbers .* found 7"),
        (struct.pack(">2I", 0x0C02, 1), "expected 8 numbers"),
        (struct.pack(">3I", 0x0C02, 10**9, 8), "at most 1,000,000 labels"),
    ],
)
def test_wrong_labels_of_qmnist(tmp_path, content, words):
    assert re.search(words, message(idx.read_labels, saved(tmp_path / "a", content)))


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
