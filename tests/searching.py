"""Start searches with the toy chapter, in this process or by its command line."""

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
# With this option a trial takes 0.4 seconds, long enough to be killed in.
SLOW = {"pause": 0.05}
# One point of the toy chapter's search space, as the records write it.
ADAM = {
    "place": [0.25],
    "layers": [3.0],
    "optimizer": [0],
    "optimizer/0/beta_1": [0.123456],
    "optimizer/1/beta_1": [],
    "labels": [1],
}


def search(folder, **options):
    """Run a search in this process and return the records of its trials.

    Each trial runs in a process of its own.
    """
    tune(CHAPTER, TuneOptions(run_dir=folder, **{"steps": 8} | options))
    return read_records(folder / "trials.jsonl")


def resume(folder, **options):
    """Resume a search in this process and return the records of its trials."""
    return search(folder, **{"resume": True, "steps": None} | options)


def told(records):
    """Return the records as dictionaries with "seconds" set to 0.

    Two searches with the same options must have the same records but for the time.
    """
    return [dataclasses.asdict(one) | {"seconds": 0} for one in records]


def write(path, values):
    """Write values to a JSON file; return its path."""
    path.write_text(json.dumps(values))
    return path


def start(*arguments):
    """Start the toy chapter's `tune` as a process in its own process group."""
    return subprocess.Popen(
        [sys.executable, MAIN, "tune", *map(str, arguments)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell that runs the tests in the background lets them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def wait_for(condition):
    """Wait until a function returns something true; fail after two minutes."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def is_alive(pid):
    """Return whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
