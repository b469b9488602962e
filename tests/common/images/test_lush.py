"""The Lush matrices of smallNORB: their bytes, the cache, and errors in bad files."""

import functools
import gzip
import os
import re
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from common.errors import UserError
from common.images import lush

BYTE, INT = b"\x55\x4c\x3d\x1e", b"\x54\x4c\x3d\x1e"
# Without a time stamp, because pytest puts these bytes into the names of tests.
packed = functools.partial(gzip.compress, mtime=0)


def sizes(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}i", *numbers)


# A byte matrix of 2 x 1 x 2 x 3, and an integer one of 3.
BYTES = (
    BYTE + sizes(4, 2, 1, 2, 3) + bytes([0, 1, 2, 3, 4, 127, 128, 200, 9, 8, 7, 255])
)
INTS = INT + sizes(1, 3, 1, 1) + sizes(5, -1, 70_000)
PACKED = packed(BYTES)


def saved(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def message(*arguments, **options) -> str:
    """Return the error message for a wrong file; it must be one line."""
    with pytest.raises(UserError) as caught:
        lush.open_matrix(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def always_cached(monkeypatch):
    """Send even the smallest gzip file through the cache."""
    monkeypatch.setattr(lush, "_SMALL", 0)


@pytest.mark.parametrize("pack", [bytes, packed])
@pytest.mark.parametrize("name", ["a.mat", "a.mat.gz"])
def test_bytes_by_hand(tmp_path, name, pack):
    """The content decides what is gzip; values above 127 are not negative."""
    found = lush.open_matrix(saved(tmp_path / name, pack(BYTES)), np.uint8)
    assert found.dtype == np.uint8
    expected = [[[[0, 1, 2], [3, 4, 127]]], [[[128, 200, 9], [8, 7, 255]]]]
    assert found.tolist() == expected
    assert not found.flags.writeable


@pytest.mark.parametrize("pack", [bytes, packed])
def test_integers_by_hand(tmp_path, pack):
    """One axis is stored with two sizes that are not used."""
    found = lush.open_matrix(saved(tmp_path / "a", pack(INTS)), np.int32)
    assert found.dtype == np.int32
    assert found.tolist() == [5, -1, 70_000]
    assert not found.flags.writeable


def test_unused_sizes_may_have_any_value(tmp_path):
    content = INT + sizes(1, 1, 0, -7) + sizes(3)
    assert lush.open_matrix(saved(tmp_path / "a", content), np.int32).tolist() == [3]


def test_a_plain_file_is_mapped(tmp_path):
    found = lush.open_matrix(saved(tmp_path / "a", BYTES), np.uint8)
    assert isinstance(found, np.memmap)


def test_the_header_alone(tmp_path):
    header = lush.read_header(saved(tmp_path / "a.gz", PACKED))
    assert (header.dtype, header.shape) == (np.uint8, (2, 1, 2, 3))
    assert str(header) == "byte (uint8) 2 x 1 x 2 x 3"
    short = saved(tmp_path / "b", b"\x56\x4c\x3d\x1e" + sizes(1, 24_300, 1, 1))
    assert str(lush.read_header(short)) == "short (int16) 24,300"
    assert lush.read_header(short).dtype is None


# --- the decompressed copy


def test_a_gzip_file_is_decompressed_once(tmp_path, always_cached, monkeypatch):
    path, caches = saved(tmp_path / "a.gz", PACKED), tmp_path / "caches"
    first = lush.open_matrix(path, np.uint8, cache_dir=caches)
    monkeypatch.setattr(lush, "_decompress", None)
    again = lush.open_matrix(path, np.uint8, cache_dir=caches)
    assert again.tolist() == first.tolist()
    assert first.tolist()[1] == [[[128, 200, 9], [8, 7, 255]]]
    with pytest.raises(ValueError, match="read-only"):
        again[:] = 0
    # The copy is the numbers alone.
    (copy,) = caches.glob("*.bytes")
    assert copy.read_bytes() == BYTES[24:]


def test_a_changed_file_is_decompressed_again(tmp_path, always_cached):
    path, caches = saved(tmp_path / "a.gz", packed(INTS)), tmp_path / "caches"
    assert lush.open_matrix(path, np.int32, cache_dir=caches)[0] == 5
    saved(path, packed(INTS[:20] + sizes(6, -1, 70_000)))
    os.utime(path, (1, 1))
    assert lush.open_matrix(path, np.int32, cache_dir=caches)[0] == 6


def test_a_file_of_many_blocks(tmp_path, always_cached, monkeypatch):
    monkeypatch.setattr(lush, "_BLOCK", 5)
    path = saved(tmp_path / "a.gz", PACKED)
    found = lush.open_matrix(path, np.uint8, cache_dir=tmp_path / "caches")
    assert found.tobytes() == BYTES[24:]


def test_a_truncated_copy_is_written_again(tmp_path, always_cached, caplog):
    path, caches = saved(tmp_path / "a.gz", PACKED), tmp_path / "caches"
    lush.open_matrix(path, np.uint8, cache_dir=caches)
    (copy,) = caches.glob("*.bytes")
    copy.write_bytes(b"12345")
    assert lush.open_matrix(path, np.uint8, cache_dir=caches)[1, 0, 1, 2] == 255
    assert "is damaged" in caplog.text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (packed(BYTES[:-1]), "truncated: expected the 12 bytes .* found 11"),
        (packed(BYTES + b"12"), "too long: expected the 12 .* found at least 13"),
        (PACKED[:-8] + bytes([PACKED[-8] ^ 1]) + PACKED[-7:], "damaged gzip file"),
        (PACKED[:-1], "truncated: expected more gzip data"),
    ],
)
def test_no_copy_is_made_of_a_damaged_file(tmp_path, always_cached, content, words):
    path, caches = saved(tmp_path / "a.gz", content), tmp_path / "caches"
    assert re.search(words, message(path, np.uint8, cache_dir=caches))
    assert not list(caches.iterdir())


