"""Options that the commands of all chapters share.

They have the same names and defaults as the parameters of the functions that the
commands call.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunOptions:
    """Options of all commands that work on a run."""

    run_dir: Path | None = None
    """Folder of the run; by default the chapter's newest run below runs/."""


@dataclass(frozen=True)
class DataOptions(RunOptions):
    """Options of all commands that work on a run and on real data."""

    data: Path | None = None
    """Data set, a folder or a file; by default the one that the run was
    trained on."""


@dataclass(frozen=True)
class TestOptions(DataOptions):
    """Score a run's generator on the held-out test split."""

    samples: int | None = None
    """Number of samples to generate; by default the size of the test split,
    at most 5,000."""

    seed: int = 1
    """Seed of the latents and of the random choice of data."""


@dataclass(frozen=True)
class GenerateOptions(RunOptions):
    """Options of all commands that generate samples from random latents."""

    count: int = 64
    """Number of samples to generate."""

    seed: int = 1
    """Seed of the latents; the same seed gives the same samples."""

    out: Path | None = None
    """Folder to write to; by default `generated` in the run's folder."""


@dataclass(frozen=True)
class InterpolateOptions(RunOptions):
    """Draw samples on walks between pairs of latents."""

    rows: int = 6
    """Number of pairs of latents; each gives one row of the picture."""

    steps: int = 10
    """Number of samples in each walk, including both ends."""

    seed: int = 1
    """Seed of the latents; the same seed gives the same walks."""


@dataclass(frozen=True)
class DescribeOptions:
    """Options of `data describe`; all of them are also options of `train`."""

    data: Path | None = None
    """Data set, a folder or a file; by default the chapter's procedural
    stand-in."""


@dataclass(frozen=True)
class MakeOptions:
    """Options of all commands that write a procedural stand-in for the real data."""

    out: Path
    """Folder to create and write to."""

    seed: int = 0
    """Seed of the data; the same seed gives the same data."""
