"""Convert meshes to the folders of .mat files that training reads."""

import logging
from collections import defaultdict
from pathlib import Path

from tqdm import tqdm

from common.data.splits import is_held_out
from common.errors import UserError
from common.files import atomic_path
from common.images import writing
from common.shapes.meshes import READ, mesh_to_voxels
from common.shapes.rendering import render_grid
from common.shapes.voxels import write_mat

# As in 3D ShapeNets: the longest side of a shape fills 24 of 30 voxels.
SIZE = 30
MARGIN = 3
# Shapes on the sheet of pictures.
SHEET_SHAPES = 48
logger = logging.getLogger(__name__)


def prepare(meshes: Path, out: Path, up: str = "z") -> str:
    """Voxelise every mesh below a folder: solid, centred, z up, 24 of 30 voxels.

    The class of a mesh is the name of the topmost folder on its path that is not
    named train or test; a mesh that lies in no such folder gets the name of
    `meshes`. A folder named train or test on the path decides the split. Without
    one, about every eighth mesh is held out, chosen by its name alone.

    Args:
        meshes: folder of .off, .obj, .stl and .ply files, at any depth.
        out: path of a new folder, which gets the folder volumetric_data and the
            picture prepared.png of the first 48 shapes.
        up: axis that points up in the meshes, "z" or "y".

    Returns:
        A report: the number of shapes of each class and split, and the files that
        were left out, each with the reason.

    Raises:
        UserError: `meshes` is missing, has no meshes or none that can be used, or
            `out` already exists.
    """
    if not meshes.is_dir():
        raise UserError(f"--meshes {meshes}: no such directory")
    if out.exists():
        raise UserError(f"--out {out} exists already; choose the name of a new folder")
    paths = sorted(p for p in meshes.rglob("*") if p.suffix.lower() in READ)
    if not paths:
        raise UserError(f"no meshes in {meshes}; expected {', '.join(READ)} files")
    counts: dict[tuple[str, str], int] = defaultdict(int)
    dropped, shown = [], []
    # The folder gets its final name only once it is complete.
    with atomic_path(out) as temporary:
        for path in tqdm(paths, "voxelising", unit="mesh", disable=None):
            try:
                voxels = mesh_to_voxels(path, SIZE, margin=MARGIN, up=up)
            except UserError as error:
                dropped.append(str(error))
                continue
            name, split = _class_and_split(
                path.relative_to(meshes), meshes.resolve().name
            )
            counts[name, split] += 1
            # Objects of a class are numbered through both splits.
            number = counts[name, "train"] + counts[name, "test"]
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
    lines.append(f"use it with: train --data {out}")
    return "\n".join(lines)


def _class_and_split(path: Path, default: str) -> tuple[str, str]:
    """Return the class and the split of a mesh, from its path.

    Args:
        path: path of the mesh below the folder of meshes.
        default: class of a mesh that lies in no folder but train or test.
    """
    folders = path.parts[:-1]
    classes = [name for name in folders if name not in ("train", "test")]
    if "train" in folders:
        split = "train"
    elif "test" in folders:
        split = "test"
    else:
        split = "test" if is_held_out(path.stem) else "train"
    return (classes[0] if classes else default), split
