"""Check that a run which is killed and resumed ends like an uninterrupted one.

    python -m benchmarks.resume chapter02_3dgan --kills 20

A short training runs once without interruption. Then, for each kill, the same training
starts again: it is killed by kill -9 at a random moment between its first file and its
end, `train --resume` finishes it, and every array of the final checkpoint is compared
bit by bit. The last line of the output is one JSON object.
"""

import json
import random
import shutil
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

from benchmarks.chapters import ROOT, chapter_names
from common.training.environment import describe_environment

# Options for smaller networks and fewer steps in chapters that take long otherwise.
SMALLER = {
    "chapter02_3dgan": ["--width", "0.1"],
    "chapter03_agecgan": (
        "--size 32 --filters 4 --encoder-steps 20 --recognition-steps 10 "
        "--identity-steps 10"
    ).split(),
    "chapter04_dcgan": ["--size", "32", "--filters", "4"],
    "chapter05_srgan": "--crop 32 --filters 4 --blocks 1 --srgan-steps 20".split(),
}


@dataclass(frozen=True)
class Options:
    """Kill a training at random moments and resume it."""

    chapter: tyro.conf.Positional[Literal[chapter_names()]]
    """Name of the chapter."""

    kills: int = 20
    """Number of kills."""

    steps: int = 40
    """Steps of each training."""

    seed: int = 0
    """Seed of the random moments."""


def train(options: Options, run: Path, *arguments: str) -> subprocess.Popen:
    """Start a training of the quick networks on the stand-in."""
    main = ROOT / options.chapter / "main.py"
    return subprocess.Popen(
        [sys.executable, str(main), "train", "--run-dir", str(run), *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_config(run: Path, process: subprocess.Popen) -> None:
    """Wait until the run has written its first file, or has ended."""
    while not (run / "config.json").exists() and process.poll() is None:
        time.sleep(0.02)


def checkpointed_steps(run: Path) -> int:
    """Return the step of the newest checkpoint, or 0 if there is none."""
    written = sorted((run / "checkpoints").glob("step_*.npz"))
    return int(written[-1].stem.removeprefix("step_")) if written else 0


def finish(process: subprocess.Popen) -> None:
    """Wait for the end of a training, which must succeed."""
    _, messages = process.communicate()
    if process.returncode:
        raise RuntimeError(
            f"training ended with {process.returncode}: {messages[-2000:]}"
        )


def final_state(run: Path) -> dict[str, np.ndarray]:
    """Return all arrays of the newest checkpoint of each stage."""
    state = {}
    for folder in sorted(run.rglob("checkpoints")):
        newest = sorted(folder.glob("step_*.npz"))[-1]
        place = newest.relative_to(run)
        with np.load(newest, allow_pickle=False) as file:
            state |= {f"{place}/{name}": file[name] for name in file.files}
    return state


def report(options: Options) -> dict:
    """Kill and resume the training, compare the results; return the JSON object."""
    # The precision is fixed, because each run could choose another one by measuring.
    chosen = (
        f"--steps {options.steps} --log-every 5 --checkpoint-every 5 "
        "--precision float32"
    ).split() + SMALLER.get(options.chapter, [])
    moments = random.Random(options.seed)
    identical, done = 0, []
    with tempfile.TemporaryDirectory() as folder:
        process = train(options, Path(folder) / "whole", *chosen)
        wait_for_config(Path(folder) / "whole", process)
        start = time.monotonic()
        finish(process)
        seconds = time.monotonic() - start
        expected = final_state(Path(folder) / "whole")
        with tqdm(total=options.kills, desc="kills") as bar:
            while len(done) < options.kills:
                run = Path(folder) / "killed"
                process = train(options, run, *chosen)
                wait_for_config(run, process)
                time.sleep(moments.uniform(0, seconds))
                killed = process.poll() is None
                process.kill()
                process.communicate()
                # A training that ended before the kill does not count.
                if killed:
                    done.append(checkpointed_steps(run))
                    finish(train(options, run, "--resume"))
                    found = final_state(run)
                    identical += found.keys() == expected.keys() and all(
                        np.array_equal(found[name], expected[name]) for name in expected
                    )
                    bar.update()
                shutil.rmtree(run)
    machine = describe_environment()
    return {
        "kills": options.kills,
        "bit_identical": identical,
        "steps": options.steps,
        "checkpointed_steps_at_kill": done,
    } | {key: machine[key] for key in ("processor", "cores", "devices")}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(report(tyro.cli(Options))) + "\n")
