"""Does a run that is killed again and again end as one that never was?

    python -m benchmarks.resume chapter02_3dgan --kills 20

A short training is run through once. Then the same training is begun anew for each
kill: kill -9 after a random time, `train --resume`, and every array of the final
checkpoint is compared bit by bit. The last line is one JSON object.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import tyro
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Options:
    """Kill a training at random moments and resume it."""

    chapter: tyro.conf.Positional[Literal["chapter02_3dgan"]]
    """Which chapter."""

    kills: int = 20
    """How often."""

    steps: int = 40
    """Of each training."""

    seed: int = 0
    """Of the moments."""


def train(options: Options, run: Path, *arguments: str) -> subprocess.Popen:
    """Start a training of the quick networks on the stand-in."""
    main = ROOT / options.chapter / "main.py"
    return subprocess.Popen(
        [sys.executable, str(main), "train", "--run-dir", str(run), *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen) -> None:
    """Wait for a training that should end well."""
    _, told = process.communicate()
    if process.returncode:
        raise RuntimeError(f"training ended with {process.returncode}: {told[-2000:]}")


def final_state(run: Path) -> dict[str, np.ndarray]:
    """Return all arrays of the newest checkpoint."""
    newest = sorted((run / "checkpoints").glob("step_*.npz"))[-1]
    with np.load(newest, allow_pickle=False) as file:
        return {"step": newest.name, **{name: file[name] for name in file.files}}


def report(options: Options) -> dict:
    """Kill, resume, compare; return the JSON object."""
    chosen = f"--steps {options.steps} --log-every 5 --checkpoint-every 5".split()
    moments = random.Random(options.seed)
    identical, done = 0, []
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        finish(train(options, Path(folder) / "whole", *chosen))
        seconds = time.monotonic() - start
        expected = final_state(Path(folder) / "whole")
        for number in tqdm(range(options.kills), "kills"):
            run = Path(folder) / f"run_{number}"
            process = train(options, run, *chosen)
            time.sleep(moments.uniform(0, seconds))
            process.kill()
            process.communicate()
            written = sorted((run / "checkpoints").glob("step_*.npz"))
            done.append(int(written[-1].stem[5:]) if written else 0)
            # Killed before it had noted its options, it is begun anew.
            again = ["--resume"] if (run / "config.json").exists() else chosen
            finish(train(options, run, *again))
            found = final_state(run)
            identical += found.keys() == expected.keys() and all(
                np.array_equal(found[name], expected[name]) for name in expected
            )
    return {
        "kills": options.kills,
        "bit_identical": identical,
        "steps": options.steps,
        "checkpointed_steps_at_kill": done,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(report(tyro.cli(Options))) + "\n")
