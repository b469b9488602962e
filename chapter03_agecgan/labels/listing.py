"""The labels of face data sets of three kinds.

The kinds are IMDB-WIKI (wiki.mat or imdb.mat), a table labels.csv, and image files
named as in UTKFace (Zhang, Song and Qi 2017, arXiv:1702.08423).
"""

import csv
import math
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from chapter03_agecgan.labels import imdb_wiki
from chapter03_agecgan.labels.rows import Listing, Record, Row, collect
from common.errors import UserError
from common.files import check_file
from common.images.reading import find_images

__all__ = ["Listing", "Record", "read_listing"]

TABLE = "labels.csv"
# Files of labels that a folder is searched for.
LABELS = (*imdb_wiki.NAMES, TABLE)
MAX_TABLE_BYTES = 2**28
# UTKFace's names: age, gender (0 or 1), race (0 to 4), date and time of collection.
_UTKFACE = re.compile(r"(\d{1,3})_[01]_[0-4]_\d+", re.ASCII)


def read_listing(data: Path) -> Listing:
    """Read the age, and if known the person, of each image of a data set.

    Args:
        data: a .mat file with the struct wiki or imdb; a .csv file with the columns
            path, age and optionally person, whose paths are relative to the file's
            folder; a folder with wiki.mat, imdb.mat or labels.csv in it; or a folder of
            images named age_gender_race_date, at any depth.

    Returns:
        The listing. No image has been opened, and some may be missing.

    Raises:
        UserError: the data are missing, damaged, or of none of these kinds.
    """
    suffix = data.suffix.lower()
    if data.is_dir():
        source = _labels_in(data)
        return read_listing(source) if source else _read_names(data)
    if suffix == ".mat":
        return collect(data.parent, data, imdb_wiki.read_wiki(data))
    if suffix == ".csv":
        return collect(data.parent, data, _read_table(data))
    if data.exists():
        raise UserError(
            f"{data}: expected a folder of faces, a .mat or a .csv file, found another "
            "file; give the folder that contains it"
        )
    raise UserError(f"no such directory: {data}; check the path")


def _labels_in(folder: Path) -> Path | None:
    """Return the file of labels in a folder, or None if there is none."""
    found = [folder / name for name in LABELS if (folder / name).is_file()]
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise UserError(
            f"{folder}: expected one of {', '.join(LABELS)}, found {names}; give the "
            "path of one of them"
        )
    return found[0] if found else None


def _read_names(folder: Path) -> Listing:
    """Return the listing of a folder of images whose names contain the ages."""
    names = [path.relative_to(folder).as_posix() for path in find_images(folder)]
    matches = [_UTKFACE.match(PurePosixPath(name).name) for name in names]
    if not any(matches):
        raise UserError(
            f"{folder}: expected {', '.join(LABELS)} or images named "
            f"age_gender_race_date, such as 25_0_1_20170109.jpg; found {len(names)} "
            f"images of other names, the first is {names[0]}"
        )
    fault = "name is not age_gender_race_date"
    rows = (
        Row(name, int(match[1])) if match else Row(name, 0, fault=fault)
        for name, match in zip(names, matches, strict=True)
    )
    return collect(folder, folder, rows)


def _read_table(path: Path) -> Iterator[Row]:
    """Yield the rows of a .csv file."""
    check_file(path, MAX_TABLE_BYTES)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            table.fieldnames = [f.strip().lower() for f in table.fieldnames or ()]
            _check_header(path, table.fieldnames)
            for cells in table:
                yield _row(cells)
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror}); check its permissions"
        ) from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise UserError(
            f"{path}: expected a table in UTF-8 with commas, found something else "
            f"({error}); save it as CSV UTF-8"
        ) from error


def _check_header(path: Path, header: list[str]) -> None:
    """Raise a UserError if a table does not have one column path and one age."""
    for column in ("path", "age"):
        if header.count(column) != 1:
            raise UserError(
                f"{path}: expected one column {column} in the first line, for example "
                f"path,age,person, found {','.join(header)[:100] or 'nothing'}; add "
                "the line, and separate its columns with commas"
            )


def _row(cells: dict[str, str | None]) -> Row:
    """Return one row of a table; a fractional age is rounded down."""
    path = (cells["path"] or "").strip()
    person = (cells.get("person") or "").strip() or None
    try:
        age = math.floor(float(cells["age"] or ""))
    except (ValueError, OverflowError):  # not a number, NaN or infinity
        return Row(path, 0, person, "no age")
    return Row(path, age, person)
