"""Which items are for training, held out for tests, or for validation."""

import logging
import zlib
from collections.abc import Callable, Sequence

import numpy as np

from common.errors import UserError

_LOG = logging.getLogger(__name__)


def training_rows(count: int, validation_every: int | None) -> np.ndarray:
    """Return the indices of the training items: all except the validation items.

    Args:
        count: number of items.
        validation_every: every n-th item is for validation; None for no validation.

    Returns:
        int64 (n,), ascending, in [0, count).
    """
    rows = np.arange(count)
    if validation_every is None:
        return rows
    return rows[~_is_validation(rows, validation_every)]


def validation_rows(count: int, validation_every: int) -> np.ndarray:
    """Return the indices of the validation items, which `training_rows` leaves out.

    Args:
        count: number of items.
        validation_every: every n-th item is for validation.

    Returns:
        int64 (n,), ascending, in [0, count).
    """
    rows = np.arange(count)
    return rows[_is_validation(rows, validation_every)]


def last_sixth(count: int) -> np.ndarray:
    """Return which of `count` images are held out: the last count / 6 of them.

    The number is rounded, a half upwards, and is at least 1.

    Args:
        count: number of images.

    Returns:
        int64 indices, ascending, in [0, count).
    """
    return np.arange(count - max(1, (count + 3) // 6), count)


def split_names(
    names: Sequence[str],
    *,
    train: Sequence[str] = ("train",),
    test: Sequence[str] = ("test",),
    hold_out: Callable[[int], np.ndarray] = last_sixth,
) -> tuple[np.ndarray, np.ndarray]:
    """Split images into a training and a test set, by their names only.

    If there are images both below `train/` and below `test/`, those folders decide,
    and images in neither are left out with a warning. Otherwise `hold_out` chooses
    the test images. The same names always give the same split.

    Args:
        names: paths that use "/", as in `ImageStore.names`.
        train: names of the folders of training images.
        test: names of the folders of test images.
        hold_out: function from the number of names to the positions, in sorted
            order, of the names to hold out.

    Returns:
        Indices of the training images and of the test images, int64, each ascending.

    Raises:
        UserError: there are fewer than 2 names.
    """
    if len(names) < 2:
        raise UserError(
            "expected at least 2 images to divide into training and test images, "
            f"found {len(names)}; add some"
        )
    tops = np.array([n.split("/")[0] if "/" in n else "" for n in names])
    training = np.flatnonzero(np.isin(tops, train))
    held_out = np.flatnonzero(np.isin(tops, test))
    if not (len(training) and len(held_out)):
        order = np.array(sorted(range(len(names)), key=names.__getitem__))
        held_out = order[hold_out(len(names))]
        return np.setdiff1d(order, held_out), np.sort(held_out)
    left_out = len(names) - len(training) - len(held_out)
    if left_out:
        _LOG.warning(
            "left out: %d images, neither in %s nor in %s",
            left_out,
            tops[training[0]] + "/",
            tops[held_out[0]] + "/",
        )
    return training, held_out


def is_held_out(name: str) -> bool:
    """Return whether an object of an unsplit folder belongs to the test set.

    A hash of the name holds out about one object in eight, always the same ones.

    Args:
        name: name of the object, without azimuth and suffix, so that all views of an
            object are in the same set.
    """
    return zlib.crc32(name.encode()) % 8 == 0


def _is_validation(rows: np.ndarray, every: int) -> np.ndarray:
    return rows % every == every - 1


def random_rows(rng: np.random.Generator, total: int, count: int) -> np.ndarray:
    """Draw some of `total` rows without repetition, or all of them.

    Args:
        rng: source of the random numbers.
        total: number of rows, N.
        count: how many to draw.

    Returns:
        int64 (min(count, N),), ascending, in [0, N).
    """
    return np.sort(rng.permutation(total)[:count])
