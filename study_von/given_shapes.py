"""A shape from a file: voxels, or a mesh that is voxelised first."""

from pathlib import Path
from typing import Literal

import numpy as np

from common.errors import UserError
from common.shapes.finding import SUFFIXES
from common.shapes.meshes import READ, mesh_to_voxels
from common.shapes.voxels import fit_to_size, read_voxels
from study_von.config import Config
from study_von.data_sets.distance_fields import field_of, has_fields, read_field

Up = Literal["z", "y"]
# Empty voxels on both sides of a mesh, as a share of the volume's edge. Training shapes
# fill 24 of 32 voxels.
MARGIN = 1 / 8


def read_shape(path: Path, config: Config, up: Up = "z") -> np.ndarray:
    """Read one shape, as the networks and `make_sketches` take it.

    Args:
        path: voxels (.mat, .npy, .npz or .binvox) of one shape, or a mesh (.off, .obj,
            .stl or .ply). It should face the low indices of axis 0, which are -x. For
            the representation "distance" also a field, see `read_field`.
        config: uses size and representation.
        up: axis that points up in a mesh, "z" or "y"; voxels have z up.

    Returns:
        float32 (S, S, S, 1) in [0, 1]: occupancy or, if the representation is
        "distance", the distance field exp(-8 d).

    Raises:
        UserError: there is no such file, it is of another format or damaged, it has
            several shapes or an empty one, or its voxels cannot be resized.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder; name one file" if path.is_dir() else "no such file"
        raise UserError(f"--shape {path}: {what}")
    if config.representation == "distance" and has_fields(path):
        return read_field(path, None, config.size)[..., None]
    suffix = path.suffix.lower()
    if suffix in READ:
        margin = round(MARGIN * config.size)
        voxels = mesh_to_voxels(path, config.size, margin=margin, up=up)
    elif suffix in SUFFIXES:
        voxels = _one_of_voxels(path, config.size)
    else:
        raise UserError(
            f"--shape {path}: expected voxels ({', '.join(SUFFIXES)}) or a mesh "
            f"({', '.join(READ)}); convert it first"
        )
    if not voxels.any():
        raise UserError(f"--shape {path} is empty; choose a file with filled voxels")
    if config.representation == "distance":
        return field_of(voxels)[..., None]
    return voxels.astype(np.float32)[..., None]


def _one_of_voxels(path: Path, size: int) -> np.ndarray:
    """Return the only shape of a voxel file: bool (size, size, size)."""
    shapes = read_voxels(path)
    if len(shapes) > 1:
        raise UserError(
            f"--shape {path}: expected one shape, found {len(shapes)}; save one of "
            "them in a file of its own"
        )
    try:
        return fit_to_size(shapes[0], size)
    except UserError as error:
        raise UserError(f"--shape {path}: {error}") from error
