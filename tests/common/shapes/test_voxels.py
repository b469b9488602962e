"""Reading and writing voxel files, and resizing shapes."""

import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from common.errors import UserError
from common.shapes.voxels import (
    find_shapes,
    fit_to_size,
    read_array,
    read_mat,
    read_voxels,
    write_binvox,
    write_mat,
)


def _random(*shape: int, seed: int = 0) -> np.ndarray:
    """Return random voxels, one in five filled."""
    return np.random.default_rng(seed).random(shape) < 0.2


def _assert_refused(path: Path, message: str, read=read_voxels) -> None:
    """Check that reading raises one clear line that names the file."""
    with pytest.raises(UserError, match=message) as caught:
        read(path)
    assert "\n" not in str(caught.value) and path.name in str(caught.value)


# .mat


def test_mat_is_read_as_scipy_reads_it(shared_data):
    files = find_shapes(shared_data / "3dshapenets", ("chair",), "test")
    assert len(files) == 88
    for file in files[:20]:
        voxels = read_mat(file.path)
        assert voxels.dtype == bool
        assert (voxels == scipy.io.loadmat(file.path)["instance"]).all()


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "i4", "f4", "f8", "?"])
@pytest.mark.parametrize("compress", [True, False])
def test_mat_of_any_number_type_is_read(tmp_path, dtype, compress):
    voxels = _random(7, 7, 7)
    content = {"other": np.zeros(3), "instance": voxels.astype(dtype), "ab": "text"}
    scipy.io.savemat(tmp_path / "a.mat", content, do_compression=compress)
    assert (read_mat(tmp_path / "a.mat") == voxels).all()


def test_mat_with_the_high_byte_first_is_read(tmp_path):
    voxels = _random(4, 4, 4)

    def element(code: int, content: bytes) -> bytes:
        padding = bytes(-len(content) % 8)
        return struct.pack(">II", code, len(content)) + content + padding

    matrix = element(6, struct.pack(">II", 10, 0))  # class int16
    matrix += element(5, struct.pack(">3i", 4, 4, 4)) + element(1, b"instance")
    matrix += element(3, voxels.astype(">i2").tobytes(order="F"))
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI"
    (tmp_path / "a.mat").write_bytes(header + element(14, matrix))
    assert (scipy.io.loadmat(tmp_path / "a.mat")["instance"] == voxels).all()
    assert (read_mat(tmp_path / "a.mat") == voxels).all()


def test_mat_is_written_as_scipy_reads_it(tmp_path):
    voxels = _random(30, 30, 30)
    write_mat(tmp_path / "a.mat", voxels)
    content = scipy.io.loadmat(tmp_path / "a.mat")
    assert [k for k in content if not k.startswith("_")] == ["instance"]
    assert content["instance"].dtype == np.int8
    assert (content["instance"] == voxels).all()
    assert (read_mat(tmp_path / "a.mat") == voxels).all()


@pytest.mark.parametrize(
    "content, message",
    [
        ({"voxels": np.zeros((3, 3, 3)), "b": 1}, "'instance', found b, voxels"),
        ({"instance": np.zeros((3, 3, 4))}, r"cube .* found shape \(3, 3, 4\)"),
        ({"instance": np.zeros((3, 3))}, r"found shape \(3, 3\)"),
        ({"instance": np.zeros((300, 300, 300), bool)}, "at most 256"),
        ({"instance": np.full((3, 3, 3), 2)}, "values 0 and 1 only, found 2"),
        ({"instance": np.full((3, 3, 3), np.nan)}, "found nan"),
        ({"instance": np.full((3, 3, 3), 1j)}, "complex"),
        ({"instance": np.full((3, 3, 3), "a", object)}, "found cell"),
        ({}, "no keys"),
    ],
)
def test_mat_with_something_else_in_it_is_refused(tmp_path, content, message):
    scipy.io.savemat(tmp_path / "a.mat", content, do_compression=True)
    _assert_refused(tmp_path / "a.mat", message)


def test_mat_with_another_name_of_the_shape_is_read(tmp_path):
    voxels = np.ones((4, 4, 4), np.uint8)
    scipy.io.savemat(tmp_path / "a.mat", {"grid": voxels})
    assert (read_mat(tmp_path / "a.mat", "grid") == voxels).all()
    with pytest.raises(UserError, match="expected the key 'instance', found grid"):
        read_mat(tmp_path / "a.mat")


