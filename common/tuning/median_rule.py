"""The median rule: which trials are not worth their whole budget.

Reference: Golovin et al. 2017, "Google Vizier: A Service for Black-Box
Optimization", KDD, section 3.2.2.
"""

import statistics
from collections.abc import Iterable, Sequence

from common.tuning.trial_records import Record

# Shares of a trial's budget.
RUNGS = (0.25, 0.5, 0.75)
FEWEST = 4


def thresholds(
    records: Iterable[Record], rungs: Sequence[float] = RUNGS
) -> list[float | None]:
    """Return the loss at each rung above which a trial stops.

    That is the median, over the earlier trials that came to the rung, of the best
    loss that each had until there.

    Args:
        records: of the earlier trials.
        rungs: shares of the budget, ascending.

    Returns:
        A loss for each rung, or None where fewer than FEWEST trials came to it.
    """
    records = list(records)
    limits: list[float | None] = []
    for rung in rungs:
        bests = [
            min(loss for share, loss in record.scores if share <= rung)
            for record in records
            if any(share == rung for share, _ in record.scores)
        ]
        limits.append(statistics.median(bests) if len(bests) >= FEWEST else None)
    return limits
