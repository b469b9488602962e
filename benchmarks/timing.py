"""Time several functions in turn, so that a noisy machine disturbs all of them."""

import statistics
import time
from collections.abc import Callable, Mapping


def take_turns(
    works: Mapping[str, Callable[[], object]], rounds: int, calls: int
) -> dict[str, float]:
    """Return the seconds of one call of each function, the median over the rounds.

    Args:
        works: functions without arguments by name; each waits for its result.
        rounds: number of rounds; each function has one turn in a round.
        calls: calls of a function in one turn.
    """
    # The first calls are slower, because they trace graphs and allocate memory.
    for work in works.values():
        work()
        work()
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            start = time.perf_counter()
            for _ in range(calls):
                work()
            seconds[name].append((time.perf_counter() - start) / calls)
    return {name: statistics.median(times) for name, times in seconds.items()}
