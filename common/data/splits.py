"""Which items are trained on, held out for tests, or kept for validation."""

import logging
import zlib
from collections.abc import Callable, Sequence

import numpy as np

from common.errors import UserError

_LOG = logging.getLogger(__name__)


def training_rows(count: int, validation_every: int | None) -> np.ndarray:
    """Return the items to train on: all, or all but the validation items.

    Args:
        count: number of items.
        validation_every: each so many-th item is kept for validation, or None.
    """
    rows = np.arange(count)
    return rows if validation_every is None else rows[~_held(rows, validation_every)]


def validation_rows(count: int, validation_every: int) -> np.ndarray:
    """Return the items that `training_rows` leaves out."""
    rows = np.arange(count)
    return rows[_held(rows, validation_every)]


def _held(rows: np.ndarray, every: int) -> np.ndarray:
    return rows % every == every - 1


def last_sixth(count: int) -> np.ndarray:
    """Return which of `count` images are held out: the last N / 6, rounded.

    A half is rounded upwards, and at least 1 is held out.
    """
    return np.arange(count - max(1, (count + 3) // 6), count)


def split_names(
    names: Sequence[str],
    *,
    train: Sequence[str] = ("train",),
    test: Sequence[str] = ("test",),
    hold_out: Callable[[int], np.ndarray] = last_sixth,
) -> tuple[np.ndarray, np.ndarray]:
    """Divide images into some to train on and some to test on, by name alone.

    Where there are images both below `train/` and below `test/`, those folders
    decide, and what is in neither is left out. Otherwise some of the names are held
    out. The same names give the same parts.

    Args:
        names: paths with "/" in them, as in `ImageStore.names`.
        train: names of folders to train on.
        test: names of folders to test on.
        hold_out: number of names -> places of the held-out ones in sorted order.

    Returns:
        Indices of the training and of the test images, int64, each ascending.

    Raises:
        UserError: there are fewer than 2 names.
    """
    if len(names) < 2:
        raise UserError(
            "expected at least 2 images to divide into training and test images, "
            f"found {len(names)}; add some"
        )
    tops = np.array([n.split("/")[0] if "/" in n else "" for n in names])
    learnt, held_out = (np.flatnonzero(np.isin(tops, part)) for part in (train, test))
    if not (len(learnt) and len(held_out)):
        order = np.array(sorted(range(len(names)), key=names.__getitem__))
        held_out = order[hold_out(len(names))]
        return np.setdiff1d(order, held_out), np.sort(held_out)
    if left := len(names) - len(learnt) - len(held_out):
        _LOG.warning(
            "left out: %d images, neither in %s nor in %s",
            *(left, tops[learnt[0]] + "/", tops[held_out[0]] + "/"),
        )
    return learnt, held_out


def is_held_out(name: str) -> bool:
    """Say whether an object of an unsplit folder belongs to the test set.

    Args:
        name: of the object, without azimuth and suffix.
    """
    return zlib.crc32(name.encode()) % 8 == 0
