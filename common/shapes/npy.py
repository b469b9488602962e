"""Reading untrusted .npy and .npz files: never unpickle, limit the size."""

import contextlib
import re
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.files import check_file

MAX_ARRAY_BYTES = 4 * 2**30
# Errors that NumPy and zlib raise on damaged or malicious files, found by fuzzing.
_DECODING = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def load_array(path: Path, max_bytes: int) -> np.ndarray:
    """Load the array of a .npy file, or the array of shapes in a .npz file.

    Args:
        path: the file; any suffix but .npz is read as .npy and memory-mapped.
        max_bytes: largest allowed size of the unpacked array.

    Returns:
        The array as it is stored.

    Raises:
        UserError: the file is missing, too large, damaged or pickled.
    """
    check_file(path, max_bytes)
    if path.suffix.lower() == ".npz":
        return _load_npz(path, max_bytes)
    _check_npy_start(path)
    with decoding(path, "a damaged .npy file"):
        return np.load(path, mmap_mode="r", allow_pickle=False)


def load_npz_key(path: Path, key: str, max_bytes: int = MAX_ARRAY_BYTES) -> np.ndarray:
    """Load one array of a .npz file.

    Args:
        path: the file.
        key: name of the array.
        max_bytes: largest allowed size of the unpacked array.

    Returns:
        The array as it is stored.

    Raises:
        UserError: the file is missing, damaged or pickled, or has no such key, or
            the array is too large.
    """
    check_file(path, MAX_ARRAY_BYTES)
    members = _members(path)
    if key not in members:
        raise UserError(
            f"{path}: expected the key '{key}', found {', '.join(members) or 'none'}; "
            "save the array under that name with np.savez"
        )
    if len(members[key]) > 1:
        raise UserError(
            f"{path}: expected one array '{key}', found {len(members[key])}; save it "
            "again with np.savez"
        )
    member = members[key][0]
    if member.file_size > max_bytes:
        raise UserError(
            f"{path} is too large: expected at most {max_bytes:,} bytes unpacked in "
            f"'{key}', found {member.file_size:,}; split it into several files"
        )
    with decoding(path, "a damaged .npz archive"):
        with np.load(path, allow_pickle=False) as archive:
            array = archive[key]
    if not isinstance(array, np.ndarray):
        raise UserError(f"{path}: '{key}' is not a NumPy array; save it with np.savez")
    return array


@contextlib.contextmanager
def decoding(path: Path, what: str) -> Iterator[None]:
    """Turn the many errors of decoders into one UserError.

    Args:
        path: the file that is decoded.
        what: what the message calls a file that cannot be decoded, for example
            "a damaged .npy file".

    Raises:
        UserError: the body of the `with` statement raised a decoding error.
    """
    try:
        yield
    except _DECODING as error:
        # These words are in NumPy's messages about pickled arrays.
        if re.search("pickle|Python objects", str(error)):
            raise _pickled(path) from error
        raise UserError(f"{path} is {what}; download or write it again") from error


def _load_npz(path: Path, max_bytes: int) -> np.ndarray:
    """Load `voxels` or `instance` of a .npz file, or its only array."""
    keys = list(_members(path))
    chosen = [k for k in ("voxels", "instance") if k in keys]
    if not chosen and len(keys) != 1:
        raise UserError(
            f"{path}: expected the key 'voxels' or 'instance' or one array only, "
            f"found {', '.join(keys) or 'no arrays'}; save the shapes as 'voxels' with "
            "np.savez"
        )
    return load_npz_key(path, (chosen or keys)[0], max_bytes)


def _check_npy_start(path: Path) -> None:
    """Raise a UserError if a file is a pickle or another kind of file."""
    with path.open("rb") as file:
        start = file.read(6)
    if start[:1] == b"\x80":
        raise _pickled(path)
    if start != b"\x93NUMPY":
        raise UserError(
            f"{path} is not a .npy file: it does not begin with '\\x93NUMPY'; "
            "save it with np.save"
        )


def _members(path: Path) -> dict[str, list[zipfile.ZipInfo]]:
    """Return the members of a .npz file by key; NumPy writes one for each."""
    with decoding(path, "not a .npz archive, or a damaged one"):
        with zipfile.ZipFile(path) as archive:
            members: dict[str, list[zipfile.ZipInfo]] = {}
            for member in archive.infolist():
                key = member.filename.removesuffix(".npy")
                members.setdefault(key, []).append(member)
            return members


def _pickled(path: Path) -> UserError:
    """Return the error for a file that would have to be unpickled."""
    return UserError(
        f"{path} holds pickled Python objects, which was refused because loading "
        "them can run code; save a plain array"
    )
