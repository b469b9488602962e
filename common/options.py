"""Options that the commands of all chapters share."""

from dataclasses import dataclass
from pathlib import Path

from common.config import ConfigType
from common.runs import RunDir


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
