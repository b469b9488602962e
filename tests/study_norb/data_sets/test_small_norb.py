"""smallNORB's six files: finding, reading and cross-checking them."""

import gzip
import hashlib
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from norb_files import write_split, write_tiny_norb

from common.errors import UserError
from common.images.lush import write_matrix
from study_norb.data_sets import small_norb
from study_norb.data_sets.small_norb import (
    KINDS,
    describe_files,
    file_name,
    is_small_norb,
    load_records,
)

TRAIN = "smallnorb-5x46789x9x18x6x2x96x96-training"
TEST = "smallnorb-5x01235x9x18x6x2x96x96-testing"


def message(folder: Path, split: str = "train") -> str:
    """Return the error message for wrong files; it must be one line."""
    with pytest.raises(UserError) as caught:
        load_records(folder, split)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def by_hand(tmp_path) -> Path:
    """A training split of three records with values that can be told apart."""
    pictures = np.zeros((3, 2, 8, 8), np.uint8)
    pictures[0, 0], pictures[0, 1] = 200, 128
    pictures[2, 1, 7, 0] = 255
    info = [[4, 0, 0, 5], [9, 8, 34, 0], [6, 3, 10, 2]]
    write_split(tmp_path, "train", pictures, [4, 0, 2], info)
    return tmp_path


@pytest.fixture
def tiny(tmp_path) -> Path:
    return write_tiny_norb(tmp_path / "tiny", per_class=2)


def test_names_are_the_published_ones():
    assert file_name("train", "dat") == f"{TRAIN}-dat.mat"
    assert file_name("test", "info") == f"{TEST}-info.mat"


def test_records_by_hand(by_hand):
    """Azimuths are codes of 10 degrees, elevations of 5 from 30; left comes first."""
    found = load_records(by_hand, "train")
    assert found.pictures.shape == (3, 2, 8, 8)
    assert found.pictures.dtype == np.uint8
    assert found.pictures[0, 0, 3, 3] == 200
    assert found.pictures[0, 1, 3, 3] == 128
    assert found.pictures[2, 1, 7, 0] == 255
    assert found.classes.tolist() == [4, 0, 2]
    assert found.instances.tolist() == [4, 9, 6]
    assert found.elevations.tolist() == [30, 70, 45]
    assert found.azimuths.tolist() == [0, 340, 100]
    assert found.lightings.tolist() == [5, 0, 2]
    assert found.class_names == ("animal", "human", "airplane", "truck", "car")
    assert found.azimuths.dtype == found.elevations.dtype == np.float32
    assert found.classes.dtype == found.instances.dtype == np.int32


def test_pictures_are_read_only(by_hand):
    with pytest.raises(ValueError, match="read-only"):
        load_records(by_hand, "train").pictures[0] = 0


def test_gzip_files_equal_plain_ones(tiny, tmp_path):
    other = tmp_path / "packed"
    other.mkdir()
    for path in tiny.iterdir():
        content = gzip.compress(path.read_bytes())
        (other / f"{path.name}.gz").write_bytes(content)
    for split in ("train", "test"):
        plain, packed = load_records(tiny, split), load_records(other, split)
        np.testing.assert_array_equal(plain.pictures, packed.pictures)
        for name in ("classes", "instances", "azimuths", "elevations", "lightings"):
            np.testing.assert_array_equal(getattr(plain, name), getattr(packed, name))


def test_a_plain_file_is_preferred(by_hand):
    (by_hand / f"{TRAIN}-cat.mat.gz").write_bytes(b"damaged")
    assert load_records(by_hand, "train").classes.tolist() == [4, 0, 2]


def test_files_are_found_below_and_in_any_case(by_hand):
    below = by_hand / "norb" / "small"
    below.mkdir(parents=True)
    for kind in KINDS:
        name = file_name("train", kind)
        shutil.move(by_hand / name, below / name.upper())
    assert is_small_norb(by_hand)
    assert load_records(by_hand, "train").classes.tolist() == [4, 0, 2]


def test_other_folders_are_not_taken_for_it(tmp_path):
    (tmp_path / "obj1__0.png").write_bytes(b"")
    assert not is_small_norb(tmp_path)


def test_missing_files_are_named(by_hand):
    line = message(by_hand, "test")
    assert all(f"{TEST}-{kind}.mat" in line for kind in KINDS)
    (by_hand / f"{TRAIN}-cat.mat").unlink()
    line = message(by_hand)
    assert f"missing {TRAIN}-cat.mat, each plain or with .gz" in line
    assert "dat.mat" not in line


