"""Rendered shapes in the folders of 3D-R2N2 (Choy et al. 2016), and of `data render`.

    ShapeNetRendering/<class>/<name>/rendering/00.png     photos of a shape, and
        rendering_metadata.txt                            their views, if known
    ShapeNetVox32/<class>/<name>/model.binvox             the shape
    train.txt, test.txt                                   each split, if listed

3D-R2N2's own data are at http://cvgl.stanford.edu/data2/ShapeNetRendering.tgz and
http://cvgl.stanford.edu/data2/ShapeNetVox32.tgz; unpack both into one folder.

Axes: in 3D-R2N2's binvox files the slowest axis is x, then z, and the fastest is y,
as usual in this format, and y of ShapeNetCore (version 1) points up. So `read_binvox`
returns them upright, axis 2 up, and nothing is rotated here. Axis 0 is x, and the
viewer at azimuth 0 is at high x; if that is the front, as usual for azimuths, axis 1
is the direction from side to side, as in 3D ShapeNets, whose fronts face low indices
of axis 0. The front was not checked on the data. Azimuths are those of the files:
`data render` counts them from axis 0 towards axis 1, 3D-R2N2 the other way round.

Reference: 3D-R2N2's reader of binvox files, whose axes are x, z, y; PyTorch3D's
    reader of the same data, which lays the voxels over the meshes without a rotation
    and places the viewer.
"""

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path

from common.data.folders import check_folder, warn_once
from common.data.splits import held_out_objects
from common.errors import UserError
from common.files import read_limited
from common.images.formats import SUFFIXES
from common.shapes.finding import choose_class_names
from common.shapes.voxels import ShapeFile
from study_3dvaegan.data_sets.photo_list import PhotoList
from study_3dvaegan.renders import PHOTOS, SHAPES

SPLITS = ("train", "test")
# 3D-R2N2's classes: WordNet's number, our name, and others that people use.
SYNSETS = {
    "02691156": ("airplane", "aeroplane", "plane"),
    "02828884": ("bench",),
    "02933112": ("cabinet",),
    "02958343": ("car",),
    "03001627": ("chair",),
    "03211117": ("display", "monitor", "screen"),
    "03636649": ("lamp",),
    "03691459": ("speaker", "loudspeaker"),
    "04090263": ("rifle", "firearm", "gun"),
    "04256520": ("sofa", "couch"),
    "04379243": ("table",),
    "04401088": ("telephone", "phone", "cellphone"),
    "04530566": ("watercraft", "vessel", "boat"),
}
_MAX_LIST_BYTES = 64 * 2**20
_MAX_VIEWS_BYTES = 2**20
_SHAPES_FOLDER = re.compile(rf"{SHAPES}(\d+)")


def is_tree(root: Path) -> bool:
    """Return whether a folder has the photos or the shapes of 3D-R2N2 in it."""
    return bool(_find(root, PHOTOS) or _find(root, SHAPES))


def list_rendered(
    root: Path,
    classes: Sequence[str],
    split: str,
    size: int = 32,
    default: str | None = None,
) -> PhotoList:
    """List the photos of one split of a tree of 3D-R2N2.

    The files train.txt and test.txt beside the folder of photos have a line
    "<class>/<name>" for each shape of the split. Without them, the CRC-32 of its name
    decides whether a shape is held out, as in chapter 2: one in eight. All photos of
    a shape are in the same split. Shapes without photos are left out with a warning.

    Args:
        root: folder of the tree, which may lie one folder deeper.
        classes: names of the classes to keep, as WordNet's numbers or in English;
            empty for all.
        split: "train" or "test".
        size: edge of the shapes to prefer, in voxels, if there are several sizes.
        default: class to keep if `classes` is empty and there are several; None for
            all of them.

    Returns:
        The photos, sorted by class, shape and number.

    Raises:
        UserError: photos or shapes are missing, a class is unknown, a list names
            what is not there, or the split is empty.
    """
    photos, shapes = _folders(root, size)
    folders = {_class_name(f, _subfolders(photos)): f for f in _subfolders(photos)}
    if not folders:
        raise UserError(f"{photos} is empty; expected folders <class>/<name>/rendering")
    wanted = [_known_name(name, folders) for name in classes]
    chosen = choose_class_names(root, sorted(folders), wanted, default)
    lists = _read_lists(photos.parent, split)
    _check_classes(lists, folders)
    listed = _Listing(photos, shapes)
    for name in sorted(set(chosen)):
        folder = folders[name]
        there = _rendered_names(photos, shapes, folder)
        of_class = {place: n for place, n in lists.items() if n[0] in (folder, name)}
        kept = _of_split(there, of_class, lists, split)
        if not kept:
            raise UserError(
                f"no {split} shapes of class '{name}' in {root}; render more, or list "
                f"some in {photos.parent / f'{split}.txt'}"
            )
        for one in kept:
            listed.add(name, folder, one)
    return listed.result()


