"""Classes of unequal size: how often items are shown, and when to warn of few."""

import numpy as np
import pytest

from common.data.classes import balanced_rows, warn_of_few


def test_balanced_rows_have_every_item_and_equal_classes():
    classes = np.array([0, 1, 1, 1, 1, 1, 3, 3])
    rows = balanced_rows(classes)
    # Whoever resumes an older run needs just these rows.
    assert rows.tolist() == [*[0] * 5, 1, 2, 3, 4, 5, 6, 7, 6, 7, 6]


@pytest.mark.parametrize(
    ("counts", "most_often", "sizes"),
    [
        # 3 of 12 + 3 rows are at most 3 / 13 of them; 4 of 12 + 4 rows are more.
        ([12, 1], 3, [12, 3]),
        # Unbounded, each of the two would be shown 225 times. 10 of 1800 + 2 * 10 rows
        # are at most 10 / 1802 of them; 11 of 1800 + 2 * 11 rows are more.
        ([450, 450, 450, 450, 0, 2], 10, [450, 450, 450, 450, 0, 20]),
        # Equal classes need 10 repeats: 10 of 200 rows are at most 11 / 110 of them.
        ([100, 10], 11, [100, 100]),
        ([7, 7], 1, [7, 7]),
        # Nothing may be shown more often than it would come anyway.
        ([9, 3], 1, [9, 3]),
        ([5], 10, [5]),
    ],
)
def test_no_item_is_shown_too_often(counts, most_often, sizes):
    classes = np.repeat(np.arange(len(counts)), counts)
    rows = balanced_rows(classes, most_often)
    found = np.bincount(classes[rows], minlength=len(counts))
    assert found.tolist() == sizes
    repeats = np.bincount(rows, minlength=len(classes))
    assert repeats.min() >= 1
    assert repeats.max() * len(classes) <= most_often * len(rows)


def test_classes_of_few_items_are_named_in_one_line(caplog):
    counts = {"30-39": 50, "40-49": 49, "50-59": 0, "60+": 2}
    for _ in range(2):
        warn_of_few("faces", counts, "photos")
    warn_of_few("faces", {"30-39": 50}, "photos")
    [record] = caplog.records
    assert record.getMessage().startswith(
        "faces: fewer than 50 photos to train on of 40-49 (49), 50-59 (none), 60+ (2); "
    )
