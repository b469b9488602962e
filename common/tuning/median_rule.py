"""The median rule: stop trials whose loss is above the median of earlier ones.

Reference: Golovin et al. 2017, "Google Vizier: A Service for Black-Box
Optimization", KDD, section 3.2.2.
"""

import statistics
from collections.abc import Iterable, Sequence

from common.tuning.trial_records import Record

# Shares of a trial's budget at which it may be stopped.
RUNGS = (0.25, 0.5, 0.75)
# The rule applies at a rung after this many trials have reached it.
FEWEST = 4


def thresholds(
    records: Iterable[Record], rungs: Sequence[float] = RUNGS
) -> list[float | None]:
    """Return, for each rung, the loss above which a trial stops there.

    This is the median, over the earlier trials that reached the rung, of the best
    loss that each of them had up to the rung.

    Args:
        records: records of the earlier trials.
        rungs: shares of the budget, ascending, each in (0, 1).

    Returns:
        A loss for each rung, or None if fewer than FEWEST trials reached it.
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