class _Listing:
    """The list of photos that grows shape by shape."""

    def __init__(self, photos: Path, shapes: Path) -> None:
        self.photos, self.shapes = photos, shapes
        self.names: list[str] = []
        self.rows: list[int] = []
        self.elevations: list[float] = []
        self.files: list[ShapeFile] = []

    def add(self, class_name: str, folder: str, name: str) -> None:
        """Add one shape and its photos."""
        where = self.photos / folder / name / "rendering"
        found = _photo_names(where)
        self.names += [f"{folder}/{name}/rendering/{photo}" for photo in found]
        self.rows += [len(self.files)] * len(found)
        self.elevations += _elevations(where, found)
        model = self.shapes / folder / name / "model.binvox"
        self.files.append(ShapeFile(model, class_name))

    def result(self) -> PhotoList:
        """Return the list."""
        return PhotoList(
            self.photos,
            self.names,
            self.rows,
            self.elevations,
            self.files,
            keep_framing=True,
        )


def _find(root: Path, start: str) -> list[Path]:
    """Return the folders of a tree, at its top or one folder deeper, deeper first."""
    wanted = _SHAPES_FOLDER.fullmatch if start == SHAPES else PHOTOS.__eq__
    names = [root / name for name in _subfolders(root)] if root.is_dir() else []
    deeper = [folder / name for folder in names for name in _subfolders(folder)]
    return [path for path in (*deeper, *names) if wanted(path.name)]


def _folders(root: Path, size: int) -> tuple[Path, Path]:
    """Return the folders of photos and of shapes."""
    check_folder(root, "renders and shapes")
    photos, shapes = _find(root, PHOTOS), _find(root, SHAPES)
    for there, missing, other in (
        (photos, PHOTOS, shapes),
        (shapes, f"{SHAPES}32", photos),
    ):
        if not there:
            raise UserError(
                f"{root}: expected the folders {PHOTOS} and {SHAPES}32, found only "
                f"{other[0].name if other else 'others'}; put {missing} beside it"
            )
    # If there are several sizes, the networks' own, or else the largest.
    sizes = {path: int(_SHAPES_FOLDER.fullmatch(path.name)[1]) for path in shapes}
    return photos[0], max(shapes, key=lambda path: (sizes[path] == size, sizes[path]))


def _subfolders(folder: Path) -> list[str]:
    """Return the names of the folders in a folder, sorted, without hidden ones."""
    try:
        with os.scandir(folder) as entries:
            return sorted(
                entry.name
                for entry in entries
                if not entry.name.startswith(".") and entry.is_dir()
            )
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(
            f"cannot read the folder {folder}: {error.strerror}; change its "
            "permissions or move it elsewhere"
        ) from error


def _class_name(folder: str, all_folders: Sequence[str]) -> str:
    """Return the English name of a class, or that of its folder."""
    name = SYNSETS.get(folder, (folder,))[0]
    return folder if name in all_folders else name


def _first_name(name: str) -> str:
    """Return our name of a class of ShapeNet, or any other name unchanged."""
    return SYNSETS.get(name, (name,))[0]


def _known_name(wanted: str, folders: dict[str, str]) -> str:
    """Return our name of a class that the user may call otherwise."""
    if wanted in folders:
        return wanted
    for synset, names in SYNSETS.items():
        if wanted in (synset, *names) and names[0] in folders:
            return names[0]
    return wanted


def _rendered_names(photos: Path, shapes: Path, folder: str) -> list[str]:
    """Return the names of the shapes of a class that have photos."""
    rendered = _subfolders(photos / folder)
    for name in rendered:
        if not (shapes / folder / name / "model.binvox").is_file():
            raise UserError(
                f"{photos / folder / name}: expected its shape in "
                f"{shapes / folder / name / 'model.binvox'}, found none; add it, or "
                "remove the folder"
            )
    unseen = sorted(set(_subfolders(shapes / folder)) - set(rendered))
    if unseen:
        warn_once(
            f"{shapes / folder}: left out {len(unseen)} shapes without photos, for "
            f"example {unseen[0]}"
        )
    return rendered