@pytest.mark.parametrize(
    "content, message",
    [
        (b"<!DOCTYPE html><html>404</html>", "web page"),
        (b"\n <html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"MATLAB 7.3 MAT-file" + bytes(500), "7.3"),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
        (b"hello", "does not begin with 'MATLAB'"),
        (b"MATLAB 5.0 MAT-file", "damaged"),
        (b"", "empty"),
    ],
)
def test_other_files_than_mat_are_recognised(tmp_path, content, message):
    (tmp_path / "a.mat").write_bytes(content)
    _assert_refused(tmp_path / "a.mat", message)


def test_missing_and_huge_files(tmp_path):
    _assert_refused(tmp_path / "none.mat", "no such file")
    with open(tmp_path / "huge.mat", "wb") as file:
        file.truncate(65 * 2**20)
    _assert_refused(tmp_path / "huge.mat", "too large")
    (tmp_path / "a.obj").write_text("v 0 0 0")
    _assert_refused(tmp_path / "a.obj", "expected a file that ends in .mat")


@pytest.mark.parametrize("suffix", [".mat", ".npy", ".npz", ".binvox"])
def test_files_that_are_cut_short_give_one_line(tmp_path, suffix):
    path = _write(tmp_path / f"a{suffix}", _random(9, 9, 9))
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, max(1, len(whole) // 40)):
        path.write_bytes(whole[:length])
        with pytest.raises(UserError):
            read_voxels(path)


@pytest.mark.parametrize("suffix", [".mat", ".npy", ".npz", ".binvox"])
def test_damaged_files_are_refused_or_read_as_they_are(tmp_path, suffix):
    """A checksum protects .mat and .npz; the other formats have none."""
    voxels = _random(9, 9, 9)
    path = _write(tmp_path / f"a{suffix}", voxels)
    whole, rng, refused = path.read_bytes(), np.random.default_rng(1), 0
    for number in range(150):
        content = bytearray(whole)
        for place in rng.integers(0, len(whole), 1 + number % 4):
            content[place] = rng.integers(256 if number % 2 else 2)
        path.write_bytes(bytes(content))
        expected = voxels.tolist()
        if suffix == ".npy":
            held = np.frombuffer(content[-(9**3) :], np.uint8)
            expected = held.reshape(9, 9, 9).tolist()
        elif suffix == ".binvox":
            runs = content[content.find(b"data\n") + 5 :]
            pairs = zip(runs[::2], runs[1::2], strict=False)
            held = [value for value, count in pairs for _ in range(count)]
            if len(held) == 9**3:
                expected = np.reshape(held, (9, 9, 9))[:, ::-1].tolist()
        try:
            assert read_voxels(path)[0].tolist() == expected
        except UserError as error:
            assert "\n" not in str(error)
            refused += 1
    assert 0 < refused < 150


def _write(path: Path, voxels: np.ndarray) -> Path:
    """Write one shape in the format of the suffix."""
    if path.suffix == ".npy":
        np.save(path, voxels)
    elif path.suffix == ".npz":
        np.savez_compressed(path, voxels=voxels)
    else:
        {".mat": write_mat, ".binvox": write_binvox}[path.suffix](path, voxels)
    return path


# .npy and .npz


@pytest.mark.parametrize(
    "shape",
    [
        (5, 5, 5),
        (3, 5, 5, 5),
        (5, 5, 5, 1),
        (3, 5, 5, 5, 1),
        (3, 1, 5, 5, 5),
        (1, 5, 5, 5),
    ],
)
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32])
def test_arrays_of_all_layouts(tmp_path, shape, dtype):
    voxels = _random(*shape)
    np.save(tmp_path / "a.npy", voxels.astype(dtype))
    np.savez(tmp_path / "b.npz", anything=voxels.astype(dtype))
    np.savez(tmp_path / "c.npz", x=np.zeros(2), instance=voxels.astype(dtype))
    for name in ("a.npy", "b.npz", "c.npz"):
        found = read_array(tmp_path / name)
        assert found.dtype == bool
        assert (found == voxels.reshape(-1, 5, 5, 5)).all()
    np.save(tmp_path / "d.npy", np.asfortranarray(voxels.astype(dtype)))
    assert (read_array(tmp_path / "d.npy") == voxels.reshape(-1, 5, 5, 5)).all()


@pytest.mark.parametrize(
    "array, message",
    [
        (np.full((3, 3, 3), 0.5), "values 0 and 1 only, found 0.5"),
        (np.full((3, 3, 3), -1), "found -1"),
        (np.zeros((3, 3)), "expected a cube"),
        (np.zeros((0, 3, 3, 3)), "no shapes"),
        (np.zeros((2, 3, 3, 4)), "expected a cube"),
        (np.full((3, 3, 3), "a"), "expected numbers"),
        (np.zeros((0, 0, 0)), "expected a cube"),
    ],
)
def test_arrays_that_are_not_shapes_are_refused(tmp_path, array, message):
    np.save(tmp_path / "a.npy", array)
    _assert_refused(tmp_path / "a.npy", message)


