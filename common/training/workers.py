"""Several processes that train together: who takes part, and who writes.

TensorFlow reads the environment variable TF_CONFIG to find the others; so does this
module, which needs no TensorFlow. The chief, the first of the workers, writes the
run's folder. The others, the helpers, compute the same and keep what they need in a
temporary folder.
"""

import contextlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from common.config import RunConfig
from common.errors import UserError
from common.training.run_dir import RunDir

VARIABLE = "TF_CONFIG"
EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)
# What a helper need not copy of a run that it resumes.
_WRITTEN_ONLY = (".writing-*", "samples", "tensorboard", "*.png", "*.gif", "log.txt")


@dataclass(frozen=True)
class Place:
    """A process's place among the workers.

    Attributes:
        number: from 0; 0 is the chief.
        count: of workers, the chief included.
    """

    number: int
    count: int

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run's folder."""
        return self.number == 0


def find_place(config: RunConfig) -> Place:
    """Return this process's place among the workers; alone, it is the chief.

    Raises:
        UserError: the strategy is multiworker, and TF_CONFIG does not say with whom.
    """
    if config.strategy != "multiworker":
        return Place(0, 1)
    text = os.environ.get(VARIABLE)
    if not text:
        raise UserError(
            f"--strategy multiworker needs the environment variable {VARIABLE}, for "
            f"example {EXAMPLE}"
        )
    try:
        told = json.loads(text)
        cluster, task = told["cluster"], told["task"]
        kinds = [kind for kind in ("chief", "worker") if kind in cluster]
        every = [(kind, i) for kind in kinds for i in range(len(cluster[kind]))]
        if set(cluster) - set(kinds) or not all(map(_addresses, cluster.values())):
            raise ValueError("its cluster must list the addresses of workers alone")
        return Place(every.index((task["type"], int(task["index"]))), len(every))
    except (AttributeError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{VARIABLE} must be like {EXAMPLE}; found {text} ({error})"
        ) from error


def _addresses(listed: object) -> bool:
    """Tell whether a value is a list of "host:port"."""
    return isinstance(listed, list) and all(
        isinstance(address, str) and address.rpartition(":")[2].isdigit()
        for address in listed
    )


@contextlib.contextmanager
def helper_folder(place: Place, run: RunDir | None) -> Iterator[RunDir]:
    """Yield a temporary folder for a helper, which is gone in the end.

    Args:
        place: of the helper.
        run: to resume, or None; what training needs of it is copied.
    """
    console = logging.Formatter(f"worker {place.number}: %(message)s")
    for handler in logging.getLogger().handlers:
        handler.setFormatter(console)
    with tempfile.TemporaryDirectory(prefix="gan-helper-") as folder:
        path = Path(folder) / "run"
        if run is not None:
            ignore = shutil.ignore_patterns(*_WRITTEN_ONLY)
            shutil.copytree(run.path, path, ignore=ignore)
        yield RunDir(path)
