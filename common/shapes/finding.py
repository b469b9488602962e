"""Finding shape files in the folder tree of 3D ShapeNets or in a flat folder."""

import logging
import re
from dataclasses import dataclass
from pathlib import Path

from common.data.splits import is_held_out
from common.errors import UserError

SUFFIXES = (".mat", ".npy", ".npz", ".binvox")
SPLITS = ("train", "test")
_NAME = re.compile(r"(?P<cls>.+)_(?P<number>\d+)_(?P<azimuth>\d+)")
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class ShapeFile:
    """One voxel file and the class of the object in it."""

    path: Path
    class_name: str


def find_shapes(
    root: Path | str,
    classes: tuple[str, ...] = (),
    split: str = "train",
    azimuths: str = "all",
) -> list[ShapeFile]:
    """List the shape files of one split, sorted by class and file name.

    `root` may be any of these:

    - the folder that contains `volumetric_data`;
    - a folder of classes, `<class>/30/{train,test}/*.mat`;
    - one class of such a folder;
    - a flat folder of .mat, .npy, .npz or .binvox files.

    If a flat folder has subfolders `train` and `test`, they define the split.
    Otherwise an object is in the test split if the CRC-32 of its name is
    divisible by 8. This holds out about one object in eight, the same ones on
    every machine, and keeps all azimuths of an object in the same split.

    Args:
        root: folder to search.
        classes: names of the classes to keep; empty for all.
        split: "train" or "test".
        azimuths: "all", or "first" for the lowest-numbered file of each object.

    Returns:
        The files, at least one.

    Raises:
        UserError: there is no such folder, it has no voxel files, a class is
            unknown or empty, the split is empty, or an option is unknown.
    """
    _check_option("split", split, SPLITS)
    _check_option("azimuths", azimuths, ("first", "all"))
    root = Path(root)
    if not root.is_dir():
        raise UserError(f"no such directory: {root}; expected a folder of voxel files")
    by_class = _tree_files(root, split)
    if by_class is None:
        by_class = _flat_files(root, split)
    by_class = _choose_classes(root, by_class, tuple(classes))
    found = []
    for name, files in sorted(by_class.items()):
        if not files:
            raise UserError(
                f"no {split} files of class '{name}' in {root}; add some or leave "
                "the class out"
            )
        chosen = _first_azimuths(files) if azimuths == "first" else sorted(files)
        found += [ShapeFile(path, name) for path in chosen]
    return found


def _tree_files(root: Path, split: str) -> dict[str, list[Path]] | None:
    """Return the files of a 3D ShapeNets tree, or None if `root` is not one."""
    if (root / "volumetric_data").is_dir():
        root = root / "volumetric_data"
    if (root / "30").is_dir():
        folders = {root.resolve().name: root / "30"}
    else:
        folders = {
            f.name: f / "30" for f in sorted(root.iterdir()) if (f / "30").is_dir()
        }
    if not folders:
        return None
    return {name: _own_files(name, folder / split) for name, folder in folders.items()}


def _own_files(name: str, folder: Path) -> list[Path]:
    """Return the files of a class; skip files of other classes with a warning.

    A widely shared copy of the chairs contains twelve files of a night stand.
    """
    files = _voxel_files(folder)
    strays = [f for f in files if _class_of(f, name) != name]
    if strays:
        _LOG.warning(
            "%s: %d files of other classes left out, for example %s",
            folder,
            len(strays),
            strays[0].name,
        )
    return [f for f in files if _class_of(f, name) == name]


def _flat_files(root: Path, split: str) -> dict[str, list[Path]]:
    """Return the files of one split of a flat folder, by class.

    A class that occurs only in the other split has an empty list.
    """
    if any((root / s).is_dir() for s in SPLITS):
        parts = {s: _voxel_files(root / s) for s in SPLITS}
    else:
        files = _voxel_files(root)
        parts = {
            "train": [f for f in files if not _is_test(f)],
            "test": [f for f in files if _is_test(f)],
        }
    if not any(parts.values()):
        raise UserError(
            f"no voxel files in {root}; expected volumetric_data/<class>/30/train/"
            f"*.mat or files that end in {', '.join(SUFFIXES)}"
        )
    if not parts[split]:
        raise UserError(
            f"no {split} files in {root}; put some into {root / split} and the "
            f"others into {root / SPLITS[split == 'train']}"
        )
    folder_name = root.resolve().name
    classes = {_class_of(f, folder_name) for part in parts.values() for f in part}
    return {
        name: [f for f in parts[split] if _class_of(f, folder_name) == name]
        for name in classes
    }


def _choose_classes(
    root: Path, by_class: dict[str, list[Path]], classes: tuple[str, ...]
) -> dict[str, list[Path]]:
    """Return the chosen classes only, or all of them if none is chosen."""
    unknown = [name for name in classes if name not in by_class]
    if unknown:
        raise UserError(
            f"no class '{unknown[0]}' in {root}; found: {', '.join(sorted(by_class))}"
        )
    return {name: by_class[name] for name in classes or by_class}


def _first_azimuths(files: list[Path]) -> list[Path]:
    """Return the lowest-numbered file of each object, sorted by name."""
    first: dict[str, Path] = {}
    for path in sorted(files, key=lambda f: (_object_of(f), f.name)):
        name, azimuth = _object_of(path)
        if name not in first or azimuth < _object_of(first[name])[1]:
            first[name] = path
    return sorted(first.values())


def _voxel_files(folder: Path) -> list[Path]:
    """Return the voxel files directly in a folder; none if it does not exist."""
    if not folder.is_dir():
        return []
    return sorted(f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES)


def _class_of(path: Path, default: str) -> str:
    """Return the class in a name such as chair_000000182_1, or the default."""
    match = _NAME.fullmatch(path.stem)
    return match["cls"] if match else default


def _object_of(path: Path) -> tuple[str, int]:
    """Return (object, azimuth); a name without an azimuth is an object itself."""
    match = _NAME.fullmatch(path.stem)
    if not match:
        return path.stem, 0
    return f"{match['cls']}_{match['number']}", int(match["azimuth"])


def _is_test(path: Path) -> bool:
    """Return whether an object is in the test split, by a hash of its name."""
    return is_held_out(_object_of(path)[0])


def _check_option(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise a UserError unless `value` is one of `allowed`."""
    if value not in allowed:
        raise UserError(
            f"{name}: expected one of {', '.join(allowed)}, found '{value}'"
        )
