"""The same small GAN with each stabilising technique: `compare`.

Each training runs in a process of its own pool on one thread, since networks this
small do not gain from a second one.
"""

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from tqdm import tqdm

from chapter01_gan.config import PAGES
from chapter01_gan.stabilising.techniques import (
    PROBLEMS,
    TECHNIQUES,
    Outcome,
    configure,
)
from common.errors import TrainingError, UserError
from common.files import atomic_path
from common.startup import import_tensorflow

MAX_JOBS = 256


@dataclass(frozen=True)
class Budget:
    """How long `compare` trains.

    Attributes:
        steps: training steps for each problem.
        seeds: how often each training is repeated, for each problem.
    """

    steps: dict[str, int]
    seeds: dict[str, int]


BUDGETS = {
    "quick": Budget(
        steps={"ring": 4000, "grid": 8000, "digits": 1000},
        seeds={"ring": 2, "grid": 2, "digits": 2},
    ),
    "full": Budget(
        steps={"ring": 10_000, "grid": 20_000, "digits": 10_000},
        seeds={"ring": 5, "grid": 5, "digits": 3},
    ),
}


@dataclass(frozen=True)
class Training:
    """One training of the comparison, and all that it depends on."""

    technique: str
    problem: str
    seed: int
    steps: int
    data: Path | None


def plan(budget: Budget, data: Path | None) -> list[Training]:
    """Return the trainings of a comparison.

    The digits come last: by then the classifier that judges them is there.
    """
    return [
        Training(technique, problem, seed, budget.steps[problem], data)
        for problem in PROBLEMS
        for seed in range(budget.seeds[problem])
        for technique in TECHNIQUES
    ]


def start_worker() -> None:
    """Prepare a process of the pool: quiet, one thread, deterministic."""
    # Ctrl-C reaches all processes; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Set by the parent, whose notes of start-up are enough.
    os.environ.pop("TF_CPP_MIN_LOG_LEVEL", None)
    import_tensorflow()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()


def prepare_digits(data: Path | None) -> None:
    """Train the classifier that judges digits, or find it in the cache."""
    from chapter01_gan.stabilising.problems import load_problem

    load_problem("digits", data)


def run_training(training: Training) -> Outcome:
    """Train one small GAN and judge its samples."""
    from chapter01_gan.stabilising.problems import load_problem
    from chapter01_gan.stabilising.short_training import train_small

    problem = load_problem(training.problem, training.data)
    config = configure(training.technique, problem.base, training.problem == "digits")
    start = time.perf_counter()
    samples = train_small(config, problem, training.steps, training.seed)
    seconds = round(time.perf_counter() - start, 2)
    row = {
        "technique": training.technique,
        "problem": training.problem,
        "seed": training.seed,
        "modes_total": problem.modes,
        "seconds": seconds,
        "steps": training.steps,
        **problem.score(samples),
    }
    return Outcome(row, samples[:1000])


def compare(
    preset: str = "quick",
    run_dir: Path = PAGES / "compare",
    data: Path | None = None,
    jobs: int | None = None,
) -> str:
    """Train the small GAN with every technique on every problem and seed.

    Writes compare.json (rewritten after each training, so that an interruption
    keeps what is there), compare.md and compare.png.

    Args:
        preset: name of a budget.
        run_dir: folder to write to.
        data: folder of the digits, or None for the stand-in.
        jobs: processes; by default one for each core.

    Returns:
        The table, as Markdown.

    Raises:
        UserError: an option or the data are wrong.
        TrainingError: a process died.
    """
    from chapter01_gan.stabilising.report import draw_comparison, tabulate

    check(jobs, data)
    outcomes: list[Outcome] = []
    trainings = plan(BUDGETS[preset], data)
    bar = tqdm(total=len(trainings), desc="comparing", unit="training")
    try:
        with bar:
            for outcome in run_all(trainings, jobs):
                outcomes.append(outcome)
                write_rows(run_dir / "compare.json", outcomes)
                bar.update()
    finally:
        if outcomes:
            text = tabulate([outcome.row for outcome in outcomes])
            with atomic_path(run_dir / "compare.md") as temporary:
                temporary.write_text(text, encoding="utf-8")
            draw_comparison(outcomes, run_dir / "compare.png")
    return text


def check(jobs: int | None, data: Path | None) -> None:
    """Refuse wrong options before any process starts."""
    from chapter01_gan.config import Config
    from chapter01_gan.data import load_split

    if jobs is not None and not 1 <= jobs <= MAX_JOBS:
        raise UserError(f"--jobs must be from 1 to {MAX_JOBS}, found {jobs}")
    _, labels = load_split(Config(data=data), "train")
    if labels is None:
        raise UserError(
            f"{data} has no labels, and the classes are what is counted; add the "
            "file train-labels-idx1-ubyte.gz"
        )


def run_all(trainings: list[Training], jobs: int | None) -> Iterator[Outcome]:
    """Yield the outcomes of all trainings, as they come."""
    pool = ProcessPoolExecutor(
        max_workers=jobs, mp_context=get_context("spawn"), initializer=start_worker
    )
    try:
        classifier = pool.submit(prepare_digits, trainings[0].data)
        futures = [pool.submit(run_training, training) for training in trainings]
        classifier.result()
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise TrainingError(
            "a process of the comparison died, perhaps for want of memory; "
            "--jobs 1 needs the least"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def write_rows(path: Path, outcomes: list[Outcome]) -> None:
    """Write compare.json: a list of rows, in the order of techniques."""
    names = list(TECHNIQUES)
    rows = sorted(
        (outcome.row for outcome in outcomes),
        key=lambda r: (
            PROBLEMS.index(r["problem"]),
            names.index(r["technique"]),
            r["seed"],
        ),
    )
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(rows, indent=1, allow_nan=False) + "\n")
