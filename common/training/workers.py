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
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from common.config import RunConfig
from common.errors import PrintableFormatter, UserError
from common.files import UNFINISHED
from common.training.run_dir import RunDir

VARIABLE = "TF_CONFIG"
EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)
# Files of a resumed run that training does not read, so that a helper skips them.
_WRITTEN_ONLY = (
    *(f"{UNFINISHED}*", "samples", "tensorboard"),
    *("*.png", "*.gif", "log.txt"),
)


_TYPES = ("chief", "worker")
# "host:port": a name, an IPv4 address or, in brackets, an IPv6 address.
_ADDRESS = re.compile(r"(?:[\w.-]+|\[[0-9a-fA-F:.%\w]+\]):([0-9]{1,5})", re.ASCII)
_MAX_PORT = 65_535
# Length of the value in an error message, characters.
_MOST_SHOWN = 500


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
    fault, place = _parse(text)
    if fault:
        shown = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]} ..."
        raise UserError(
            f"{VARIABLE} must be like {EXAMPLE}; {fault}; found "
            f"{' '.join(shown.split())}"
        )
    return place


def _parse(text: str) -> tuple[str, Place | None]:
    """Return what is wrong with the value of TF_CONFIG or "", and the place in it."""
    try:
        description = json.loads(text)
    except ValueError as error:
        return f"it is not JSON ({error})", None
    except RecursionError:
        return "it is too deeply nested", None
    parts = description if isinstance(description, dict) else {}
    cluster, task = parts.get("cluster"), parts.get("task")
    if not isinstance(cluster, dict) or not isinstance(task, dict):
        return "expected the objects cluster and task", None
    if not cluster or set(cluster) - set(_TYPES):
        return f"its cluster may list only {' and '.join(_TYPES)}", None
    workers = []
    for kind in (kind for kind in _TYPES if kind in cluster):
        if not isinstance(cluster[kind], list) or not cluster[kind]:
            return f"the cluster's {kind} must be a list of addresses", None
        workers += [(kind, i) for i in range(len(cluster[kind]))]
    if len(cluster.get("chief", [None])) != 1:
        return "its cluster may have only one chief", None
    addresses = [address for listed in cluster.values() for address in listed]
    for address in addresses:
        if not isinstance(address, str) or not _is_address(address):
            return f'expected an address "host:port", found {address!r:.100}', None
    twice = [one for one in addresses if addresses.count(one) > 1]
    if twice:
        return f"the address {twice[0]:.100} is there twice", None
    kind, index = task.get("type"), task.get("index")
    # true is an int in Python.
    if type(index) is not int:
        return f"expected a whole number as index, found {index!r:.100}", None
    if (kind, index) not in workers:
        return f"its cluster has no {kind!r:.100} with the index {index}", None
    return "", Place(workers.index((kind, index)), len(workers))


def _is_address(text: str) -> bool:
    """Return whether a text is an address "host:port" or "[IPv6]:port"."""
    match = _ADDRESS.fullmatch(text)
    return bool(match) and 1 <= int(match[1]) <= _MAX_PORT


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
