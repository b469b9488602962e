"""The six age classes of chapter 3.

Reference: Antipov, Baccouche and Dugelay 2017, arXiv:1702.01983.
"""

from collections.abc import Sequence

import numpy as np

from common.errors import UserError

AGE_CLASSES = ("0-18", "19-29", "30-39", "40-49", "50-59", "60+")
# What a user writes for all classes, and their numbers.
ALL_AGES = "all"
ALL = np.arange(len(AGE_CLASSES))
# An age outside this range, in years, is more likely a wrong date than a true age.
MIN_AGE = 0
MAX_AGE = 100
# First age, in years, of each class but the first class.
_STARTS = (19, 30, 40, 50, 60)


def age_class(age: np.ndarray | float) -> np.ndarray | int:
    """Return the class of an age: its index in AGE_CLASSES.

    The index is the number of the ages 19, 30, 40, 50 and 60 that are reached.

    Args:
        age: one age or an array of any shape, years, 0 to 100.

    Returns:
        0 to 5: an int for a number, int64 of the same shape for an array.

    Raises:
        ValueError: an age is outside 0 to 100 or NaN.
    """
    ages = np.asarray(age)
    if not np.all((ages >= MIN_AGE) & (ages <= MAX_AGE)):
        raise ValueError(f"ages must be from {MIN_AGE} to {MAX_AGE}, found {age}")
    classes = np.searchsorted(_STARTS, ages, side="right")
    return int(classes) if ages.ndim == 0 else classes.astype(np.int64)


def parse_class(text: str, option: str, also: Sequence[str] = ()) -> int:
    """Return the index of a class from its name.

    Args:
        text: name that the user gave, one of AGE_CLASSES.
        option: option that the name was given to, for the error message, for example
            "--to".
        also: other values that the option accepts, for the error message.

    Returns:
        0 to 5.

    Raises:
        UserError: there is no such class.
    """
    if text not in AGE_CLASSES:
        allowed = [*AGE_CLASSES, *also]
        known = f"{', '.join(allowed[:-1])} or {allowed[-1]}"
        raise UserError(f"{option} must be one of {known}, found {text}")
    return AGE_CLASSES.index(text)


def one_hot(classes: np.ndarray) -> np.ndarray:
    """Return the one-hot vectors of classes.

    Args:
        classes: age classes, int (N,), 0 to 5.

    Returns:
        float32 (N, 6).

    Raises:
        ValueError: a class is outside 0 to 5.
    """
    classes = np.asarray(classes)
    if not np.all((classes >= 0) & (classes < len(AGE_CLASSES))):
        raise ValueError(f"classes must be from 0 to 5, found {classes}")
    return np.eye(len(AGE_CLASSES), dtype=np.float32)[classes]
