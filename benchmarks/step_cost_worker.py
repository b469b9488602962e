"""One process that times training steps: alone, or as one of several workers.

    python -m benchmarks.step_cost_worker POINTS RESULT

POINTS is a JSON file, a list of `Point` that differ in nothing but size, width and
batch; workers find one another by TF_CONFIG. RESULT gets the seconds of each point.
`benchmarks.step_cost` starts it.
"""

import dataclasses
import itertools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks.step_work import Point, build, real_items, step_config
from common.config import RunConfig
from common.files import atomic_path
from common.training import devices
from common.training.workers import find_place

# Steps of one round; R1 comes at the first.
EVERY = 4
FEWEST_ROUNDS, MOST_ROUNDS = 3, 10
# No further round of a point after so many seconds.
ENOUGH = 1.2


def time_points(points: list[Point]) -> list[list[float]]:
    """Return the seconds of each step after the first round, for each point."""
    threads = points[0].threads
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    devices.set_up(step_config(points[0]), bfloat16_keeps_quality=False)
    seconds = []
    # Points of the same networks share one model, since tracing takes longest.
    for _, alike in itertools.groupby(points, lambda point: (point.size, point.width)):
        group = list(alike)
        step = compiled_step(group[0], step_config(group[0]))
        seconds += [time_steps(step, point) for point in group]
    return seconds


def compiled_step(point: Point, config: RunConfig) -> Callable[[tf.Tensor], object]:
    """Return the step for batches of any number of items; it waits for its end."""
    strategy = devices.strategy(config)
    items = tf.TensorSpec((None, *real_items(point, 1).shape[1:]), tf.float32)
    with strategy.scope():
        model = build(point)
        model.build_step(items, jit=devices.use_jit(config))

    @tf.function(input_signature=[items], jit_compile=devices.use_jit(config))
    def step(batch: tf.Tensor) -> dict[str, tf.Tensor]:
        return strategy.run(model.train_step, (batch,))

    return lambda batch: step(batch)["g_loss"].numpy()


def time_steps(step: Callable[[tf.Tensor], object], point: Point) -> list[float]:
    """Return the seconds of whole rounds of steps, after one to warm up."""
    batch = tf.constant(real_items(point, int(point.share)))
    seconds: list[float] = []
    rounds = 1
    while len(seconds) < (rounds + 1) * EVERY:
        start = time.perf_counter()
        step(batch)
        seconds.append(time.perf_counter() - start)
        if len(seconds) == 2 * EVERY:
            rounds = rounds_for(sum(seconds[EVERY:]), point)
    return seconds[EVERY:]


def rounds_for(seconds: float, point: Point) -> int:
    """Return how many rounds are worthwhile where one takes so many seconds.

    Workers must agree on it without a word, so they take a fixed number.
    """
    if point.workers > 1:
        return 2 * FEWEST_ROUNDS
    return int(np.clip(ENOUGH / seconds, FEWEST_ROUNDS, MOST_ROUNDS))


def main(points: Path, result: Path) -> None:
    """Time the points of one file; the chief writes what was found into the other."""
    asked = [Point(**point) for point in json.loads(points.read_text())]
    rows = [
        dataclasses.asdict(point) | {"seconds": seconds}
        for point, seconds in zip(asked, time_points(asked), strict=True)
    ]
    if find_place(step_config(asked[0])).is_chief:
        with atomic_path(result) as temporary:
            temporary.write_text(json.dumps(rows))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
