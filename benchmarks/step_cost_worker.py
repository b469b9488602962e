"""Time training steps in one process, alone or as one of several workers.

    python -m benchmarks.step_cost_worker POINTS RESULT

POINTS is a JSON file with a list of `Point`, which differ only in size, width and
batch. The seconds of each point are written to RESULT. Workers find one another through
TF_CONFIG. `benchmarks.step_cost` starts this program.
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

# Steps in one round; the first one has the R1 penalty.
EVERY = 4
FEWEST_ROUNDS = 3
MOST_ROUNDS = 10
# Seconds of measurement that are enough for one point.
ENOUGH = 1.2


def time_points(points: list[Point]) -> list[list[float]]:
    """Return, for each point, the seconds of each step after the first round."""
    threads = points[0].threads
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    devices.set_up(step_config(points[0]), bfloat16_keeps_quality=False)
    seconds = []
    # Points with the same networks share one model, because tracing takes longest.
    for _, alike in itertools.groupby(points, lambda point: (point.size, point.width)):
        group = list(alike)
        step = compiled_step(group[0], step_config(group[0]))
        seconds += [time_steps(step, point) for point in group]
    return seconds


def compiled_step(point: Point, config: RunConfig) -> Callable[[tf.Tensor], object]:
    """Return a compiled step for batches of any size, which waits for its result."""
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
    """Return the seconds of each step in whole rounds, after one round to warm up."""
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
    """Return the number of rounds to measure, given the seconds of one round.

    Workers must all take the same number but cannot agree on one, so theirs is fixed.
    """
    if point.workers > 1:
        return 2 * FEWEST_ROUNDS
    return int(np.clip(ENOUGH / seconds, FEWEST_ROUNDS, MOST_ROUNDS))


def main(points: Path, result: Path) -> None:
    """Time the points in a file; the chief writes their seconds to another file."""
    to_time = [Point(**point) for point in json.loads(points.read_text())]
    rows = [
        dataclasses.asdict(point) | {"seconds": seconds}
        for point, seconds in zip(to_time, time_points(to_time), strict=True)
    ]
    if find_place(step_config(to_time[0])).is_chief:
        with atomic_path(result) as temporary:
            temporary.write_text(json.dumps(rows))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
