"""A program that reads the labels in a wiki.mat or imdb.mat.

It runs in a child process (see common/untrusted/child.py), because on some damaged
files `scipy.io.loadmat` stops the whole process with a segmentation fault (seen with
SciPy 1.17).
"""

from collections.abc import Callable

import numpy as np
from scipy.io import loadmat, whosmat

STRUCTS = ("wiki", "imdb")
NUMBERS = ("dob", "photo_taken", "face_score", "second_face_score")
_MAX_ROWS = 2**21  # imdb.mat has 460,723
# Longest text, characters.
_MAX_TEXT = 1000


class Fault(Exception):
    """The file can be read, but its content is not as expected."""


def read_columns(path: str) -> dict[str, list]:
    """Return the fields that the chapter needs.

    Args:
        path: path of the .mat file.

    Returns:
        Field -> one number or text for each photo. If the file has no field `name`,
        its texts are empty.

    Raises:
        Fault: the struct or one of its fields is missing or of another kind.
    """
    # Find the struct.
    try:
        variables = [name for name, _, _ in whosmat(path)]
    except NotImplementedError as error:
        raise Fault(
            "expected MATLAB's format 5, found 7.3; save it with the option -v7"
        ) from error
    names = [name for name in STRUCTS if name in variables]
    if not names:
        found = ", ".join(variables)[:_MAX_TEXT] or "nothing"
        raise Fault(f"expected a struct named wiki or imdb, found {found}")
    struct = loadmat(path, variable_names=names[:1])[names[0]]
    if struct.dtype.names is None or struct.size != 1:
        raise Fault(f"expected '{names[0]}' to be one struct, found something else")
    # Read its fields; all must have the same length.
    columns = {name: _numbers(struct, name) for name in NUMBERS}
    columns["full_path"] = _texts(struct, "full_path")
    count = len(columns["full_path"])
    has_names = "name" in struct.dtype.names
    columns["name"] = _texts(struct, "name") if has_names else [""] * count
    for name, column in columns.items():
        if len(column) != count:
            raise Fault(
                f"expected as many of the field {name} as of full_path ({count:,}), "
                f"found {len(column):,}"
            )
    return columns


def _field(struct: np.ndarray, name: str) -> np.ndarray:
    """Return a field of the struct as an array of one axis."""
    if name not in struct.dtype.names:
        found = ", ".join(struct.dtype.names)[:_MAX_TEXT] or "none"
        raise Fault(f"expected the field {name}, found {found}")
    column = struct[name].item().ravel()
    if len(column) > _MAX_ROWS:
        raise Fault(
            f"expected at most {_MAX_ROWS:,} of the field {name}, found {len(column):,}"
        )
    return column


def _numbers(struct: np.ndarray, name: str) -> list[float]:
    """Return a field of real numbers."""
    column = _field(struct, name)
    # An empty array may have any dtype.
    if column.size and column.dtype.kind not in "iufb":
        raise Fault(f"expected numbers in the field {name}, found something else")
    return column.astype(np.float64).tolist()


def _texts(struct: np.ndarray, name: str) -> list[str]:
    """Return a field of texts; a cell that is empty or not a text gives ""."""
    column = _field(struct, name)
    if column.size and column.dtype.kind not in "OU":
        raise Fault(f"expected texts in the field {name}, found something else")
    return [_text(cell) for cell in column]


def _text(cell: object) -> str:
    """Return the text in a cell (an array of one text), or "" if it has none."""
    lines = np.atleast_1d(cell)
    if lines.dtype.kind != "U" or lines.size == 0:
        return ""
    return str(lines.flat[0])[:_MAX_TEXT].strip()


def start(path: str) -> Callable[[bytes], dict]:
    """Return a function that answers with the columns of a file, or with its fault."""

    def answer(_: bytes) -> dict:
        try:
            return read_columns(path)
        except Fault as fault:
            return {"fault": str(fault)}

    return answer
