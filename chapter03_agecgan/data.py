"""The faces of chapter 3: photos with ages and people, or the procedural stand-in."""

import dataclasses
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chapter03_agecgan.ages import AGE_CLASSES, age_class
from chapter03_agecgan.config import Config
from chapter03_agecgan.labels.listing import LABELS, Listing, Record, read_listing
from chapter03_agecgan.labels.rows import count_reasons
from chapter03_agecgan.learnt import count_ages
from common.data.classes import warn_of_few
from common.data.folders import split_of, warn_once
from common.data.splits import split_names
from common.errors import UserError
from common.files import default_cache_dir
from common.images.square_store import ImageStore
from synthetic_data.age_faces.write import write_wiki
from synthetic_data.drawing.folders import NOTE

# Raise this number when the procedural faces change. The cached folder of a version is
# not written again.
STAND_IN_VERSION = 1
STAND_IN_PEOPLE = 500
PARTS = ("train", "test")
# Every tenth person of the data set, and every fourth of a folder of people, is held
# out.
_HELD_OUT_EVERY = 10
_PEOPLE_HELD_OUT_EVERY = 4
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Faces:
    """The labelled photos of one split, sorted by name.

    Attributes:
        images: uint8 (N, S, S, 3), RGB.
        ages: years, int64 (N,), 0 to 100.
        persons: name of the person on each photo, or None if unknown.
        names: paths of the photos' files, relative to the data set's folder.
        folder: folder of the data set.
        dropped: reason -> number of photos of the data set left out for it.
    """

    images: np.ndarray
    ages: np.ndarray
    persons: tuple[str | None, ...]
    names: tuple[str, ...]
    folder: Path
    dropped: dict[str, int]

    @property
    def classes(self) -> np.ndarray:
        """Age class of each photo, int64 (N,): an index in AGE_CLASSES."""
        return age_class(self.ages)

    def subset(self, rows: np.ndarray) -> "Faces":
        """Return some of the photos.

        Args:
            rows: indices of the photos, int64 (n,).
        """
        return dataclasses.replace(
            self,
            images=self.images[rows],
            ages=self.ages[rows],
            persons=tuple(self.persons[row] for row in rows),
            names=tuple(self.names[row] for row in rows),
        )


@dataclass(frozen=True)
class People:
    """Photos of known persons of any age.

    Attributes:
        images: uint8 (N, S, S, 3), RGB.
        persons: name of the person on each photo.
    """

    images: np.ndarray
    persons: tuple[str, ...]


@dataclass(frozen=True)
class _Labelled:
    """The photos of a data set that have both an image and a record.

    Attributes:
        store: all images of the folder.
        rows: index of each photo in the store, int64 (N,), ascending.
        records: records of the N photos, in the same order.
        listing: listing that the records come from.
        dropped: reason -> number of rows left out for it.
        parts: split -> indices of its photos, int64, ascending, 0 to N - 1.
    """

    store: ImageStore
    rows: np.ndarray
    records: tuple[Record, ...]
    listing: Listing
    dropped: dict[str, int]
    parts: dict[str, np.ndarray]


def load_split(config: Config, part: str) -> Faces:
    """Return the photos of one split; see `divide`.

    On the first use, all images of the folder are decoded into a cache. The photos of
    the split are copied into memory, even if they need more than cache_mb. If they are
    consecutive when sorted by name, they are a view of the cache instead.

    Args:
        config: uses data, size, cache_mb.
        part: "train" or "test".

    Raises:
        UserError: the data are missing, damaged or of no known kind; none of the
            listed images exists; or too few are left to train and test on.
    """
    labelled = _read(config)
    chosen = labelled.parts[part]
    photos = labelled.store.subset(labelled.rows[chosen])
    records = [labelled.records[i] for i in chosen]
    return Faces(
        images=photos.images,
        ages=np.array([r.age for r in records], np.int64),
        persons=tuple(r.person for r in records),
        names=photos.names,
        folder=labelled.listing.folder,
        dropped=labelled.dropped,
    )


