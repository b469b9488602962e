"""The labels of IMDB-WIKI: wiki.mat and imdb.mat.

Reference: Rothe, Timofte and Van Gool 2018, "Deep expectation of real and apparent
age from a single image without facial landmarks", Int. J. Computer Vision 126.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from chapter03_agecgan.labels.rows import Row
from common.errors import UserError
from common.files import check_file
from common.untrusted.child import Child, ChildError

NAMES = ("wiki.mat", "imdb.mat")
MAX_BYTES = 2**30
# Detections of a lower score are often not faces. The threshold is the one of
# https://github.com/yu4u/age-gender-estimation.
MIN_FACE_SCORE = 1.0
_READER = Path(__file__).with_name("imdb_wiki_reader.py")
_MAX_SECONDS = 300
# Largest memory of the reader, bytes. Without a limit, a small file of compressed zeros
# could fill the memory of the machine.
# Differences of day numbers: MATLAB counts days from year 0, Python from year 1, NumPy
# from 1970.
_MATLAB_TO_PYTHON = 366
_PYTHON_TO_NUMPY = 719_163
_LAST_DAY = 3_652_059  # 31 December 9999, the last date in Python
_LAST_YEAR = 9999
_JULY = 6  # months count from 0


def read_wiki(path: Path) -> Iterator[Row]:
    """Yield the rows of wiki.mat or imdb.mat, with ages computed from their dates.

    Photos are assumed to be from the middle of their year:
    age = photo_taken - year of birth - (1 if born in July or later else 0).
    A row has a fault if a date is missing, or if the photo has no face, a face score
    below 1 or a second face.

    Args:
        path: path of wiki.mat or imdb.mat.

    Raises:
        UserError: the file is missing, too large, damaged or of another kind.
    """
    columns = _read_columns(path)
    numbers = {
        name: np.array(columns[name], np.float64)
        for name in ("dob", "photo_taken", "face_score", "second_face_score")
    }
    ages = _ages(numbers["dob"], numbers["photo_taken"])
    faults = _faults(**numbers)
    texts = zip(columns["full_path"], columns["name"], strict=True)
    for (name, person), age, fault in zip(texts, ages, faults, strict=True):
        yield Row(name, int(age), person or None, str(fault) or None)


def _ages(dob: np.ndarray, photo_taken: np.ndarray) -> np.ndarray:
    """Return ages in years, int64 (N,).

    If a date is missing, the age is 0, and `_faults` marks the row.

    Args:
        dob: dates of birth as MATLAB day numbers, float64 (N,).
        photo_taken: years of the photos, float64 (N,).
    """
    known = _is_day(dob) & _is_year(photo_taken)
    days = np.floor(dob[known]).astype(np.int64) - _MATLAB_TO_PYTHON
    dates = (days - _PYTHON_TO_NUMPY).astype("datetime64[D]")
    years, months = np.divmod(dates.astype("datetime64[M]").astype(np.int64), 12)
    ages = np.zeros(len(dob), np.int64)
    # Signed integers: photo_taken is stored as uint16, in which a negative age would
    # wrap around.
    taken = photo_taken[known].astype(np.int64)
    ages[known] = taken - (years + 1970) - (months >= _JULY)
    return ages


def _faults(
    dob: np.ndarray,
    photo_taken: np.ndarray,
    face_score: np.ndarray,
    second_face_score: np.ndarray,
) -> np.ndarray:
    """Return the first fault of each row, or "", as an array of texts (N,)."""
    wrong = {
        "no face found": np.isneginf(face_score) | np.isnan(face_score),
        f"face score below {MIN_FACE_SCORE:g}": face_score < MIN_FACE_SCORE,
        "second face": ~np.isnan(second_face_score),
        "no date of birth": ~_is_day(dob),
        "no year of the photo": ~_is_year(photo_taken),
    }
    return np.select(list(wrong.values()), list(wrong), "")


def _is_day(dob: np.ndarray) -> np.ndarray:
    """Return whether each MATLAB day number is a day of the years 1 to 9999."""
    ordinal = dob - _MATLAB_TO_PYTHON
    return (ordinal >= 1) & (ordinal < _LAST_DAY + 1)


def _is_year(photo_taken: np.ndarray) -> np.ndarray:
    """Return whether each number is a year from 1 to 9999."""
    return (photo_taken >= 1) & (photo_taken <= _LAST_YEAR)


def _read_columns(path: Path) -> dict[str, list]:
    """Return the fields of the file's struct, read by another process.

    SciPy crashes on some damaged files; see imdb_wiki_reader.py.
    """
    check_file(path, MAX_BYTES)
    if not os.access(path, os.R_OK):
        raise UserError(f"{path} cannot be read; check its permissions")
    try:
        reader = Child(_READER, [path], max_seconds=_MAX_SECONDS)
        with contextlib.closing(reader):
            answer = reader.ask()
    except ChildError as error:
        # This includes a reader that the system stopped, because it used too much
        # memory or crashed.
        raise UserError(
            f"{path}: expected a MATLAB file (format 5), found another kind or a "
            "damaged one; download it again"
        ) from error
    if "fault" in answer:
        raise UserError(f"{path}: {answer['fault']}")
    return answer
