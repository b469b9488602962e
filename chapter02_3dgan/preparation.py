"""From meshes to the tree of .mat files that training reads."""

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

# 3D ShapeNets: a shape fills 24 of 30 voxels.
SIZE, MARGIN = 30, 3
SHEET_SHAPES = 48
logger = logging.getLogger(__name__)


def prepare(meshes: Path, out: Path, up: str = "z") -> str:
    """Voxelise every mesh below a folder: solid, centred, z up, 24 of 30 voxels.

    A mesh belongs to the class that its topmost folder below `folder` names, and
    to the split that a folder named train or test on its way says. Without such a
    folder about every eighth mesh is held out, chosen by its name alone.

    Args:
        meshes: folder of .off, .obj, .stl and .ply files.
        out: new meshes; becomes the parent of volumetric_data.
        up: axis that points up in the meshes, "z" or "y".

    Returns:
        A report: shapes for each class and split, and the files left out with the
        reason. prepared.png in `out` shows the first 48 shapes.

    Raises:
        UserError: no such meshes, no mesh in it, none that can be used, or `out`
            exists.
    """
    if not meshes.is_dir():
        raise UserError(f"--meshes {meshes}: no such directory")
    if out.exists():
        raise UserError(f"--out {out} exists already; name a new folder")
    paths = sorted(p for p in meshes.rglob("*") if p.suffix.lower() in READ)
    if not paths:
        raise UserError(f"no meshes in {meshes}; expected {', '.join(READ)} files")
    counts: dict[tuple[str, str], int] = defaultdict(int)
    dropped, shown = [], []
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
            number = counts[name, "train"] + counts[name, "test"]
            place = temporary / "volumetric_data" / name / str(SIZE) / split
            write_mat(place / f"{name}_{number:09d}_1.mat", voxels)
            if len(shown) < SHEET_SHAPES:
                shown.append(voxels)
        if not shown:
            raise UserError(
                f"none of the {len(paths)} meshes can be used: {dropped[0]}"
            )
        writing.save_image(render_grid(shown), temporary / "prepared.png")
    lines = [f"{n} {s}: {count} shapes" for (n, s), count in sorted(counts.items())]
    lines += [f"left out: {reason}" for reason in dropped]
    return "\n".join([*lines, f"use it with: train --data {out}"])


def _class_and_split(path: Path, default: str) -> tuple[str, str]:
    folders = [part for part in path.parts[:-1] if part not in ("train", "test")]
    for split in ("train", "test"):
        if split in path.parts[:-1]:
            break
    else:
        split = "test" if is_held_out(path.stem) else "train"
    return (folders[0] if folders else default), split
