"""The options of `tune`, in a module that is quick to import."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Algorithm = Literal["tpe", "random"]


@dataclass(frozen=True)
class TuneOptions:
    """Search for better options by many short trainings, scored on validation items."""

    preset: str | None = None
    """Preset to start from, which is also the first trial; by default the first one."""

    config: Path | None = None
    """JSON file with options that override the preset's."""

    run_dir: Path | None = None
    """Folder of the search; by default runs/CHAPTER/tune_TIME."""

    resume: bool = False
    """Continue the latest search, or the one in --run-dir."""

    trials: int | None = None
    """Number of trials, the preset's included; by default 12. May be raised later."""

    steps: int | None = None
    """Training steps of each trial."""

    minutes: float | None = None
    """Minutes of training of each trial, not counting its scoring; by default 1."""

    algorithm: Algorithm | None = None
    """tpe (default): try options like those of the best trials [Bergstra et al. 2011].
    random: try options at random [Bergstra and Bengio 2012]."""

    seed: int | None = None
    """Seed of the suggested options; by default 0. Same seed, same search."""

    space: Path | None = None
    """JSON file with the search space; by default the chapter's own."""

    data: Path | None = None
    """The real data set; see train --help."""

    parallel: str | None = None
    """spark:N runs N trials at a time on Apache Spark; by default one at a time."""

    confirm: int = 0
    """At the end, train the best trial and the preset again with this many other seeds,
    because the best of many trials is partly lucky. best.json then gets the options of
    the one that is better on average."""

    median_rule: bool = True
    """Stop a trial at a quarter, half or three quarters of its budget if its loss is
    above the median of the trials before it [Golovin et al. 2017]."""