def test_nothing_is_ever_unpickled(tmp_path):
    (tmp_path / "a.npy").write_bytes(pickle.dumps({"a": 1}))
    _assert_refused(tmp_path / "a.npy", "pickled Python objects, which was refused")
    np.save(tmp_path / "b.npy", np.array([{}, 1], object), allow_pickle=True)
    _assert_refused(tmp_path / "b.npy", "pickled Python objects, which was refused")
    np.savez(tmp_path / "c.npz", voxels=np.array([{}, 1], object))
    _assert_refused(tmp_path / "c.npz", "pickled Python objects, which was refused")


def test_wrong_archives_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros(2), y=np.zeros(2))
    _assert_refused(tmp_path / "a.npz", "found x, y")
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("voxels", "text")
    _assert_refused(tmp_path / "b.npz", "not a NumPy array")
    (tmp_path / "c.npy").write_text("<html>")
    _assert_refused(tmp_path / "c.npy", "not a .npy file")
    np.savez_compressed(tmp_path / "d.npz", voxels=np.zeros((64, 64, 64)))
    with pytest.raises(UserError, match="at most 100,000 bytes unpacked"):
        read_array(tmp_path / "d.npz", max_bytes=100_000)
    np.save(tmp_path / "e.npy", np.zeros((64, 64, 64)))
    (tmp_path / "e.npy").rename(tmp_path / "e.NPY")
    assert read_voxels(tmp_path / "e.NPY").shape == (1, 64, 64, 64)
    with pytest.raises(UserError, match="at most 100,000 bytes"):
        read_array(tmp_path / "e.NPY", max_bytes=100_000)


# Resizing


def test_fit_pads_then_repeats_as_the_book_does():
    voxels = _random(2, 30, 30, 30)
    padded = fit_to_size(voxels, 32)
    assert padded.shape == (2, 32, 32, 32) and padded.dtype == bool
    assert (padded[:, 1:-1, 1:-1, 1:-1] == voxels).all()
    assert padded.sum() == voxels.sum()
    for size, factor in ((64, 2), (128, 4)):
        large = fit_to_size(voxels[0], size)
        assert large.shape == (size,) * 3
        blocks = np.kron(padded[0], np.ones((factor,) * 3, bool))
        assert (large == blocks).all()


def test_fit_keeps_or_centres_other_sizes():
    voxels = _random(32, 32, 32)
    assert fit_to_size(voxels, 32) is voxels
    assert fit_to_size(_random(17, 17, 17), 17).shape == (17, 17, 17)
    small = fit_to_size(np.ones((20, 20, 20), bool), 32)
    assert small[6:26, 6:26, 6:26].all() and small.sum() == 20**3
    odd = fit_to_size(np.ones((17, 17, 17), bool), 32)  # 15 more: 7 and 8
    assert odd[7:24, 7:24, 7:24].all() and odd.sum() == 17**3
    middle = fit_to_size(np.ones((40, 40, 40), bool), 64)
    assert middle[12:52, 12:52, 12:52].all() and middle.sum() == 40**3


@pytest.mark.parametrize("found, size", [(128, 32), (256, 64), (64, 32), (128, 64)])
def test_fit_reduces_by_maximum_pooling(found, size):
    voxels = np.zeros((2, found, found, found), bool)
    voxels[0, -1, 0, found // 2] = True  # a part of one voxel is kept
    voxels[1, :, : found // size, 1] = True  # as thick as a block
    small = fit_to_size(voxels, size)
    assert small.shape == (2, size, size, size) and small.dtype == bool
    assert np.argwhere(small[0]).tolist() == [[size - 1, 0, size // 2]]
    assert np.argwhere(small[1]).tolist() == [[x, 0, 0] for x in range(size)]


@pytest.mark.parametrize(
    "found, size, others",
    [(30, 48, [32, 64, 128]), (40, 32, [64, 128]), (96, 64, [128])],
)
def test_sizes_that_cannot_be_reached_are_refused(found, size, others):
    shape = np.zeros((found,) * 3, bool)
    advice = f"choose {' or '.join(map(str, others))}"
    with pytest.raises(UserError, match=rf"{found}\^3 voxels to {size}\^3; {advice}$"):
        fit_to_size(shape, size)
    assert all(len(fit_to_size(shape, other)) == other for other in others)


def test_a_size_that_leads_to_none_of_the_networks_is_refused():
    with pytest.raises(UserError, match=r"130\^3 voxels to 32\^3; pad them to 256\^3"):
        fit_to_size(np.zeros((130,) * 3, bool), 32)
