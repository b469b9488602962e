"""Options that the commands of all chapters share.

Names and defaults are those of the functions that the commands call.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunOptions:
    """Options of all commands that work on a run."""

    run_dir: Path | None = None
    """Folder of the run; by default the latest one."""


@dataclass(frozen=True)
class DataOptions(RunOptions):
    """Options of all commands that work on a run and on real data."""

    data: Path | None = None
    """Data set; by default the one that the run was trained on."""


@dataclass(frozen=True)
class TestOptions(DataOptions):
    """Score a run's generator against held-out data."""

    samples: int | None = None
    """Samples to generate; by default as many as are held out, at most 5,000."""

    seed: int = 1
    """Seed of the latents and of the data that are drawn at random."""


@dataclass(frozen=True)
class GenerateOptions(RunOptions):
    """Options of all commands that write what a generator makes from random latents."""

    count: int = 64
    """How many to make."""

    seed: int = 1
    """Same seed, same results."""

    out: Path | None = None
    """Folder to write to; by default `generated` in the run's folder."""


@dataclass(frozen=True)
class InterpolateOptions(RunOptions):
    """Draw walks between pairs of latents."""

    rows: int = 6
    """Pairs of latents."""

    steps: int = 10
    """Results in each walk."""

    seed: int = 1
    """Seed of the latents."""


@dataclass(frozen=True)
class DescribeOptions:
    """Options of `data describe`, which are options of `train`, too."""

    data: Path | None = None
    """Data set; without it, the stand-in."""


@dataclass(frozen=True)
class MakeOptions:
    """Options of all commands that write a procedural stand-in."""

    out: Path
    """New folder."""

    seed: int = 0
    """Same seed, same data."""
