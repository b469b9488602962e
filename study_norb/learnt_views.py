"""The views that a run has seen: nothing else is asked of its generator by default."""

import math
from dataclasses import asdict, dataclass

import numpy as np

from common.errors import UserError
from common.files import read_note, write_note
from common.training.run_dir import RunDir
from study_norb.config import LIGHTINGS
from study_norb.data import Toys

# File in the folder of a run with poses.
VIEWS = "views.json"


@dataclass(frozen=True)
class Views:
    """The poses and lightings of images, each ascending; all combinations occur.

    Attributes:
        azimuths: degrees, in [0, 360).
        elevations: degrees.
        lightings: numbers of the lightings.
    """

    azimuths: tuple[float, ...]
    elevations: tuple[float, ...]
    lightings: tuple[int, ...]


# LeCun, Huang and Bottou, CVPR 2004.
SMALL_NORB = Views(tuple(range(0, 360, 20)), tuple(range(30, 71, 5)), tuple(range(6)))


def views_of(toys: Toys) -> Views:
    """Return the views of a split."""
    parts = (toys.azimuths, toys.elevations, toys.lightings)
    return Views(*(tuple(np.unique(part).tolist()) for part in parts))


def note_views(run: RunDir, toys: Toys) -> None:
    """Write the views of the training images into the run's folder."""
    write_note(run.path / VIEWS, asdict(views_of(toys)))


def read_views(run: RunDir) -> Views:
    """Return the views that a run has seen: smallNORB's, if it has not noted any.

    Args:
        run: folder of the run.

    Raises:
        UserError: the file is damaged.
    """
    path = run.path / VIEWS
    if not path.exists():
        return SMALL_NORB
    note = read_note(path) or {}
    parts = [note.get(name) for name in Views.__annotations__]
    fits = all(_are_numbers(part) for part in parts)
    if not fits or not set(parts[2]) <= set(range(LIGHTINGS)):
        raise UserError(
            f"{path} is damaged: expected the azimuths, elevations and lightings of "
            "the training images; restore the file, or remove it if the run has seen "
            "all views of smallNORB"
        )
    azimuths, elevations, lightings = parts
    return Views(tuple(azimuths), tuple(elevations), tuple(map(int, lightings)))


def _are_numbers(values: object) -> bool:
    """Return whether a value is a list of at least one finite number."""
    return (
        isinstance(values, list)
        and bool(values)
        and all(type(v) in (int, float) and math.isfinite(v) for v in values)
    )
