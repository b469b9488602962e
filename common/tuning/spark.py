"""Trials at the same time by Hyperopt's SparkTrials, on this machine or a cluster."""

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

MOST = 128  # SparkTrials runs no more at a time
JAVA = 17  # Spark 4 needs this version or a later one
# What tells a worker which trial is meant, beside what Hyperopt has drawn.
NUMBER = "trial number"
PATIENCE = 20.0  # seconds for cancelled trials to end


def parse_parallel(text: str) -> int:
    """Return how many trials shall run at the same time: "spark:2" -> 2.

    Raises:
        UserError: the text is another one.
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
    # The way in which Spark itself looks for Java.
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
    # "17.0.15", but "1.8.0_292" for 8, which is too old in either way of counting.
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

    Trials are suggested as `search.run_serially` does it, but when fewer of the
    trials before have ended. A trial whose worker dies has failed; the others go
    on. Ctrl-C ends the running trials, which are no results then.

    Args:
        plan: of the search.
        records: of the trials that are done: from 0 on, without a gap.
        parallelism: trials at the same time.
        finished: called with each new record, in this thread.

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
    """What Hyperopt minimises; it is copied to the worker that runs a trial.

    Attributes:
        plan: of the search.
        records: of the trials that have ended, for the median rule.
    """

    plan: Plan
    records: list[Record]

    def __call__(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """Run a trial and return its loss and its record, all in plain types.

        Args:
            drawn: what `space` of the plan evaluates to.
        """
        draws = {label: value for label, value in drawn.items() if label != NUMBER}
        record = run_trial(self.task(drawn[NUMBER], self.plan.space.flat(draws)))
        status = "fail" if record.loss is None else "ok"
        values = dataclasses.asdict(record)
        return {"status": status, "loss": record.loss, "record": values}

    def task(self, number: int, draws: Mapping[str, list]) -> Task:
        """Return what a trial is to run."""
        return self.plan.task(self.records, int(number), plain(draws))

    def space(self) -> dict[str, Any]:
        """Return the space for Hyperopt; beside the draws it holds the number."""
        from hyperopt import hp

        number = hp.randint(NUMBER, 2**31 - 1)
        return {**self.plan.space.expression(), NUMBER: number}

    def suggest(
        self, new_ids: list[int], _: Any, trials: Any, seed: int
    ) -> list[dict[str, Any]]:
        """Suggest a trial as the serial search does, and tell it its number."""
        from hyperopt.base import Domain

        domain = Domain(None, self.plan.space.expression())
        [document] = algorithm(self.plan)(new_ids, domain, trials, seed)
        misc = document["misc"]
        misc["vals"][NUMBER] = misc["idxs"][NUMBER] = list(new_ids)
        return [document]


@dataclass
class _Search:
    """Hyperopt's `fmin` in a thread of its own, watched from this one."""

    objective: Objective
    finished: Callable[[Record], None]
    trials: Any
    error: BaseException | None = None

    def run(self) -> None:
        """Suggest and run all trials that are missing."""
        # A thread whose `join` is interrupted would pass for one that has ended.
        ended = threading.Event()
        threading.Thread(target=self._minimise, args=(ended,), daemon=True).start()
        try:
            while not ended.wait(0.2):
                self._tell()
            self._tell()
        finally:
            # SparkTrials cancels what is still running once its time is up.
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

    def _tell(self) -> None:
        """Hand over the trials that have ended since the last call."""
        records = self.objective.records
        told = {record.number for record in records}
        # `trials.trials` leaves those out whose worker has died.
        ended = [
            document
            for document in list(self.trials._dynamic_trials)
            if document["tid"] not in told
            # Written after the state, by another thread.
            and ("record" in document["result"] or "error" in document["misc"])
        ]
        for document in sorted(ended, key=lambda document: document["refresh_time"]):
            values = document["result"].get("record")
            record = Record(**values) if values else self._of_dead(document)
            records.append(record)
            self.finished(record)

    def _of_dead(self, document: dict[str, Any]) -> Record:
        """Return the record of a trial whose worker told no result."""
        vals = document["misc"]["vals"]
        draws = {label: drawn for label, drawn in vals.items() if label != NUMBER}
        task = self.objective.task(document["tid"], draws)
        record = read_result(Path(task.folder))
        if record is not None:
            return record
        kind, traceback = document["misc"]["error"]
        lines = (traceback or "").strip().splitlines()
        why = lines[-1] if lines else f"its Spark worker died ({kind})"
        took = document["refresh_time"] - document["book_time"]
        seconds = round(took.total_seconds(), 2)
        return task.record("failed", None, seconds=seconds, message=why)
