"""Finding shape files: trees of 3D ShapeNets, folders of classes, flat folders."""

import os
import re
import shlex
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from common.data.folders import (
    Split,
    check_folder,
    find_files,
    no_files,
    split_of,
    warn_once,
)
from common.data.splits import held_out_objects
from common.errors import UserError
from common.files import utf_8_name

SUFFIXES = (".mat", ".npy", ".npz", ".binvox")
SPLITS = ("train", "test")
# The folders of 3D ShapeNets: volumetric_data/<class>/30/{train,test}.
_TOP, _SIZE = "volumetric_data", "30"
# Files that this project writes beside shapes.
_OWN_FILES = ("synthetic.json", "prepared.png")
_NUMBERED = re.compile(r"(?P<object>(?P<cls>.+)_\d+)_(?P<view>\d+)")
# What 3D ShapeNets calls a view, for example chair_000000182_1.mat.
_VIEW = re.compile(r"(?P<object>(?P<cls>.+)_\d{9})_(?P<view>[1-9]|1[0-2])")
# Names of classes that a message lists.
_MOST_NAMES = 40


@dataclass(frozen=True)
class ShapeFile:
    """One voxel file and the class of the object in it."""

    path: Path
    class_name: str


@dataclass(frozen=True)
class _Found:
    """A shape file and what its path says.

    Attributes:
        path: the file.
        name: its path below the searched folder, with "/" as separator.
        classes: folders on the path, the class first, without the folders of splits.
        split: split that a folder on the path names, or None.
        object_name: the same for all views of an object.
        view: number of the view; None if the file is a shape of its own.
        in_tree: whether it lies in a tree of 3D ShapeNets.
        class_name: name of the class.
        named_class: class x in a file name x_N_M, or None.
    """

    path: Path
    name: str
    classes: tuple[str, ...]
    split: Split | None
    object_name: str
    view: int | None
    in_tree: bool
    class_name: str
    named_class: str | None


def find_shapes(
    root: Path | str,
    classes: Sequence[str] = (),
    split: str = "train",
    azimuths: str = "all",
    default: str | None = None,
    known: Collection[str] = (),
) -> list[ShapeFile]:
    """List the shape files of one split, sorted by class and file name.

    `root` may be any of these:

    - the folder that contains `volumetric_data`;
    - a folder of classes, `<class>/30/{train,test}/*.mat`;
    - one class of such a folder;
    - a folder of classes, `<class>/*`, of .mat, .npy, .npz or .binvox files;
    - a flat folder of such files, which are one class, named like the folder.

    A file name x_N_M means view M of object N of class x in a tree of 3D ShapeNets,
    and outside of it only where 3D ShapeNets names its files so: a .mat file, N of
    nine digits, M from 1 to 12. Every other file is a shape of its own; in a flat
    folder, the class x nevertheless stands for its files x_N_M.

    Folders `train` and `test` (see `split_of`), above or below the classes, define
    the split; without `test`, `val` is the test split. Where a class has none, an
    object is in the test split if the CRC-32 of its name is divisible by 8. This
    holds out about one object in eight, and at least one of several, the same ones
    on every machine, and keeps all views of an object in the same split. Files
    beside the folders of splits or classes are left out with a warning.

    Args:
        root: folder to search.
        classes: names of the classes to keep; empty for all.
        split: "train" or "test".
        azimuths: "all", or "first" for the lowest-numbered view of each object.
        default: class to keep if `classes` is empty and there are several; None
            for all of them.
        known: names of other files that belong there, such as photos of the shapes.

    Returns:
        The files, at least one.

    Raises:
        UserError: there is no such folder, it has no voxel files, a class is
            unknown or empty, the split is empty, or an option is unknown.
    """
    _check_option("split", split, SPLITS)
    _check_option("azimuths", azimuths, ("first", "all"))
    root = Path(root)
    check_folder(root, "voxel files")
    paths = find_files(root, SUFFIXES, "voxel files", known={*_OWN_FILES, *known})
    if not paths:
        raise no_files(
            root,
            "voxel files",
            "volumetric_data/<class>/30/train/*.mat or files that end in "
            f"{', '.join(SUFFIXES)} (data prepare makes them of meshes)",
        )
    found = _without_strays(root, _without_beside(root, _describe(root, paths)))
    warn_of_deeper_classes(root, [f.classes for f in found if not f.in_tree])
    by_class = _choose_classes(root, found, tuple(map(utf_8_name, classes)), default)
    chosen = []
    for name, members in sorted(by_class.items()):
        files = _of_split(root, members, split)
        if not files:
            raise _no_files_of_split(root, name, members, split)
        if azimuths == "first":
            files = _first_views(files)
        chosen += [ShapeFile(path, name) for path in sorted(f.path for f in files)]
    return chosen


