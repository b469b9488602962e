"""The command `compare`: train the same small GAN with each stabilising technique.

A pool of processes runs the trainings. Each process uses one thread, because networks
this small are no faster with a second one.
"""

import json
import logging
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

logger = logging.getLogger(__name__)

MAX_JOBS = 256


@dataclass(frozen=True)
class Budget:
    """Length of the trainings of `compare`, and how often each is repeated.

    Attributes:
        steps: problem -> number of training steps.
        seeds: problem -> number of seeds that each technique is trained with.
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
    """One training of the comparison, with everything that it depends on.

    Attributes:
        technique: name in TECHNIQUES.
        problem: name in PROBLEMS.
        seed: seed of the training, from 0.
        steps: number of training steps.
        data: folder of the digits, or None for the stand-in.
    """

    technique: str
    problem: str
    seed: int
    steps: int
    data: Path | None


def plan(budget: Budget, data: Path | None) -> list[Training]:
    """Return the trainings of a comparison.

    The digits come last, so that the classifier that scores them is ready by then.

    Args:
        budget: steps and seeds of each problem.
        data: folder of the digits, or None for the stand-in.
    """
    return [
        Training(technique, problem, seed, budget.steps[problem], data)
        for problem in PROBLEMS
        for seed in range(budget.seeds[problem])
        for technique in TECHNIQUES
    ]


def start_worker() -> None:
    """Prepare a process of the pool: quiet, with one thread, deterministic."""
    # Ctrl-C reaches all processes; only the parent handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The parent has set this variable already, but `import_tensorflow` silences
    # TensorFlow only if it is not set.
    os.environ.pop("TF_CPP_MIN_LOG_LEVEL", None)
    import_tensorflow()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()


def prepare_digits(data: Path | None) -> None:
    """Train the classifier that scores digits, or load it from the cache."""
    from chapter01_gan.stabilising.problems import load_problem

    load_problem("digits", data)


def run_training(training: Training) -> Outcome:
    """Train one small GAN and score its samples.

    Returns:
        The row of compare.json, and the first 1000 samples.
    """
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

    Writes compare.json, compare.md and compare.png. compare.json is written again after
    each training, so that an interruption loses no finished training.

    Args:
        preset: name of a budget in BUDGETS.
        run_dir: folder to write to.
        data: folder of the digits, or None for the stand-in.
        jobs: number of processes, 1 to 256; by default one for each core.

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
        # Report the finished trainings even after an interruption.
        if outcomes:
            text = tabulate([outcome.row for outcome in outcomes])
            with atomic_path(run_dir / "compare.md") as temporary:
                temporary.write_text(text, encoding="utf-8")
            draw_comparison(outcomes, run_dir / "compare.png")
            names = "compare.json, compare.md and compare.png"
            logger.info("written: %s in %s", names, run_dir)
    return text


def check(jobs: int | None, data: Path | None) -> None:
    """Check the options and the data before any process starts.

    Args:
        jobs: number of processes, or None.
        data: folder of the digits, or None for the stand-in.

    Raises:
        UserError: an option is out of range, or the data are missing or have no labels.
    """
    from chapter01_gan.config import Config
    from chapter01_gan.data import load_split

    if jobs is not None and not 1 <= jobs <= MAX_JOBS:
        raise UserError(f"--jobs must be from 1 to {MAX_JOBS}, found {jobs}")
    _, labels = load_split(Config(data=data), "train")
    if labels is None:
        raise UserError(
            f"{data} has no labels, but the comparison counts classes; add the file "
            "train-labels-idx1-ubyte.gz"
        )


def run_all(trainings: list[Training], jobs: int | None) -> Iterator[Outcome]:
    """Yield the outcomes of all trainings, in the order in which they finish.

    Args:
        trainings: trainings to run, at least one.
        jobs: number of processes; by default one for each core.

    Raises:
        TrainingError: a process died.
    """
    pool = ProcessPoolExecutor(
        max_workers=jobs, mp_context=get_context("spawn"), initializer=start_worker
    )
    try:
        # Train the classifier of the digits first, beside the trainings on points.
        classifier = pool.submit(prepare_digits, trainings[0].data)
        futures = [pool.submit(run_training, training) for training in trainings]
        classifier.result()
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise TrainingError(
            "a process of the comparison died, perhaps because the memory was full; "
            "--jobs 1 needs the least memory"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def write_rows(path: Path, outcomes: list[Outcome]) -> None:
    """Write compare.json: a list of rows, ordered by problem, technique and seed."""
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
