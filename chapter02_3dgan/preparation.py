"""Convert meshes to the folders of .mat files that training reads."""

import os
import shlex
from collections import Counter
from pathlib import Path

from tqdm import tqdm

from common.data.folders import Split, check_folder, find_files, no_files, split_of
from common.data.splits import held_out_objects
from common.errors import TextLeftOut, UserError
from common.files import atomic_path, utf_8_name
from common.images import writing
from common.shapes.finding import warn_of_deeper_classes
from common.shapes.meshes import READ, mesh_to_voxels
from common.shapes.rendering import render_grid
from common.shapes.voxels import write_mat

# As in 3D ShapeNets: the longest side of a shape fills 24 of 30 voxels.
SIZE = 30
MARGIN = 3
# Shapes on the sheet of pictures.
SHEET_SHAPES = 48


def prepare(meshes: Path, out: Path, up: str = "z") -> str:
    """Voxelise every mesh below a folder: solid, centred, z up, 24 of 30 voxels.

    The class of a mesh is the name of the topmost folder on its path that does not
    name a split (see `split_of`); a mesh that lies in no such folder gets the name of
    `meshes`. A folder named train, val or test on the path decides the split. Without
    one, about every eighth mesh of a class is held out, chosen by its name alone.

    Args:
        meshes: folder of .off, .obj, .stl and .ply files, at any depth.
        out: path of a new folder, which gets the folder volumetric_data and the
            picture prepared.png of the first 48 shapes.
        up: axis that points up in the meshes, "z" or "y".

    Returns:
        A report: the number of shapes of each class and split, and the files that
        were left out, each with the reason; `TextLeftOut` if there are such files.

    Raises:
        UserError: `meshes` is missing, has no meshes or none that can be used, or
            `out` already exists.
    """
    check_folder(meshes, "meshes")
    if out.exists():
        raise UserError(f"--out {out} exists already; choose the name of a new folder")
    paths = find_files(meshes, READ, "meshes")
    if not paths:
        raise no_files(meshes, "meshes", f"{', '.join(READ)} files")
    counts: Counter[tuple[str, str]] = Counter()
    dropped, shown = [], []
    # The folder gets its final name only once it is complete.
    with atomic_path(out) as temporary:
        for path, name, split in tqdm(
            _classes_and_splits(meshes, paths), "voxelising", unit="mesh", disable=None
        ):
            try:
                voxels = mesh_to_voxels(path, SIZE, margin=MARGIN, up=up)
            except UserError as error:
                dropped.append(utf_8_name(str(error)))
                continue
            counts[name, split] += 1
            # Objects of a class are numbered through all splits.
            number = sum(n for (other, _), n in counts.items() if other == name)
            target = temporary / "volumetric_data" / name / str(SIZE) / split
            write_mat(target / f"{name}_{number:09d}_1.mat", voxels)
            if len(shown) < SHEET_SHAPES:
                shown.append(voxels)
        if not shown:
            raise UserError(
                f"none of the {len(paths)} meshes can be used: {dropped[0]}"
            )
        writing.save_image(render_grid(shown), temporary / "prepared.png")
    lines = [
        f"{name} {split}: {count} shapes"
        for (name, split), count in sorted(counts.items())
    ]
    lines += [f"left out: {reason}" for reason in dropped]
    report = "\n".join([*lines, _advice(out, counts)])
    return TextLeftOut(report) if dropped else report


def _classes_and_splits(
    meshes: Path, paths: list[Path]
) -> list[tuple[Path, str, Split]]:
    """Return each mesh with its class and its split; see `prepare`."""
    objects: dict[str, dict[Path, str]] = {}
    deeper = []
    for path in paths:
        folders = path.relative_to(meshes).parts[:-1]
        folders = tuple(name for name in folders if split_of(f"{name}/") is None)
        deeper.append(folders)
        name, *others = folders or [meshes.resolve().name]
        objects.setdefault(name, {})[path] = os.path.join(*others, path.stem)
    warn_of_deeper_classes(meshes, deeper)
    found = []
    for name, members in objects.items():
        splits = {path: split_of(str(path.relative_to(meshes))) for path in members}
        held_out = held_out_objects({members[p] for p in members if not splits[p]})
        for path, split in splits.items():
            by_name: Split = "test" if members[path] in held_out else "train"
            found.append((path, utf_8_name(name), split or by_name))
    return found


def _advice(out: Path, counts: Counter[tuple[str, str]]) -> str:
    """Return the command that trains on the prepared shapes."""
    trained = {name for name, split in counts if split == "train"}
    held_out = {name for name, split in counts if split != "train"}
    if not trained & held_out:
        missing, split = ("test", "test") if trained else ("train on", "train")
        return f"no shapes to {missing}; put meshes into a folder {split}"
    command = ["train", "--data", str(out)]
    if len(trained | held_out) > 1:
        command += ["--classes", *sorted(trained & held_out)]
    return f"use it with: {shlex.join(command)}"
