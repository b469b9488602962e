"""The plan of a search, the options that it tries next, and the serial search."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from common.config import RunConfig, from_json, to_json
from common.tuning.median_rule import RUNGS, thresholds
from common.tuning.options import Algorithm
from common.tuning.space import Space
from common.tuning.trial import Task, run_of, run_trial
from common.tuning.trial_records import Record

# Random trials before TPE begins. Hyperopt's default of 20 is more than most searches
# have. On an artificial loss of five options, with 12 trials, 5 was the best of 3, 5, 8
# and 20.
STARTUP = 5
# Every tenth training item is a validation item, which the trials are scored on.
VALIDATION_EVERY = 10
# Interval of samples and checkpoints: a trial writes them only at its end.
NEVER = 10**9
# Options that the search sets itself, so a space must not hold them.
RESERVED = (
    "data",
    "steps",
    "epochs",
    "max_minutes",
    "validation_every",
    "sample_every",
    "checkpoint_every",
    "steps_per_execution",
    "strategy",
)
# Message in the record of trial 0.
PRESET = "preset"


@dataclass(frozen=True)
class Plan:
    """Everything that decides what a search does.

    Attributes:
        chapter: name of the chapter's package.
        config: options to start from; `data` is an absolute path.
        space: search space.
        folder: folder of the search, absolute.
        trials: number of all trials; the first one is `config` itself.
        steps: training steps of each trial, or None.
        minutes: minutes of training of each trial, or None.
        algorithm: "tpe" or "random".
        seed: seed of the suggestions, 0 or above.
        median_rule: whether unpromising trials are stopped early.
        fixed: options with the same value in all trials.
    """

    chapter: str
    config: RunConfig
    space: Space
    folder: Path
    trials: int
    steps: int | None
    minutes: float | None
    algorithm: Algorithm = "tpe"
    seed: int = 0
    median_rule: bool = True
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def task(
        self, records: Iterable[Record], number: int, draws: Mapping[str, list]
    ) -> Task:
        """Return the task of the trial with the given draws.

        Args:
            records: records of finished trials; the median rule uses those with a
                smaller number.
            number: number of the trial.
            draws: draws by label, as `suggest` returns them.
        """
        return self._task(records, number, self.space.values(draws), draws)

    def preset_task(self) -> Task:
        """Return the task of trial 0, which has the preset's options: the baseline."""
        values = json.loads(to_json(self.config))
        draws = self.space.draws(values)
        names = self.space.fields if draws is None else self.space.values(draws)
        own = {name: values[name] for name in names}
        return self._task((), 0, own, draws or {}, PRESET)

    def best_config(self, record: Record) -> RunConfig:
        """Return a trial's options for a full training on all training items."""
        values = json.loads(to_json(self.config)) | dict(record.parameters)
        values["validation_every"] = None
        return from_json(type(self.config), json.dumps(values), "the best trial")

    def _task(
        self,
        records: Iterable[Record],
        number: int,
        values: Mapping[str, Any],
        draws: Mapping[str, list],
        message: str = "",
    ) -> Task:
        # Without later trials, so that a trial that is run again has the same rungs.
        before = [record for record in records if record.number < number]
        rungs = zip(RUNGS, thresholds(before), strict=True) if self.median_rule else ()
        return Task(
            folder=str(self.folder / run_of(number)),
            chapter=self.chapter,
            number=number,
            config=self._options(values),
            parameters=values,
            draws=draws,
            rungs=list(rungs),
            steps=self.steps,
            minutes=self.minutes,
            message=message,
        )

    def _options(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return all options of a trial, ready for JSON."""
        options = json.loads(to_json(self.config)) | dict(self.fixed) | dict(values)
        # Intervals must be a multiple of the steps in one execution.
        every = NEVER // options["steps_per_execution"] * options["steps_per_execution"]
        options |= dict.fromkeys(("sample_every", "checkpoint_every"), every)
        options |= {"validation_every": VALIDATION_EVERY, "max_minutes": None}
        if self.steps is not None:
            options |= {"steps": self.steps, "epochs": None}
        return options


def missing(plan: Plan, records: Iterable[Record]) -> list[int]:
    """Return the numbers of the trials that still have to be run."""
    done = {record.number for record in records}
    return [number for number in range(plan.trials) if number not in done]


def run_serially(
    plan: Plan,
    records: Iterable[Record],
    finished: Callable[[Record], None],
    numbers: Sequence[int],
) -> list[Record]:
    """Run trials one after another.

    Args:
        plan: plan of the search.
        records: records of the trials that are done.
        finished: function that is called with each new record.
        numbers: numbers of the trials to run, ascending.

    Returns:
        All records.
    """
    records = list(records)
    for number in numbers:
        if number == 0:
            task = plan.preset_task()
        else:
            task = plan.task(records, number, suggest(plan, records, number))
        record = run_trial(task)
        finished(record)
        records.append(record)
    return records


def suggest(plan: Plan, records: Iterable[Record], number: int) -> dict[str, list]:
    """Return the draws of one trial.

    They depend on the plan, the finished trials and the trial's number alone.

    Args:
        plan: plan of the search.
        records: records of the finished trials.
        number: number of the trial.

    Returns:
        Draws by label: a list of one number, or an empty list if the label's branch
        was not taken.

    Reference: Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization",
    NeurIPS, section 4 (TPE).
    """
    from hyperopt import Trials
    from hyperopt.base import Domain

    trials = Trials()
    trials.insert_trial_docs(documents(records, plan.space))
    trials.refresh()
    domain = Domain(None, plan.space.expression())
    [document] = algorithm(plan)([number], domain, trials, 0)
    return plain(document["misc"]["vals"])


def algorithm(plan: Plan) -> Callable:
    """Return the search algorithm in the form that Hyperopt's `fmin` expects.

    Its random numbers depend only on the plan's seed and the trial's number.
    """
    return partial(_suggest, plan.algorithm, plan.seed)


def _suggest(
    name: Algorithm, seed: int, new_ids: list[int], domain: Any, trials: Any, _: int
) -> list[dict]:
    import numpy as np
    from hyperopt import rand, tpe

    own_seed = int(np.random.SeedSequence((seed, new_ids[0])).generate_state(1)[0])
    if name == "random":
        return rand.suggest(new_ids, domain, trials, own_seed)
    return tpe.suggest(
        new_ids, domain, trials, own_seed, n_startup_jobs=STARTUP, verbose=False
    )


def documents(records: Iterable[Record], space: Space) -> list[dict]:
    """Return Hyperopt's documents of finished trials.

    Args:
        records: records with any status. A trial without a loss, or with values
            outside the space, counts as failed.
        space: space that was searched.
    """
    from hyperopt.base import JOB_STATE_DONE, STATUS_FAIL, STATUS_OK, Trials

    empty = {label: [] for label in space.labels}
    all_documents = []
    for record in sorted(records, key=lambda record: record.number):
        number = record.number
        if record.loss is not None and record.draws:
            result = {"status": STATUS_OK, "loss": record.loss}
        else:
            result = {"status": STATUS_FAIL}
        vals = empty | dict(record.draws)
        misc = {
            "tid": number,
            "cmd": None,
            "workdir": None,
            "idxs": {label: [number] * len(draws) for label, draws in vals.items()},
            "vals": vals,
        }
        [document] = Trials().new_trial_docs([number], [None], [result], [misc])
        all_documents.append(document | {"state": JOB_STATE_DONE})
    return all_documents


def plain(draws: Mapping[str, Sequence]) -> dict[str, list]:
    """Return draws as plain Python numbers."""
    import numpy as np

    return {label: np.asarray(drawn).tolist() for label, drawn in draws.items()}


def describe(plan: Plan) -> dict[str, Any]:
    """Return the plan in the form of search.json, with which a search is resumed."""
    values = {
        one.name: getattr(plan, one.name)
        for one in dataclasses.fields(plan)
        if one.name != "folder"
    }
    values["config"] = json.loads(to_json(plan.config))
    values["space"] = plan.space.data
    return values | {"fixed": dict(plan.fixed)}
