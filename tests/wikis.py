"""Metadata of small data sets of faces with ages, in the format of IMDB-WIKI."""

import datetime
from pathlib import Path

import numpy as np
from scipy.io import savemat


def day(text: str) -> float:
    """Return the MATLAB day number of a date such as "1950-03-04"."""
    return datetime.date.fromisoformat(text).toordinal() + 366.0


def cells(values: list) -> np.ndarray:
    """Return values as a MATLAB cell array, object (1, N)."""
    array = np.empty((1, len(values)), object)
    array[0, :] = values
    return array


def fields(rows: list[dict]) -> dict[str, np.ndarray]:
    """Return the fields of wiki.mat for some photos.

    Args:
        rows: fields of each photo; fields that are left out get valid values.
    """
    usual = {
        "dob": day("1950-03-04"),
        "photo_taken": 1990,
        "name": "Ann",
        "face_score": 3.0,
        "second_face_score": np.nan,
    }
    rows = [{"full_path": f"00/{i}.png"} | usual | row for i, row in enumerate(rows)]
    columns = {key: [row[key] for row in rows] for key in rows[0]}
    return {
        "dob": np.array([columns["dob"]], np.float64),
        # As in the real file: unsigned, so that differences wrap around.
        "photo_taken": np.array([columns["photo_taken"]], np.uint16),
        "full_path": cells(columns["full_path"]),
        "gender": np.ones((1, len(rows))),
        "name": cells(columns["name"]),
        "face_location": cells([np.array([[1.0, 2, 3, 4]])] * len(rows)),
        "face_score": np.array([columns["face_score"]]),
        "second_face_score": np.array([columns["second_face_score"]]),
    }


def write_mat(path: Path, content: dict[str, np.ndarray], struct: str = "wiki") -> Path:
    """Write a .mat file with one struct of some fields; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {struct: content}, do_compression=True)
    return path
