"""The options of `tune`; nothing here takes time to import."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Algorithm = Literal["tpe", "random"]


@dataclass(frozen=True)
class TuneOptions:
    """Search for better options: many short trainings, each judged on unseen items."""

    preset: str | None = None
    """Options to begin with, and the first trial; by default the first preset."""

    config: Path | None = None
    """JSON file with options that win over the preset's."""

    run_dir: Path | None = None
    """The search's folder itself; by default runs/CHAPTER/tune_TIME."""

    resume: bool = False
    """Go on with the latest search, or the one in --run-dir."""

    trials: int | None = None
    """Trials in all, the preset's included; by default 12. May be raised later."""

    steps: int | None = None
    """Training steps of each trial."""

    minutes: float | None = None
    """Minutes of training of each trial, without those of judging; by default 1."""

    algorithm: Algorithm | None = None
    """tpe (default): tries what resembles the best trials [Bergstra et al. 2011].
    random: tries anything [Bergstra and Bengio 2012]."""

    seed: int | None = None
    """Of the suggestions; by default 0. Same seed, same search."""

    space: Path | None = None
    """JSON file with the search space; by default the chapter's own."""

    data: Path | None = None
    """The real data set; see train --help."""

    parallel: str | None = None
    """spark:N runs N trials at a time on Apache Spark; by default one by one."""

    confirm: int = 0
    """In the end train the best trial and the preset again with so many other seeds:
    the best of many owes something to luck. best.json is the better's on average."""

    median_rule: bool = True
    """Stop a trial early whose loss is above the median of those before it, at a
    quarter, half and three quarters of its budget [Golovin et al. 2017]."""
