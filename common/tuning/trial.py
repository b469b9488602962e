"""One trial: a training in a process of its own, so that a crash costs only this trial.

`python -m common.tuning.trial FOLDER` reads FOLDER/trial.json and writes
FOLDER/result.json. `run_trial` starts it and sends its output to FOLDER/messages.txt.
"""

import dataclasses
import importlib
import importlib.util
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.config import from_json
from common.errors import TrainingError, UserError
from common.files import atomic_path, cannot_write
from common.tuning.trial_callback import Rung, as_callback
from common.tuning.trial_records import Record, from_json_text, to_json_line

TASK = "trial.json"
RESULT = "result.json"
MESSAGES = "messages.txt"
# Beginning of a record's message if the user's options or data are wrong.
USER_ERROR = "error: "
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """The input of a trial; all of it can be pickled and written as JSON.

    Attributes:
        folder: folder of the trial, absolute.
        chapter: name of the chapter's package.
        number: number of the trial.
        config: all options of the training, as in JSON.
        parameters: the options that the search varies, with their values.
        draws: Hyperopt's draws by label.
        rungs: pairs of a share of the budget and the loss above which to stop there.
        steps: budget in steps, or None.
        minutes: budget in minutes, or None.
        message: message of the record, if no other one replaces it.
    """

    folder: str
    chapter: str
    number: int
    config: Mapping[str, Any]
    parameters: Mapping[str, Any]
    draws: Mapping[str, list]
    rungs: Sequence[Rung]
    steps: int | None
    minutes: float | None
    message: str = ""

    def record(self, status: str, loss: float | None, **others: Any) -> Record:
        """Return the trial's record; `others` are further fields of it."""
        return Record(
            number=self.number,
            status=status,
            loss=loss,
            parameters=self.parameters,
            run=run_of(self.number),
            draws=self.draws,
            **{"message": self.message} | others,
        )


def run_of(number: int) -> str:
    """Return a trial's folder, relative to the search's folder."""
    return f"trials/{number:04d}"


def run_trial(task: Task) -> Record:
    """Run one trial to its end and return its record.

    The folder of an earlier attempt is removed. Ctrl-C kills the trial, too.

    Raises:
        UserError: the folder cannot be written.
    """
    folder, began = Path(task.folder), time.monotonic()
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / TASK).write_text(json.dumps(dataclasses.asdict(task)))
        status = _run_child(task.chapter, folder)
    except OSError as error:
        raise cannot_write(folder, error, begun=False) from error
    record = read_result(folder)
    if record is None:
        seconds = round(time.monotonic() - began, 2)
        how = _describe(status, folder / MESSAGES)
        record = task.record("failed", None, seconds=seconds, message=how)
        _write_result(folder, record)
    return record


def _write_result(folder: Path, record: Record) -> None:
    with atomic_path(folder / RESULT) as temporary:
        temporary.write_text(to_json_line(record))


def read_result(folder: Path) -> Record | None:
    """Return the record that a trial wrote, or None if there is no whole one."""
    path = folder / RESULT
    try:
        return from_json_text(path.read_text(), str(path))
    except (OSError, ValueError, UserError):
        return None


def _run_child(chapter: str, folder: Path) -> int:
    """Run this module in a process of its own and return its exit status."""
    roots = [root_of(__name__), root_of(chapter), os.environ.get("PYTHONPATH")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, roots))}
    with (folder / MESSAGES).open("wb") as messages:
        # -P, so that a folder `common` in the user's working folder is not imported.
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, str(folder)],
            # This pipe closes however this process ends; see _die_with_parent.
            stdin=subprocess.PIPE,
            stdout=messages,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdin.close()


def root_of(module: str) -> str:
    """Return the folder that must be on sys.path to import a module."""
    origin = importlib.util.find_spec(module.partition(".")[0]).origin
    return str(Path(origin).resolve().parent.parent)


def _describe(status: int, messages: Path) -> str:
    """Return how a process without a result ended."""
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    lines = messages.read_text(errors="replace").split("\n")
    last = next(
        (line.strip() for line in reversed(lines) if line.strip()), "no message"
    )
    return f"ended with status {status}: {last[:300]}"


def main(folder: Path) -> None:
    """Run the trial in a folder's trial.json, in this process."""
    began = time.monotonic()
    threading.Thread(target=_die_with_parent, daemon=True).start()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    task = Task(**json.loads((folder / TASK).read_text()))
    try:
        values = _train(task)
    except UserError as error:
        values = _failure(USER_ERROR + " ".join(str(error).split()))
    except TrainingError as error:
        values = _failure(f"training failed: {error}")
    except Exception as error:
        # Options can fail in unforeseen ways; the search must go on after any error.
        logger.exception("the trial has failed")
        values = _failure(f"ended by {type(error).__name__}: {error}"[:300])
    record = task.record(**values, seconds=round(time.monotonic() - began, 2))
    _write_result(folder, record)


def _failure(message: str) -> dict[str, Any]:
    logger.error("%s", message)
    return {"status": "failed", "loss": None, "message": message}


def _train(task: Task) -> dict[str, Any]:
    """Train and score a generator; return fields of the record."""
    from common.startup import import_tensorflow
    from common.training.run_dir import RunDir

    chapter = importlib.import_module(f"{task.chapter}.commands").CHAPTER
    tuning = chapter.tuning
    config = from_json(chapter.config_class, json.dumps(task.config), "the trial")
    if tuning.uses_tensorflow:
        import_tensorflow()
    scorer = as_callback(tuning.uses_tensorflow)(
        tuning.objective(config),
        tuning.loss,
        tuning.sign,
        task.rungs,
        task.steps,
        task.minutes,
    )
    chapter.function("train")(config, RunDir(task.folder), callbacks=[scorer])
    values = {"loss": scorer.finish(), "scores": scorer.scores}
    values |= {"status": "stopped" if scorer.stopped else "ok"}
    if scorer.stopped:
        values["message"] = scorer.stopped
    return values | {"metrics": scorer.metrics}


def _die_with_parent() -> None:
    """Kill this process when the one that started it has ended, even by kill -9."""
    # The read returns when the pipe closes. Not sys.stdin.read: this thread would still
    # hold the lock of sys.stdin when the process ends normally.
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
