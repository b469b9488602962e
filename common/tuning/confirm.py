"""Was the best trial lucky? It and the preset are trained again with other seeds.

The lowest of many noisy losses is too low by chance: the best of a search looks
better than it is. Other seeds know nothing of that choice.
"""

import dataclasses
import logging
import math
import statistics
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from common.tuning.folder import SearchFolder
from common.tuning.records import Record, best_of
from common.tuning.search import Plan
from common.tuning.trial import Task, read_result, run_trial

logger = logging.getLogger(__name__)


def confirm(
    plan: Plan, folder: SearchFolder, records: Sequence[Record], repeats: int
) -> None:
    """Train the best trial and the preset again; best.json is the better's on average.

    What was trained before, by a search that was interrupted, is not trained again.

    Args:
        plan: of the search.
        folder: of the search; its folder confirm holds these trainings.
        records: of all trials.
        repeats: how many other seeds, at least 1.
    """
    best = best_of(records)
    preset = next(record for record in records if record.number == 0)
    if best is None or best is preset:
        return
    seeds = [plan.config.seed + 1 + repeat for repeat in range(repeats)]
    pairs = [(record, seed) for seed in seeds for record in (preset, best)]
    losses: dict[int, list[float]] = {0: [], best.number: []}
    for record, seed in tqdm(pairs, "confirming", unit="training"):
        losses[record.number].append(_train(plan, record, seed))
    means = {number: statistics.fmean(found) for number, found in losses.items()}
    holds = means[best.number] < means[0]
    folder.write_best(plan, [best if holds else preset])
    logger.info(
        "again with seeds %s: trial %d has losses %s, the preset %s; %s",
        ", ".join(map(str, seeds)),
        best.number,
        _told(losses[best.number]),
        _told(losses[0]),
        "it is better on average"
        if holds
        else f"it was luck, so {folder.best} holds the preset's own options",
    )


def _train(plan: Plan, record: Record, seed: int) -> float:
    """Return the loss of a trial's options with another seed, infinite if it fails."""
    task = repeated(plan, record, seed)
    found = read_result(Path(task.folder)) or run_trial(task)
    return math.inf if found.loss is None else found.loss


def repeated(plan: Plan, record: Record, seed: int) -> Task:
    """Return a trial that has been run, with another seed and no early stop."""
    task = plan.preset_task()
    if record.number:
        task = plan.task((), record.number, record.draws)
    folder = plan.folder / "confirm" / f"{record.number:04d}_seed_{seed}"
    return dataclasses.replace(
        task, folder=str(folder), config={**task.config, "seed": seed}, rungs=()
    )


def _told(losses: Sequence[float]) -> str:
    return ", ".join(f"{loss:.4g}" for loss in losses)
