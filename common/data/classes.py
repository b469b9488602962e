"""Classes of unequal size: how often each item is shown, and a warning of few items.

A conditional model learns each class from the items of that class. Balanced sampling
keeps a small class from being overlooked, but without a bound it shows the few items
of a tiny class so often that they are learnt by heart.
"""

import bisect
from collections.abc import Mapping

import numpy as np

from common.data.folders import warn_once

# Fewer training items of a class than this are too few to learn it from.
FEW_ITEMS = 50
# How many times as often as without balancing an item is shown at most.
MOST_OFTEN = 10


def balanced_rows(classes: np.ndarray, most_often: int = MOST_OFTEN) -> np.ndarray:
    """Return indices of items in which the classes are equally frequent, if they can.

    Items of small classes are repeated; the numbers of repeats of two items of one
    class differ by at most 1. Without balancing, each of N items has the share 1 / N.
    Here none has more than `most_often` / N: with M the size of the largest class and
    n_c that of class c, class c gets min(M, r n_c) rows, where r, the largest number
    of repeats, is the greatest whole number with

        r / sum_c min(M, r n_c) <= most_often / N

    Args:
        classes: class of each item, int (N,), 0 or above, N >= 1.
        most_often: the bound, at least 1.

    Returns:
        int64 (n,), indices from 0 to N - 1, ordered by class, each at least once.
    """
    present, counts = np.unique(classes, return_counts=True)
    most = int(counts.max())

    def too_often(repeats: int) -> bool:
        rows = int(np.minimum(most, repeats * counts).sum())
        return repeats * len(classes) > most_often * rows

    # The number of rows grows ever more slowly, so too_often is False, then True. One
    # repeat is never too often.
    repeats = bisect.bisect_left(range(1, most + 1), True, key=too_often)
    sizes = np.minimum(most, repeats * counts)
    members = (np.flatnonzero(classes == number) for number in present)
    return np.concatenate(
        [np.resize(m, n) for m, n in zip(members, sizes, strict=True)]
    )


def warn_of_few(source: object, counts: Mapping[str, int], kind: str) -> None:
    """Warn in one line if a class has fewer than FEW_ITEMS training items.

    Args:
        source: where the items are from, for the message, for example a folder.
        counts: number of training items of each class by its name.
        kind: what the items are, in the plural, for example "photos".
    """
    few = few_items(counts)
    if not few:
        return
    listed = ", ".join(f"{name} ({count or 'none'})" for name, count in few.items())
    warn_once(
        f"{source}: fewer than {FEW_ITEMS} {kind} to train on of {listed}; such few "
        "are learnt by heart, and a class without any is not learnt; add some"
    )


def few_items(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the classes with fewer than FEW_ITEMS items, and their numbers.

    Args:
        counts: number of items of each class by its name.
    """
    return {name: count for name, count in counts.items() if count < FEW_ITEMS}
