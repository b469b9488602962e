"""Train the best trial and the preset again with other seeds: was the best lucky?

The lowest of many noisy losses is too low by chance, so the best trial of a search
looks better than it is. Losses with new seeds do not have this bias, because the best
trial was not chosen by them.
"""

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from common.tuning.search import Plan
from common.tuning.search_folder import SearchFolder
from common.tuning.trial import Task, read_result, run_trial
from common.tuning.trial_records import Record, best_of

logger = logging.getLogger(__name__)


def confirm(
    plan: Plan, folder: SearchFolder, records: Sequence[Record], repeats: int
) -> None:
    """Train the best trial and the preset again, then choose the best options again.

    Trainings that an interrupted search has already finished are not repeated.

    Args:
        plan: plan of the search.
        folder: folder of the search; its subfolder `confirm` holds these trainings.
        records: records of all trials.
        repeats: number of other seeds, at least 1.
    """
    best = best_of(records)
    preset = next((record for record in records if record.number == 0), None)
    if best is None or preset is None or best is preset:
        return
    seeds = [plan.config.seed + 1 + repeat for repeat in range(repeats)]
    pairs = [(record, seed) for seed in seeds for record in (preset, best)]
    for record, seed in tqdm(pairs, "confirming", unit="training"):
        task = repeated(plan, folder, record, seed)
        if read_result(Path(task.folder)) is None:
            result = run_trial(task)
            if result.loss is None:
                message = result.message
                logger.info("trial %d, seed %d: %s", record.number, seed, message)
    folder.write_best(plan, records)


def repeated(plan: Plan, folder: SearchFolder, record: Record, seed: int) -> Task:
    """Return the task of a finished trial with another seed and no early stop."""
    task = plan.preset_task()
    if record.number:
        task = plan.task((), record.number, record.draws)
    return dataclasses.replace(
        task,
        folder=str(folder.confirmation(record.number, seed)),
        config={**task.config, "seed": seed},
        rungs=(),
    )
