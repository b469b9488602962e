"""The findings of `data prepare`: as a table, a contact sheet and a short text."""

import csv
import shlex
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from chapter04_dcgan.face_crops.detectors import Box, Detector
from common.images import writing
from common.images.grids import sheet

# Maximum number of broken files that the text names.
REASONS_TOLD = 10
# The kinds of findings: their name in the plural, and the maximum number of tiles in
# contact.png.
KINDS = {
    "kept": ("faces kept", 60),
    "no face": ("without a face", 10),
    "too small": ("faces too small", 10),
    "duplicate": ("duplicates", 20),
    "broken": ("broken", 10),
}
# The contact sheet.
TILE = 128  # edge of a tile with its frame, pixels
FRAME = 4  # width of the frame, pixels
COLUMNS = 10  # tiles per row
CAPTION = 20  # maximum length of a caption, characters
GREEN = (44, 160, 80)  # frames of kept faces
RED = (205, 50, 50)  # frames of dropped ones
GREY = 225  # tiles of broken files
REPEATED = "edge repeated"  # note of a kept face


@dataclass
class Finding:
    """A face in a drawing, or a drawing without a face.

    Attributes:
        kind: result, one of `KINDS`.
        picture: the crop of the face, or the whole drawing as a tile if it has no
            face, uint8 (S, S, 3); None if the file is broken or if the pixels are no
            longer needed.
        box: box of the face in pixels of the drawing, or None.
        note: why it was dropped, or what is special about it.
        source: path of the drawing below its folder.
        file: path of the written face in the new folder, or "" if it was dropped.
        cut: whether the drawing has further frames or pages, which are not read.
    """

    kind: str
    picture: np.ndarray | None = None
    box: Box | None = None
    note: str = ""
    source: str = ""
    file: str = ""
    cut: bool = False


def write_table(findings: list[Finding], path: Path) -> None:
    """Write report.csv, with one row for each finding.

    Args:
        findings: all findings.
        path: path of the CSV file to write.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        header = ["source", "x", "y", "width", "height", "result", "file", "note"]
        writer.writerow(header)
        for f in findings:
            box = f.box or ("", "", "", "")
            writer.writerow([f.source, *box, f.kind, f.file, f.note])


def contact_sheet(findings: list[Finding], folder: Path) -> np.ndarray:
    """Draw a sheet of some kept faces, followed by some dropped faces and drawings.

    Args:
        findings: all findings. Kept faces are read from their files. The first dropped
            findings of each kind, up to the maximum in `KINDS`, must have a `picture`
            unless they are broken.
        folder: folder of the written faces.

    Returns:
        RGB image of the sheet, uint8 (H, W, 3).
    """
    kept = [f for f in findings if f.file]
    # Evenly spaced, including the first and the last one.
    indices = np.linspace(0, len(kept) - 1, min(len(kept), KINDS["kept"][1]))
    shown = [kept[i] for i in indices.round().astype(int)]
    dropped = []
    for kind, (_, most) in KINDS.items():
        if kind != "kept":
            dropped += [f for f in findings if f.kind == kind][:most]
    rows = _rows(
        [(_tile(writing.load_image(folder / f.file), GREEN), None) for f in shown]
    )
    rows += _rows([(_tile(f.picture, RED), _caption(f)) for f in dropped])
    return sheet(rows, title="green: kept, red: dropped; report.csv lists all")


def count_kinds(drawings: int, findings: list[Finding]) -> str:
    """Summarise in one line how many findings of each kind there are.

    Args:
        drawings: number of drawings that were searched.
        findings: all findings.

    Returns:
        For example "8 drawings: 3 faces kept, 2 duplicates".
    """
    counts = Counter(finding.kind for finding in findings)
    parts = [
        f"{counts[kind]:,} {name}"
        for kind, (name, _) in KINDS.items()
        if counts[kind] or kind == "kept"
    ]
    return f"{drawings:,} drawings: " + ", ".join(parts)


def advice(findings: list[Finding], detector: Detector) -> str:
    """Say what to do if too few faces were kept.

    Args:
        findings: all findings.
        detector: name of the detector.
    """
    counts = Counter(finding.kind for finding in findings)
    boxes = [f.box for f in findings if f.kind == "too small" and f.box]
    if boxes and counts["too small"] >= counts["no face"]:
        edges = sorted((min(box.width, box.height) for box in boxes), reverse=True)
        least = max(8, edges[min(1, len(edges) - 1)])
        return (
            f"the largest of those too small has {edges[0]} pixels: add --min-face "
            f"{least}, or use larger images"
        )
    if counts["no face"] and detector != "none":
        return (
            "if every image is a face already, add --detector none; faces narrower "
            "than about a thirtieth of a drawing are not found"
        )
    if counts["duplicate"] >= counts["broken"]:
        return "add drawings that differ"
    broken = next(f for f in findings if f.kind == "broken")
    return f"the first that is broken is {broken.source}: {broken.note}"


def report(counts: str, findings: list[Finding], out: Path) -> str:
    """Summarise all findings in a few lines of text.

    Args:
        counts: the result of `count_kinds`, which becomes the first line.
        findings: all findings, after the faces are divided into train/ and test/.
        out: the new folder.

    Returns:
        The text; it names at most ten broken files.
    """
    held_out = sum(f.file.startswith("test/") for f in findings)
    train = sum(f.file.startswith("train/") for f in findings)
    lines = [counts, f"{train:,} faces for training, {held_out:,} held out"]
    if narrow := sum(f.kind == "kept" and bool(f.note) for f in findings):
        lines.append(f"{narrow:,} crops are wider than the drawing: {REPEATED}")
    if cut := sorted({f.source for f in findings if f.cut}):
        lines.append(
            f"{len(cut):,} drawings have several frames or pages, of which the first "
            f"was taken ({cut[0]}, for example)"
        )
    broken = [f"broken: {f.source}: {f.note}" for f in findings if f.kind == "broken"]
    lines += broken[:REASONS_TOLD]
    if len(broken) > REASONS_TOLD:
        lines.append(f"and {len(broken) - REASONS_TOLD:,} more broken, see report.csv")
    command = shlex.join(["train", "--data", str(out)])
    return "\n".join([*lines, f"use it with: {command}"])


def _rows(tiles: list[tuple[np.ndarray, str | None]]) -> list[list]:
    """Split tiles into rows of `COLUMNS`."""
    return [tiles[i : i + COLUMNS] for i in range(0, len(tiles), COLUMNS)]


def _tile(picture: np.ndarray | None, colour: tuple[int, int, int]) -> np.ndarray:
    """Return an image (a grey area if there is none) with a coloured frame.

    Returns:
        uint8 (TILE, TILE, 3).
    """
    inner = TILE - 2 * FRAME
    if picture is None:
        picture = np.full((inner, inner, 3), GREY, np.uint8)
    image = Image.fromarray(picture).resize((inner, inner), Image.Resampling.LANCZOS)
    return np.asarray(ImageOps.expand(image, FRAME, colour))


def _caption(finding: Finding) -> str:
    """Return the caption of a dropped finding, shortened if it is too long."""
    text = " ".join((finding.note or finding.kind).split())
    return text if len(text) <= CAPTION else text[: CAPTION - 1] + "…"
