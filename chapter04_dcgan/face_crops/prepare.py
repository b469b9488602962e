"""From a folder of drawings to a folder of faces that training reads."""

import hashlib
import os
import signal
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from chapter04_dcgan.face_crops.detectors import Box, Detector, cut_out, open_detector
from chapter04_dcgan.face_crops.report import (
    KINDS,
    TILE,
    Finding,
    contact_sheet,
    count_kinds,
    report,
    write_table,
)
from common.config import require
from common.errors import UserError
from common.files import atomic_path
from common.images import writing
from common.images.reading import ImageError, find_images, read_image

# Difference hashes of 64 bits that differ in at most so many are of one picture.
SAME_PICTURE = 4
# AnimeFace's boxes end at the chin and the forehead, the usual cascade's hold the
# hair, and a drawing that is a face needs nothing more.
MARGINS = {"animeface": 0.25, "cascade": 0.05, "none": 0.0}
MOST_WORKERS = 8


@dataclass(frozen=True)
class Settings:
    """The options of `prepare`, which explains them."""

    size: int
    margin: float
    detector: Detector
    cascade: Path | None
    min_face: int
    test_share: float
    workers: int

    def check(self) -> None:
        """Raise a UserError about the first option that makes no sense."""
        require(self, "size", 8 <= self.size <= 1024, "from 8 to 1024")
        require(self, "margin", 0 <= self.margin <= 1, "from 0 to 1")
        require(self, "min_face", 8 <= self.min_face <= 4096, "from 8 to 4096")
        require(self, "test_share", 0 < self.test_share < 1, "between 0 and 1")
        require(self, "workers", 1 <= self.workers <= 256, "from 1 to 256")
        open_detector(self.detector, self.cascade)


def prepare(
    drawings: Path,
    out: Path,
    *,
    size: int = 64,
    margin: float | None = None,
    detector: Detector = "animeface",
    cascade: Path | None = None,
    min_face: int = 48,
    test_share: float = 1 / 6,
    workers: int | None = None,
) -> str:
    """Cut the faces out of all drawings below a folder and make them one size.

    A crop is a square around the face's box. One that would leave the drawing is
    moved into it; only where the drawing is too narrow for it, its edge is repeated.
    Faces that look the same (difference hashes of 64 bits, at most 4 of which differ)
    are kept once, the first by name. All faces of a drawing land on the same side,
    which the drawing's name alone decides.

    Args:
        drawings: folder of image files, at any depth, however they came here: the book
            uses
            gallery-dl, a program of its own which many sites refuse.
        out: new drawings. Becomes train/ and test/ with PNG files, report.csv with one
            row for each face or drawing without one, and contact.png, which shows
            some of what was kept (green) and dropped (red).
        size: edge of the faces that are written, pixels, 8 to 1024.
        margin: what is added to the box on each side, as a part of its edge, 0 to 1;
            default 0.25 for "animeface", 0.05 for "cascade", 0 for "none".
        detector: see `detectors.open_detector`.
        cascade: file for the detector "cascade".
        min_face: faces whose box has a shorter edge are dropped, pixels, 8 to 4096.
        test_share: part of the drawings whose faces are held out, in (0, 1). At
            least one drawing is on either side.
        workers: processes that search; default one for each core, at most 8. What
            comes out does not depend on it.

    Returns:
        A report: how many of what, and up to ten reasons for broken files.

    Raises:
        UserError: no such drawings, no images, fewer than two drawings with a face,
            `out` exists, a detector that cannot be used, or an impossible number.

    Reference: Krawetz 2013, "Kind of like that", hackerfactor.com (dHash).
    """
    if workers is None:
        workers = min(MOST_WORKERS, os.cpu_count() or 1)
    if margin is None:
        margin = MARGINS[detector]
    settings = Settings(size, margin, detector, cascade, min_face, test_share, workers)
    settings.check()
    if out.exists():
        raise UserError(f"--out {out} exists already; name a new folder")
    paths = find_images(drawings)
    with atomic_path(out) as temporary:
        findings = _collect(drawings, paths, settings, temporary)
        kept = [finding for finding in findings if finding.file]
        counts = count_kinds(len(paths), findings)
        if len({finding.source for finding in kept}) < 2:
            raise UserError(
                f"expected faces in at least 2 drawings of {drawings}, found {counts}; "
                "with --detector none every image counts as a face"
            )
        _divide(kept, temporary, test_share)
        write_table(findings, temporary / "report.csv")
        writing.save_image(
            contact_sheet(findings, temporary), temporary / "contact.png"
        )
    return report(counts, findings, out)


