"""The toys of the study: smallNORB, pictures of turning objects, or the stand-in."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.files import default_cache_dir
from study_norb.config import Config
from study_norb.data_sets import small_norb, turning_objects
from study_norb.data_sets.picture_cache import open_pictures
from study_norb.data_sets.records import Records
from study_norb.data_sets.small_norb import PREFIXES, Split
from synthetic_data.toys.write import write_small_norb

# Increase this when the procedural toys change. It is part of the name of the cached
# folder; an existing folder is never written again.
STAND_IN_VERSION = 1
# Classes that an error message names.
_NAMED = 10
# Pictures whose brightness is measured at once.
_CHUNK = 1024
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Toys:
    """The pictures of one split and what is known about them.

    Attributes:
        images: uint8 (N, S, S, C), grey, in memory or mapped from the disk; C is 1, or
            2 (left, right) for pairs.
        classes: int32 (N,), index into `class_names`.
        instances: int32 (N,), number of the toy within its class.
        azimuths: float32 (N,), degrees, in [0, 360).
        elevations: float32 (N,), degrees.
        lightings: int32 (N,), 0 to 5.
        class_names: names of the classes.
    """

    images: np.ndarray
    classes: np.ndarray
    instances: np.ndarray
    azimuths: np.ndarray
    elevations: np.ndarray
    lightings: np.ndarray
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.classes)


def load_split(config: Config, split: str) -> Toys:
    """Return the pictures of one split; they are resized only on the first use.

    smallNORB's splits are its files, which show different toys. Of other turning
    objects, every sixth angle is held out.

    Args:
        config: options of the run; uses data, size, cameras, classes, cache_mb.
        split: "train" or "test".

    Returns:
        The pictures. With cameras="both" the two pictures of a pair are neighbours,
        left before right, with equal labels.

    Raises:
        UserError: the data are missing, damaged or of another kind, a class does not
            exist, or the objects were seen by one camera only.
    """
    return _open(config, _records(config, split))


def validation_order(count: int) -> np.ndarray:
    """Return the training items in the order in which every n-th is for validation.

    In smallNORB's files the five classes take turns, so every tenth item would be a
    car.

    Args:
        count: number of training items.

    Returns:
        int64 (count,), a fixed random order.
    """
    return np.random.default_rng(0).permutation(count)


def stand_in() -> Path:
    """Return the folder of the stand-in data set; create it on first use."""
    folder = default_cache_dir() / f"toys-{STAND_IN_VERSION}"
    _LOG.info("no --data given: using the procedural stand-in in %s", folder)
    make_data(folder)
    return folder


def make_data(out: Path, full: bool = False, seed: int = 0) -> None:
    """Draw procedural toys from all sides into the files of smallNORB.

    Args:
        out: new folder.
        full: whether to draw as many pictures as smallNORB has; otherwise fewer.
        seed: same seed, same toys.

    Raises:
        UserError: the folder holds something else, or cannot be written.
    """
    write_small_norb(out, seed=seed, full=full)


def describe(config: Config) -> str:
    """Return a Markdown table of the pictures of each class, and notes on the files.

    Args:
        config: uses data, size, cameras, classes, cache_mb.

    Raises:
        UserError: as `load_split`.
    """
    lines = [
        "| split | class | pictures | instances | azimuths | elevations | lightings "
        "| mean brightness |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for split in PREFIXES:
        toys = load_split(config, split)
        brightness = _brightness(toys.images)
        labels = (toys.instances, toys.azimuths, toys.elevations, toys.lightings)
        for number, name in enumerate(toys.class_names):
            members = toys.classes == number
            if members.any():
                counts = [str(len(np.unique(label[members]))) for label in labels]
                lines.append(
                    f"| {split} | {name} | {members.sum()} | {' | '.join(counts)} | "
                    f"{brightness[members].mean():.1f} |"
                )
    return "\n".join([*lines, "", *_notes(config)])


def _notes(config: Config) -> list[str]:
    """Return lines about the files and the splits of a data set, as a list."""
    if config.data is None:
        return ["- the procedural stand-in: drawn toys, no photos"]
    if small_norb.is_small_norb(config.data):
        return [f"- {line}" for line in small_norb.describe_files(config.data)]
    return [f"- test: every {turning_objects.EVERY}th angle of each object"]


def _records(config: Config, split: Split) -> Records:
    """Return the records of the wanted classes, before pictures are resized."""
    folder = stand_in() if config.data is None else config.data
    if small_norb.is_small_norb(folder):
        records = small_norb.load_records(folder, split)
    elif turning_objects.is_turning_objects(folder):
        if config.cameras != "left":
            raise UserError(
                f"--cameras {config.cameras}: expected left, because the objects in "
                f"{folder} were seen by one camera"
            )
        records = turning_objects.load_records(
            folder, split, config.size, config.cache_mb
        )
    else:
        raise UserError(
            f"{folder} has neither smallNORB's files (such as "
            f"{small_norb.file_name('train', 'dat')}) nor images named as COIL-100's "
            "(such as obj1__355.png); check the path"
        )
    return _of_classes(records, config.classes)


def _of_classes(records: Records, names: tuple[str, ...]) -> Records:
    """Return the records of some classes, numbered in the order of the names.

    Args:
        records: all records of a split.
        names: names of the classes; none for all.
    """
    if not names:
        return records
    known = records.class_names
    if len(set(names)) < len(names):
        raise UserError(f"--classes must be distinct, found {', '.join(names)}")
    unknown = [name for name in names if name not in known]
    if unknown:
        more = f", ... ({len(known)} in all)" if len(known) > _NAMED else ""
        raise UserError(
            f"--classes: unknown {', '.join(unknown)}; expected some of "
            f"{', '.join(known[:_NAMED])}{more}"
        )
    numbers = np.full(len(known), -1, np.int32)
    numbers[[known.index(name) for name in names]] = np.arange(len(names))
    chosen = np.flatnonzero(numbers[records.classes] >= 0)
    return replace(
        records,
        rows=records.rows[chosen],
        classes=numbers[records.classes[chosen]],
        instances=records.instances[chosen],
        azimuths=records.azimuths[chosen],
        elevations=records.elevations[chosen],
        lightings=records.lightings[chosen],
        class_names=names,
    )


def _open(config: Config, records: Records) -> Toys:
    """Open the pictures of records; with both cameras, labels are repeated."""
    if not len(records.rows):
        raise UserError(
            f"{records.folder}: no pictures of {', '.join(records.class_names)} in "
            "this split; choose other --classes"
        )
    images = open_pictures(records, config.cameras, config.size, config.cache_mb)
    repeats = len(images) // len(records.rows)
    return Toys(
        images=images,
        classes=np.repeat(records.classes, repeats),
        instances=np.repeat(records.instances, repeats),
        azimuths=np.repeat(records.azimuths, repeats),
        elevations=np.repeat(records.elevations, repeats),
        lightings=np.repeat(records.lightings, repeats),
        class_names=records.class_names,
    )


def _brightness(images: np.ndarray) -> np.ndarray:
    """Return the mean of each picture, float64 (N,), reading some at a time."""
    return np.concatenate(
        [
            images[start : start + _CHUNK].mean(axis=(1, 2, 3))
            for start in range(0, len(images), _CHUNK)
        ]
    )