def load_people(folder: Path, size: int, part: str) -> People:
    """Return one split of a folder that has one subfolder for each person.

    Every fourth person with two photos or more, sorted by name, is held out. Fewer
    people would make too few pairs for verification. Folders such as Train and Test
    around those of the persons are passed through: a person may have photos in both,
    and must not be in both splits.

    Args:
        folder: folder whose subfolders are named after the persons; images beside the
            subfolders are ignored.
        size: edge of the images, pixels; the central square of each photo is used.
        part: "train" or "test".

    Raises:
        UserError: there are fewer than four persons with two photos each.
    """
    store = ImageStore.open(folder, size)
    rows = [i for i, name in enumerate(store.names) if "/" in name]
    persons = [_person_of_folder(store.names[i]) for i in rows]
    known = sorted(name for name, count in Counter(persons).items() if count >= 2)
    if len(known) < _PEOPLE_HELD_OUT_EVERY:
        raise UserError(
            f"{folder}: expected a folder for each person, {_PEOPLE_HELD_OUT_EVERY} or "
            f"more of them with two photos each, found {len(known)} such; add some"
        )
    held_out = set(known[_PEOPLE_HELD_OUT_EVERY - 1 :: _PEOPLE_HELD_OUT_EVERY])
    chosen = [
        row
        for row, person in zip(rows, persons, strict=True)
        if (person in held_out) == (part == "test")
    ]
    photos = store.subset(chosen)
    return People(photos.images, tuple(map(_person_of_folder, photos.names)))


def stand_in(config: Config) -> Path:
    """Return the folder of the stand-in; write it on the first use."""
    name = f"age-faces-{STAND_IN_VERSION}-{STAND_IN_PEOPLE}"
    folder = default_cache_dir() / name
    logger.info("no --data given: using the procedural stand-in in %s", folder)
    write_wiki(folder, people=STAND_IN_PEOPLE, photos=6, seed=0, size=128)
    return folder


def make_data(
    out: Path, people: int = 500, photos: int = 6, size: int = 128, seed: int = 0
) -> None:
    """Draw procedural faces that age, in the files of IMDB-WIKI.

    Args:
        out: new folder.
        people: how many persons.
        photos: photos of each; with six, each shows another age class.
        size: edge in pixels.
        seed: same seed, same faces.

    Raises:
        UserError: the folder holds something else, or cannot be written.
    """
    write_wiki(out, people, photos, seed, size)


