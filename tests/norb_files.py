"""A tiny smallNORB: few toys of simple patterns that turn with the azimuth."""

from pathlib import Path

import numpy as np

from common.images.lush import write_matrix
from study_norb.data_sets.small_norb import PREFIXES, file_name

CLASS_COUNT = 5
SIDE = 96
INSTANCES = {"train": (4, 6, 7, 8, 9), "test": (0, 1, 2, 3, 5)}


def write_tiny_norb(folder: Path, per_class: int = 6, seed: int = 0) -> Path:
    """Write six files of 5 classes, in the layout of smallNORB.

    The classes alternate, as in smallNORB. A picture is a disc with a sector in the
    direction of the azimuth; radius and width tell the class, the background tells the
    lighting, and the right camera sees all of it 4 pixels further left.

    Args:
        folder: folder to write to; it is created.
        per_class: records of each class in each split.
        seed: same seed, same noise.

    Returns:
        The folder.
    """
    rng = np.random.default_rng(seed)
    for split in PREFIXES:
        info, classes, pictures = [], [], []
        for number in range(per_class):
            for label in range(CLASS_COUNT):
                row = (
                    INSTANCES[split][number % 5],
                    number % 9,
                    2 * ((3 * number + label) % 18),
                    number % 6,
                )
                info.append(row)
                classes.append(label)
                pictures.append(picture(rng, label, row[2] * 10, row[3]))
        write_split(folder, split, np.stack(pictures), classes, info)
    return folder


def write_split(folder: Path, split: str, pictures, classes, info) -> None:
    """Write the three files of a split.

    Args:
        folder: folder to write to.
        split: "train" or "test".
        pictures: uint8 (N, 2, S, S).
        classes: N numbers from 0 to 4.
        info: (N, 4): instance, elevation, azimuth and lighting, as stored.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_matrix(folder / file_name(split, "dat"), np.asarray(pictures, np.uint8))
    write_matrix(folder / file_name(split, "cat"), np.asarray(classes, np.int32))
    write_matrix(folder / file_name(split, "info"), np.asarray(info, np.int32))


def picture(
    rng: np.random.Generator, label: int, azimuth: float, lighting: int
) -> np.ndarray:
    """Return a noisy picture of both cameras, uint8 (2, 96, 96)."""
    row, column = np.mgrid[:SIDE, :SIDE] - SIDE / 2 + 0.5
    views = []
    for shift in (2, -2):
        angle = np.degrees(np.arctan2(row, column - shift)) - azimuth
        inside = np.hypot(row, column - shift) < 16 + 6 * label
        sector = inside & ((angle + 180) % 360 - 180 > 0)
        sector &= (angle + 180) % 360 - 180 < 45 + 30 * label
        view = 150.0 + 15 * lighting - 90 * inside + 150 * sector
        views.append(view + rng.normal(0, 3, view.shape))
    return np.clip(np.stack(views), 0, 255).astype(np.uint8)
