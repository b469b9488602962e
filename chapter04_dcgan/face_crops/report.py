"""What `data prepare` has found, told as a table, a contact sheet and a report."""

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from chapter04_dcgan.face_crops.detectors import Box
from common.images import writing
from common.images.grids import sheet

REASONS_TOLD = 10
# What becomes of a face or a drawing: words for many, most tiles in contact.png.
KINDS = {
    "kept": ("faces kept", 60),
    "no face": ("without a face", 10),
    "too small": ("faces too small", 10),
    "duplicate": ("duplicates", 20),
    "broken": ("broken", 10),
}
# Of the contact sheet; captions in letters.
TILE, FRAME, COLUMNS, CAPTION = 128, 4, 10, 20
GREEN, RED = (44, 160, 80), (205, 50, 50)
GREY = 225


@dataclass
class Finding:
    """A face, or a drawing without one.

    Attributes:
        kind: what becomes of it, one of KINDS.
        picture: uint8 (S, S, 3): the face, or the drawing as a tile; None when it is
            broken, or no more needed.
        box: of the face in the drawing.
        note: why it is dropped, or what is special about it.
        source: path of the drawing below its folder.
        file: in the new folder; "" if it is dropped.
    """

    kind: str
    picture: np.ndarray | None = None
    box: Box | None = None
    note: str = ""
    source: str = ""
    file: str = ""


def write_table(findings: list[Finding], path: Path) -> None:
    """Write one row for each finding.

    Args:
        findings: all of them.
        path: of the CSV file.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow("source x y width height result file note".split())
        for f in findings:
            box = f.box or ("", "", "", "")
            writer.writerow([f.source, *box, f.kind, f.file, f.note])


def contact_sheet(findings: list[Finding], folder: Path) -> np.ndarray:
    """Draw some of the faces that are kept, and below some of all that is dropped.

    Args:
        findings: all of them. Those that are kept are read from their files; those
            that are dropped must have their pictures, up to as many as are shown.
        folder: that the files are in.

    Returns:
        uint8 (H, W, 3).
    """
    kept = [f for f in findings if f.file]
    # From the first to the last.
    picks = np.linspace(0, len(kept) - 1, min(len(kept), KINDS["kept"][1]))
    good = [kept[i] for i in picks.round().astype(int)]
    bad = []
    for kind, (_, most) in KINDS.items():
        if kind != "kept":
            bad += [f for f in findings if f.kind == kind][:most]
    rows = _rows(
        [(_tile(writing.load_image(folder / f.file), GREEN), None) for f in good]
    )
    rows += _rows([(_tile(f.picture, RED), _caption(f)) for f in bad])
    return sheet(rows, title="green: kept, red: dropped; report.csv lists all")


def count_kinds(drawings: int, findings: list[Finding]) -> str:
    """Say how many drawings and how many findings of each kind there are.

    Args:
        drawings: how many were searched.
        findings: all of them.
    """
    number = Counter(finding.kind for finding in findings)
    words = [
        f"{number[kind]:,} {words}"
        for kind, (words, _) in KINDS.items()
        if number[kind] or kind == "kept"
    ]
    return f"{drawings:,} drawings: " + ", ".join(words)


def report(counts: str, findings: list[Finding], out: Path) -> str:
    """Say what was found and what is to be known about it.

    Args:
        counts: what `count_kinds` says, the first line.
        findings: all of them.
        out: the new folder.

    Returns:
        A few lines; at most ten of them are about broken files.
    """
    held_out = sum(f.file.startswith("test/") for f in findings)
    train = sum(f.file.startswith("train/") for f in findings)
    lines = [counts, f"{train:,} faces for training, {held_out:,} held out"]
    if narrow := sum(f.kind == "kept" and bool(f.note) for f in findings):
        lines.append(f"{narrow:,} crops are wider than the drawing: edge repeated")
    broken = [f"broken: {f.source}: {f.note}" for f in findings if f.kind == "broken"]
    lines += broken[:REASONS_TOLD]
    if len(broken) > REASONS_TOLD:
        lines.append(f"and {len(broken) - REASONS_TOLD:,} more broken, see report.csv")
    return "\n".join([*lines, f"use it with: train --data {out}"])


def _rows(tiles: list[tuple[np.ndarray, str | None]]) -> list[list]:
    return [tiles[i : i + COLUMNS] for i in range(0, len(tiles), COLUMNS)]


def _tile(picture: np.ndarray | None, colour: tuple[int, int, int]) -> np.ndarray:
    """Return a picture with a frame; without one a grey tile."""
    inner = TILE - 2 * FRAME
    if picture is None:
        picture = np.full((inner, inner, 3), GREY, np.uint8)
    image = Image.fromarray(picture).resize((inner, inner), Image.Resampling.LANCZOS)
    return np.asarray(ImageOps.expand(image, FRAME, colour))


def _caption(finding: Finding) -> str:
    words = finding.note or finding.kind
    return words if len(words) <= CAPTION else words[: CAPTION - 1] + "…"
