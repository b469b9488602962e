"""A stand-in for photos of objects on white: pictures of procedural shapes.

train/00000.png, ..., test/00000.png, ...    RGBA, transparent around the object
views.csv                                    file, azimuth and elevation of each
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from synthetic_data.drawing.folders import check_numbers, write_once
from synthetic_data.drawing.pool import run_jobs
from synthetic_data.photographs.objects import photograph, prepare_object
from synthetic_data.photographs.viewpoints import draw_viewpoints
from synthetic_data.shapes.write import check_class, make_shape

MAX_PHOTOS = 100_000
_LIMITS = {
    "train": (1, MAX_PHOTOS, ""),
    "test": (1, MAX_PHOTOS, ""),
    "size": (16, 512, " pixels"),
    "views": (1, 100, ""),
}
# Added to the seed of the photos for that of their shapes: those of chapter 2's
# stand-in, which has small seeds, are others.
SHAPE_SEED = 7_000_001
# The splits' seeds of viewpoints, colours and light.
_SPLITS = {"train": 0, "test": 1}
_OBJECTS = 2  # objects of one job of a process
_ALONE = 12  # for up to 12 photos, starting more processes takes longer than drawing

Row = tuple[str, float, float]  # path, azimuth and elevation of a photo


class _Job(NamedTuple):
    """Photos `start` to `stop` - 1 of a split, which one process draws and writes."""

    folder: Path
    class_name: str
    split: str
    start: int
    stop: int
    size: int
    seed: int
    views: int


def write_object_photos(
    folder: Path | str,
    class_name: str = "chair",
    train: int = 1500,
    test: int = 300,
    size: int = 128,
    seed: int = 0,
    views: int = 5,
) -> None:
    """Write photos of new procedural shapes, cut out, and their viewpoints.

    All files appear at once, after the last one is complete. A folder that was
    already written with the same arguments is kept. The objects of training and test
    photos differ, and none is a shape of chapter 2's stand-in.

    Args:
        folder: folder to write to.
        class_name: class of the shapes, one of `synthetic_data.shapes.write.CLASSES`.
        train: number of training photos, 1 to 100,000.
        test: number of test photos, 1 to 100,000.
        size: edge of a photo in pixels, 16 to 512.
        seed: seed of the data set, at least 0; the same seed gives the same photos.
        views: photos of each object, 1 to 100; the last object may have fewer.

    Raises:
        UserError: an argument is out of its range, `folder` holds other files, or
            it cannot be written.
    """
    check_class(class_name)
    counts = {"train": train, "test": test}
    numbers = counts | {"size": size, "seed": seed, "views": views}
    check_numbers(numbers, _LIMITS)
    files = {_path(split, k) for split, count in counts.items() for k in range(count)}

    def write(temporary: Path) -> None:
        jobs: list[_Job] = []
        for split, count in counts.items():
            (temporary / split).mkdir(parents=True)
            for start in range(0, count, views * _OBJECTS):
                stop = min(start + views * _OBJECTS, count)
                job = _Job(temporary, class_name, split, start, stop, size, seed, views)
                jobs.append(job)
        total = train + test
        rows = run_jobs(
            _draw,
            jobs,
            total=total,
            title="taking photos",
            unit="photo",
            processes=1 if total <= _ALONE else None,
        )
        with (temporary / "views.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["file", "azimuth", "elevation"])
            writer.writerows(rows)

    made_by = {"class": class_name, **numbers}
    write_once(Path(folder), made_by, files | {"views.csv"}, write)


def make_object(class_name: str, split: str, index: int, seed: int = 0) -> np.ndarray:
    """Return the shape of an object of the data set.

    Args:
        class_name: class of the shape.
        split: "train" or "test".
        index: number of the object in its split, from 0; photos `index * views` and
            the following show it.
        seed: seed of the data set.

    Returns:
        bool (30, 30, 30), axis 2 up.
    """
    return make_shape(class_name, index, split, seed + SHAPE_SEED)


def _path(split: str, number: int) -> str:
    """Return the relative path of a photo."""
    return f"{split}/{number:05d}.png"


def _draw(job: _Job) -> Sequence[Row]:
    """Draw and write the photos of one job; return their paths and viewpoints."""
    rows: list[Row] = []
    for first in range(job.start, job.stop, job.views):
        index = first // job.views
        shape = make_object(job.class_name, job.split, index, job.seed)
        scene = prepare_object(shape)
        rng = np.random.default_rng([job.seed, _SPLITS[job.split], index])
        azimuths, elevations = draw_viewpoints(job.class_name, job.views, rng)
        last = min(first + job.views, job.stop)
        for number, azimuth, elevation in zip(
            range(first, last), azimuths.tolist(), elevations.tolist(), strict=False
        ):
            # Round, so that the picture is seen from where the table says.
            azimuth, elevation = round(azimuth, 2), round(elevation, 2)
            photo = photograph(scene, azimuth, elevation, job.size, rng, job.class_name)
            path = _path(job.split, number)
            Image.fromarray(photo).save(job.folder / path, compress_level=3)
            rows.append((path, azimuth, elevation))
    return rows