def warn_of_deeper_classes(root: Path, folders: Sequence[tuple[str, ...]]) -> None:
    """Log a warning if the folders of classes seem to lie deeper than expected.

    An archive is often unpacked into one folder with the folders of classes in it.

    Args:
        root: folder that was searched.
        folders: folders on the path of each file below `root`, without those of splits.
    """
    shared = os.path.commonprefix(list(folders)) if folders else ()
    inner = Counter(names[len(shared)] for names in folders if names != shared)
    where = root.joinpath(*shared)
    # Where each object has a folder of its own, the folders are no classes.
    if not shared or len(inner) < 2 or min(inner.values()) < 2 or not where.is_dir():
        return
    names = utf_8_name(_listed(sorted(inner)))
    warn_once(
        f"{root}: all files are taken for the class '{utf_8_name(shared[0])}'; if its "
        f"folders are the classes ({names}), give {utf_8_name(str(where))} instead"
    )


def _describe(root: Path, paths: Sequence[Path]) -> list[_Found]:
    """Return what the paths of shape files below `root` say."""
    names = {path: path.relative_to(root).as_posix() for path in paths}
    tops = {path: name.split("/")[:-1] for path, name in names.items()}
    if any(_TOP in folders for folders in tops.values()):
        inside = [path for path in paths if _TOP in tops[path]]
        _warn(root, f"outside {_TOP}", [names[p] for p in paths if _TOP not in tops[p]])
        names = {p: f"/{names[p]}".split(f"/{_TOP}/", 1)[1] for p in inside}
    classes = {path: _class_folders(name) for path, name in names.items()}
    # The folder of a tree's class holds its sizes, of which 3D ShapeNets has one.
    is_class = set(classes.values()) - {()} == {(_SIZE,)}
    folder_name = root.resolve().name
    return [_found(path, name, folder_name, is_class) for path, name in names.items()]


def _class_folders(name: str) -> tuple[str, ...]:
    """Return the folders on a path without those of splits."""
    return tuple(f for f in name.split("/")[:-1] if split_of(f"{f}/") is None)


def _found(path: Path, name: str, folder_name: str, is_class: bool) -> _Found:
    """Return what the path of one shape file says.

    Args:
        path: the file.
        name: its path below the searched folder.
        folder_name: name of the searched folder.
        is_class: whether the searched folder may be that of a class of a tree.
    """
    classes = _class_folders(name)
    is_mat = path.suffix.lower() == ".mat"
    numbered = _NUMBERED.fullmatch(path.stem)
    if is_class and classes and (is_mat or numbered):  # one class of a tree
        classes = (folder_name, _SIZE)
    in_tree = classes[1:] == (_SIZE,)
    view = numbered if in_tree else None
    if is_mat and not in_tree:
        view = _VIEW.fullmatch(path.stem)
    return _Found(
        path=path,
        name=name,
        classes=classes,
        split=split_of(name),
        object_name="/".join([*classes[1:], view["object"] if view else path.stem]),
        view=int(view["view"]) if view else None,
        in_tree=in_tree,
        class_name=utf_8_name(
            classes[0] if classes else view["cls"] if view else folder_name
        ),
        named_class=utf_8_name(numbered["cls"]) if numbered else None,
    )


def _without_beside(root: Path, found: list[_Found]) -> list[_Found]:
    """Leave out the files beside the folders of splits and of classes."""
    if any(split_of(_top(f)) for f in found):
        beside = [f for f in found if not split_of(_top(f))]
        _warn(root, "beside the folders of splits", [f.name for f in beside])
        found = [f for f in found if split_of(_top(f))]
    if any(f.classes for f in found):
        beside = [f for f in found if not f.classes]
        _warn(root, "beside the folders of classes", [f.name for f in beside])
        found = [f for f in found if f.classes]
    return found


def _top(found: _Found) -> str:
    """Return the topmost folder of a path, with "/" behind it, or ""."""
    folder, slash, _ = found.name.partition("/")
    return folder + slash if slash else ""


def _without_strays(root: Path, found: list[_Found]) -> list[_Found]:
    """Leave out files in the tree of 3D ShapeNets that are named after other classes.

    A widely shared copy of the chairs contains twelve files of a night stand.
    """
    strays = [f.name for f in found if _is_stray(f)]
    _warn(root, "of other classes", strays)
    return [f for f in found if not _is_stray(f)]


