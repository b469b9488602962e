"""Searches with the toy chapter, in this process and by its command line."""

import dataclasses
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from toychapter.commands import CHAPTER

from common.tuning.command import tune
from common.tuning.options import TuneOptions
from common.tuning.trial_records import read_records

MAIN = Path(__file__).parent / "toychapter" / "main.py"
# One trial takes 0.4 seconds then, long enough to be killed in.
SLOW = {"pause": 0.05}
# One draw from the toy chapter's space.
ADAM = {
    "place": [0.25],
    "layers": [3.0],
    "optimizer": [0],
    "optimizer/0/beta_1": [0.123456],
    "optimizer/1/beta_1": [],
    "labels": [1],
}


def search(folder, **options):
    """Run a search in this process; its trials have their own."""
    tune(CHAPTER, TuneOptions(run_dir=folder, **{"steps": 8} | options))
    return read_records(folder / "trials.jsonl")


def resume(folder, **options):
    return search(folder, **{"resume": True, "steps": None} | options)


def told(records):
    """Return what must be the same in two searches: all but the seconds."""
    return [dataclasses.asdict(one) | {"seconds": 0} for one in records]


def write(path, values):
    path.write_text(json.dumps(values))
    return path


def start(*arguments):
    """Start the command line."""
    return subprocess.Popen(
        [sys.executable, MAIN, "tune", *map(str, arguments)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell that runs tests in the background makes them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def wait_for(condition):
    """Wait until a condition holds, and fail after two minutes."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def is_alive(pid):
    """Tell whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
