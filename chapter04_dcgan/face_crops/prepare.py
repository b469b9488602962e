"""Turning a folder of drawings into a folder of faces for training."""

import hashlib
import os
import re
import signal
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from chapter04_dcgan.face_crops.detectors import (
    Box,
    Detector,
    Find,
    cut_out,
    open_detector,
)
from chapter04_dcgan.face_crops.report import (
    KINDS,
    REPEATED,
    TILE,
    Finding,
    advice,
    contact_sheet,
    count_kinds,
    report,
    write_table,
)
from common.config import require
from common.errors import TextLeftOut, UserError
from common.files import atomic_path, utf_8_name
from common.images import writing
from common.images.image_file import ImageError, count_pixels
from common.images.reading import find_images, read_image

# Faces whose difference hashes (64 bits) differ in at most this many bits are
# duplicates.
SAME_PICTURE = 4
# Default margins: AnimeFace's boxes end at chin and forehead, those of the usual
# cascade include the hair, and a drawing that is a face already needs no margin.
MARGINS = {"animeface": 0.25, "cascade": 0.05, "none": 0.0}
# Control characters, and what Windows does not allow in file names.
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f\\?*:"<>|]')
# Upper limit of the default number of processes.
MOST_WORKERS = 8
# Drawings of more pixels are searched one at a time, to save memory.
LARGE = 16_000_000

# The lock for large drawings, which the processes of a search share.
_one_at_a_time: AbstractContextManager = nullcontext()


