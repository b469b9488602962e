"""Time several functions in turn, so that a noisy machine disturbs all of them."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from common.gan.adversarial_model import AdversarialModel


def compiled_step(
    model: AdversarialModel, batch: Any, jit: bool = False
) -> Callable[[], object]:
    """Return a function that runs one compiled step and waits for its result.

    Args:
        model: model, as a chapter builds it.
        batch: the batch of every step, an array or a tuple of arrays, float32.
        jit: compile with XLA.
    """
    batch = tf.nest.map_structure(tf.constant, batch)
    model.build_step(tf.nest.map_structure(tf.TensorSpec.from_tensor, batch), jit=jit)
    step = tf.function(model.train_step, jit_compile=jit)
    return lambda: step(batch)["g_loss"].numpy()


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
