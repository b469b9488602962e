"""The test set of IKEA furniture that papers on the 3D-VAE-GAN measure with.

    Images/*.jpg            photos, cut to the object
    Lists/Images.txt        name of each photo
    Lists/ModelID.txt       number of the model in each photo, from 1
    Lists/all_obj_class.txt class of each model, line by line
    Voxels/<number>.mat     the model as `grid`, 20^3 voxels of 0 and 1

The models stand along axis 0 of the files; they are rotated so that axis 2 is up, as
everywhere in this project. Chairs then face low indices of axis 0; which way the other
models face differs.

Reference: Lim, Pirsiavash and Torralba 2013, "Parsing IKEA Objects"; grids and lists
    as in Girdhar et al. 2016, arXiv:1603.08637.
"""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.data.folders import check_folder
from common.errors import UserError
from common.files import read_limited
from common.shapes.finding import choose_class_names
from common.shapes.voxels import ShapeFile, read_mat
from study_3dvaegan.data_sets.photo_cache import open_photos
from study_3dvaegan.data_sets.photo_list import PhotoList

SIZE = 20
_LISTS = ("Images.txt", "ModelID.txt", "all_obj_class.txt")
_MAX_LIST_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Ikea:
    """The photos of the test set, each with its shape.

    Attributes:
        images: uint8 (N, H, H, 3), RGB.
        grids: bool (N, 20, 20, 20), the shape in each photo; axis 2 up.
        class_names: class of each photo, N names.
        model_ids: int64 (N,), number of the model in each photo, from 1.
        names: N names of photos.
    """

    images: np.ndarray
    grids: np.ndarray
    class_names: tuple[str, ...]
    model_ids: np.ndarray
    names: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self.names)


def is_ikea(folder: Path) -> bool:
    """Return whether a folder is laid out as the IKEA set."""
    return all((folder / name).is_dir() for name in ("Images", "Lists"))


def load_ikea(
    folder: Path | str,
    size: int,
    classes: Sequence[str] = (),
    memory_mb: float = 512,
) -> Ikea:
    """Load the test set, or some classes of it.

    Args:
        folder: folder with Images, Lists and Voxels in it.
        size: edge of the photos, pixels.
        classes: names of the classes to keep; empty for all.
        memory_mb: largest total size of photos in MB that is read into memory.

    Returns:
        The photos in the order of the list. Files that are not usable images are left
        out with a warning.

    Raises:
        UserError: a list is missing or damaged, the lists do not match, a photo or a
            grid is missing, a grid is not 20^3 voxels, or a class is unknown.
    """
    folder = Path(folder)
    photos, models = _list_photos(folder, classes)
    images, places = open_photos(photos, size, memory_mb)
    by_model = {file.path: _read_grid(file.path) for file in photos.shapes}
    rows = np.array(photos.shape_rows)[places]
    files = [photos.shapes[row] for row in rows]
    return Ikea(
        images,
        np.stack([by_model[file.path] for file in files]),
        tuple(file.class_name for file in files),
        np.array(models, np.int64)[places],
        tuple(photos.names[place] for place in places),
    )


def _list_photos(folder: Path, classes: Sequence[str]) -> tuple[PhotoList, list[int]]:
    """Return the photos of some classes, and the number of the model in each."""
    check_folder(folder, "Images, Lists and Voxels")
    paths = [folder / "Lists" / name for name in _LISTS]
    names, numbers, class_lines = (_read_lines(path) for path in paths)
    if len(names) != len(numbers):
        raise UserError(
            f"{folder / 'Lists'}: expected as many lines in {_LISTS[1]} as in "
            f"{_LISTS[0]}, found {len(numbers)} and {len(names)}; download them again"
        )
    models = [
        _model_number(paths[1], line, text, len(class_lines))
        for line, text in enumerate(numbers, 1)
    ]
    found = sorted({class_lines[model - 1] for model in models})
    chosen = choose_class_names(folder, found, classes, None)
    kept = [i for i, model in enumerate(models) if class_lines[model - 1] in chosen]
    rows: dict[int, int] = {}
    for i in kept:
        _check_photo(folder, paths[0], i + 1, names[i])
        grid = folder / "Voxels" / f"{models[i]}.mat"
        if not grid.is_file():
            raise UserError(
                f"{paths[1]}, line {i + 1}: there is no grid {grid}; add it, or remove "
                f"this line and that of {_LISTS[0]}"
            )
        rows.setdefault(models[i], len(rows))
    files = [
        ShapeFile(folder / "Voxels" / f"{model}.mat", class_lines[model - 1])
        for model in rows
    ]
    photos = PhotoList(
        folder / "Images",
        [names[i] for i in kept],
        [rows[models[i]] for i in kept],
        [math.nan] * len(kept),
        files,
    )
    return photos, [models[i] for i in kept]


def _read_lines(path: Path) -> list[str]:
    """Return the lines of a list, without blank ones at its end; at least one."""
    text = read_limited(path, _MAX_LIST_BYTES).decode("utf-8-sig", "replace")
    lines = [line.strip() for line in text.rstrip().splitlines()]
    if not lines:
        raise UserError(f"{path} has no lines; download it again")
    return lines


def _model_number(path: Path, line: int, text: str, count: int) -> int:
    """Return the number of a model, from 1 to `count`."""
    is_number = text.isascii() and text.isdecimal() and len(text) < 10
    if not is_number or not 1 <= int(text) <= count:
        raise UserError(
            f"{path}, line {line}: expected the number of a model from 1 to {count} "
            f"({_LISTS[2]} has so many lines), found '{text[:40]}'; correct the line"
        )
    return int(text)


def _check_photo(folder: Path, path: Path, line: int, name: str) -> None:
    """Raise a UserError unless a line of the list names a photo in the folder."""
    where = f"{path}, line {line}"
    if not name or "\0" in name or Path(name).name != name:
        raise UserError(
            f"{where}: expected the name of a photo in {folder / 'Images'}, found "
            f"'{name[:80]}'; correct the line"
        )
    # Path.is_file would raise an error for a name that is too long.
    if not os.path.isfile(folder / "Images" / name):
        raise UserError(
            f"{where}: there is no photo {folder / 'Images' / name}; add it, or remove "
            f"this line and that of {_LISTS[1]}"
        )


def _read_grid(path: Path) -> np.ndarray:
    """Return a grid, bool (20, 20, 20), axis 2 up."""
    grid = read_mat(path, "grid")
    if grid.shape != (SIZE,) * 3:
        raise UserError(
            f"{path}: expected {SIZE} x {SIZE} x {SIZE} voxels, found "
            f"{' x '.join(map(str, grid.shape))}; use the set's own grid"
        )
    # (up, front, side) -> (back, other side, up): two flips, so nothing is mirrored.
    return np.ascontiguousarray(grid.transpose(1, 2, 0)[::-1, ::-1])
