"""Parallel trials with Hyperopt's SparkTrials, on this machine or a cluster."""

import dataclasses
import importlib
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import UserError
from common.tuning.search import Plan, algorithm, documents, missing, plain
from common.tuning.spark_session import open_session, quiet
from common.tuning.trial import Task, read_result, run_trial
from common.tuning.trial_records import Record

MOST = 128  # largest number of parallel trials in SparkTrials
JAVA = 17  # oldest version of Java that Spark 4 supports
# Label under which a worker gets the number of its trial, beside Hyperopt's draws.
NUMBER = "trial number"
PATIENCE = 20.0  # seconds to wait for cancelled trials to end


def parse_parallel(text: str) -> int:
    """Return the number of parallel trials: "spark:2" -> 2.

    Raises:
        UserError: the text does not have this form, or the number is above 128.
    """
    found = re.fullmatch(r"spark:([1-9]\d*)", text)
    if not found or int(found[1]) > MOST:
        raise UserError(
            f"--parallel must be spark:N with N from 1 to {MOST} trials at the same "
            f"time, such as spark:2; found {text!r}"
        )
    return int(found[1])


def require_spark() -> None:
    """Check that Spark can run here, without starting it.

    Raises:
        UserError: pyspark or Java is missing, too old, or does not start.
    """
    try:
        importlib.import_module("pyspark")
    except ImportError as error:
        raise UserError(
            f"--parallel spark:N needs pyspark, which cannot be imported ({error}); "
            "pip install -r requirements-spark.txt"
        ) from error
    # Look for Java in the same places as Spark does.
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else shutil.which("java")
    if java is None:
        raise UserError(
            f"--parallel spark:N needs Java {JAVA} or later, found none: JAVA_HOME is "
            "not set and no `java` is on the PATH; install one, or set JAVA_HOME"
        )
    try:
        done = subprocess.run(
            [java, "-version"], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise UserError(
            f"--parallel spark:N needs Java {JAVA} or later, but {java} does not start "
            f"({error}); set JAVA_HOME to one that does"
        ) from error
    # Java 17 prints "17.0.15" and Java 8 "1.8.0_292"; 1 is too old as well as 8.
    found = re.search(r'version "(\d+)', done.stderr + done.stdout)
    if found and int(found[1]) < JAVA:
        raise UserError(
            f"--parallel spark:N needs Java {JAVA} or later, but {java} is version "
            f"{found[1]}; set JAVA_HOME to a later one"
        )


def run_on_spark(
    plan: Plan,
    records: Sequence[Record],
    parallelism: int,
    finished: Callable[[Record], None],
) -> None:
    """Run the missing trials of a search, several at the same time.

    Trials are suggested as in `search.run_serially`, but from fewer results, because
    some of the earlier trials are still running. If a worker dies, its trial has failed
    and the others continue. Ctrl-C kills the running trials, which get no record.

    Args:
        plan: plan of the search.
        records: records of the trials that are done, numbered from 0 without a gap.
        parallelism: number of trials that run at the same time.
        finished: function that is called with each new record, in this thread.

    Raises:
        UserError: Spark does not start.
        ValueError: the records have a gap.
    """
    if missing(plan, records) != list(range(len(records), plan.trials)):
        raise ValueError("trials are missing between those that are done")
    with quiet(), open_session(plan, parallelism) as session:
        from hyperopt import SparkTrials

        trials = SparkTrials(parallelism=parallelism, spark_session=session)
        trials.insert_trial_docs(documents(records, plan.space))
        trials.refresh()
        _Search(Objective(plan, list(records)), finished, trials).run()


@dataclass
class Objective:
    """The function that Hyperopt minimises; each worker gets a copy of it.

    Attributes:
        plan: plan of the search.
        records: records of the finished trials, for the median rule.
    """

    plan: Plan
    records: list[Record]

    def __call__(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """Run a trial and return its loss and its record, all in plain types.

        Args:
            drawn: evaluated expression of `space`.
        """
        draws = {label: value for label, value in drawn.items() if label != NUMBER}
        record = run_trial(self.task(drawn[NUMBER], self.plan.space.flat(draws)))
        status = "fail" if record.loss is None else "ok"
        values = dataclasses.asdict(record)
        return {"status": status, "loss": record.loss, "record": values}

    def task(self, number: int, draws: Mapping[str, list]) -> Task:
        """Return the task of a trial."""
        return self.plan.task(self.records, int(number), plain(draws))

    def space(self) -> dict[str, Any]:
        """Return Hyperopt's expression of the space, with the trial's number added."""
        from hyperopt import hp

        number = hp.randint(NUMBER, 2**31 - 1)
        return {**self.plan.space.expression(), NUMBER: number}

    def suggest(
        self, new_ids: list[int], _: Any, trials: Any, seed: int
    ) -> list[dict[str, Any]]:
        """Suggest a trial as the serial search does, and add the trial's number."""
        from hyperopt.base import Domain

        domain = Domain(None, self.plan.space.expression())
        [document] = algorithm(self.plan)(new_ids, domain, trials, seed)
        misc = document["misc"]
        misc["vals"][NUMBER] = misc["idxs"][NUMBER] = list(new_ids)
        return [document]


@dataclass
class _Search:
    """Runs Hyperopt's `fmin` in a thread and reports its trials from this one."""

    objective: Objective
    finished: Callable[[Record], None]
    trials: Any
    error: BaseException | None = None

    def run(self) -> None:
        """Suggest and run all missing trials."""
        # An event, because a thread whose `join` is interrupted counts as ended.
        ended = threading.Event()
        threading.Thread(target=self._minimise, args=(ended,), daemon=True).start()
        try:
            while not ended.wait(0.2):
                self._report_finished()
            self._report_finished()
        finally:
            # With a timeout of 0, SparkTrials cancels the running trials.
            self.trials.timeout = 0
            ended.wait(PATIENCE)
        if self.error is not None:
            raise self.error

    def _minimise(self, ended: threading.Event) -> None:
        from hyperopt import fmin
        from hyperopt.exceptions import AllTrialsFailed

        try:
            fmin(
                self.objective,
                self.objective.space(),
                self.objective.suggest,
                max_evals=self.objective.plan.trials,
                trials=self.trials,
                show_progressbar=False,
                verbose=False,
            )
        except AllTrialsFailed:
            pass
        except BaseException as error:
            self.error = error
        finally:
            ended.set()

    def _report_finished(self) -> None:
        """Report the trials that have finished since the last call."""
        records = self.objective.records
        reported = {record.number for record in records}
        # Not `trials.trials`, which leaves out trials whose worker has died.
        ended = [
            document
            for document in list(self.trials._dynamic_trials)
            if document["tid"] not in reported
            # Another thread sets the state before it adds the result, so look at the
            # result.
            and ("record" in document["result"] or "error" in document["misc"])
        ]
        for document in sorted(ended, key=lambda document: document["refresh_time"]):
            values = document["result"].get("record")
            record = Record(**values) if values else self._failed(document)
            records.append(record)
            self.finished(record)

    def _failed(self, document: dict[str, Any]) -> Record:
        """Return the record of a trial whose worker returned no result."""
        vals = document["misc"]["vals"]
        draws = {label: drawn for label, drawn in vals.items() if label != NUMBER}
        task = self.objective.task(document["tid"], draws)
        # The trial may have finished before its worker died.
        record = read_result(Path(task.folder))
        if record is not None:
            return record
        kind, traceback = document["misc"]["error"]
        lines = (traceback or "").strip().splitlines()
        why = lines[-1] if lines else f"its Spark worker died ({kind})"
        took = document["refresh_time"] - document["book_time"]
        seconds = round(took.total_seconds(), 2)
        return task.record("failed", None, seconds=seconds, message=why)