def _is_stray(found: _Found) -> bool:
    """Return whether a file in a tree is named after another class than its folder."""
    return found.in_tree and found.named_class not in (None, found.class_name)


def _choose_classes(
    root: Path, found: list[_Found], classes: tuple[str, ...], default: str | None
) -> dict[str, list[_Found]]:
    """Return the files of the chosen classes, by class; see `find_shapes`."""
    by_class = _by_class(found)
    if not set(classes) <= set(by_class) and not any(f.classes for f in found):
        # In a flat folder, the names of files may have the class.
        by_class |= _by_class(
            [replace(f, class_name=f.named_class or f.class_name) for f in found]
        )
    names = choose_class_names(root, sorted(by_class), classes, default)
    return {name: by_class[name] for name in names}


def choose_class_names(
    root: Path, names: Sequence[str], classes: Sequence[str], default: str | None
) -> tuple[str, ...]:
    """Return the classes of a data set that are to be used.

    Args:
        root: folder of the data set, for messages.
        names: names of its classes, sorted, at least one.
        classes: names of the classes to keep; empty for all.
        default: class to keep if `classes` is empty and there are several; None
            for all of them.

    Raises:
        UserError: there is no such class, or there are several and not the default.
    """
    for name in classes:
        if name not in names:
            raise UserError(
                f"no class '{name}' in {root}; found: {_listed(names)}; choose from "
                "these with --classes, or leave it out"
            )
    if classes or default is None or len(names) == 1:
        return tuple(classes or names)
    if default not in names:
        raise UserError(
            f"{root} has {len(names)} classes: {_listed(names)}; choose with "
            f"--classes, for example --classes {shlex.quote(names[0])}, or "
            f"--classes {shlex.join(names[:2])}"
        )
    warn_once(
        f"{root} has {len(names)} classes, of which only '{default}' is used; "
        f"choose others with --classes: {_listed(names)}"
    )
    return (default,)


def _by_class(found: Sequence[_Found]) -> dict[str, list[_Found]]:
    """Return the files by class."""
    by_class: dict[str, list[_Found]] = {}
    for one in found:
        by_class.setdefault(one.class_name, []).append(one)
    return by_class


def _of_split(root: Path, members: list[_Found], split: str) -> list[_Found]:
    """Return the files of a class that belong to a split."""
    splits = {f.split for f in members}
    if splits == {None}:
        held_out = held_out_objects({f.object_name for f in members})
        return [f for f in members if (f.object_name in held_out) == (split == "test")]
    test = "test" if "test" in splits else "validation"
    unused = [f.name for f in members if f.split not in ("train", test)]
    _warn(root, f"in neither train nor {test}", unused)
    return [f for f in members if f.split == ("train" if split == "train" else test)]


def _no_files_of_split(
    root: Path, name: str, members: list[_Found], split: str
) -> UserError:
    """Return the error for a class that has no files in a split."""
    missing = f"no {split} files of class '{name}' in {root}"
    if len(members) == 1:
        return UserError(
            f"{missing}: {members[0].name} is its only file; divide its shapes into "
            "several files, or add others"
        )
    return UserError(
        f"{missing}; put some into a folder {split} and the others into a folder "
        f"{SPLITS[split == 'train']}"
    )


def _first_views(found: list[_Found]) -> list[_Found]:
    """Return the lowest-numbered view of each object."""
    first: dict[str, _Found] = {}
    for one in sorted(found, key=lambda f: (f.view or 0, f.name)):
        first.setdefault(one.name if one.view is None else one.object_name, one)
    return list(first.values())


def _warn(root: Path, where: str, names: Sequence[str]) -> None:
    """Log once how many files are left out, with an example, if there are any."""
    if names:
        warn_once(
            f"{root}: left out {len(names)} files {where}, for example "
            f"{utf_8_name(names[0])}"
        )


def _listed(names: Sequence[str]) -> str:
    """Return the names of classes, cut short if there are very many."""
    more = len(names) - _MOST_NAMES
    tail = [f"and {more} more"] if more > 0 else []
    return ", ".join([*names[:_MOST_NAMES], *tail])


def _check_option(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise a UserError unless `value` is one of `allowed`."""
    if value not in allowed:
        raise UserError(
            f"{name}: expected one of {', '.join(allowed)}, found '{value}'"
        )
