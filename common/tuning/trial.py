"""One trial: a training in a process of its own, which costs no more if it crashes.

`python -m common.tuning.trial FOLDER` reads FOLDER/trial.json and writes
FOLDER/result.json; what it tells goes to FOLDER/messages.txt.
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

TASK, RESULT, MESSAGES = "trial.json", "result.json", "messages.txt"
# How the message of a trial begins that the user's options or data ended.
USER_ERROR = "error: "
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """What a trial is told; all of it can be pickled and written as JSON.

    Attributes:
        folder: of the trial, absolute.
        chapter: name of its package.
        number: of the trial.
        config: options by name, as JSON has them.
        parameters: those that are tried.
        draws: Hyperopt's, by label.
        rungs: shares of the budget with the losses above which to stop.
        steps: budget in steps, or None.
        minutes: budget in minutes, or None.
        message: of the record, unless there is more to say.
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
        """Return the trial's record."""
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
    """Return a trial's folder below the search's."""
    return f"trials/{number:04d}"


def run_trial(task: Task) -> Record:
    """Run one trial to its end and return what came of it.

    A folder of an earlier attempt is removed. Ctrl-C here ends the trial, too.

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
        raise cannot_write(folder, error) from error
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
    """Return the record that a trial has written, or None where it has not."""
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
        # -P: a folder `common` where the user stands is not ours.
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, str(folder)],
            # Closes when this process ends, however it does: see _die_with_parent.
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
    """Return the folder that must be on the path for a module to be found."""
    origin = importlib.util.find_spec(module.partition(".")[0]).origin
    return str(Path(origin).resolve().parent.parent)


def _describe(status: int, messages: Path) -> str:
    """Return how a process ended that left no result."""
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    lines = messages.read_text(errors="replace").split("\n")
    last = next(
        (line.strip() for line in reversed(lines) if line.strip()), "without a word"
    )
    return f"ended with status {status}: {last[:300]}"


def main(folder: Path) -> None:
    """Run the trial that a folder's trial.json tells of, in this process."""
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
        # A trial may go wrong in ways that nobody foresaw; the search goes on.
        logger.exception("the trial has failed")
        values = _failure(f"ended by {type(error).__name__}: {error}"[:300])
    record = task.record(**values, seconds=round(time.monotonic() - began, 2))
    _write_result(folder, record)


def _failure(message: str) -> dict[str, Any]:
    logger.error("%s", message)
    return {"status": "failed", "loss": None, "message": message}


def _train(task: Task) -> dict[str, Any]:
    """Train and judge; return the record's values."""
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
    """End this process when the one that started it is gone, even by kill -9."""
    # Not by sys.stdin: its lock would be held when this process ends by itself.
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