def describe(config: Config) -> str:
    """Return a Markdown summary of both splits, and of the photos left out."""
    labelled = _read(config)
    header = ["split", "photos", "people", *AGE_CLASSES]
    lines = [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    for part in PARTS:
        records = [labelled.records[i] for i in labelled.parts[part]]
        counts = count_ages(age_class(np.array([r.age for r in records])))
        if part == "train":
            warn_of_few(labelled.listing.folder, counts, "photos")
        cells = [part, len(records), _count_people(records), *counts.values()]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    total = sum(map(len, labelled.parts.values())) + sum(labelled.dropped.values())
    source = labelled.listing.source
    lines += ["", f"Left out of the {total:,} photos of {source.name}:", ""]
    losses = [f"- {reason}: {n:,}" for reason, n in labelled.dropped.items()]
    lines += losses or ["- none"]
    return "\n".join(lines)


def divide(records: Sequence[Record], folder: Path) -> dict[str, np.ndarray]:
    """Divide photos into those for training and those held out.

    If folders on their paths are named train and test, in the usual spellings, these
    decide; a warning names a person who is in both. Otherwise no person is in both
    parts, see `split_by_person`.

    Args:
        records: N records, sorted by path.
        folder: folder of the data set, for the warning.

    Returns:
        Split -> indices of its photos, int64, ascending, 0 to N - 1.
    """
    paths = [record.path for record in records]
    by_person = split_by_person(records)
    if len(paths) < 2:  # too few, which `_check_enough` reports
        return by_person
    train, test = split_names(paths, hold_out=lambda _: by_person["test"])
    named = [{records[i].person for i in rows} - {None} for rows in (train, test)]
    if both := sorted(set.intersection(*named)):
        warn_once(
            f"{folder}: persons in both the training and the test folders: {len(both)}"
            f", for example {both[0]}; the scores flatter, because held-out photos are "
            "not of new people; move all photos of a person to one of them"
        )
    return {"train": train, "test": test}


def split_by_person(records: Sequence[Record]) -> dict[str, np.ndarray]:
    """Split photos so that no person is in both parts.

    The distinct persons are sorted. Those with the indices 9, 19, ... are held out; if
    there are fewer than ten persons, the last one is.

    Args:
        records: N records.

    Returns:
        Split -> indices of its photos, int64, ascending, 0 to N - 1.
    """
    persons = [_person_of(record) for record in records]
    known = sorted(set(persons))
    held_out = set(known[_HELD_OUT_EVERY - 1 :: _HELD_OUT_EVERY] or known[-1:])
    is_test = np.array([person in held_out for person in persons], bool)
    return {"train": np.flatnonzero(~is_test), "test": np.flatnonzero(is_test)}


def _read(config: Config) -> _Labelled:
    """Join the images of the data set to their records, by file name."""
    listing = read_listing(config.data or stand_in(config))
    store = ImageStore.open(
        listing.folder,
        config.size,
        known={*LABELS, listing.source.name, NOTE},
        memory_mb=config.cache_mb,
    )
    by_path = {record.path: record for record in listing.records}
    rows = [i for i, name in enumerate(store.names) if name in by_path]
    unreadable = sum(name in by_path for name in store.skipped)
    absent = len(by_path) - len(rows) - unreadable
    faults = {"file not found": absent, "unreadable image": unreadable}
    dropped = listing.dropped | {reason: n for reason, n in faults.items() if n}
    if not rows:
        raise UserError(
            f"none of the {len(by_path):,} paths in {listing.source.name} is an image "
            f"below {listing.folder} ({count_reasons(dropped)}); unpack the images "
            "there"
        )
    # Records are found by name, so that a missing or unreadable file cannot shift the
    # labels of the others.
    records = tuple(by_path[store.names[i]] for i in rows)
    parts = divide(records, listing.folder)
    if unused := len(records) - sum(map(len, parts.values())):
        dropped["outside the folders of training and test photos"] = unused
    _check_enough(listing.source, records, parts)
    return _Labelled(store, np.array(rows), records, listing, dropped, parts)


def _check_enough(
    source: Path, records: Sequence[Record], parts: dict[str, np.ndarray]
) -> None:
    """Raise a UserError if there are too few photos or classes to train and test."""
    train, test = (len(parts[part]) for part in PARTS)
    classes = set(age_class(np.array([records[i].age for i in parts["train"]])))
    if train < 2 or test < 1 or len(classes) < 2:
        raise UserError(
            f"{source}: expected at least 2 photos of 2 age classes to train on and 1 "
            f"of another person to test on, found {train} of {len(classes)} classes "
            f"and {test}; add photos"
        )


def _person_of_folder(path: str) -> str:
    """Return the person of a photo in a folder of people: its first folder.

    A folder that names a split is no person, unless it is the only one.
    """
    folders = path.split("/")[:-1]
    return next((name for name in folders if not split_of(f"{name}/")), folders[0])


def _person_of(record: Record) -> str:
    """Return the person of a photo; an unknown person is named by the photo's path."""
    return record.path if record.person is None else record.person


def _count_people(records: Sequence[Record]) -> int | str:
    """Return the number of people on photos, or "unknown" if no name is known."""
    if all(record.person is None for record in records):
        return "unknown"
    return len({_person_of(record) for record in records})
