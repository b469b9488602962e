"""NumPy files of shapes: invalid bytes, encrypted archives, labelled splits."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from common.errors import UserError
from common.shapes.voxels import read_split, read_voxels


def _random(*shape: int, seed: int = 0) -> np.ndarray:
    """Return random voxels, one in five filled."""
    return np.random.default_rng(seed).random(shape) < 0.2


def _assert_refused(path: Path, message: str, read=read_voxels) -> None:
    """Check that reading raises one clear line that names the file."""
    with pytest.raises(UserError, match=message) as caught:
        read(path)
    assert "\n" not in str(caught.value) and path.name in str(caught.value)


def test_other_bytes_than_0_and_1_in_a_bool_array_are_refused(tmp_path):
    """NumPy itself reads the byte 7 as True."""
    np.save(tmp_path / "a.npy", _random(3, 3, 3))
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content[:-1] + b"\x07")
    assert np.load(tmp_path / "a.npy")[-1, -1, -1]
    _assert_refused(tmp_path / "a.npy", "values 0 and 1 only, found 7")


def test_each_split_has_its_own_shapes_and_labels(tmp_path):
    shapes = {"train": _random(3, 5, 5, 5), "test": _random(2, 5, 5, 5, seed=1)}
    labels = {"train": [4, 0, 2], "test": [1, 3]}
    arrays = {f"X_{split}": values for split, values in shapes.items()}
    arrays |= {f"y_{s}": np.array(v, np.uint8) for s, v in labels.items()}
    np.savez(tmp_path / "a.npz", **arrays)
    for split in ("train", "test"):
        found, classes = read_split(tmp_path / "a.npz", split)
        np.testing.assert_array_equal(found, shapes[split])
        assert classes.tolist() == labels[split] and classes.dtype == np.int64


WHOLE, RANGE = "expected 2 whole numbers in 'y_test'", "class numbers from 0 to 9,999"


@pytest.mark.parametrize(
    "wrong, message",
    [
        ([1, 3, 3], WHOLE),
        ([1], WHOLE),
        ([[1, 3]], WHOLE),
        ([1.0, 3.0], WHOLE),
        ([1, np.nan], WHOLE),
        ([True, False], WHOLE),
        (["a", "b"], WHOLE),
        ([30_000_000, 0], f"{RANGE} in 'y_test', found 30000000"),
        ([0, -1], f"{RANGE} in 'y_test', found -1"),
        (np.array([0, 2**64 - 1], np.uint64), f"{RANGE}.* found 18446744073709551615"),
        (np.zeros(100_000), "too large: expected at most 64,128 bytes .* in 'y_test'"),
    ],
)
def test_labels_that_are_no_class_numbers_are_refused(tmp_path, wrong, message):
    shapes = _random(2, 5, 5, 5)
    np.savez(tmp_path / "a.npz", X_test=shapes, y_test=np.array(wrong))
    _assert_refused(tmp_path / "a.npz", message, lambda path: read_split(path, "test"))


def test_a_file_without_labels_is_told_what_is_expected(tmp_path):
    np.save(tmp_path / "a.npy", _random(2, 5, 5, 5))
    _assert_refused(
        tmp_path / "a.npy",
        "is one file; expected a folder of voxel files, or a .npz file with X_train",
        lambda path: read_split(path, "train"),
    )


def test_a_file_with_other_names_is_told_how_to_save_it(tmp_path):
    np.savez(tmp_path / "a.npz", X=_random(2, 5, 5, 5), y=[0, 1])
    for read, message in (
        (lambda path: read_split(path, "train"), "'X_train', found X, y; save the arr"),
        (read_voxels, "found X, y; save the shapes as 'voxels' with np.savez"),
    ):
        _assert_refused(tmp_path / "a.npz", message, read)


def test_an_array_that_is_there_twice_is_refused(tmp_path):
    """NumPy reads `voxels`, whose size nobody would have checked."""
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, edge in (("voxels", 64), ("voxels.npy", 4)):
            with archive.open(name, "w") as file:
                np.save(file, np.zeros((edge,) * 3, bool))
    _assert_refused(tmp_path / "a.npz", "expected one array 'voxels', found 2")


def test_archives_with_a_password_are_refused(tmp_path):
    """Bit 0 of the flags marks encryption, in the entry and in the central list."""
    np.savez(tmp_path / "a.npz", voxels=_random(3, 3, 3))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(mark) + flags] |= 1
    (tmp_path / "a.npz").write_bytes(content)
    _assert_refused(tmp_path / "a.npz", "damaged .npz archive")


def test_a_wrong_value_far_back_in_a_large_array_is_found(tmp_path):
    """Large arrays are checked part by part."""
    shape = (3, 256, 256, 256)
    large = np.lib.format.open_memmap(tmp_path / "a.npy", "w+", np.float32, shape)
    large[-1, -1, -1, -1] = 2
    large.flush()
    _assert_refused(tmp_path / "a.npy", "found 2")


@pytest.mark.parametrize("shape", [(4, 1, 1, 1), (4, 1, 1, 1, 1)])
def test_shapes_of_one_voxel_are_not_taken_for_channels(tmp_path, shape):
    values = np.array([0, 1, 1, 0], np.uint8)
    np.save(tmp_path / "a.npy", values.reshape(shape))
    found = read_voxels(tmp_path / "a.npy")
    assert found.shape == (4, 1, 1, 1) and found.ravel().tolist() == values.tolist()
