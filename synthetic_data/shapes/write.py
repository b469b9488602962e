"""A stand-in for 3D ShapeNets: procedural chairs, tables, aeroplanes and cars.

Like the real shapes, they are solids in the middle of 30^3 voxels, and their longest
side is 24 voxels. The front faces low indices of axis 0, axis 1 is the direction from
side to side, and axis 2 is up.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from common.errors import UserError
from common.shapes.voxels import encode_mat
from synthetic_data.drawing.folders import write_if_missing
from synthetic_data.shapes.aeroplanes import aeroplane
from synthetic_data.shapes.cars import car
from synthetic_data.shapes.chairs import chair
from synthetic_data.shapes.primitives import Part, voxelise
from synthetic_data.shapes.tables import table

CLASSES = ("chair", "table", "airplane", "car")
SPLITS = ("train", "test")
_FIRST_NUMBER = {"train": 1, "test": 500_000_001}
_MAX_OBJECTS = 499_999_999


def make_shape(
    class_name: str, index: int, split: str = "train", seed: int = 0, azimuth: int = 1
) -> np.ndarray:
    """Make one shape; the same arguments give the same shape.

    Args:
        class_name: one of `CLASSES`.
        index: number of the object, from 0.
        split: "train" or "test".
        seed: seed of the data set, at least 0.
        azimuth: 1 to 12, number of the view; each is rotated by 30 degrees about
            axis 2 from the one before. Views 4, 7 and 10 are `np.rot90` of view 1,
            once, twice and three times.

    Returns:
        bool (30, 30, 30), axis 2 up.

    Raises:
        UserError: an argument is out of its range.
    """
    _check(class_name, split, seed)
    if not 0 <= index < _MAX_OBJECTS:
        raise UserError(f"index: expected 0 to {_MAX_OBJECTS - 1}, found {index}")
    if not 1 <= azimuth <= 12:
        raise UserError(f"azimuth: expected 1 to 12, found {azimuth}")
    return voxelise(_parts(class_name, index, split, seed), azimuth - 1)


def write_shapenets(
    root: Path | str,
    classes: Sequence[str] = CLASSES,
    train: int = 800,
    test: int = 100,
    azimuths: int = 1,
    seed: int = 0,
) -> Path:
    """Write shapes in the folder tree of 3D ShapeNets.

    The files are `volumetric_data/<class>/30/<split>/<class>_<9 digits>_<azimuth
    from 1>.mat`. All files appear at once, after the last one is complete. A folder
    that was already written with the same arguments is kept.

    Args:
        root: folder to write to.
        classes: names of the classes, at least one of `CLASSES`.
        train: number of training objects of each class, at least 1.
        test: number of test objects of each class, at least 1.
        azimuths: files of each object: 1, or 12 that are rotated by 30 degrees from
            one to the next.
        seed: seed of the data set, at least 0.

    Returns:
        The folder `volumetric_data`.

    Raises:
        UserError: an argument is out of its range, `root` holds other shapes,
            or it cannot be written.
    """
    counts = {"train": train, "test": test}
    for name in classes:
        _check(name, "train", seed)
    for split, count in counts.items():
        if not 1 <= count <= _MAX_OBJECTS:
            raise UserError(f"{split}: expected at least 1 object, found {count}")
    if azimuths not in (1, 12) or not classes:
        raise UserError(
            f"expected 1 or 12 azimuths and at least one class, found {azimuths} "
            f"and {len(classes)}"
        )
    target = Path(root) / "volumetric_data"
    made_by = {"classes": sorted(set(classes)), **counts}
    made_by |= {"azimuths": azimuths, "seed": seed}

    def write(temporary: Path) -> None:
        total = len(made_by["classes"]) * (train + test)
        with tqdm(total=total, desc="making shapes", unit="shape", disable=None) as bar:
            for name in made_by["classes"]:
                for split, count in counts.items():
                    folder = temporary / name / "30" / split
                    _write_split(folder, name, split, count, azimuths, seed, bar)
        (temporary / "synthetic.json").write_text(json.dumps(made_by) + "\n", "utf-8")

    write_if_missing(target, lambda: _is_there(target, made_by), write)
    return target


def _write_split(
    folder: Path,
    class_name: str,
    split: str,
    count: int,
    azimuths: int,
    seed: int,
    progress: tqdm,
) -> None:
    """Write the files of one class and split into a new folder."""
    folder.mkdir(parents=True)
    for index in range(count):
        parts = _parts(class_name, index, split, seed)
        turned: list[np.ndarray] = []
        for step in range(azimuths):
            # From 90 degrees on, rotate an earlier view exactly by a quarter turn.
            shape = np.rot90(turned[step - 3]) if step > 2 else voxelise(parts, step)
            turned.append(shape)
            name = f"{class_name}_{_FIRST_NUMBER[split] + index:09d}_{step + 1}.mat"
            (folder / name).write_bytes(encode_mat(shape))
        progress.update()


def _is_there(target: Path, made_by: dict) -> bool:
    """Return whether a folder was written with the same arguments already.

    Returns:
        False if the folder is missing or empty.

    Raises:
        UserError: the folder holds anything else.
    """
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return False
    try:
        found = json.loads((target / "synthetic.json").read_text("utf-8"))
    except (OSError, ValueError):
        found = None
    if found != made_by:
        raise UserError(
            f"{target} already holds other shapes; choose an empty folder or remove "
            "this one"
        )
    return True


def _parts(class_name: str, index: int, split: str, seed: int) -> list[Part]:
    """Return the parts of one object."""
    key = [seed, CLASSES.index(class_name), SPLITS.index(split), index]
    return _MAKERS[class_name](np.random.default_rng(key))


def check_class(class_name: str) -> None:
    """Check that a class is one of `CLASSES`.

    Raises:
        UserError: it is not.
    """
    if class_name not in CLASSES:
        raise UserError(
            f"no synthetic class '{class_name}'; choose from {', '.join(CLASSES)}"
        )


def _check(class_name: str, split: str, seed: int) -> None:
    """Raise a UserError for an unknown class or split, or a negative seed."""
    check_class(class_name)
    if split not in SPLITS:
        raise UserError(f"split: expected train or test, found '{split}'")
    if seed < 0:
        raise UserError(f"seed: expected a whole number from 0, found {seed}")


_MAKERS: dict[str, Callable[[np.random.Generator], list[Part]]] = {
    "chair": chair,
    "table": table,
    "airplane": aeroplane,
    "car": car,
}
