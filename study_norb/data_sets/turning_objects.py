"""Pictures of turning objects with the names of COIL-100: obj<number>__<angle>.png.

Each object is a class of its own with a single instance, so views are held out instead
of instances: every sixth angle of each object.

Reference: Nene, Nayar & Murase, "Columbia object image library (COIL-100)", 1996.
"""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from common.data.folders import find_files, warn_once
from common.errors import UserError
from common.images.formats import SUFFIXES
from common.images.square_store import ImageStore
from study_norb.data_sets.records import Records
from study_norb.data_sets.small_norb import Split

EVERY = 6  # every n-th angle of an object is held out
_NAME = re.compile(r"obj(\d{1,9})__?(\d{1,9}(?:\.\d{1,9})?)", re.IGNORECASE)
# COIL-20 numbers the views of an object, one every 5 degrees, instead of naming angles.
_COIL_20 = list(range(72))


def is_turning_objects(folder: Path) -> bool:
    """Return whether images with such names are in a folder or below it.

    Args:
        folder: folder to search.

    Raises:
        UserError: the folder is missing or cannot be read.
    """
    return any(_NAME.fullmatch(path.stem) for path in _images(folder))


def load_records(folder: Path, split: Split, size: int, memory_mb: float) -> Records:
    """Open the pictures of a split and read their labels from the names.

    Pictures are cut to squares of the run's size and decoded once, to a cache. Images
    with other names are left out, with a warning.

    Args:
        folder: folder that contains the pictures, at any depth.
        split: "train", or "test" for every sixth angle of each object.
        size: edge of the squares, pixels.
        memory_mb: largest total size in MB that is read into memory.

    Returns:
        The records, sorted by object and angle, with RGB pictures of one camera.
        Elevations, lightings and instances are 0.

    Raises:
        UserError: the folder or its pictures cannot be read, an angle occurs twice or
            is not below 360 degrees, or an object has too few angles.
    """
    store = ImageStore.open(folder, size, memory_mb=memory_mb)
    objects, angles, rows = _named(folder, store.names)
    order = np.lexsort((angles, objects))
    objects, angles, rows = objects[order], angles[order], rows[order]
    _check_angles(folder, objects, angles, [store.names[row] for row in rows])
    numbers, classes = np.unique(objects, return_inverse=True)
    held_out = _places(objects) % EVERY == EVERY - 1
    chosen = np.flatnonzero(held_out == (split == "test"))
    none = np.zeros(len(chosen), np.int32)
    return Records(
        pictures=store.images[:, None],
        rows=rows[chosen],
        classes=classes[chosen].astype(np.int32),
        instances=none,
        azimuths=angles[chosen].astype(np.float32),
        elevations=none.astype(np.float32),
        lightings=none,
        class_names=tuple(f"obj{number}" for number in numbers),
        folder=Path(folder),
        files=store.names,
    )


def _images(folder: Path) -> list[Path]:
    return find_files(folder, SUFFIXES, "images")


def _named(
    folder: Path, names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return objects, angles and rows of the images whose names tell them."""
    found, others = [], []
    for row, name in enumerate(names):
        match = _NAME.fullmatch(PurePosixPath(name).stem)
        if match:
            found.append((int(match[1]), float(match[2]), row))
        else:
            others.append(name)
    if others:
        warn_once(
            f"{folder}: {len(others)} of {len(names)} images are left out, because "
            f"their names are not obj<number>__<angle> ({others[0]}, for example)"
        )
    if not found:
        raise UserError(
            f"{folder}: no usable image is named obj<number>__<angle>, such as "
            "obj1__355.png; rename the images"
        )
    objects, angles, rows = zip(*found, strict=True)
    objects, angles = np.array(objects), np.array(angles)
    if all(
        np.array_equal(np.sort(angles[objects == number]), _COIL_20)
        for number in np.unique(objects)
    ):
        angles *= 360 / len(_COIL_20)
    return objects, angles, np.array(rows)


def _check_angles(
    folder: Path, objects: np.ndarray, angles: np.ndarray, names: Sequence[str]
) -> None:
    """Check sorted angles: distinct, below 360 degrees, and enough of each object."""
    beyond = np.flatnonzero(angles >= 360)
    if len(beyond):
        raise UserError(
            f"{folder}: expected angles from 0 to below 360 degrees in the names, "
            f"found {names[beyond[0]]}; rename the image"
        )
    twice = np.flatnonzero((np.diff(objects) == 0) & (np.diff(angles) == 0))
    if len(twice):
        first = twice[0]
        raise UserError(
            f"{folder}: {names[first]} and {names[first + 1]} show one object at one "
            "angle; remove one of them"
        )
    numbers, counts = np.unique(objects, return_counts=True)
    if counts.min() < EVERY:
        raise UserError(
            f"{folder}: expected at least {EVERY} angles of each object, because every "
            f"{EVERY}th is held out, found {counts.min()} of "
            f"obj{numbers[counts.argmin()]}; add some"
        )


def _places(objects: np.ndarray) -> np.ndarray:
    """Return the place of each picture among those of its object; they are sorted."""
    starts = np.searchsorted(objects, objects)
    return np.arange(len(objects)) - starts
