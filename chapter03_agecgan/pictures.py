"""Sheets of one person at several ages."""

from pathlib import Path

import numpy as np

from chapter03_agecgan.ages import AGE_CLASSES
from common import images
from common.sheets import sheet, to_picture

# Height in pixels that faces are enlarged to.
TILE = 128
GUESS = "rebuilt"


def draw_aged(
    photos: np.ndarray,
    aged: np.ndarray,
    path: Path,
    classes: np.ndarray,
    own: np.ndarray,
) -> None:
    """Draw photos beside the same persons at other ages, one row a person.

    Args:
        photos: uint8 (N, S, S, 3).
        aged: uint8 (N, K, S, S, 3).
        path: of the picture.
        classes: age classes of the K columns.
        own: age class of each photo, int (N,); its column is the photo rebuilt.
    """
    rows = [
        [
            (to_picture(photo, TILE), AGE_CLASSES[was]),
            *(
                (to_picture(face, TILE), GUESS if number == was else None)
                for face, number in zip(faces, classes, strict=True)
            ),
        ]
        for photo, faces, was in zip(photos, aged, own, strict=True)
    ]
    names = ["photo", *(AGE_CLASSES[number] for number in classes)]
    images.save(sheet(rows, column_labels=names), path)


def draw_people(faces: np.ndarray, path: Path, classes: np.ndarray) -> None:
    """Draw generated persons, each at the same ages, one row a person.

    Args:
        faces: uint8 (N, K, S, S, 3).
        path: of the picture.
        classes: age classes of the K columns.
    """
    rows = [[(to_picture(face, TILE), None) for face in person] for person in faces]
    names = [AGE_CLASSES[number] for number in classes]
    images.save(sheet(rows, column_labels=names), path)
