"""A stand-in for a collection of anime faces: procedural drawings, all different.

They are framed like the crops of a face detector: the head fills the image, and the
eyes are a little below its middle. The file attributes.csv lists the attributes of
each face.
"""

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

from common.errors import UserError
from common.files import check_file
from synthetic_data.anime_faces import extras, features, hair
from synthetic_data.anime_faces.parameters import ATTRIBUTES, Face, sample_face
from synthetic_data.drawing.folders import check_numbers, write_once
from synthetic_data.drawing.pen import OVERSAMPLING, Pen
from synthetic_data.drawing.pool import run_jobs

__all__ = [
    "ATTRIBUTES",
    "Face",
    "draw",
    "make_faces",
    "read_attributes",
    "sample_face",
    "write_faces",
]

Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")
MAX_FACES = 100_000
MIN_SIZE, MAX_SIZE = 16, 512
_TABLE = "attributes.csv"
_MAX_TABLE_BYTES = 64 * 2**20
_HEADER = ("file", *ATTRIBUTES)
_PIVOT = (0, 0.4)  # point about which the head is tilted, in head units
_BODY = -0.2  # shift of neck and shoulders, so that they are visible below the chin
_LIMITS = {
    "train": (1, MAX_FACES, " faces"),
    "test": (1, MAX_FACES, " faces"),
    "count": (1, MAX_FACES, " faces"),
    "size": (MIN_SIZE, MAX_SIZE, " pixels"),
}
_CHUNK = 50  # faces per job; a process can be stopped between two jobs
_ALONE = 500  # up to this many faces, one process is faster than starting several


class _Job(NamedTuple):
    """A part of the faces, which one process draws and writes."""

    folder: Path
    split: Split
    start: int
    stop: int
    seed: int
    size: int


