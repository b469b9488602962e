"""smallNORB: 50 toys of five classes, seen by two cameras from 162 sides in six lights.

Each split has three matrices: `dat`, the pictures of both cameras; `cat`, the classes;
`info`, four numbers for each pair: toy, elevation, azimuth and lighting. The toys of
the test split are others than those of the training split.

Reference: LeCun, Huang & Bottou, "Learning methods for generic object recognition with
invariance to pose and lighting", CVPR 2004.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from common.data.folders import walk_files
from common.errors import UserError
from common.images.lush import Header, open_matrix, read_header
from study_norb.config import CLASSES
from study_norb.data_sets.records import Records

Split = Literal["train", "test"]
Kind = Literal["dat", "cat", "info"]
KINDS: tuple[Kind, ...] = get_args(Kind)
PREFIXES: dict[Split, str] = {
    "train": "smallnorb-5x46789x9x18x6x2x96x96-training",
    "test": "smallnorb-5x01235x9x18x6x2x96x96-testing",
}
# Azimuths are stored in steps of 10 degrees, elevations in steps of 5 from 30.
AZIMUTH_STEP = 10
ELEVATION_STEP, LOWEST_ELEVATION = 5, 30
_LEAST_SIDE = 8
_FILES = "smallNORB's .mat files"
# Bytes of each uncompressed file of a published split.
_PLAIN_BYTES = {"dat": 447_897_624, "cat": 97_220, "info": 388_820}
# The columns of `info`: name, and the values that it may have.
_COLUMNS = (
    ("instances", range(10)),
    ("elevations", range(9)),
    ("azimuths", range(0, 36, 2)),
    ("lightings", range(6)),
)


@dataclass(frozen=True)
class _Published:
    """Size in bytes and SHA-256 of a gzip file as it is published."""

    size: int
    sha256: str


_PUBLISHED: dict[tuple[Split, Kind], _Published] = {
    ("train", "dat"): _Published(
        131_896_188, "5ffd6272a07d32695ee1082a26a41a93a37aab8c28da047f8c34ed348d214873"
    ),
    ("train", "cat"): _Published(
        348, "2784e542c1922060691090952b6cd6278879a216c90f81476f0f00256d42cdaa"
    ),
    ("train", "info"): _Published(
        71_052, "de7eb932ebe7a4ee16217fead60660d0eb3d23632c2f4d1c51f88c501c17bf32"
    ),
    ("test", "dat"): _Published(
        130_799_817, "cf7104eed3e51174d2f65b66d1e5878b9da233b886f161b0d88f4510ba2c7474"
    ),
    ("test", "cat"): _Published(
        347, "ecaf6d5bb8c3bc5eab9cf0258f6d2198dd474e016e374836fc097f2e5ff509ff"
    ),
    ("test", "info"): _Published(
        10_428, "16adf314226327ee006d1a44db8cfef52773c06c829951d5653a9f6f310248a2"
    ),
}


def file_name(split: Split, kind: Kind) -> str:
    """Return the name of an uncompressed file, as it is published.

    Args:
        split: "train" or "test".
        kind: "dat", "cat" or "info".
    """
    return f"{PREFIXES[split]}-{kind}.mat"


def is_small_norb(folder: Path) -> bool:
    """Return whether any of smallNORB's files is in a folder or below it.

    Args:
        folder: folder to search.

    Raises:
        UserError: the folder is missing or cannot be read.
    """
    return any(_found(folder, split) for split in PREFIXES)


def load_records(folder: Path, split: Split) -> Records:
    """Open the pictures of a split and read their labels.

    Args:
        folder: folder that contains the files, at any depth, plain or gzip.
        split: "train" or "test".

    Returns:
        The records, in the order of the files, with grey pictures of two cameras,
        uint8 (N, 2, S, S), memory-mapped.

    Raises:
        UserError: a file is missing, damaged, in the place of another, of another
            count than the others, or has numbers out of their ranges.
    """
    paths = _paths(folder, split)
    for kind, path in paths.items():
        _check_kind(path, kind)
    pictures = open_matrix(paths["dat"], np.uint8)
    classes = open_matrix(paths["cat"], np.int32)
    info = open_matrix(paths["info"], np.int32)
    count = len(pictures)
    for kind, matrix in (("cat", classes), ("info", info)):
        if len(matrix) != count:
            raise UserError(
                f"{paths[kind]}: expected {count:,} rows, as many as in "
                f"{paths['dat'].name}, found {len(matrix):,}; use the files of one set"
            )
    _check_values(paths["cat"], "classes", classes, range(len(CLASSES)))
    for column, (name, values) in enumerate(_COLUMNS):
        _check_values(paths["info"], name, info[:, column], values)
    instances, elevations, azimuths, lightings = np.array(info.T, np.int32)
    return Records(
        pictures=pictures,
        rows=np.arange(count),
        classes=np.array(classes, np.int32),
        instances=instances,
        azimuths=(AZIMUTH_STEP * azimuths).astype(np.float32),
        elevations=(LOWEST_ELEVATION + ELEVATION_STEP * elevations).astype(np.float32),
        lightings=lightings,
        class_names=CLASSES,
        folder=paths["dat"].parent,
        files=(paths["dat"].name,),
    )


def describe_files(folder: Path) -> list[str]:
    """Return a line for each of the six files: whether it is the published one.

    Gzip files are hashed, which takes about a second.

    Args:
        folder: folder that contains the files.

    Raises:
        UserError: a file is missing or cannot be read.
    """
    return [
        f"{path.name}: {_state(path, split, kind)}"
        for split in PREFIXES
        for kind, path in _paths(folder, split).items()
    ]


def _found(folder: Path, split: Split) -> dict[Kind, Path]:
    """Return the files of a split that are there: plain ones before gzip ones."""
    by_name: dict[str, Path] = {}
    for path in walk_files(folder, _FILES):
        by_name.setdefault(path.name.lower(), path)  # the topmost first
    found = {}
    for kind in KINDS:
        plain = file_name(split, kind)
        for name in (plain, f"{plain}.gz"):
            if name in by_name:
                found.setdefault(kind, by_name[name])
    return found


def _paths(folder: Path, split: Split) -> dict[Kind, Path]:
    """Return the three files of a split; a UserError names those that are missing."""
    found = _found(folder, split)
    missing = [file_name(split, kind) for kind in KINDS if kind not in found]
    if missing:
        raise UserError(
            f"{folder}: missing {', '.join(missing)}, each plain or with .gz; "
            f"download the {split} files of smallNORB"
        )
    return found


def _check_kind(path: Path, kind: Kind) -> None:
    """Check that a file has the type and the axes of its kind."""
    header = read_header(path)
    found = _kind_of(header)
    if found == kind:
        return
    expected = {
        "dat": f"bytes N x 2 x S x S (S at least {_LEAST_SIDE})",
        "cat": "N integers",
        "info": "integers N x 4",
    }[kind]
    looks = f"; it looks like {found!r}, so check the names" if found else ""
    raise UserError(f"{path}: expected {expected}, found {header}{looks}")


def _kind_of(header: Header) -> Kind | None:
    """Return the kind of file that a header fits, or None."""
    match header.dtype, header.shape:
        case np.dtype(kind="u"), (_, 2, height, width) if height == width:
            return "dat" if height >= _LEAST_SIDE else None
        case np.dtype(kind="i"), (_,):
            return "cat"
        case np.dtype(kind="i"), (_, 4):
            return "info"
    return None


def _check_values(path: Path, name: str, found: np.ndarray, wanted: range) -> None:
    """Check that all numbers are among those wanted; an error names the first other."""
    wrong = np.flatnonzero(~np.isin(found, wanted))
    if len(wrong):
        step = f" in steps of {wanted.step}" if wanted.step > 1 else ""
        raise UserError(
            f"{path}: expected {name} from {wanted[0]} to {wanted[-1]}{step}, found "
            f"{found[wrong[0]]} in record {wrong[0]:,}; download it again"
        )


def _state(path: Path, split: Split, kind: Kind) -> str:
    """Return whether a file is the published one."""
    size = path.stat().st_size
    published = _PUBLISHED[split, kind]
    if path.suffix.lower() != ".gz":
        if size == _PLAIN_BYTES[kind]:
            return "as large as the published one (uncompressed: not hashed)"
        return f"not the published one: {size:,} bytes, not {_PLAIN_BYTES[kind]:,}"
    if size != published.size:
        return f"not the published one: {size:,} bytes, not {published.size:,}"
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    if digest != published.sha256:
        return f"not the published one: SHA-256 {digest}, not {published.sha256}"
    return "the published one (size and SHA-256)"
