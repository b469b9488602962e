"""The command `tune`: check its options, then run a search from start to end."""

import contextlib
import dataclasses
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.chapter import Chapter, find_preset
from common.config import (
    RunConfig,
    from_json,
    require_positive,
    with_absolute_paths,
)
from common.config_files import read_config
from common.errors import TrainingError, UserError
from common.tuning.confirm import confirm
from common.tuning.options import TuneOptions
from common.tuning.report import Report, conclusion
from common.tuning.search import (
    RESERVED,
    Plan,
    describe,
    missing,
    run_serially,
)
from common.tuning.search_folder import SearchFolder
from common.tuning.space import Space
from common.tuning.trial_records import Record

# Defaults of a new search.
TRIALS = 12
MINUTES = 1.0
logger = logging.getLogger(__name__)


def tune(chapter: Chapter, options: TuneOptions) -> None:
    """Run a new search, or continue one if the option `resume` is set.

    Args:
        chapter: chapter whose options are searched.
        options: options of the command line.

    Raises:
        UserError: the options or the data are wrong.
        TrainingError: all trials failed.
    """
    require_positive(options, "trials steps minutes")
    if options.steps is not None and options.minutes is not None:
        raise UserError("--steps and --minutes are both budgets of a trial; give one")
    if options.confirm < 0:
        raise UserError(f"--confirm must be 0 or above, found {options.confirm}")
    parallelism = _parallelism(options.parallel)
    folder = stored = None
    if options.resume:
        folder = SearchFolder.find(chapter.name, options.run_dir)
        stored = folder.read_plan()
    plan = _make_plan(chapter, options, folder, stored)
    _check(chapter, plan, stored)
    if folder is None:
        folder = SearchFolder.create(chapter.name, options.run_dir)
        plan = dataclasses.replace(plan, folder=folder.path)
    with folder.recording():
        folder.write_plan(describe(plan))
        records = _search(plan, folder, parallelism)
        if options.confirm:
            confirm(plan, folder, records, options.confirm)
        logger.info("%s", conclusion(records, folder))
    if all(record.status == "failed" for record in records):
        raise TrainingError(
            f"all {len(records)} trials failed, the last one: {records[-1].message}"
        )


def _parallelism(text: str | None) -> int | None:
    """Return the number of parallel trials on Spark, or None to run one at a time."""
    if text is None:
        return None
    from common.tuning import spark

    parallelism = spark.parse_parallel(text)
    spark.require_spark()
    return parallelism


def _make_plan(
    chapter: Chapter,
    options: TuneOptions,
    folder: SearchFolder | None,
    stored: Mapping[str, Any] | None,
) -> Plan:
    """Return the plan of a search; options not given keep their stored values.

    A new search has no folder yet: its plan has the working folder instead.
    """
    known = stored or {}

    def pick(name: str, default: Any) -> Any:
        value = getattr(options, name)
        return known.get(name, default) if value is None else value

    config = _make_config(chapter, options, known.get("config"), folder and folder.plan)
    if options.steps is not None or options.minutes is not None:
        steps, minutes = options.steps, options.minutes
    else:
        steps, minutes = known.get("steps"), known.get("minutes")
        if stored is None:
            minutes = MINUTES
    if options.space is not None:
        space = Space.read(options.space, type(config))
    else:
        space = Space(known.get("space", chapter.tuning.space), type(config))
    return Plan(
        chapter=chapter.name,
        config=config,
        space=space,
        folder=folder.path if folder else Path(),
        trials=pick("trials", TRIALS),
        steps=steps,
        minutes=minutes,
        algorithm=pick("algorithm", "tpe"),
        seed=pick("seed", 0),
        median_rule=options.median_rule and known.get("median_rule", True),
        fixed=chapter.tuning.fixed,
    )


def _make_config(
    chapter: Chapter,
    options: TuneOptions,
    stored: Mapping[str, Any] | None,
    origin: Path | None,
) -> RunConfig:
    """Return the configuration to start from, with absolute paths."""
    name = options.preset or next(iter(chapter.presets))
    config = find_preset(chapter.presets, name)
    data = options.data
    if stored is not None:
        found = from_json(type(config), json.dumps(stored), str(origin))
        data = data or found.data
        if options.preset is None and options.config is None:
            config = found
    if options.config is not None:
        config = read_config(options.config, config)
    return with_absolute_paths(dataclasses.replace(config, data=data or config.data))


def _check(
    chapter: Chapter,
    plan: Plan,
    stored: Mapping[str, Any] | None,
) -> None:
    """Check all that can be checked before the first trial.

    Raises:
        UserError: the seed is negative, the strategy is multiworker, the space holds
            an option that `tune` sets itself, the data do not exist, or the resumed
            search was started with other options.
    """
    if plan.seed < 0:
        raise UserError(f"--seed must be 0 or above, found {plan.seed}")
    if plan.config.strategy == "multiworker":
        raise UserError(
            "each trial is trained on one machine; set the option strategy to none"
        )
    taken = sorted({*RESERVED, *plan.fixed} & set(plan.space.fields))
    if taken:
        raise UserError(
            f"the search space has {taken[0]}, which tune sets itself; leave it out"
        )
    data = plan.config.data
    if data is not None and not data.exists():
        raise UserError(f"--data {data}: no such file or folder")
    if stored is None:
        return
    changed = _differences(stored, json.loads(json.dumps(describe(plan))))
    if changed:
        raise UserError(
            f"the search in {plan.folder} was started with other options "
            f"({'; '.join(changed)}); leave these out or start a new search"
        )
    if plan.trials < stored["trials"]:
        raise UserError(
            f"--trials must be {stored['trials']} or more, as many as the search was "
            f"started with, found {plan.trials}"
        )


def _differences(old: Any, new: Any, name: str = "") -> list[str]:
    """Return "name: old value -> new value" for each difference of two plans."""
    if isinstance(old, dict) and isinstance(new, dict) and not name.startswith("space"):
        keys = [key for key in {**old, **new} if f"{name}{key}" != "trials"]
        return [
            difference
            for key in keys
            for difference in _differences(old.get(key), new.get(key), f"{name}{key} ")
        ]
    if old == new:
        return []
    return [f"{name.strip()}: {json.dumps(old)} -> {json.dumps(new)}"]


def _search(plan: Plan, folder: SearchFolder, parallelism: int | None) -> list[Record]:
    """Run the trials that are missing from a search; return all records."""
    known = folder.read_records()
    logger.info(
        "%d of %d trials are done; each trial varies %s; the search is in %s",
        len(known),
        plan.trials,
        ", ".join(plan.space.fields),
        folder.path,
    )
    with contextlib.closing(Report(plan, folder, known)) as report:
        try:
            for record in folder.unrecorded(known):
                report.finished(record)
            _run(plan, report, parallelism)
        except KeyboardInterrupt:
            logger.info("continue with tune --resume --run-dir %s", folder.path)
            raise
        return report.records


def _run(plan: Plan, report: Report, parallelism: int | None) -> None:
    """Run the missing trials one by one, or in parallel on Spark."""
    serial = missing(plan, report.records)
    if parallelism is not None:
        # Parallel trials must follow the others without a gap. So first run, one by
        # one, those that an interrupted parallel search left out before its last one.
        ended = max((record.number for record in report.records), default=0)
        serial = [number for number in serial if number <= ended]
    run_serially(plan, report.records, report.finished, serial)
    if missing(plan, report.records):
        from common.tuning.spark import run_on_spark

        run_on_spark(plan, list(report.records), parallelism, report.finished)
