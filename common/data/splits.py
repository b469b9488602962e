"""Which items are for training, held out for tests, or for validation."""

import os
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from common.data.folders import Split, split_of, warn_once
from common.errors import UserError


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
    aliases: Mapping[str, Split] | None = None,
    hold_out: Callable[[int], np.ndarray] = last_sixth,
) -> tuple[np.ndarray, np.ndarray]:
    """Split images into a training and a test set, by their names only.

    If folders named train and test (see `split_of`) both contain images, they decide;
    without a folder test, one named val is the test set. Images in none of the two are
    left out with a warning. Otherwise `hold_out` chooses the test images. The same
    names always give the same split.

    Args:
        names: paths that use "/", as in `ImageStore.names`.
        aliases: further names of folders, with the split of each.
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
    splits = np.array([split_of(name, aliases) or "" for name in names])
    held_out_name = "test" if "test" in splits else "validation"
    training = np.flatnonzero(splits == "train")
    held_out = np.flatnonzero(splits == held_out_name)
    if not (len(training) and len(held_out)):
        order = np.array(sorted(range(len(names)), key=names.__getitem__))
        held_out = order[hold_out(len(names))]
        return np.setdiff1d(order, held_out), np.sort(held_out)
    used = np.isin(splits, ("train", held_out_name))
    if not used.all():
        warn_once(
            f"left out: {np.sum(~used)} images outside the folders of the training and "
            f"the test images, for example {names[int(np.argmin(used))]}"
        )
    return training, held_out


def held_out_objects(names: Collection[str]) -> set[str]:
    """Choose the objects of an unsplit folder that belong to the test set.

    A hash of the name, CRC-32, holds out about one object in eight, always the same
    ones. Of several objects, at least one is held out and at least one is not.

    Args:
        names: names of the objects, without azimuth and suffix, so that all views of an
            object are in the same set.
    """
    hashes = {name: zlib.crc32(os.fsencode(name)) for name in names}
    held_out = {name for name, value in hashes.items() if value % 8 == 0}
    if not held_out and len(hashes) > 1:
        held_out = {min(hashes, key=hashes.get)}
    elif held_out and len(held_out) == len(hashes):
        held_out.remove(max(hashes, key=hashes.get))
    return held_out


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
