"""The results of a search: a JSON lines file with one finished trial per line.

Each trial is written when it finishes, so a search that is killed loses none of them.
"""

import dataclasses
import json
import logging
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from common.errors import UserError
from common.files import atomic_path, cannot_write

Status = Literal["ok", "stopped", "failed"]
# Python types of each field, as read from JSON.
_KINDS = {
    "number": int,
    "status": str,
    "loss": (int, float, type(None)),
    "parameters": dict,
    "seconds": (int, float),
    "run": str,
    "draws": dict,
    "scores": list,
    "metrics": dict,
    "message": str,
}
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Record:
    """One finished trial.

    Attributes:
        number: number of the trial, from 0; trial 0 is the preset itself.
        status: "ok", "stopped" by the median rule, or "failed".
        loss: value of the objective, lower is better; None if the trial failed.
        parameters: the options that the search varies, with their values.
        seconds: duration of the trial.
        run: folder of its run, relative to the search's folder.
        draws: Hyperopt's draws by label: a list of one number, or an empty list if the
            label's branch was not taken. Empty for a preset outside the space.
        scores: [share of the budget, loss] at each rung.
        metrics: all metrics of the chapter's objective.
        message: reason why it failed or stopped, "preset" for trial 0, or "".
    """

    number: int
    status: Status
    loss: float | None
    parameters: Mapping[str, Any]
    seconds: float
    run: str
    draws: Mapping[str, list] = field(default_factory=dict)
    scores: Sequence[Sequence[float]] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    message: str = ""


def best_of(records: Iterable[Record]) -> Record | None:
    """Return the trial with the lowest loss of those that ran to the end, or None."""
    whole = [record for record in records if record.status == "ok"]
    return min(whole, key=lambda record: (record.loss, record.number), default=None)


def to_json_line(record: Record) -> str:
    """Return a record as one line of JSON.

    Raises:
        ValueError: a number is not finite.
    """
    return json.dumps(dataclasses.asdict(record), allow_nan=False) + "\n"


def from_json_text(text: str, origin: str) -> Record:
    """Return the record that `to_json_line` wrote.

    Args:
        text: one JSON object.
        origin: name of the text's source, for messages.

    Raises:
        ValueError: the text is not JSON or nested too deeply, or a number in it is
            not finite.
        UserError: the text is JSON, but not a record.
    """
    try:
        values = json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("the text is nested too deeply") from error
    if not isinstance(values, dict):
        raise UserError(f"{origin} must be a JSON object, found {text.strip()[:40]!r}")
    wrong = sorted(
        name
        for name in {*values, *_KINDS}
        if name not in _KINDS or not isinstance(values.get(name, ...), _KINDS[name])
    )
    if wrong:
        raise UserError(
            f"{origin} is not a trial's result: {wrong[0]!r} is missing, unknown or of "
            "the wrong kind"
        )
    if values["status"] not in ("ok", "stopped", "failed"):
        raise UserError(f"{origin} has the unknown status {values['status']!r}")
    if (values["loss"] is None) != (values["status"] == "failed"):
        raise UserError(f"{origin} must have a loss, unless the trial failed")
    return Record(**values)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def read_records(path: Path) -> list[Record]:
    """Return all finished trials in a file, or [] if there is no file.

    An incomplete last line is left out with a warning.

    Raises:
        UserError: the file cannot be read, another line is damaged, or a trial is in
            it twice.
    """
    try:
        lines = path.read_bytes().splitlines() if path.exists() else []
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    records = []
    for index, line in enumerate(lines, start=1):
        origin = f"{path} line {index}"
        try:
            records.append(from_json_text(line.decode(), origin))
        except ValueError as error:  # not JSON, or not UTF-8
            if index < len(lines):
                raise UserError(
                    f"{origin} is damaged; remove this line and continue with --resume"
                ) from error
            logger.warning("%s is incomplete, as after a kill; it is left out", origin)
    counts = Counter(record.number for record in records)
    twice = [number for number, count in counts.items() if count > 1]
    if twice:
        raise UserError(f"{path} has trial {min(twice)} twice; remove one of the lines")
    return records


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Replace the file, and so remove an incomplete last line."""
    with atomic_path(path) as temporary:
        temporary.write_text("".join(map(to_json_line, records)))


def append_record(path: Path, record: Record) -> None:
    """Append one finished trial to the file, and flush it to the disk.

    Raises:
        UserError: the disk is full or the file cannot be written.
    """
    try:
        with path.open("a") as file:
            file.write(to_json_line(record))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise cannot_write(path, error) from error