def make_faces(
    count: int, seed: int = 0, size: int = 64, split: Split = "train"
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Draw faces as arrays.

    Args:
        count: number of faces, 1 to 100,000; face i does not depend on it.
        seed: seed of the faces, a whole number from 0.
        size: edge of the images, pixels, 16 to 512.
        split: "train" or "test"; the two splits are independent.

    Returns:
        RGB images, uint8 (count, size, size, 3); and for each attribute the indices
        of the faces' values in `ATTRIBUTES[name]`, uint8 (count,).

    Raises:
        UserError: a number is out of its range.
    """
    check_numbers({"count": count, "seed": seed, "size": size}, _LIMITS)
    faces = [_sample(seed, split, i) for i in range(count)]
    numbers = {
        name: np.array([values.index(getattr(f, name)) for f in faces], np.uint8)
        for name, values in ATTRIBUTES.items()
    }
    return np.stack([draw(face, size) for face in faces]), numbers


def draw(face: Face, size: int = 64) -> np.ndarray:
    """Draw a face.

    Args:
        face: the parameters of the face.
        size: edge of the image, pixels.

    Returns:
        RGB image, uint8 (size, size, 3).
    """
    # The drawing is larger than the image and shrunk at the end, against aliasing.
    full = OVERSAMPLING * size
    image = extras.make_background(face, full)
    unit, x, y = full * face.scale, full * (0.5 + face.x), full * (0.5 + face.y)
    # The body stays upright, the head is tilted, and its front is also turned.
    body = Pen(image, unit, (x, y + _BODY * unit))
    head = Pen(image, unit, (x, y), _PIVOT, face.tilt)
    front = Pen(image, unit, (x, y), _PIVOT, face.tilt, (face.yaw, face.pitch))
    # Everything is drawn from the back to the front.
    hair.draw_back_hair(head, face)
    extras.draw_neck(body, face)
    extras.draw_clothes(body, face)
    if not hair.covers_ears(face):
        features.draw_ears(head, face)
    features.draw_head(front, face)
    hair.draw_fringe_shadow(front, face)
    features.draw_nose(front, face)
    features.draw_mouth(front, face)
    features.draw_eyes(front, face)
    features.draw_brows(front, face)
    hair.draw_front_hair(front, face)
    # Once more, faintly: eyebrows show through the fringe.
    features.draw_brows(front, face, opacity=0.4)
    if face.accessory == "glasses":
        extras.draw_glasses(front, face)
    elif face.accessory == "cat_ears":
        extras.draw_cat_ears(head, face)
    if face.hair_style == "braids":
        extras.draw_braids(body, face)
    elif face.hair_style == "twintails":
        extras.draw_ties(head, face)
    extras.draw_accessory(front, face)
    return np.asarray(image.reduce(OVERSAMPLING))


def write_faces(
    folder: Path | str,
    train: int = 4000,
    test: int = 800,
    seed: int = 0,
    size: int = 64,
) -> None:
    """Write faces as PNG files, and their attributes as attributes.csv.

    The images are train/00000.png, ... and test/00000.png, ... All files appear at
    once, after the last one is written. If the folder already holds the same data
    set, perhaps because another process has just written it, it is left unchanged.

    Args:
        folder: the folder to write into.
        train: number of training images, 1 to 100,000.
        test: number of test images, 1 to 100,000.
        seed: seed of the faces, a whole number from 0; the same seed gives the same
            images.
        size: edge of the images, pixels, 16 to 512.

    Raises:
        UserError: an argument is out of its range, `folder` holds other files, or
            it cannot be written.
    """
    counts = {"train": train, "test": test}
    numbers = counts | {"seed": seed, "size": size}
    check_numbers(numbers, _LIMITS)
    files = {f"{split}/{_name(i)}" for split, n in counts.items() for i in range(n)}

    def write(temporary: Path) -> None:
        rows = [_HEADER, *_write_images(temporary, counts, seed, size)]
        table = "".join(",".join(row) + "\n" for row in rows)
        (temporary / _TABLE).write_text(table, "utf-8")

    write_once(Path(folder), numbers, files | {_TABLE}, write)


def read_attributes(folder: Path | str) -> dict[str, dict[str, str]]:
    """Read the attributes of faces that `write_faces` wrote.

    Args:
        folder: the folder that holds attributes.csv.

    Returns:
        For each file, for example "train/00000.png", the value of each attribute.

    Raises:
        UserError: attributes.csv is missing or damaged.
    """
    path = Path(folder) / _TABLE
    check_file(path, _MAX_TABLE_BYTES)
    # Bytes that are not UTF-8 become a character that no valid value contains.
    lines = path.read_bytes().decode("utf-8-sig", "replace").splitlines()
    if tuple(lines[0].split(",")) != _HEADER:
        raise _damaged(path, 1, ",".join(_HEADER), lines[0])
    table: dict[str, dict[str, str]] = {}
    for number, line in enumerate(lines[1:], start=2):
        file, *values = line.split(",")
        if len(values) != len(ATTRIBUTES):
            wanted = f"{len(_HEADER)} cells"
            raise _damaged(path, number, wanted, str(len(values) + 1))
        if not file or file in table:
            raise _damaged(path, number, "the name of another file", file)
        table[file] = dict(zip(ATTRIBUTES, values, strict=True))
        for name, value in table[file].items():
            if value not in ATTRIBUTES[name]:
                raise _damaged(path, number, f"a known {name}", value)
    return table


def _damaged(path: Path, line: int, expected: str, found: str) -> UserError:
    """Return the error for a damaged line of attributes.csv."""
    return UserError(
        f"{path} is damaged in line {line}: expected {expected}, found "
        f"'{found[:60]}'; write the faces again"
    )


def _name(index: int) -> str:
    return f"{index:05d}.png"


def _sample(seed: int, split: Split, index: int) -> Face:
    """Return the random parameters of one face of a split."""
    return sample_face(np.random.default_rng([seed, SPLITS.index(split), index]))


def _write_images(
    folder: Path, counts: dict[str, int], seed: int, size: int
) -> list[tuple[str, ...]]:
    """Write the images of all splits into a new folder.

    Returns:
        The rows of attributes.csv, in order.
    """
    jobs: list[_Job] = []
    for split in SPLITS:
        (folder / split).mkdir(parents=True)
        for start in range(0, counts[split], _CHUNK):
            stop = min(start + _CHUNK, counts[split])
            jobs.append(_Job(folder, split, start, stop, seed, size))
    total = sum(counts.values())
    return run_jobs(
        _write_part,
        jobs,
        total=total,
        title="drawing faces",
        unit="face",
        processes=1 if total <= _ALONE else None,
    )


def _write_part(job: _Job) -> list[tuple[str, ...]]:
    """Draw and write the faces of one job; return their rows of attributes.csv."""
    rows = []
    for index in range(job.start, job.stop):
        face = _sample(job.seed, job.split, index)
        file = f"{job.split}/{_name(index)}"
        image = Image.fromarray(draw(face, job.size))
        image.save(job.folder / file, compress_level=1)
        rows.append((file, *(getattr(face, name) for name in ATTRIBUTES)))
    return rows
