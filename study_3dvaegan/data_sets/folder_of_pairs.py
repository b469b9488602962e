"""Your own photos beside your own voxel files.

A photo belongs to the voxel file (.mat .npy .npz .binvox) of the same name, and so do
several photos of one shape, in the same folder or in a folder of the shape's name:

    sofa.binvox  sofa.jpg              one photo
    sofa.binvox  sofa_1.jpg sofa_2.jpg several
    sofa.binvox  sofa/any name.jpg     several

If your files are named otherwise, a list `pairs.csv` in the folder says which belong
together. Its first line is `photo,shape`, and the paths begin at its folder.

Classes and splits are found by the voxel files, as in chapter 2: see `find_shapes`.
"""

import csv
import math
import os
import re
from collections.abc import Sequence
from pathlib import Path

from common.data.folders import walk_files, warn_once
from common.errors import UserError
from common.files import check_file
from common.images.formats import SUFFIXES as PHOTO_SUFFIXES
from common.shapes.finding import find_shapes
from common.shapes.voxels import SUFFIXES as SHAPE_SUFFIXES
from study_3dvaegan.data_sets.photo_list import PhotoList

TABLE = "pairs.csv"
# Pictures that chapter 2's `data prepare` writes beside shapes.
_OWN_PICTURES = ("prepared.png",)
_MAX_TABLE_BYTES = 64 * 2**20
_NUMBERED = re.compile(r"(.+)_\d+")


def has_pairs(folder: Path) -> bool:
    """Return whether a folder has photos, or a list of pairs."""
    if (folder / TABLE).is_file():
        return True
    return any(_is_photo(path) for path in walk_files(folder, "photos and voxel files"))


def list_pairs(
    folder: Path,
    classes: Sequence[str],
    split: str,
    default: str | None = None,
) -> PhotoList:
    """List the photos of one split of a folder of pairs.

    Args:
        folder: the folder.
        classes: names of the classes to keep; empty for all.
        split: "train" or "test".
        default: class to keep if `classes` is empty and there are several; None for
            all of them.

    Returns:
        The photos, sorted by shape and name.

    Raises:
        UserError: a photo has no shape, a line of the list has no photo or no shape,
            or the voxel files are not as `find_shapes` expects them.
    """
    found = {
        path.relative_to(folder).as_posix(): path
        for path in walk_files(folder, "photos and voxel files")
    }
    photos = sorted(name for name, path in found.items() if _is_photo(path))
    shapes = [name for name in found if _suffix(name) in SHAPE_SUFFIXES]
    is_listed = (folder / TABLE).is_file()
    pairs = _read_table(folder) if is_listed else _by_names(folder, photos, shapes)
    known = {*(os.path.basename(name) for name in photos), TABLE}
    files = find_shapes(folder, classes, split, "all", default, known)
    by_shape: dict[str, list[str]] = {}
    for photo, shape in sorted(pairs):
        by_shape.setdefault(shape, []).append(photo)
    names = [file.path.relative_to(folder).as_posix() for file in files]
    unseen = [name for name in names if name not in by_shape]
    if unseen:
        warn_once(
            f"{folder}: left out {len(unseen)} shapes without photos, for example "
            f"{unseen[0]}"
        )
    kept = [
        (name, file)
        for name, file in zip(names, files, strict=True)
        if name in by_shape
    ]
    if not kept:
        raise UserError(
            f"no {split} shape in {folder} has a photo; add some, named as "
            f"{Path(names[0]).with_suffix('.jpg')}"
        )
    listed = [(p, row) for row, (name, _) in enumerate(kept) for p in by_shape[name]]
    return PhotoList(
        folder,
        [photo for photo, _ in listed],
        [row for _, row in listed],
        [math.nan] * len(listed),
        [file for _, file in kept],
    )


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _is_photo(path: Path) -> bool:
    """Return whether a file is a photo by its name."""
    return _suffix(path.name) in PHOTO_SUFFIXES and path.name not in _OWN_PICTURES


def _by_names(
    folder: Path, photos: Sequence[str], shapes: Sequence[str]
) -> list[tuple[str, str]]:
    """Return pairs of a photo and its shape, which the photo's name tells."""
    by_stem: dict[str, str] = {}
    for name in sorted(shapes):
        stem = os.path.splitext(name)[0]
        if stem in by_stem:
            raise UserError(
                f"{folder}: {by_stem[stem]} and {name} have the same name, so a photo "
                "would have two shapes; remove or rename one"
            )
        by_stem[stem] = name
    pairs = []
    for photo in photos:
        stem = os.path.splitext(photo)[0]
        numbered = _NUMBERED.fullmatch(stem)
        places = [stem, numbered[1] if numbered else "", os.path.dirname(photo)]
        shape = next((by_stem[place] for place in places if place in by_stem), None)
        if shape is None:
            raise UserError(
                f"{folder / photo}: found no shape of this photo; expected "
                f"{os.path.basename(stem)}.binvox, .mat, .npy or .npz beside it; "
                f"rename it, list it in {TABLE}, or remove it"
            )
        pairs.append((photo, shape))
    return pairs


def _read_table(folder: Path) -> list[tuple[str, str]]:
    """Return the pairs that a list names, with paths below the folder."""
    path = folder / TABLE
    check_file(path, _MAX_TABLE_BYTES)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            header = [name.strip().lower() for name in table.fieldnames or ()]
            if not {"photo", "shape"} <= set(header):
                raise UserError(
                    f"{path}: expected the columns photo,shape in the first line, "
                    f"found {','.join(header)[:100] or 'nothing'}; add the line, and "
                    "separate its columns with commas"
                )
            table.fieldnames = header
            pairs = [
                (
                    _listed(path, table.line_num, row["photo"], PHOTO_SUFFIXES),
                    _listed(path, table.line_num, row["shape"], SHAPE_SUFFIXES),
                )
                for row in table
            ]
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror}); check its permissions"
        ) from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise UserError(
            f"{path}: expected a table in UTF-8 with commas, found something else "
            f"({error}); save it as CSV UTF-8"
        ) from error
    if not pairs:
        raise UserError(f"{path}: expected a line for each photo, found none; add some")
    return _without_repeats(path, pairs)


def _listed(table: Path, line: int, value: str | None, suffixes: Sequence[str]) -> str:
    """Return a path of a list, relative to its folder, if there is such a file."""
    text = (value or "").strip()
    name = os.path.normpath(text).replace(os.sep, "/") if text else ""
    where = f"{table}, line {line}"
    kind = "photo" if suffixes is PHOTO_SUFFIXES else "shape"
    if not text or "\0" in text:
        raise UserError(f"{where}: found no {kind}; add its path, or remove the line")
    if os.path.isabs(name) or name.startswith(".."):
        raise UserError(
            f"{where}: expected a {kind} in {table.parent}, found {text}; put it there"
        )
    if _suffix(name) not in suffixes:
        raise UserError(
            f"{where}: expected a {kind} that ends in {', '.join(suffixes)}, found "
            f"{text}; correct the line"
        )
    if not (table.parent / name).is_file():
        raise UserError(
            f"{where}: there is no {kind} {text} in {table.parent}; correct the path, "
            "or remove the line"
        )
    return name


def _without_repeats(
    table: Path, pairs: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Return the pairs without repeated lines; no photo may have two shapes."""
    shapes: dict[str, str] = {}
    for photo, shape in pairs:
        if shapes.setdefault(photo, shape) != shape:
            raise UserError(
                f"{table}: {photo} has two shapes, {shapes[photo]} and {shape}; remove "
                "a line"
            )
    return list(shapes.items())
