"""Was the best trial lucky? It and the preset are trained again with other seeds.

The lowest of many noisy losses is too low by chance: the best of a search looks
better than it is. Other seeds know nothing of that choice.
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
    """Train the best trial and the preset again, and choose the best options anew.

    What was trained before, by a search that was interrupted, is not trained again.

    Args:
        plan: of the search.
        folder: of the search; its folder confirm holds these trainings.
        records: of all trials.
        repeats: how many other seeds, at least 1.
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
            found = run_trial(task)
            if found.loss is None:
                logger.info("trial %d, seed %d: %s", record.number, seed, found.message)
    folder.write_best(plan, records)


def repeated(plan: Plan, folder: SearchFolder, record: Record, seed: int) -> Task:
    """Return a trial that has been run, with another seed and no early stop."""
    task = plan.preset_task()
    if record.number:
        task = plan.task((), record.number, record.draws)
    return dataclasses.replace(
        task,
        folder=str(folder.confirmation(record.number, seed)),
        config={**task.config, "seed": seed},
        rungs=(),
    )
