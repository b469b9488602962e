"""The folder of a search: the plan, the trials and the best options."""

import contextlib
import json
import logging
import math
import shutil
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from common.config import to_json
from common.config_files import read_object
from common.errors import UserError
from common.files import atomic_path
from common.training.folders import (
    copied_to,
    new_folder,
    own_folder,
    require_fresh,
)
from common.tuning.search import Plan
from common.tuning.trial import read_result
from common.tuning.trial_records import (
    Record,
    append_record,
    best_of,
    read_records,
    write_records,
)

# Kinds of the values in search.json, except those that may be null.
PLAN_KINDS = {
    "chapter": str,
    "config": dict,
    "space": dict,
    "trials": int,
    "algorithm": str,
    "seed": int,
    "median_rule": bool,
}
logger = logging.getLogger(__name__)


class SearchFolder:
    """Names, writes and reads the files of a search.

    A search is in runs/<chapter>/tune_<time>/ below the working folder, or in the
    folder that the user gives.

    Args:
        path: path of the folder.
    """

    def __init__(self, path: Path):
        self.path = path
        self.plan = path / "search.json"
        self.results = path / "trials.jsonl"
        self.best = path / "best.json"
        self.trials = path / "trials"
        self.log = path / "log.txt"
        self.picture = path / "search.png"

    @classmethod
    def create(cls, chapter: str, path: Path | None) -> "SearchFolder":
        """Choose the folder of a new search; the default one is created at once.

        Args:
            chapter: name of the chapter.
            path: folder that the user gives, or None.

        Raises:
            UserError: the folder already holds a search or other files.
        """
        path = path or new_folder(Path("runs") / chapter, "tune_{time}")
        folder = cls(path.absolute())
        require_fresh(folder.plan, folder.log, "search")
        return folder

    @classmethod
    def find(cls, chapter: str, path: Path | None) -> "SearchFolder":
        """Return the folder of an existing search.

        Args:
            chapter: name of the chapter.
            path: folder that the user gives, or None for the chapter's latest search.

        Raises:
            UserError: there is no search.
        """
        if path is None:
            above = Path("runs") / chapter
            found = sorted(plan.parent for plan in above.glob("tune_*/search.json"))
            if not found:
                raise UserError(
                    f"there is no search in {above} yet; leave --resume out, or name "
                    "a folder with --run-dir"
                )
            path = found[-1]
        folder = cls(path.resolve())
        if not folder.plan.is_file():
            raise UserError(
                f"{path} is not the folder of a search: it has no {folder.plan.name}"
            )
        return folder

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Create and lock the folder, and copy all log messages to log.txt.

        Raises:
            UserError: the folder cannot be written, or another process has locked it.
        """
        with own_folder(self.log) as handler, copied_to(handler):
            yield

    def remove(self) -> None:
        """Remove the folder of a search that has no result."""
        shutil.rmtree(self.path, ignore_errors=True)

    def write_plan(self, plan: Mapping[str, Any]) -> None:
        """Write the plan, as `search.describe` returns it, to search.json."""
        with atomic_path(self.plan) as temporary:
            temporary.write_text(json.dumps(plan, indent=2) + "\n")

    def read_plan(self) -> dict[str, Any]:
        """Return the plan from search.json.

        Raises:
            UserError: search.json is damaged.
        """
        plan = read_object(self.plan)
        for name, kind in PLAN_KINDS.items():
            if not isinstance(plan.get(name), kind):
                raise UserError(
                    f"{self.plan} is damaged: {name} must be of the kind "
                    f"{kind.__name__}, found {plan.get(name)!r:.40}; start a new search"
                )
        return plan

    def read_records(self) -> list[Record]:
        """Return the records in trials.jsonl; remove an incomplete last line."""
        records = read_records(self.results)
        if self.results.exists():
            write_records(self.results, records)
        return records

    def unrecorded(self, records: Sequence[Record]) -> list[Record]:
        """Return finished trials that a killed search did not write to trials.jsonl.

        Args:
            records: records that are in trials.jsonl.
        """
        numbers = {record.number for record in records}
        results = [read_result(trial) for trial in sorted(self.trials.glob("[0-9]*"))]
        return [
            record
            for record in results
            if record is not None and record.number not in numbers
        ]

    def add(self, record: Record) -> None:
        """Append one finished trial to trials.jsonl."""
        append_record(self.results, record)

    def choose(self, records: Sequence[Record]) -> Record | None:
        """Return the trial with the best options, or None if no trial finished.

        This is the trial with the lowest loss, unless the preset was better on average
        when both were trained again with other seeds; see `confirm`.
        """
        best = best_of(records)
        if best is None or best.number == 0:
            return best
        best_losses = self.confirmed(best.number)
        preset_losses = self.confirmed(0)
        seeds = sorted(set(best_losses) & set(preset_losses))
        if not seeds:
            return best
        best_mean = statistics.fmean(best_losses[seed] for seed in seeds)
        preset_mean = statistics.fmean(preset_losses[seed] for seed in seeds)
        if best_mean < preset_mean:
            return best
        return next((record for record in records if record.number == 0), best)

    def confirmation(self, number: int, seed: int) -> Path:
        """Return the folder of a trial that is trained again with another seed."""
        return self.path / "confirm" / f"{number:04d}_seed_{seed}"

    def confirmed(self, number: int) -> dict[int, float]:
        """Return a trial's losses by seed, for other seeds; a failure is infinite."""
        losses = {}
        for folder in self.confirmation(number, 0).parent.glob(f"{number:04d}_seed_*"):
            record = read_result(folder)
            if record is not None:
                seed = int(folder.name.rpartition("_")[2])
                losses[seed] = math.inf if record.loss is None else record.loss
        return losses

    def write_best(self, plan: Plan, records: Sequence[Record]) -> None:
        """Write the best options to best.json, in the form of `train --config`."""
        best = self.choose(records)
        if best is not None:
            with atomic_path(self.best) as temporary:
                temporary.write_text(to_json(plan.best_config(best)))
