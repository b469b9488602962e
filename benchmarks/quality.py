"""Compare the presets `quick` and `book` (`paper` in studies) after equal minutes.

    python -m benchmarks.quality chapter02_3dgan --data DIR --minutes 9 --out DIR

Both are trained on the same data with the same seed until the time is over; then the
chapter's own `test` scores both. The last line of the output is one JSON object.
"""

import dataclasses
import importlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from benchmarks.chapters import chapter_names
from common.config import RunConfig
from common.metrics.report import table
from common.training.environment import describe_environment
from common.training.run_dir import RunDir

UNLIMITED = 10**9
# Options that a chapter needs to train without files that the user must provide.
OTHERWISE = {"chapter03_agecgan": {"recognition": "local"}}


# Chapter 5's `test` compares with filters, not with training data and a preset `book`.
CHAPTERS = tuple(name for name in chapter_names() if name != "chapter05_srgan")


@dataclass(frozen=True)
class Options:
    """Train two presets for the same minutes and score both."""

    chapter: tyro.conf.Positional[Literal[CHAPTERS]]
    """Name of the chapter."""

    out: Path
    """New folder for the runs."""

    data: Path | None = None
    """Folder of the real data; by default the stand-in is used."""

    minutes: float = 9.0
    """Minutes of training of each preset."""

    seed: int = 0
    """Seed of both runs."""


def recipes(options: Options) -> dict[str, RunConfig]:
    """Return the configurations to compare, by preset."""
    presets = importlib.import_module(f"{options.chapter}.config").PRESETS
    # A study has no book.
    other = "book" if "book" in presets else "paper"
    return {
        name: dataclasses.replace(
            config,
            data=options.data,
            seed=options.seed,
            steps=UNLIMITED,
            max_minutes=options.minutes,
            **OTHERWISE.get(options.chapter, {}),
        )
        for name, config in presets.items()
        if name in ("quick", other)
    }


def report(options: Options) -> dict:
    """Train and score both presets; return the JSON object."""
    chapter = importlib.import_module(options.chapter)
    results = {"minutes": options.minutes, "seed": options.seed}
    columns = {}
    for name, config in recipes(options).items():
        run = RunDir.create(options.chapter, name, options.out / name)
        metrics = chapter.test(chapter.train(config, run), config)
        columns[name] = {
            key: value
            for key, value in metrics.items()
            if not key.startswith("baseline_")
        }
        results |= {f"{name}_{key}": value for key, value in columns[name].items()}
    columns["training data"] = {
        key.removeprefix("baseline_train_"): value
        for key, value in metrics.items()
        if key.startswith("baseline_train_")
    }
    sys.stdout.write(table(f"after {options.minutes:g} minutes each", columns) + "\n")
    machine = describe_environment()
    return results | {key: machine[key] for key in ("processor", "cores", "devices")}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(report(tyro.cli(Options))) + "\n")
