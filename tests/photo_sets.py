"""Small data sets of photos and shapes that the tests of the study read."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.io
from pictures import noise, saved

from common.shapes.binvox import write_binvox
from common.shapes.store import VoxelStore


def block(height: int, size: int = 32) -> np.ndarray:
    """Return a block on 8 x 4 voxels of some height, bool (S, S, S)."""
    voxels = np.zeros((size,) * 3, bool)
    voxels[4:12, 4:8, 2 : 2 + height] = True
    return voxels


def write_tree(
    root: Path, class_name: str = "chair", count: int = 4, views: int = 2
) -> Path:
    """Write blocks of growing height and pictures in the folders of 3D-R2N2."""
    for number in range(count):
        path = f"{class_name}/s{number}"
        write_binvox(root / "ShapeNetVox32" / path / "model.binvox", block(number + 1))
        folder = root / "ShapeNetRendering" / path / "rendering"
        for view in range(views):
            saved(noise(10 * number + view, 64, 64), folder / f"{view:02d}.png")
        lines = [f"{15 * view} {5 + number} 0 2.0 25" for view in range(views)]
        (folder / "rendering_metadata.txt").write_text("\n".join(lines))
    return root


def fake_render(
    shapes: VoxelStore,
    names: Sequence[str],
    folder: Path,
    *,
    views: int,
    image_size: int,
    seed: int,
    backgrounds: Sequence[Path],
) -> None:
    """Stand in for the renderer: write the shapes and noise."""
    voxels = shapes.voxels()
    for row, (label, name) in enumerate(zip(shapes.labels, names, strict=True)):
        path = f"{shapes.class_names[label]}/{name}"
        shape = folder / f"ShapeNetVox{shapes.size}" / path / "model.binvox"
        write_binvox(shape, voxels[row])
        for view in range(views):
            picture = noise(100 * seed + 10 * row + view, image_size, image_size)
            where = folder / "ShapeNetRendering" / path / "rendering"
            saved(picture, where / f"{view:02d}.png")


def write_ikea(root: Path) -> Path:
    """Write four photos of two chairs and a bed in the folders of the IKEA set."""
    (root / "Lists").mkdir(parents=True)
    (root / "Voxels").mkdir()
    for number in range(4):
        saved(noise(number, 40, 30), root / "Images" / f"{number}.jpg")
    lists = {
        "Images": ["0.jpg", "1.jpg", "2.jpg", "3.jpg"],
        "ModelID": ["3", "1", "3", "2"],
        "all_obj_class": ["bed", "chair", "chair"],
    }
    for name, lines in lists.items():
        (root / "Lists" / f"{name}.txt").write_text("\n".join(lines) + "\n")
    for number in (1, 2, 3):
        grid = np.zeros((20, 20, 20), np.uint8)
        # Stands on the low end of axis 0, at low axis 1.
        grid[: 5 * number, :3, :7] = 1
        scipy.io.savemat(root / "Voxels" / f"{number}.mat", {"grid": grid})
    return root