# --- writing


def test_written_bytes_are_the_format(tmp_path):
    array = np.frombuffer(BYTES[24:], np.uint8).reshape(2, 1, 2, 3)
    lush.write_matrix(tmp_path / "bytes", array)
    lush.write_matrix(tmp_path / "integers", np.array([5, -1, 70_000], np.int32))
    lush.write_matrix(tmp_path / "packed.gz", array)
    assert (tmp_path / "bytes").read_bytes() == BYTES
    assert (tmp_path / "integers").read_bytes() == INTS
    assert gzip.decompress((tmp_path / "packed.gz").read_bytes()) == BYTES


def test_a_matrix_need_not_be_contiguous(tmp_path):
    array = np.arange(24, dtype=np.int32).reshape(2, 3, 4).T
    lush.write_matrix(tmp_path / "a", array)
    found = lush.open_matrix(tmp_path / "a", np.int32)
    assert found.tolist() == array.tolist()


def test_a_file_is_filled_part_by_part(tmp_path):
    path = tmp_path / "a"
    matrix = lush.create_matrix(path, (2, 1, 2, 3), np.uint8)
    assert path.read_bytes() == BYTES[:24] + bytes(12)
    matrix[0, 0] = [[0, 1, 2], [3, 4, 127]]
    matrix[1, 0] = [[128, 200, 9], [8, 7, 255]]
    matrix.flush()
    assert path.read_bytes() == BYTES


@pytest.mark.parametrize(
    "array",
    [np.zeros(3), np.zeros(0, np.uint8), np.uint8(1), np.zeros(9 * [1], np.uint8)],
)
def test_other_arrays_are_refused(tmp_path, array):
    with pytest.raises(ValueError, match="expected a uint8 or int32 matrix of 1 to 8"):
        lush.write_matrix(tmp_path / "a", np.asarray(array))
    with pytest.raises(ValueError, match="expected a uint8 or int32 matrix of 1 to 8"):
        lush.create_matrix(tmp_path / "a", np.shape(array), np.asarray(array).dtype)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written(tmp_path):
    for make in (
        lambda path: lush.write_matrix(path, np.zeros(1, np.uint8)),
        lambda path: lush.create_matrix(path, (1,), np.uint8),
    ):
        with pytest.raises(UserError, match="cannot write"):
            make(saved(tmp_path / "file", b"") / "a")