def _collect(
    folder: Path, paths: list[Path], settings: Settings, out: Path
) -> list[Finding]:
    """Write every face that is kept to `out`; return what became of all."""
    out.mkdir()
    findings, album, shown = [], _Album(out), Counter()
    # Closed at once when something fails here, so that no process goes on.
    with closing(_search_all(paths, settings)) as searched:
        bar = tqdm(searched, "finding faces", len(paths), unit="drawing", disable=None)
        for path, found in zip(paths, bar, strict=True):
            # Names need not be UTF-8, but what is written must be.
            name = path.relative_to(folder).as_posix().encode(errors="replace").decode()
            for finding in found:
                finding.source = name
                if finding.kind == "kept":
                    album.add(finding)
                shown[finding.kind] += 1
                # Faces that are kept can be read again.
                if finding.file or shown[finding.kind] > KINDS[finding.kind][1]:
                    finding.picture = None
            findings += found
    return findings


class _Album:
    """A folder of faces, each of them once."""

    def __init__(self, folder: Path) -> None:
        """Start with none, in a folder that is there."""
        self._folder = folder
        self._hashes = np.zeros(1024, np.uint64)
        self._names: list[str] = []
        self._used: Counter[str] = Counter()

    def add(self, finding: Finding) -> None:
        """Write a face, or make it a duplicate."""
        key = _difference_hash(finding.picture)
        count = len(self._names)
        bits = np.bitwise_count(self._hashes[:count] ^ key)
        if (near := np.flatnonzero(bits <= SAME_PICTURE)).size:
            finding.kind, finding.note = "duplicate", f"like {self._names[near[0]]}"
            return
        # Folders become part of the name, which may have 255 bytes.
        stem = "_".join(Path(finding.source).with_suffix("").parts)
        stem = stem.encode()[:200].decode(errors="ignore")
        finding.file = f"{stem}_{self._used[stem]}.png"
        Image.fromarray(finding.picture).save(self._folder / finding.file)
        self._used[stem] += 1
        self._names.append(finding.file)
        if count == len(self._hashes):
            self._hashes = np.concatenate([self._hashes, np.zeros_like(self._hashes)])
        self._hashes[count] = key


def _difference_hash(picture: np.ndarray) -> np.uint64:
    """Return 64 bits: where a pixel of the picture at 8 x 9 is brighter than its left.

    Neither another size nor another compression changes more than a few of them.
    """
    grey = (
        Image.fromarray(picture).convert("L").resize((9, 8), Image.Resampling.LANCZOS)
    )
    values = np.asarray(grey)
    return np.packbits(values[:, 1:] > values[:, :-1]).view(np.uint64)[0]


def _search_all(paths: list[Path], settings: Settings) -> Iterator[list[Finding]]:
    """Yield what is in each drawing, in their order."""
    search = partial(_search, settings)
    if settings.workers == 1:
        yield from map(search, paths)
        return
    pool = ProcessPoolExecutor(
        min(settings.workers, len(paths)),
        get_context("spawn"),
        # Ctrl-C reaches all processes; the parent alone decides what it means.
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )
    try:
        yield from pool.map(search, paths)
    except BrokenProcessPool as error:
        raise UserError(
            "a process that searched drawings died, for want of memory or of a sound "
            "cascade file; --workers 1 needs the least memory"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _search(settings: Settings, path: Path) -> list[Finding]:
    """Return the faces of one drawing, cut out."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="PIL")
            drawing = read_image(path)
    except ImageError as error:
        return [Finding("broken", note=error.reason)]
    find = open_detector(settings.detector, settings.cascade)
    found = [_cut(drawing, box, settings) for box in find(drawing)]
    if not found:
        tile = ImageOps.pad(Image.fromarray(drawing), (TILE, TILE), color="white")
        found = [Finding("no face", np.asarray(tile))]
    return found


def _cut(drawing: np.ndarray, box: Box, settings: Settings) -> Finding:
    picture, repeated = cut_out(drawing, box, settings.margin, settings.size)
    edge = min(box.width, box.height)
    if edge < settings.min_face:
        return Finding("too small", picture, box, f"{edge} pixels")
    return Finding("kept", picture, box, "edge repeated" if repeated else "")


def _divide(kept: list[Finding], folder: Path, test_share: float) -> None:
    """Move the faces into train/ and test/, all of one drawing into the same."""
    places = {finding.source: _place(finding.source) for finding in kept}
    held_out = {source for source, place in places.items() if place < test_share}
    held_out = held_out or {min(places, key=places.__getitem__)}
    if len(held_out) == len(places):
        held_out.remove(max(places, key=places.__getitem__))
    for split in ("train", "test"):
        (folder / split).mkdir()
    for finding in kept:
        split = "test" if finding.source in held_out else "train"
        file = f"{split}/{finding.file}"
        (folder / finding.file).rename(folder / file)
        finding.file = file


def _place(source: str) -> float:
    """Return a number in [0, 1) that only the name of a drawing decides."""
    name = str(Path(source).with_suffix(""))
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) / 2**32