@dataclass(frozen=True)
class Settings:
    """The options of `prepare`; its docstring explains them."""

    size: int
    margin: float
    detector: Detector
    cascade: Path | None
    min_face: int
    test_share: float
    workers: int

    def check(self) -> None:
        """Raise a UserError about the first option that is out of its range."""
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
    """Crop the faces from all drawings below a folder and resize them to one size.

    A crop is a square around the box of a face. A crop that extends beyond the drawing
    is moved into it; if the drawing is too narrow for that, its outermost pixels are
    repeated. Of faces that look the same (difference hashes of 64 bits that differ in
    at most 4 bits), only the first by file name is kept. All faces of a drawing go to
    the same split, which depends only on the drawing's name, except that neither split
    is left empty.

    Args:
        drawings: folder of image files, at any depth. Their origin does not matter; the
            book downloads them with gallery-dl, a separate program that many sites
            block.
        out: new folder to write: train/ and test/ with PNG files, report.csv with one
            row for each face and for each drawing without a face, and contact.png,
            which shows some of the kept (green) and dropped (red) faces.
        size: edge of the written faces, pixels, 8 to 1024.
        margin: margin added to the box on each side, as a share of its longer edge,
            0 to 1; default 0.25 for "animeface", 0.05 for "cascade", 0 for "none".
        detector: name of the detector, see `detectors.open_detector`.
        cascade: XML file for the detector "cascade".
        min_face: minimum of the shorter edge of a face's box, pixels of the drawing,
            8 to 4096; smaller faces are dropped.
        test_share: share of the drawings whose faces are held out, in (0, 1). Each
            split gets the faces of at least one drawing.
        workers: number of processes that search, 1 to 256; default one for each core,
            at most 8. The results do not depend on it.

    Returns:
        A report of a few lines: counts, and the reasons of up to ten broken files;
        `TextLeftOut` if there are broken files.

    Raises:
        UserError: there is no such folder, it holds no images, fewer than two drawings
            have a face, `out` exists, the detector cannot be used, or an option is
            out of its range.

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
                f"{advice(findings, detector)}"
            )
        _divide(kept, temporary, test_share)
        write_table(findings, temporary / "report.csv")
        writing.save_image(
            contact_sheet(findings, temporary), temporary / "contact.png"
        )
    text = report(counts, findings, out)
    is_broken = any(finding.kind == "broken" for finding in findings)
    return TextLeftOut(text) if is_broken else text


def _collect(
    folder: Path, paths: list[Path], settings: Settings, out: Path
) -> list[Finding]:
    """Search all drawings and write the faces that are kept to `out`.

    Returns:
        The findings of all drawings, in their order.
    """
    out.mkdir()
    findings: list[Finding] = []
    album = _Album(out)
    counts = Counter()
    # If something fails here, close the generator at once, which stops its processes.
    with closing(_search_all(paths, settings)) as searched:
        bar = tqdm(searched, "finding faces", len(paths), unit="drawing", disable=None)
        for path, found in zip(paths, bar, strict=True):
            # File names may not be valid UTF-8, but the report must be.
            name = utf_8_name(path.relative_to(folder).as_posix())
            for finding in found:
                finding.source = name
                if finding.kind == "kept":
                    album.add(finding)
                counts[finding.kind] += 1
                # Save memory: kept faces can be read from their files, and the contact
                # sheet shows a limited number of the dropped ones.
                if finding.file or counts[finding.kind] > KINDS[finding.kind][1]:
                    finding.picture = None
            findings += found
    return findings


class _Album:
    """A folder of faces without duplicates."""

    def __init__(self, folder: Path) -> None:
        """Start an empty album.

        Args:
            folder: an existing folder to write the faces to.
        """
        self._folder = folder
        # The first len(self._names) entries are in use; the array grows when full.
        self._hashes = np.zeros(1024, np.uint64)
        self._names: list[str] = []
        self._used: Counter[str] = Counter()

    def add(self, finding: Finding) -> None:
        """Write a face as a PNG file, or mark it as a duplicate of an earlier one."""
        key = _difference_hash(finding.picture)
        count = len(self._names)
        different_bits = np.bitwise_count(self._hashes[:count] ^ key)
        similar = np.flatnonzero(different_bits <= SAME_PICTURE)
        if similar.size:
            finding.kind = "duplicate"
            finding.note = f"like {self._names[similar[0]]}"
            return
        # The names of folders become part of the file name, which file systems limit to
        # 255 bytes.
        stem = "_".join(Path(finding.source).with_suffix("").parts)
        stem = _NOT_IN_NAMES.sub("_", stem)
        stem = stem.encode()[:200].decode(errors="ignore")
        finding.file = f"{stem}_{self._used[stem]}.png"
        Image.fromarray(finding.picture).save(self._folder / finding.file)
        self._used[stem] += 1
        self._names.append(finding.file)
        if count == len(self._hashes):
            self._hashes = np.concatenate([self._hashes, np.zeros_like(self._hashes)])
        self._hashes[count] = key


def _difference_hash(picture: np.ndarray) -> np.uint64:
    """Compute the difference hash (dHash) of an image.

    The image is shrunk to 8 rows of 9 grey pixels. A bit is 1 if a pixel is brighter
    than its left neighbour. Resizing or compressing the image changes only a
    few of the bits.

    Args:
        picture: RGB image, uint8 (H, W, 3).

    Returns:
        The hash of 64 bits.
    """
    grey = (
        Image.fromarray(picture).convert("L").resize((9, 8), Image.Resampling.LANCZOS)
    )
    values = np.asarray(grey)
    return np.packbits(values[:, 1:] > values[:, :-1]).view(np.uint64)[0]


def _search_all(paths: list[Path], settings: Settings) -> Iterator[list[Finding]]:
    """Yield the findings of each drawing, in the order of the paths."""
    search = partial(_search, settings)
    if settings.workers == 1:
        yield from map(search, paths)
        return
    context = get_context("spawn")
    pool = ProcessPoolExecutor(
        min(settings.workers, len(paths)),
        context,
        initializer=_begin,
        initargs=(context.Lock(),),
    )
    try:
        yield from pool.map(search, paths)
    except BrokenProcessPool as error:
        raise UserError(
            "a process that searched drawings died, perhaps because memory ran out; "
            "try --workers 1, which needs the least memory"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


@lru_cache(maxsize=1)
def _detector_of(settings: Settings) -> Find:
    """Return the detector of the settings; a process opens it once for all drawings."""
    return open_detector(settings.detector, settings.cascade)


def _begin(one_at_a_time: AbstractContextManager) -> None:
    """Prepare a process that searches drawings."""
    # Ctrl-C reaches all processes of the terminal; only the parent handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    global _one_at_a_time
    _one_at_a_time = one_at_a_time


def _search(settings: Settings, path: Path) -> list[Finding]:
    """Search one drawing; return its faces as crops, or why there is none."""
    is_large = count_pixels(path) > LARGE
    with _one_at_a_time if is_large else nullcontext():
        cut: list[Path] = []
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", module="PIL")
                drawing = read_image(path, tell_of_more=cut.append)
        except ImageError as error:
            return [Finding("broken", note=error.reason)]
        found = _faces_of(settings, drawing)
    for finding in found:
        finding.cut = bool(cut)
    return found


def _faces_of(settings: Settings, drawing: np.ndarray) -> list[Finding]:
    """Return the faces of a drawing as crops, or the drawing as one without a face."""
    find = _detector_of(settings)
    found = [_cut(drawing, box, settings) for box in find(drawing)]
    if not found:
        tile = ImageOps.pad(Image.fromarray(drawing), (TILE, TILE), color="white")
        found = [Finding("no face", np.asarray(tile))]
    return found


def _cut(drawing: np.ndarray, box: Box, settings: Settings) -> Finding:
    """Return the crop of one face, marked as too small or to be kept."""
    picture, repeated = cut_out(drawing, box, settings.margin, settings.size)
    edge = min(box.width, box.height)
    if edge < settings.min_face:
        return Finding("too small", picture, box, f"{edge} pixels")
    return Finding("kept", picture, box, REPEATED if repeated else "")


def _divide(kept: list[Finding], folder: Path, test_share: float) -> None:
    """Move the faces into train/ and test/, all faces of a drawing into the same one.

    Args:
        kept: findings of at least two drawings, whose files are in `folder`; their
            `file` is updated.
        folder: folder in which train/ and test/ are created.
        test_share: share of the drawings that are held out, in (0, 1).
    """
    places = {finding.source: _place(finding.source) for finding in kept}
    held_out = {source for source, place in places.items() if place < test_share}
    # Neither split may be empty.
    if not held_out:
        held_out = {min(places, key=places.__getitem__)}
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
    """Return a number in [0, 1) that depends only on a drawing's name, not its suffix.

    It decides the split. A drawing therefore stays in its split when others are added.
    """
    name = str(Path(source).with_suffix(""))
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) / 2**32