def _photo_names(folder: Path) -> list[str]:
    """Return the names of the photos of one shape, sorted; at least one."""
    try:
        found = sorted(os.listdir(folder))
    except OSError:
        found = []
    names = [
        name
        for name in found
        if os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith(".")
    ]
    if not names:
        raise UserError(
            f"{folder}: expected the photos of a shape, 00.png and so on, found none; "
            f"render them again, or remove {folder.parent}"
        )
    return names


def _elevations(folder: Path, names: Sequence[str]) -> list[float]:
    """Return the views of photos, whose numbers are those of the lines of the file."""
    path = folder / "rendering_metadata.txt"
    if not path.is_file() or not path.stat().st_size:
        return [math.nan] * len(names)
    lines = read_limited(path, _MAX_VIEWS_BYTES).decode("utf-8", "replace").splitlines()
    numbers = [os.path.splitext(name)[0] for name in names]
    return [
        _elevation(path, lines[int(n)])
        if n.isdecimal() and int(n) < len(lines)
        else math.nan
        for n in numbers
    ]


def _elevation(path: Path, line: str) -> float:
    """Return the second number of a line: after the azimuth, before three others."""
    try:
        _, elevation = (float(word) for word in line.split()[:2])
    except ValueError:
        warn_once(
            f"{path}: expected numbers, azimuth and elevation first, found "
            f"'{line[:40]}'; the elevation of such photos is unknown"
        )
        return math.nan
    return elevation


# The class and the name in each line of a list, by the list and the line's number.
_Lines = dict[tuple[Path, int], tuple[str, str]]


def _read_lists(folder: Path, split: str) -> _Lines:
    """Read the list of a split; return nothing if there are no lists.

    Raises:
        UserError: only the other split is listed, or a line is no "<class>/<name>",
            or is in both lists.
    """
    paths = {one: folder / f"{one}.txt" for one in SPLITS}
    if not any(path.is_file() for path in paths.values()):
        return {}
    if not paths[split].is_file():
        raise UserError(
            f"{folder} lists one split only; write the shapes of the other into "
            f"{paths[split]}"
        )
    lines = _read_list(paths[split])
    other = next(path for one, path in paths.items() if one != split)
    there = _read_list(other).values() if other.is_file() else ()
    theirs = {(_first_name(name), shape) for name, shape in there}
    for (path, number), entry in lines.items():
        if (_first_name(entry[0]), entry[1]) in theirs:
            raise UserError(
                f"{path}, line {number}: {'/'.join(entry)} is in {other.name}, too; "
                "remove it from one of them"
            )
    if not lines:
        raise UserError(f"{paths[split]}: expected lines <class>/<name>, found none")
    return lines


def _read_list(path: Path) -> _Lines:
    """Read one list."""
    text = read_limited(path, _MAX_LIST_BYTES).decode("utf-8-sig", "replace")
    lines: _Lines = {}
    for number, line in enumerate(text.splitlines(), 1):
        parts = line.strip().split("/")
        if parts == [""]:
            continue
        if len(parts) != 2:
            raise UserError(
                f"{path}, line {number}: expected <class>/<name>, found "
                f"'{line.strip()[:80]}'; correct the line"
            )
        lines[path, number] = (parts[0], parts[1])
    return lines


def _of_split(
    there: Sequence[str], of_class: _Lines, lists: _Lines, split: str
) -> list[str]:
    """Return the names of a class's shapes that belong to a split, sorted."""
    if not lists:
        held_out = held_out_objects(there)
        return [name for name in there if (name in held_out) == (split == "test")]
    known = set(there)
    for (path, number), (class_name, name) in of_class.items():
        if name not in known:
            raise UserError(
                f"{path}, line {number}: there is no folder of photos "
                f"{class_name}/{name}; render it, or remove the line"
            )
    return sorted({name for _, name in of_class.values()})


def _check_classes(lists: _Lines, folders: dict[str, str]) -> None:
    """Raise a UserError for a line of a list whose class is unknown."""
    known = {*folders, *folders.values()}
    for (path, number), (class_name, name) in lists.items():
        if class_name not in known:
            raise UserError(
                f"{path}, line {number}: there is no folder of photos "
                f"{class_name}/{name}; render it, or remove the line"
            )
