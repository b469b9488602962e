"""Sheets of `test`: images by class, and reconstructions."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from common.gan.sampling import make_images
from common.images import writing
from common.images.grids import sheet, to_picture
from study_norb.camera_images import left
from study_norb.data import Toys
from study_norb.model_scores import rebuild

# Images in a row of the sheets, rows of samples.png, and pairs of rows of
# reconstructions.png.
COLUMNS = 10
ROWS = 12
PAIRS = 3
# Height in pixels of an image on the sheets.
TILE = 84


def draw_classes(
    images: np.ndarray,
    classes: np.ndarray,
    names: Sequence[str],
    azimuths: np.ndarray | None = None,
) -> np.ndarray:
    """Draw a row of images for each class, at most 12: uint8 (H, W, 3).

    Args:
        images: uint8 (N, S, S, 1).
        classes: class of each image, int (N,).
        names: labels of the rows, one for each class.
        azimuths: degrees (N,); with them, images are in their order, with captions.
    """
    blank = np.full_like(to_picture(images[0], TILE), 255)
    rows = []
    for number in range(min(len(names), ROWS)):
        members = np.flatnonzero(classes == number)
        if azimuths is not None:
            # Equal steps through the azimuths.
            members = members[np.argsort(azimuths[members], kind="stable")]
            count = min(COLUMNS, len(members))
            members = members[np.linspace(0, len(members) - 1, count).astype(int)]
        row = [
            (
                to_picture(images[member], TILE),
                None if azimuths is None else f"{azimuths[member]:.0f}°",
            )
            for member in members[:COLUMNS]
        ]
        rows.append(row or [(blank, None)])
    return sheet(rows, row_labels=names[: len(rows)])


def draw_reconstructions(
    generator: keras.Model, encoder: keras.Model, held_out: Toys, path: Path
) -> None:
    """Draw held-out images above their reconstructions.

    Args:
        generator: G.
        encoder: E.
        held_out: the held-out images; some at equal steps are drawn.
        path: path of the sheet.
    """
    count = min(COLUMNS * PAIRS, len(held_out))
    images = held_out.images[np.linspace(0, len(held_out) - 1, count).astype(int)]
    again = make_images(generator, rebuild(generator, encoder, images)[0])
    rows, names = [], []
    for start in range(0, count, COLUMNS):
        for name, shown in (("held out", images), ("G(E(x))", again)):
            part = left(shown[start : start + COLUMNS])
            rows.append([(to_picture(image, TILE), None) for image in part])
            names.append(name)
    writing.save_image(sheet(rows, row_labels=names), path)
