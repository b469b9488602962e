"""Several processes (workers) that train together: which one writes the run's folder.

The environment variable TF_CONFIG lists the workers. TensorFlow reads it, and so does
this module, which needs no TensorFlow. The chief, the first worker, writes the run's
folder. The others, the helpers, train on their own parts of each batch and keep their
files in a temporary folder.
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
from common.errors import PrintableFormatter, UserError
from common.training.run_dir import RunDir

VARIABLE = "TF_CONFIG"
EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)
# Files of a resumed run that training does not read, so that a helper skips them.
_WRITTEN_ONLY = (".writing-*", "samples", "tensorboard", "*.png", "*.gif", "log.txt")


@dataclass(frozen=True)
class Place:
    """A process's place among the workers.

    Attributes:
        number: number of this worker, from 0; 0 is the chief.
        count: number of workers, including the chief.
    """

    number: int
    count: int

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run's folder."""
        return self.number == 0


def find_place(config: RunConfig) -> Place:
    """Return this process's place among the workers; a single process is the chief.

    Args:
        config: uses strategy.

    Raises:
        UserError: the strategy is multiworker, and TF_CONFIG is missing or wrong.
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
        description = json.loads(text)
        cluster, task = description["cluster"], description["task"]
        kinds = [kind for kind in ("chief", "worker") if kind in cluster]
        workers = [(kind, i) for kind in kinds for i in range(len(cluster[kind]))]
        if set(cluster) - set(kinds) or not all(map(_addresses, cluster.values())):
            raise ValueError("its cluster must list only addresses of workers")
        return Place(workers.index((task["type"], int(task["index"]))), len(workers))
    except (AttributeError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{VARIABLE} must be like {EXAMPLE}; found {text} ({error})"
        ) from error


def _addresses(listed: object) -> bool:
    """Return whether a value is a list of addresses "host:port"."""
    return isinstance(listed, list) and all(
        isinstance(address, str) and address.rpartition(":")[2].isdigit()
        for address in listed
    )


@contextlib.contextmanager
def helper_folder(place: Place, run: RunDir | None) -> Iterator[RunDir]:
    """Yield a temporary folder for a helper, which is removed at the end.

    The helper's messages begin with its number from then on.

    Args:
        place: place of the helper among the workers.
        run: folder of the run to resume, or None; the files that training reads are
            copied from it.
    """
    console = PrintableFormatter(f"worker {place.number}: %(message)s")
    for handler in logging.getLogger().handlers:
        handler.setFormatter(console)
    with tempfile.TemporaryDirectory(prefix="gan-helper-") as folder:
        path = Path(folder) / "run"
        if run is not None:
            ignore = shutil.ignore_patterns(*_WRITTEN_ONLY)
            shutil.copytree(run.path, path, ignore=ignore)
        yield RunDir(path)
