"""Drawings with faces, and functions that check what `data prepare` makes of them."""

import csv
from pathlib import Path

from PIL import Image

from chapter04_dcgan.face_crops.detectors import Box

PAPER = (236, 228, 214)


def real_faces(shared_data: Path) -> list[Image.Image]:
    """Return twelve real drawn faces, 64 x 64 pixels."""
    paths = sorted((shared_data / "anime_faces").iterdir())[::200]
    return [Image.open(path).convert("RGB") for path in paths]


def three_drawings(faces: list[Image.Image], root: Path) -> Path:
    """Write three drawings a.png, b.png and c.png that show one face each."""
    folder = root / "drawings"
    folder.mkdir()
    for name, face in zip("abc", faces[:3], strict=True):
        face.save(folder / f"{name}.png")
    return folder


def draw(
    face: Image.Image,
    edge: int,
    size: tuple[int, int] = (480, 360),
    place: tuple[int, int] = (120, 60),
) -> Image.Image:
    """Return a drawing with one face on plain paper.

    Args:
        face: image of the face.
        edge: edge of the square that the face fills, in pixels.
        size: width and height of the drawing, in pixels.
        place: x and y of the upper left corner of the face, in pixels.
    """
    drawing = Image.new("RGB", size, PAPER)
    drawing.paste(face.resize((edge, edge), Image.Resampling.LANCZOS), place)
    return drawing


def is_at(box: Box, edge: int, place: tuple[int, int] = (120, 60)) -> bool:
    """Return whether a box has about the position and the size of a face.

    Args:
        box: box that was found.
        edge: edge of the square that the face fills, in pixels.
        place: x and y of the upper left corner of the face, in pixels.
    """
    middle = box.x + box.width / 2 - place[0], box.y + box.height / 2 - place[1]
    return all(0 < m < edge for m in middle) and 0.5 < box.width / edge < 1.2


def rows_of(out: Path) -> list[dict[str, str]]:
    """Return the rows of report.csv in the folder of a prepared data set."""
    with (out / "report.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
