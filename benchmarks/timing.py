"""Timing of works that take turns, so that a noisy machine is noisy for all."""

import statistics
import time
from collections.abc import Callable, Mapping


def take_turns(
    works: Mapping[str, Callable[[], object]], rounds: int, calls: int
) -> dict[str, float]:
    """Return the median over rounds of the seconds that one call takes.

    Args:
        works: name -> function without arguments, which waits for its result.
        rounds: turns of each.
        calls: calls in one turn.
    """
    for work in works.values():
        work()  # traces, allocates
        work()
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            start = time.perf_counter()
            for _ in range(calls):
                work()
            seconds[name].append((time.perf_counter() - start) / calls)
    return {name: statistics.median(times) for name, times in seconds.items()}