# --- bad files


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (BYTE[:3], "truncated: expected 8 bytes or more, found 3"),
        (BYTE, "truncated: expected 8 bytes or more, found 4"),
        (BYTES[:20], "truncated: expected a header of 24 bytes, found 20"),
        (BYTES[:24], "truncated: expected the 12 bytes .* found 0"),
        (BYTES[:-1], "truncated: expected the 12 bytes .* announces, found 11"),
        (BYTES + b"12", "too long: expected the 12 bytes .* announces, found 14"),
        (INTS, r"expected byte \(uint8\), found integer \(int32\) 3; is it the right"),
        (b"\x51" + BYTES[1:], r"found float \(float32\) 2 x 1 x 2 x 3"),
        (b"\x52" + BYTES[1:], "found packed 2 x"),
        (b"\x53" + BYTES[1:], r"found double \(float64\)"),
        (b"\x56" + BYTES[1:], r"found short \(int16\)"),
        (BYTE[::-1] + BYTES[4:], "is a big-endian Lush matrix; expected a little-end"),
        (b"<!DOCTYPE html><html>", "is a web page.*download it again"),
        (b"\xef\xbb\xbf\n <html>", "is a web page"),
        (packed(b"<html>403</html>"), "is a web page"),
        (b"MATLAB 5.0 MAT-file", "is a MATLAB file"),
        (b"PK\x03\x04 and more", "is a zip archive"),
        (b"no matrix", "expected the first bytes 55 4c 3d 1e .* 1f 8b .* found 6e 6f "),
        (BYTE + sizes(0, 1, 1, 1) + b"1", "expected a matrix of 1 to 8 axes, found 0"),
        (BYTE + sizes(-4, 1, 1, 1), "expected a matrix of 1 to 8 axes, found -4"),
        (BYTE + sizes(10**9, 1, 1, 1), "1 to 8 axes, found 1,000,000,000"),
        (BYTE + sizes(2, 3, -1, 1), "sizes of at least 1, found .* 3 x -1"),
        (BYTE + sizes(2, 0, 3, 1), "sizes of at least 1, found .* 0 x 3"),
        (
            BYTE + sizes(4, *4 * [2**31 - 1]),
            "at most 2,147,483,648 bytes",
        ),
        (PACKED[:-1], "truncated: expected more gzip data, found its end"),
        (PACKED[:12], "truncated: expected more gzip data, found its end"),
        (PACKED[:-8] + bytes([PACKED[-8] ^ 1]) + PACKED[-7:], "damaged gzip file"),
        (PACKED[:2] + b"no gzip at all", "damaged gzip file"),
        (PACKED + b"x", "too long: expected one stream of gzip data, found more"),
        (packed(BYTES[:-1]), "truncated: expected the 12 bytes .* found 11"),
        (packed(BYTES + b"12"), "too long: expected the 12 .* found at least 13"),
    ],
)
def test_bad_files_give_one_clear_line(tmp_path, content, words):
    path = saved(tmp_path / "some-dat.mat.gz", content)
    line = message(path, np.uint8)
    assert str(path) in line
    assert re.search(words, line)


def test_missing_files_and_folders(tmp_path):
    assert "no such file" in message(tmp_path / "a", np.uint8)
    assert "is a folder; expected a Lush matrix" in message(tmp_path, np.uint8)


def test_unreadable_file(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    path = saved(tmp_path / "a", BYTES)
    monkeypatch.setattr(Path, "open", refuse)
    assert message(path, np.uint8) == f"cannot read {path}: Permission denied"


@pytest.mark.parametrize("pack", [bytes, packed])
def test_the_largest_size_can_be_chosen(tmp_path, pack):
    path = saved(tmp_path / "a", pack(BYTES))
    assert lush.open_matrix(path, np.uint8, max_bytes=12).size == 12
    line = message(path, np.uint8, max_bytes=11)
    assert "too large: expected at most 11 bytes, found 12" in line


@pytest.mark.parametrize(
    "content",
    [
        BYTE + sizes(4, 1000, 2, 1000, 1000) + bytes(9),
        packed(BYTE + sizes(4, 1000, 2, 1000, 1000) + bytes(9)),
        packed(BYTES + bytes(30_000_000), 1),
        packed(BYTE + sizes(3, 2**31 - 1, 1, 2) + bytes(30_000_000), 1),
    ],
)
def test_wrong_sizes_cost_no_memory(tmp_path, content):
    path = saved(tmp_path / "a", content)
    tracemalloc.start()
    try:
        message(path, np.uint8, cache_dir=tmp_path / "caches")
        # The largest cost is a block of decompressed data.
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
