"""Options that the commands of all chapters share."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from common.config import ConfigType
from common.training.run_dir import RunDir


@dataclass(frozen=True)
class RunOptions:
    """Options of all commands that read a run."""

    run_dir: Path | None = None
    """Folder of the run; by default the latest."""

    def open(self, chapter: str, config: type[ConfigType]) -> tuple[RunDir, ConfigType]:
        """Return the run and its configuration.

        Args:
            chapter: whose run.
            config: that chapter's class of configurations.

        Raises:
            UserError: there is no such run.
        """
        run = RunDir.find(chapter, self.run_dir)
        return run, run.read_config(config)


@dataclass(frozen=True)
class DataOptions(RunOptions):
    """Options of all commands that read a run and real data."""

    data: Path | None = None
    """The data set; by default the one that the run was trained on."""

    def open(self, chapter: str, config: type[ConfigType]) -> tuple[RunDir, ConfigType]:
        """Return the run and its configuration, with the data that are asked for."""
        run, known = super().open(chapter, config)
        if self.data is not None:
            known = dataclasses.replace(known, data=self.data)
        return run, known


@dataclass(frozen=True)
class GenerateOptions(RunOptions):
    """Options of all commands that write what a generator makes of random latents."""

    count: int = 64
    """How many."""

    seed: int = 1
    """Same seed, same results."""

    out: Path | None = None
    """Folder to write to; by default `generated` in the run's folder."""

    def folder(self, run: RunDir) -> Path:
        """Return the folder to write to."""
        return self.out or run.path / "generated"


@dataclass(frozen=True)
class InterpolateOptions(RunOptions):
    """Draw walks between pairs of latents."""

    rows: int = 6
    """Pairs."""

    steps: int = 10
    """Results in each walk."""

    seed: int = 1
    """Of the pairs."""
