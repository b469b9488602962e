"""A program that prints the labels in a wiki.mat or imdb.mat as JSON.

It runs as a process of its own, because `scipy.io.loadmat` ends the whole process
with a segmentation fault on some damaged files (seen with SciPy 1.17).
"""

import contextlib
import json
import sys

import numpy as np
from scipy.io import loadmat, whosmat

STRUCTS = ("wiki", "imdb")
NUMBERS = ("dob", "photo_taken", "face_score", "second_face_score")
_MAX_ROWS = 2**21  # imdb.mat has 460,723
_MAX_TEXT = 1000
# A few MB of compressed zeros must not fill the memory of the machine.
_MAX_MEMORY = 2**33


class Fault(Exception):
    """The file is whole, but not what was expected."""


def read_columns(path: str) -> dict[str, list]:
    """Return the fields that the chapter needs.

    Args:
        path: the .mat file.

    Returns:
        Field -> one number or text for each picture. `name` may be missing in the
        file; its texts are empty then.

    Raises:
        Fault: the struct or one of its fields is missing or of another kind.
    """
    try:
        known = [name for name, _, _ in whosmat(path)]
    except NotImplementedError as error:
        raise Fault(
            "expected MATLAB's format 5, found 7.3; save it with the option -v7"
        ) from error
    names = [name for name in STRUCTS if name in known]
    if not names:
        found = ", ".join(known)[:_MAX_TEXT] or "nothing"
        raise Fault(f"expected a struct named wiki or imdb, found {found}")
    struct = loadmat(path, variable_names=names[:1])[names[0]]
    if struct.dtype.names is None or struct.size != 1:
        raise Fault(f"expected '{names[0]}' to be one struct, found something else")
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
    """Return a field of the struct as a vector."""
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
    # An array without numbers has no kind worth a message.
    if column.size and column.dtype.kind not in "iufb":
        raise Fault(f"expected numbers in the field {name}, found something else")
    return column.astype(np.float64).tolist()


def _texts(struct: np.ndarray, name: str) -> list[str]:
    """Return a field of texts; what is empty or no text is ""."""
    column = _field(struct, name)
    if column.size and column.dtype.kind not in "OU":
        raise Fault(f"expected texts in the field {name}, found something else")
    return [_text(cell) for cell in column]


def _text(cell: object) -> str:
    """Return the text of a cell, which is an array of one text or none."""
    lines = np.atleast_1d(cell)
    if lines.dtype.kind != "U" or lines.size == 0:
        return ""
    return str(lines.flat[0])[:_MAX_TEXT].strip()


def _limit_memory() -> None:
    """Let the system end this process before the machine's memory is full."""
    # Not every system can.
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY, hard))


if __name__ == "__main__":
    _limit_memory()
    try:
        answer = read_columns(sys.argv[1])
    except Fault as fault:
        answer = {"fault": str(fault)}
    json.dump(answer, sys.stdout)
