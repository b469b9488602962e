"""Which ages a run has learnt: those that its training photos show."""

from collections.abc import Iterable, Mapping

import numpy as np

from chapter03_agecgan.ages import AGE_CLASSES, ALL, ALL_AGES, parse_class
from common.errors import UserError
from common.files import read_note, write_note
from common.training.run_dir import RunDir

# File in the run's folder: number of training photos of each age class. Earlier
# versions did not write it.
COUNTS = "ages.json"


def count_ages(classes: np.ndarray) -> dict[str, int]:
    """Return the number of photos of each age class, by its name, in their order.

    Args:
        classes: age class of each photo, int (N,), 0 to 5.
    """
    counts = np.bincount(classes, minlength=len(AGE_CLASSES))
    return dict(zip(AGE_CLASSES, counts.tolist(), strict=True))


def note_counts(run: RunDir, counts: Mapping[str, int]) -> None:
    """Write the number of training photos of each age class into the run's folder."""
    write_note(run.path / COUNTS, dict(counts))


def read_counts(run: RunDir) -> dict[str, int] | None:
    """Return the number of training photos of each age class by its name.

    Args:
        run: folder of the run.

    Returns:
        The numbers, of which at least one is above 0; None for a run of an earlier
        version, which did not note them.

    Raises:
        UserError: the file is damaged.
    """
    path = run.path / COUNTS
    if not path.exists():
        return None
    counts = read_note(path)
    if (
        not isinstance(counts, dict)
        or tuple(counts) != AGE_CLASSES
        or not all(type(count) is int and count >= 0 for count in counts.values())
        or not any(counts.values())
    ):
        raise UserError(
            f"{path}: expected the number of training photos of each age class, from "
            f"{AGE_CLASSES[0]} to {AGE_CLASSES[-1]}, found {str(counts)[:100]}; "
            "restore the file, or train again"
        )
    return counts


def learnt_ages(run: RunDir) -> np.ndarray:
    """Return the age classes that a run has learnt, all if it has not noted them.

    Args:
        run: folder of the run.

    Returns:
        int64 (K,), ascending, 1 <= K <= 6.

    Raises:
        UserError: the file with the numbers is damaged.
    """
    counts = read_counts(run)
    return ALL if counts is None else np.flatnonzero(list(counts.values()))


def chosen_ages(run: RunDir, text: str, option: str) -> np.ndarray:
    """Return the age classes that a user asks a run for.

    Args:
        run: folder of the run.
        text: name of a class, or "all" for all that the run has learnt.
        option: where the text is from, for the message, for example "--to".

    Returns:
        int64 (1,), or (K,) for all, ascending.

    Raises:
        UserError: there is no such class, or the run has not learnt it.
    """
    learnt = learnt_ages(run)
    if text == ALL_AGES:
        return learnt
    wanted = parse_class(text, option, also=(ALL_AGES,))
    require_learnt(wanted, learnt, f"{option} {text}")
    return np.array([wanted])


def require_learnt(
    wanted: int, learnt: np.ndarray, asked: str, advice: str = "choose one of them"
) -> None:
    """Raise a UserError if an age class is not among those learnt.

    Args:
        wanted: the class, 0 to 5.
        learnt: classes that the run has learnt, int (K,).
        asked: what the user gave, for the message, for example "--to 60+".
        advice: what to do instead, for the message.
    """
    if wanted not in learnt:
        raise UserError(
            f"{asked}: this run has seen no photo of the ages {AGE_CLASSES[wanted]}; "
            f"it has learnt {', '.join(list_ages(learnt))}; {advice}, or train on "
            "photos of the others"
        )


def list_ages(classes: Iterable[int]) -> list[str]:
    """Return the names of age classes."""
    return [AGE_CLASSES[number] for number in classes]
