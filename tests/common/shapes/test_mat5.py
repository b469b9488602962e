"""MATLAB format 5: checks of the compressed data, and kinds of variables."""

import struct
import zlib

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from common.errors import UserError
from common.shapes.mat5 import encode_variable, read_variables
from common.shapes.voxels import read_mat

VOXELS = np.random.default_rng(0).random((6, 6, 6)) < 0.2
HEADER = 128  # bytes before the first variable; then 8 with its type and length


@pytest.fixture(params=["i1", "f8"])
def path(tmp_path, request):
    """Return a compressed file with one variable, written by SciPy."""
    path = tmp_path / "a.mat"
    content = {"instance": VOXELS.astype(request.param)}
    scipy.io.savemat(path, content, do_compression=True)
    assert (read_mat(path) == VOXELS).all()
    return path


def with_data(content: bytes, data: bytes) -> bytes:
    """Return a file with other compressed data and their correct length."""
    return content[: HEADER + 4] + struct.pack("<I", len(data)) + data


def assert_damaged(path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(UserError, match="a damaged .mat file"):
        read_mat(path)


@pytest.mark.parametrize("place", [1, 2, 3, 4])
def test_a_wrong_checksum_is_refused(path, place):
    """The last four bytes are the Adler-32 of the data before compression."""
    content = bytearray(path.read_bytes())
    content[-place] ^= 1
    assert_damaged(path, bytes(content))


@pytest.mark.parametrize("missing", [1, 4, 5])
def test_data_that_are_cut_short_are_refused(path, missing):
    content = path.read_bytes()
    assert_damaged(path, with_data(content, content[HEADER + 8 : -missing]))


def test_more_data_than_the_dimensions_need_are_refused(path):
    content = path.read_bytes()
    unpacked = zlib.decompress(content[HEADER + 8 :])
    same = with_data(content, zlib.compress(unpacked))
    path.write_bytes(same)
    assert (read_mat(path) == VOXELS).all()
    assert_damaged(path, with_data(content, zlib.compress(unpacked + bytes(10_000))))


def test_a_small_element_holds_four_bytes_at_most():
    content = encode_variable("abc", np.ones((2, 2, 2)))
    body = zlib.decompress(content[HEADER + 8 :])
    # Replace the element that holds the name by a small element.
    long = struct.pack("<II", 1, 3) + b"abc" + bytes(5)
    assert body.count(long) == 1
    for length, fits in ((3, True), (5, False)):
        small = struct.pack("<HH", 1, length) + b"abc\0"
        changed = with_data(content, zlib.compress(body.replace(long, small)))
        if fits:
            variables = read_variables(changed)
            assert list(variables) == ["abc"]
            assert variables["abc"].load().tolist() == np.ones((2, 2, 2)).tolist()
        else:
            with pytest.raises(ValueError, match="a small element is damaged"):
                read_variables(changed)


@pytest.mark.parametrize("compress", [True, False])
def test_kinds_and_shapes_are_read_without_decompressing_the_data(tmp_path, compress):
    content = {
        "number": np.ones((2, 3, 4)),
        "flag": np.ones((5, 1), bool),
        "waves": np.ones((2, 2), complex),
        "words": "some text",
        "cells": np.array([["a", 1, 2]], object),
        "things": {"a": 1},
        "few": scipy.sparse.csc_array(np.eye(3)),
    }
    scipy.io.savemat(tmp_path / "a.mat", content, do_compression=compress)
    variables = read_variables((tmp_path / "a.mat").read_bytes())
    assert {name: (v.kind, v.shape) for name, v in variables.items()} == {
        "number": ("numbers", (2, 3, 4)),
        "flag": ("numbers", (5, 1)),
        "waves": ("complex numbers", (2, 2)),
        "words": ("text", (1, 9)),
        "cells": ("cell", (1, 3)),
        "things": ("struct", (1, 1)),
        "few": ("sparse matrix", (3, 3)),
    }
