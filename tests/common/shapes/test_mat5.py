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


def element(code: int, content: bytes) -> bytes:
    """Return an element of the file: type, length, content, padding."""
    return struct.pack("<II", code, len(content)) + content + bytes(-len(content) % 8)


def other_variable(kind: str) -> bytes:
    """Return the content of a variable that SciPy cannot write."""
    # As MATLAB writes a string, a table or a datetime: without dimensions.
    if kind == "object":
        reference = np.array([[0xDD000000, 2, 1, 1, 1, 1]], np.uint32)
        inner = element(6, struct.pack("<II", 13, 0))
        inner += element(5, struct.pack("<ii", 6, 1)) + element(1, b"")
        inner += element(6, reference.tobytes())
        return (
            element(6, struct.pack("<II", 17, 0))
            + b"".join(element(1, text) for text in (b"s", b"MCOS", b"string"))
            + element(14, inner)
        )
    return (
        element(6, struct.pack("<II", 16, 0))
        + element(5, struct.pack("<ii", 1, 1))
        + element(1, b"f")
        + element(14, b"")
    )


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("kind", ["object", "function handle"])
def test_the_wanted_variable_is_read_beside_any_other(tmp_path, kind, first, compress):
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"instance": VOXELS}, do_compression=compress)
    content, other = path.read_bytes(), element(14, other_variable(kind))
    if compress:
        data = zlib.compress(other)
        other = struct.pack("<II", 15, len(data)) + data
    parts = [content[:HEADER], other, content[HEADER:]]
    path.write_bytes(b"".join(parts if first else [parts[0], parts[2], parts[1]]))
    assert (read_mat(path) == VOXELS).all()
    path.write_bytes(content[:HEADER] + other)
    name = "s" if kind == "object" else "f"
    with pytest.raises(UserError, match=f"'instance', found {name};"):
        read_mat(path)
    path.write_bytes(content[:HEADER] + element(14, other_variable(kind)))
    assert kind in read_variables(path.read_bytes())[name].kind


def test_an_object_in_place_of_the_voxels_is_named(tmp_path):
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"other": VOXELS})
    other = other_variable("object").replace(element(1, b"s"), element(1, b"instance"))
    path.write_bytes(path.read_bytes() + element(14, other))
    with pytest.raises(UserError, match="found an object such as a string or a table"):
        read_mat(path)
