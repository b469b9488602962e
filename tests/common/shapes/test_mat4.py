"""MATLAB format 4, compared with SciPy, which writes it."""

import struct

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from common.errors import UserError
from common.shapes.mat4 import has_start_of_format_4, read_format_4
from common.shapes.voxels import read_mat

VOXELS = np.random.default_rng(0).random((6, 6, 6)) < 0.2
# As MATLAB's reshape(voxels, 6, 36) makes it: columns one after another.
MATRIX = VOXELS.reshape((6, 36), order="F")


def write(path, **content) -> bytes:
    """Write variables with SciPy; return the content of the file."""
    scipy.io.savemat(path, content, format="4")
    return path.read_bytes()


@pytest.mark.parametrize("dtype", ["f8", "f4", "i4", "i2", "u2", "u1"])
def test_a_cube_is_read_from_its_matrix(tmp_path, dtype):
    write(tmp_path / "a.mat", ab="text", instance=MATRIX.astype(dtype), z=np.eye(3))
    voxels = read_mat(tmp_path / "a.mat")
    assert voxels.shape == (6, 6, 6) and (voxels == VOXELS).all()


def test_the_high_byte_may_come_first(tmp_path):
    head = struct.pack(">5i", 1030, 6, 36, 0, 9) + b"instance\0"
    data = MATRIX.astype(">i2").tobytes(order="F")
    (tmp_path / "a.mat").write_bytes(head + data)
    assert (scipy.io.loadmat(tmp_path / "a.mat")["instance"] == MATRIX).all()
    assert (read_mat(tmp_path / "a.mat") == VOXELS).all()


def test_kinds_and_values_are_those_of_scipy(tmp_path):
    content = {"a": np.arange(6.0).reshape(2, 3), "b": "text", "c": np.eye(2) * 1j}
    raw = write(tmp_path / "a.mat", **content, d=scipy.sparse.csc_array(np.eye(3)))
    variables = read_format_4(raw)
    assert [(name, v.kind) for name, v in variables.items()] == [
        ("a", "numbers"),
        ("b", "text"),
        ("c", "complex numbers"),
        ("d", "sparse matrix"),
    ]
    assert variables["a"].load().tolist() == content["a"].tolist()


@pytest.mark.parametrize(
    "content, message",
    [
        ({"instance": np.ones((3, 5))}, r"a cube .* found shape \(3, 5\)"),
        ({"instance": "words"}, "found text"),
        ({"voxels": np.ones((3, 9))}, "'instance', found voxels"),
        ({"instance": np.full((3, 9), 2)}, "values 0 and 1 only, found 2"),
    ],
)
def test_other_content_is_refused(tmp_path, content, message):
    write(tmp_path / "a.mat", **content)
    with pytest.raises(UserError, match=message):
        read_mat(tmp_path / "a.mat")


def test_damaged_files_are_refused_or_read_and_always_end(tmp_path):
    """SciPy never ends on a number of rows below 0."""
    whole = write(tmp_path / "a.mat", instance=MATRIX.astype("u1"), b=np.eye(2))
    rng, refused = np.random.default_rng(0), 0
    for place in range(20):
        for value in (0, 1, 127, 128, 255, *rng.integers(256, size=3)):
            content = bytearray(whole)
            content[place] = value
            try:
                if has_start_of_format_4(bytes(content)):
                    read_format_4(bytes(content))
            except ValueError:
                refused += 1
    assert refused > 40
    for length in (0, 3, 19, 25, 100, len(whole) - 1):
        (tmp_path / "a.mat").write_bytes(whole[:length])
        with pytest.raises(UserError):
            read_mat(tmp_path / "a.mat")
    assert not has_start_of_format_4(b"version https://git-lfs.github.com/spec/v1")
