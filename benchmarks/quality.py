"""Quality of the preset `quick` against the book's recipe after the same minutes.

    python -m benchmarks.quality chapter02_3dgan --data DIR --minutes 9 --out DIR

Both are trained on the same data with the same seed and end by the clock; then the
chapter's own `test` judges both. The last line is one JSON object.
"""

import dataclasses
import importlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from common.config import RunConfig
from common.metrics.report import table
from common.training.run_dir import RunDir, describe_environment

UNLIMITED = 10**9
# What no recipe can do without files from elsewhere.
OTHERWISE = {"chapter03_agecgan": {"recognition": "local"}}


@dataclass(frozen=True)
class Options:
    """Train two recipes for the same minutes and judge both."""

    chapter: tyro.conf.Positional[
        Literal[
            "chapter01_gan",
            "chapter02_3dgan",
            "chapter03_agecgan",
            "chapter04_dcgan",
        ]
    ]
    """Which chapter."""

    out: Path
    """New folder for the runs."""

    data: Path | None = None
    """Real data; without it the stand-in."""

    minutes: float = 9.0
    """Of training, for each recipe."""

    seed: int = 0
    """Of both runs."""


def recipes(options: Options) -> dict[str, RunConfig]:
    """Return what is compared."""
    presets = importlib.import_module(f"{options.chapter}.config").PRESETS
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
        if name in ("quick", "book")
    }


def report(options: Options) -> dict:
    """Train, judge, and return the JSON object."""
    chapter = importlib.import_module(options.chapter)
    results, columns = {"minutes": options.minutes, "seed": options.seed}, {}
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
