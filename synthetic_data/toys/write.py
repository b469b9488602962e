"""The six files of smallNORB, without compression, for procedural toys."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from common.images.lush import create_matrix, write_matrix
from synthetic_data.drawing.folders import check_numbers, write_once
from synthetic_data.drawing.pool import run_jobs
from synthetic_data.toys.camera import AZIMUTHS, ELEVATIONS
from synthetic_data.toys.instances import CATEGORIES, INSTANCES, make_toy
from synthetic_data.toys.lighting import LIGHTINGS
from synthetic_data.toys.views import SIZE, Toy, draw_views

# Codes of the elevations and lightings of the thinned set.
FEW_ELEVATIONS = (0, 4, 8)
FEW_LIGHTINGS = (0, 2, 5)
_PREFIX = "smallnorb-5x{instances}x9x18x6x2x96x96-{split}-"
_DEGREES_PER_CODE = 10  # of azimuths


class _Job(NamedTuple):
    """The pictures of one toy at one azimuth.

    Attributes:
        seed: seed of the data set.
        category, instance: the toy.
        azimuth: rotation of the turntable, degrees.
        elevations, lightings: codes of what to draw.
        images: path of the matrix of images.
        offset: bytes before the first image in it.
        shape: shape of the matrix.
        rows: row of each picture, elevation by elevation.
    """

    seed: int
    category: int
    instance: int
    azimuth: int
    elevations: tuple[int, ...]
    lightings: tuple[int, ...]
    images: Path
    offset: int
    shape: tuple[int, ...]
    rows: tuple[int, ...]


def write_small_norb(folder: Path | str, seed: int = 0, full: bool = False) -> None:
    """Write procedural toys in the files of smallNORB.

    Each of the five categories has five training and five test toys, seen from 18
    azimuths. As in the real set, the records of all categories take turns. All files
    appear at once, after the last one is complete. If the folder already holds the
    same data set, it is left unchanged.

    Args:
        folder: the folder to write into.
        seed: seed of the toys, a whole number from 0; the same seed gives the same
            files.
        full: whether to draw all 9 elevations and 6 lightings, 24,300 stereo pairs
            in each split as in the real set, or only 3 of each, 4,050 pairs.

    Raises:
        UserError: the seed is negative, `folder` holds other files, or it cannot be
            written.

    Reference: LeCun, Huang and Bottou, "Learning methods for generic object
        recognition with invariance to pose and lighting", CVPR 2004.
    """
    numbers = {"seed": seed, "full": int(full)}
    check_numbers(numbers, {})
    names = {
        f"{_prefix(split)}{kind}.mat"
        for split in INSTANCES
        for kind in ("dat", "cat", "info")
    }
    elevations = tuple(range(len(ELEVATIONS))) if full else FEW_ELEVATIONS
    lightings = tuple(range(len(LIGHTINGS))) if full else FEW_LIGHTINGS

    def write(temporary: Path) -> None:
        temporary.mkdir()
        jobs: list[_Job] = []
        for split in INSTANCES:
            jobs += _begin(temporary, split, seed, elevations, lightings)
        total = sum(len(job.rows) for job in jobs)
        run_jobs(_draw, jobs, total=total, title="drawing toys", unit="pair")

    write_once(Path(folder), numbers, names, write)


def _prefix(split: str) -> str:
    """Return the first part of the names of a split's files."""
    instances = "".join(map(str, INSTANCES[split]))
    return _PREFIX.format(instances=instances, split=split)


def _begin(
    folder: Path,
    split: str,
    seed: int,
    elevations: tuple[int, ...],
    lightings: tuple[int, ...],
) -> list[_Job]:
    """Write the labels of a split, and return the jobs that draw its images."""
    instances = INSTANCES[split]
    sizes = (len(instances), len(AZIMUTHS), len(elevations), len(lightings), CATEGORIES)
    toy, turn, height, light, category = np.indices(sizes).reshape(5, -1)
    info = np.stack(
        [
            np.take(instances, toy),
            np.take(elevations, height),
            np.take(AZIMUTHS, turn) // _DEGREES_PER_CODE,
            np.take(lightings, light),
        ],
        axis=1,
    )
    prefix = _prefix(split)
    write_matrix(folder / f"{prefix}cat.mat", category.astype(np.int32))
    write_matrix(folder / f"{prefix}info.mat", info.astype(np.int32))
    shape = (len(info), 2, SIZE, SIZE)
    images = create_matrix(folder / f"{prefix}dat.mat", shape, np.uint8)
    # The jobs of one toy follow one another, so that a process can keep it.
    rows = np.arange(len(info)).reshape(sizes)
    return [
        _Job(
            seed,
            number,
            instance,
            azimuth,
            elevations,
            lightings,
            folder / f"{prefix}dat.mat",
            images.offset,
            shape,
            tuple(rows[i, j, :, :, number].ravel().tolist()),
        )
        for number in range(CATEGORIES)
        for i, instance in enumerate(instances)
        for j, azimuth in enumerate(AZIMUTHS)
    ]


# Each process keeps the toy that it draws.
@functools.lru_cache(maxsize=2)
def _toy(category: int, instance: int, seed: int) -> Toy:
    return make_toy(category, instance, seed)


def _draw(job: _Job) -> Sequence[int]:
    """Draw the pictures of a job into the matrix of images; return their rows."""
    toy = _toy(job.category, job.instance, job.seed)
    degrees = [ELEVATIONS[code] for code in job.elevations]
    views = draw_views(toy, job.azimuth, degrees, job.lightings)
    images = np.memmap(job.images, np.uint8, "r+", job.offset, job.shape)
    images[list(job.rows)] = views.reshape(-1, *job.shape[1:])
    return job.rows
