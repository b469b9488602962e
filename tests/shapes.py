"""Voxel shapes that several test files use."""

from pathlib import Path

import numpy as np

from common.shapes.voxels import write_mat


def boxes(count: int, seed: int = 0) -> np.ndarray:
    """Return random boxes in the middle of 30^3 voxels, bool (N, 30, 30, 30)."""
    rng = np.random.default_rng(seed)
    voxels = np.zeros((count, 30, 30, 30), bool)
    for shape, (x, y, z) in zip(voxels, rng.integers(4, 14, (count, 3)), strict=True):
        shape[x : 30 - x, y : 30 - y, z : 30 - z] = True
    return voxels


def padded(voxels: np.ndarray) -> np.ndarray:
    """Return shapes of 30^3 voxels padded with empty voxels to 32^3."""
    return np.pad(voxels, ((0, 0), (1, 1), (1, 1), (1, 1)))


def write_boxes(root: Path) -> Path:
    """Write 24 boxes to train on and 10 to test on, in the folders of 3D ShapeNets.

    Args:
        root: folder that becomes the parent of volumetric_data.

    Returns:
        `root`.
    """
    for split, count, seed in (("train", 24, 0), ("test", 10, 1)):
        folder = root / "volumetric_data" / "box" / "30" / split
        folder.mkdir(parents=True)
        for number, voxels in enumerate(boxes(count, seed), start=1):
            write_mat(folder / f"box_{number:09d}_1.mat", voxels)
    return root
