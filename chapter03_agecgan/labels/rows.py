"""The rows of a data set: image, age and person, checked and counted."""

import posixpath
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

from chapter03_agecgan.ages import MAX_AGE, MIN_AGE
from common.errors import UserError


@dataclass(frozen=True)
class Record:
    """One labelled image.

    Attributes:
        path: path relative to the listing's folder, with "/" between folders.
        age: whole years, 0 to 100.
        person: name of the person, or None if unknown.
    """

    path: str
    age: int
    person: str | None


@dataclass(frozen=True)
class Listing:
    """The labelled images of a data set; none of them has been opened.

    Attributes:
        folder: folder that the paths are relative to.
        records: records in the order of the data set, each path once.
        dropped: reason -> number of rows left out for it.
        source: file of the labels, or the folder itself.
    """

    folder: Path
    records: tuple[Record, ...]
    dropped: dict[str, int]
    source: Path


class Row(NamedTuple):
    """One row of a data set, before the checks of `collect`.

    Attributes:
        path: path of the image, as written in the data set.
        age: years; of no meaning if there is a fault.
        person: name of the person, or None if unknown.
        fault: reason why the row cannot be used, or None.
    """

    path: str
    age: int
    person: str | None = None
    fault: str | None = None


def collect(folder: Path, source: Path, rows: Iterable[Row]) -> Listing:
    """Keep the rows that can be used, and count the others by reason.

    If several rows have the same path, the first one that can be used is kept.

    Args:
        folder: folder that the paths are relative to.
        source: file of the labels, or the folder itself.
        rows: rows of the data set.

    Returns:
        The listing, with at least one record.

    Raises:
        UserError: no row can be used.
    """
    records: dict[str, Record] = {}
    dropped: Counter[str] = Counter()
    for row in rows:
        path = _path_inside(row.path)
        fault = row.fault or _fault_of_age(row.age)
        if path is None:
            dropped["path outside the folder"] += 1
        elif fault:
            dropped[fault] += 1
        elif path in records:
            dropped["listed twice"] += 1
        else:
            records[path] = Record(path, row.age, row.person)
    if not records:
        raise UserError(
            f"{source}: expected images with ages, found none that can be used "
            f"({count_reasons(dropped) or 'no rows'}); check that it is complete, and "
            f"that its paths are below {folder} and relative to it"
        )
    return Listing(folder, tuple(records.values()), dict(dropped), source)


def count_reasons(dropped: dict[str, int]) -> str:
    """Return the reasons and their counts as a text."""
    return ", ".join(f"{reason}: {count}" for reason, count in dropped.items())


def _fault_of_age(age: int) -> str | None:
    """Return why an age cannot be used, or None if it can."""
    if age < MIN_AGE:
        return f"age below {MIN_AGE}"
    return f"age above {MAX_AGE}" if age > MAX_AGE else None


def _path_inside(path: str) -> str | None:
    """Return a path in its shortest form, or None if it leads out of the folder.

    Data sets are untrusted files: their paths must not open files elsewhere.
    """
    # An absolute path, or one with a drive; Windows paths may begin with "/", too.
    if PureWindowsPath(path).anchor:
        return None
    short = posixpath.normpath(path.replace("\\", "/"))
    return None if short.split("/")[0] in (".", "..") else short