def test_swapped_files_are_recognised(by_hand):
    places = {kind: by_hand / file_name("train", kind) for kind in KINDS}
    contents = {kind: path.read_bytes() for kind, path in places.items()}
    for wrong in KINDS:
        for right in {*KINDS} - {wrong}:
            places[wrong].write_bytes(contents[right])
            line = message(by_hand)
            assert f"{wrong}.mat: expected" in line
            assert f"it looks like '{right}', so check the names" in line
        places[wrong].write_bytes(contents[wrong])


@pytest.mark.parametrize(
    ("kind", "array", "words"),
    [
        ("dat", np.zeros((3, 1, 8, 8), np.uint8), "expected bytes N x 2 x S x S"),
        ("dat", np.zeros((3, 2, 8, 9), np.uint8), r"found byte .* 3 x 2 x 8 x 9$"),
        ("dat", np.zeros((3, 2, 7, 7), np.uint8), r"S at least 8.*3 x 2 x 7 x 7$"),
        ("dat", np.zeros((4, 2, 8, 8), np.uint8), "cat.mat: expected 4 rows.*found 3"),
        ("cat", [1, 2], "cat.mat: expected 3 rows, as many as in .*dat.mat, found 2"),
        ("cat", [1, 5, 2], "expected classes from 0 to 4, found 5 in record 1"),
        ("cat", [1, 2, -1], "expected classes from 0 to 4, found -1 in record 2"),
        ("info", [[4, 0, 0, 5]], "info.mat: expected 3 rows, .* found 1"),
        ("info", [[4, 0, 0]] * 3, "expected integers N x 4, found .* 3 x 3$"),
        ("info", [[10, 0, 0, 5]] * 3, "instances from 0 to 9, found 10 in record 0"),
        ("info", [[4, 9, 0, 5]] * 3, "elevations from 0 to 8, found 9 in record 0"),
        ("info", [[4, 0, 36, 5]] * 3, "azimuths from 0 to 34 in steps of 2, found 36"),
        ("info", [[4, 0, 7, 5]] * 3, "azimuths from 0 to 34 in steps of 2, found 7 in"),
        ("info", [[4, 0, 0, 6]] * 3, "lightings from 0 to 5, found 6 in record 0"),
    ],
)
def test_files_that_do_not_fit_give_one_line(by_hand, kind, array, words):
    array = np.asarray(array, np.uint8 if kind == "dat" else np.int32)
    write_matrix(by_hand / file_name("train", kind), array)
    assert re.search(words, message(by_hand))


def test_a_file_is_no_folder(by_hand):
    path = by_hand / file_name("train", "dat")
    assert "is a file; expected a folder of smallNORB's" in message(path)


def test_files_are_compared_with_the_published_ones(tiny, monkeypatch):
    """Gzip files by size and hash, plain ones by size only."""
    for split in ("train", "test"):
        path = tiny / file_name(split, "cat")
        (tiny / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    packed = tiny / f"{TRAIN}-cat.mat.gz"
    size = packed.stat().st_size
    digest = hashlib.sha256(packed.read_bytes()).hexdigest()
    published = small_norb._Published
    for pair, value in {
        ("train", "cat"): published(size, digest),
        ("test", "cat"): published(size, "0" * 64),
    }.items():
        monkeypatch.setitem(small_norb._PUBLISHED, pair, value)
    plain = (tiny / file_name("test", "info")).stat().st_size
    monkeypatch.setitem(small_norb._PLAIN_BYTES, "info", plain)
    lines = describe_files(tiny)
    assert len(lines) == 6
    found = dict(line.split(": ", 1) for line in lines)
    assert found[f"{TRAIN}-cat.mat.gz"] == "the published one (size and SHA-256)"
    assert "not the published one: SHA-256" in found[f"{TEST}-cat.mat.gz"]
    assert found[f"{TEST}-info.mat"].startswith("as large as the published one")
    assert "184,344 bytes, not 447,897,624" in found[f"{TRAIN}-dat.mat"]


def test_the_published_sizes_are_those_of_24300_records():
    """A header of 20 or 24 bytes, and the numbers."""
    assert small_norb._PLAIN_BYTES == {
        "dat": 24 + 24_300 * 2 * 96 * 96,
        "cat": 20 + 24_300 * 4,
        "info": 20 + 24_300 * 4 * 4,
    }
    assert sum(one.size for one in small_norb._PUBLISHED.values()) == 262_778_180
    assert len({one.sha256 for one in small_norb._PUBLISHED.values()}) == 6
    assert {len(one.sha256) for one in small_norb._PUBLISHED.values()} == {64}
