"""The pictures of a data set as PNG files, for programs that read folders of images.

    train/<class>/<number>_instance4_elevation30_azimuth340_lighting5_left.png
    test/<class>/...

The number counts the records of the split, azimuths and elevations are in degrees, and
the camera is left or right. Chapter 4 reads such a folder as it is.
"""

import logging
import math
import os
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from common.errors import UserError
from common.files import atomic_path
from study_norb.config import Cameras, Config
from study_norb.data import Toys, load_split
from study_norb.data_sets.small_norb import PREFIXES

CAMERAS = ("left", "right")
_LOG = logging.getLogger(__name__)


def export(
    out: Path,
    data: Path | None = None,
    cameras: Cameras = "left",
    size: int = 96,
    classes: tuple[str, ...] = (),
    every: int = 1,
) -> None:
    """Write the pictures of both splits to folders of grey PNG files.

    All files appear at once when the last one is complete.

    Args:
        out: new folder.
        data: data set; by default the stand-in.
        cameras: "left", or "both" for a file of each camera.
        size: edge of the pictures: 48 or 96.
        classes: names of the classes to write; by default all.
        every: one record in n of each class is written, drawn with a fixed seed.

    Raises:
        UserError: an option is out of its range, the data cannot be read, or `out`
            exists or cannot be written.
    """
    if cameras == "stereo":
        raise UserError(
            "--cameras stereo: expected left or both, because a PNG file has no place "
            "for two grey pictures; both writes a file of each camera"
        )
    if every < 1:
        raise UserError(f"--every {every}: expected at least 1")
    if os.path.exists(out):
        raise UserError(f"--out {out} exists already; choose the name of a new folder")
    config = Config(data=data, cameras=cameras, size=size, classes=classes)
    config.validate()
    with atomic_path(out) as temporary:
        for split in PREFIXES:
            _write_split(load_split(config, split), temporary / split, cameras, every)
    _LOG.info("wrote the pictures to %s", out)


def _write_split(toys: Toys, folder: Path, cameras: Cameras, every: int) -> None:
    """Write one record in n of each class of a split."""
    views = len(CAMERAS) if cameras == "both" else 1
    for name in toys.class_names:
        (folder / name).mkdir(parents=True)
    rows = _chosen(toys.classes, views, every)
    for row in tqdm(rows, f"writing {folder.name}", unit="image", disable=None):
        record, camera = divmod(row, views)
        name = (
            f"{record:05d}_instance{toys.instances[row]}"
            f"_elevation{toys.elevations[row]:g}_azimuth{toys.azimuths[row]:g}"
            f"_lighting{toys.lightings[row]}_{CAMERAS[camera]}.png"
        )
        path = folder / toys.class_names[toys.classes[row]] / name
        Image.fromarray(toys.images[row, :, :, 0]).save(path)


def _chosen(classes: np.ndarray, views: int, every: int) -> np.ndarray:
    """Return the rows of one record in n of each class, with all its views.

    They are drawn with a fixed seed: classes, views and lightings take turns in the
    files, so that at equal steps some of them might never come.
    """
    rng, records = np.random.default_rng(0), classes[::views]
    chosen = []
    for label in np.unique(records):
        members = rng.permutation(np.flatnonzero(records == label))
        chosen.append(members[: math.ceil(len(members) / every)])
    starts = views * np.sort(np.concatenate(chosen))
    return (starts[:, None] + np.arange(views)).ravel()
