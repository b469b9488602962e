"""Which picture shows which age: the rows of a data set, checked and counted."""

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
    """One labelled picture.

    Attributes:
        path: below the listing's folder, with "/" in it.
        age: whole years, 0 to 100.
        person: who it shows, or None where nobody says.
    """

    path: str
    age: int
    person: str | None


@dataclass(frozen=True)
class Listing:
    """The labelled pictures of a data set; none of them has been opened.

    Attributes:
        folder: what the paths are below.
        records: in the data set's order, each path once.
        dropped: reason -> how many rows were left out for it.
        source: the file that lists the pictures, or the folder itself.
    """

    folder: Path
    records: tuple[Record, ...]
    dropped: dict[str, int]
    source: Path


class Row(NamedTuple):
    """One row as its data set has it.

    Attributes:
        path: as written.
        age: years; any number where there is a fault.
        person: who it shows, or None.
        fault: why the row cannot be used, or None.
    """

    path: str
    age: int
    person: str | None = None
    fault: str | None = None


def collect(folder: Path, source: Path, rows: Iterable[Row]) -> Listing:
    """Keep the rows that can be used; count the others by what is wrong.

    Of rows with one path the first that can be used counts.

    Args:
        folder: what the paths are below.
        source: the file that lists the pictures, or the folder itself.
        rows: of the data set.

    Returns:
        The listing, of at least one record.

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
            f"{source}: expected pictures with ages, found none that can be used "
            f"({count_reasons(dropped) or 'no rows'}); check that it is whole"
        )
    return Listing(folder, tuple(records.values()), dict(dropped), source)


def count_reasons(dropped: dict[str, int]) -> str:
    """Return what was dropped as words: the reasons, each with its count."""
    return ", ".join(f"{reason}: {count}" for reason, count in dropped.items())


def _fault_of_age(age: int) -> str | None:
    """Return what is wrong with an age, if anything."""
    if age < MIN_AGE:
        return f"age below {MIN_AGE}"
    return f"age above {MAX_AGE}" if age > MAX_AGE else None


def _path_inside(path: str) -> str | None:
    """Return a path in its shortest form, or None where it leaves the folder."""
    if PureWindowsPath(path).anchor:  # also what begins with "/"
        return None
    short = posixpath.normpath(path.replace("\\", "/"))
    return None if short.split("/")[0] in (".", "..") else short
