"""Checkpoints: save and restore the whole state of training.

A checkpoint appears under its name only when it is complete.
"""

import logging
from pathlib import Path

import numpy as np
from keras.ops import convert_to_numpy

from common.errors import TrainingError, UserError
from common.files import TORN, atomic_path
from common.training.step_files import find_step_files, step_file

# Two, so that training can continue from the older one if the newer one is damaged.
KEPT = 2
logger = logging.getLogger(__name__)
State = dict[str, list]


def save(folder: Path, step: int, state: State, is_chief: bool = True) -> Path:
    """Write all variables to folder/step_<number>.npz and remove older checkpoints.

    The newest two are kept.

    Args:
        folder: folder of the checkpoints.
        step: number of steps done.
        state: variables by owner, as returned by `AdversarialModel.state`.
        is_chief: whether this process writes the file. All workers must call this
            function: reading the sums of the logs adds them up over the workers.

    Returns:
        The path of the checkpoint.

    Raises:
        TrainingError: a variable is not finite; nothing is written.
        UserError: the disk is full; the earlier checkpoints are kept.
    """
    arrays = {}
    for owner, variables in state.items():
        for index, variable in enumerate(variables):
            value = convert_to_numpy(variable)
            if not np.all(np.isfinite(value)):
                raise TrainingError(
                    f"{owner} has values that are not finite after step {step}"
                )
            arrays[f"{owner}/{index:03d}"] = value
    path = step_file(folder, step, ".npz")
    if not is_chief:
        return path
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)
    for old in list(find_step_files(folder, ".npz").values())[:-KEPT]:
        old.unlink()
    return path


def restore(folder: Path, state: State) -> int | None:
    """Read the newest intact checkpoint into the variables of `state`.

    A damaged file is skipped with a warning, and the one before it is used.

    Args:
        folder: folder of the checkpoints.
        state: variables by owner, as returned by `AdversarialModel.state`.

    Returns:
        The number of steps done, or None if there is no checkpoint.

    Raises:
        UserError: the checkpoint does not fit the networks, so it is from
            another configuration; or there are checkpoints but all are damaged.
    """
    found = find_step_files(folder, ".npz")
    for step, path in reversed(found.items()):
        try:
            arrays = _read(path)
        except TORN as error:
            logger.warning("%s is damaged (%s); trying the one before", path, error)
            continue
        _assign(path, arrays, state)
        return step
    if found:
        raise UserError(f"all checkpoints in {folder} are damaged; begin a new run")
    return None


def _read(path: Path) -> dict[str, np.ndarray]:
    """Read all arrays, which also verifies their checksums."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _assign(path: Path, arrays: dict[str, np.ndarray], state: State) -> None:
    """Assign all arrays to their variables, or none if names or shapes differ."""
    wanted = {
        f"{owner}/{index:03d}": variable
        for owner, variables in state.items()
        for index, variable in enumerate(variables)
    }
    found = {name: array.shape for name, array in arrays.items()}
    expected = {name: tuple(variable.shape) for name, variable in wanted.items()}
    for name in sorted(set(found) | set(expected)):
        if found.get(name) != expected.get(name):
            raise UserError(
                f"{path} is from another configuration: {name} has shape "
                f"{found.get(name, 'none')}, expected {expected.get(name, 'none')}; "
                "resume with the options that the run began with"
            )
    for name, variable in wanted.items():
        variable.assign(arrays[name])
