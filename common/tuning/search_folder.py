"""The folder of a search: its plan, its trials, and the best of them."""

import contextlib
import datetime
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
from common.training.run_dir import copied_to, own_folder, require_fresh
from common.tuning.search import Plan
from common.tuning.trial import read_result
from common.tuning.trial_records import (
    Record,
    append_record,
    best_of,
    read_records,
    write_records,
)

# What search.json must hold, beside what may be null.
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
    """Names and makes the files of a search.

    A search lies in runs/<chapter>/tune_<time>/ below the working folder, or where
    the user says.

    Args:
        path: the folder itself.
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
        """Choose the folder of a new search; `recording` makes it.

        Raises:
            UserError: it holds a search or other files already.
        """
        now = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        folder = cls((path or Path("runs") / chapter / f"tune_{now}").absolute())
        require_fresh(folder.plan, folder.log, "search")
        return folder

    @classmethod
    def find(cls, chapter: str, path: Path | None) -> "SearchFolder":
        """Return an existing search: the one named, or the chapter's latest.

        Raises:
            UserError: there is none.
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
        """Make the folder, keep other searches out, and log to log.txt meanwhile.

        Raises:
            UserError: it cannot be written, or another process searches in it.
        """
        with own_folder(self.log) as handler, copied_to(handler):
            yield

    def remove(self) -> None:
        """Remove a search that has no result."""
        shutil.rmtree(self.path, ignore_errors=True)

    def write_plan(self, plan: Mapping[str, Any]) -> None:
        """Write what the search was told."""
        with atomic_path(self.plan) as temporary:
            temporary.write_text(json.dumps(plan, indent=2) + "\n")

    def read_plan(self) -> dict[str, Any]:
        """Return what the search was told.

        Raises:
            UserError: search.json is damaged.
        """
        plan = read_object(self.plan)
        for name, kind in PLAN_KINDS.items():
            if not isinstance(plan.get(name), kind):
                raise UserError(
                    f"{self.plan} is damaged: {name} must be of the kind "
                    f"{kind.__name__}, found {plan.get(name)!r:.40}"
                )
        return plan

    def read_records(self) -> list[Record]:
        """Return all trials that are written down; a torn last line is removed."""
        records = read_records(self.results)
        if self.results.exists():
            write_records(self.results, records)
        return records

    def unrecorded(self, records: Sequence[Record]) -> list[Record]:
        """Return trials that had finished when the search was killed, but are not in
        the file.

        Args:
            records: that are in it.
        """
        numbers = {record.number for record in records}
        found = [read_result(trial) for trial in sorted(self.trials.glob("[0-9]*"))]
        return [one for one in found if one is not None and one.number not in numbers]

    def add(self, record: Record) -> None:
        """Write one finished trial."""
        append_record(self.results, record)

    def choose(self, records: Sequence[Record]) -> Record | None:
        """Return the trial whose options are the best known, or None.

        That is the one with the lowest loss, unless the preset was better on average
        when both were trained again with other seeds; see `confirm`.
        """
        best = best_of(records)
        if best is None or best.number == 0:
            return best
        again = self.confirmed(best.number), self.confirmed(0)
        seeds = sorted(set(again[0]) & set(again[1]))
        if not seeds:
            return best
        own, presets = (statistics.fmean(map(losses.get, seeds)) for losses in again)
        if own < presets:
            return best
        return next((record for record in records if record.number == 0), best)

    def confirmation(self, number: int, seed: int) -> Path:
        """Return the folder of a trial that is trained again with another seed."""
        return self.path / "confirm" / f"{number:04d}_seed_{seed}"

    def confirmed(self, number: int) -> dict[int, float]:
        """Return a trial's losses with other seeds, infinite where it failed."""
        losses = {}
        for folder in self.confirmation(number, 0).parent.glob(f"{number:04d}_seed_*"):
            record = read_result(folder)
            if record is not None:
                seed = int(folder.name.rpartition("_")[2])
                losses[seed] = math.inf if record.loss is None else record.loss
        return losses

    def write_best(self, plan: Plan, records: Sequence[Record]) -> None:
        """Write the best options known, as `train --config` takes them."""
        best = self.choose(records)
        if best is not None:
            with atomic_path(self.best) as temporary:
                temporary.write_text(to_json(plan.best_config(best)))
