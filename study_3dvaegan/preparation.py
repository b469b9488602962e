"""Photos of your own shapes or meshes: the command `data render`."""

import dataclasses
import shlex
import tempfile
from pathlib import Path

import numpy as np

from chapter02_3dgan.data import load_split
from chapter02_3dgan.preparation import prepare
from common.data.folders import find_files
from common.errors import TextLeftOut, UserError
from common.files import atomic_path
from common.images import writing
from common.images.grids import image_grid
from common.images.reading import find_images
from common.shapes.finding import SUFFIXES
from common.shapes.meshes import READ
from study_3dvaegan.config import Config
from study_3dvaegan.data_sets.rendered import SPLITS, is_tree
from study_3dvaegan.renders import PHOTOS, check_options, render_split

# Photos on the sheet that shows what was rendered.
SHEET_PHOTOS = 96


def render(
    shapes: Path,
    out: Path,
    classes: tuple[str, ...] = (),
    size: int = 32,
    views: int = 24,
    image_size: int = 128,
    backgrounds: Path | None = None,
    up: str = "z",
    seed: int = 0,
) -> str:
    """Render photos of shapes and write both in the folders of 3D-R2N2.

    Args:
        shapes: any set of voxels that chapter 2 reads, or a folder of meshes
            (.off .obj .stl .ply), which are voxelised first.
        out: new folder; it also gets the picture rendered.png of some photos.
        classes: names of the classes to render; by default all.
        size: edge of the volume in voxels: 32, 64 or 128.
        views: photos of each shape, 1 to 72, of 24 azimuths x 3 elevations.
        image_size: edge of a photo in pixels, 16 to 512, a multiple of 8.
        backgrounds: folder of photos to use as backgrounds; by default procedural
            rooms.
        up: axis that points up in meshes, "z" or "y"; voxels have z up.
        seed: seed of colours, light and backgrounds.

    Returns:
        A report: the number of shapes and photos of each split, and the meshes that
        were left out, each with the reason; `TextLeftOut` if there are such meshes.

    Raises:
        UserError: the shapes cannot be read, one of them is empty, `out` exists, there
            are no backgrounds, or an option is out of range.
    """
    if out.exists():
        raise UserError(f"--out {out} exists already; choose the name of a new folder")
    check_options(views, image_size, seed)
    if not shapes.exists():
        raise UserError(f"--shapes {shapes}: no such file or folder; check the path")
    if shapes.is_dir() and is_tree(shapes):
        raise UserError(
            f"--shapes {shapes} has rendered photos already; train on it with --data"
        )
    behind = () if backgrounds is None else find_images(backgrounds)
    config = Config(data=shapes, classes=tuple(classes), size=size)
    left_out: list[str] = []
    with tempfile.TemporaryDirectory() as folder, atomic_path(out) as temporary:
        if _is_of_meshes(shapes):
            voxels = Path(folder) / "voxels"
            report = prepare(shapes, voxels, up)
            left_out = [r for r in report.splitlines() if r.startswith("left out")]
            config = dataclasses.replace(config, data=voxels)
        lines = []
        for split in SPLITS:
            store = load_split(config, split, every_class=not classes)
            render_split(
                store,
                split,
                temporary,
                views=views,
                image_size=image_size,
                seed=seed,
                backgrounds=behind,
            )
            lines.append(f"{split}: {len(store)} shapes, {len(store) * views} photos")
        writing.save_image(_sheet(temporary), temporary / "rendered.png")
    command = shlex.join(["train", "--data", str(out)])
    report = "\n".join([*lines, *left_out, f"use it with: {command}"])
    return TextLeftOut(report) if left_out else report


def _is_of_meshes(shapes: Path) -> bool:
    """Return whether a folder has meshes and no voxel files."""
    if not shapes.is_dir() or not find_files(shapes, READ, "meshes"):
        return False
    return not find_files(shapes, SUFFIXES, "voxel files", known=())


def _sheet(folder: Path) -> np.ndarray:
    """Return a grid of photos at equal steps."""
    paths = sorted((folder / PHOTOS).rglob("*.png"))
    chosen = writing.evenly(paths, SHEET_PHOTOS)
    return image_grid(np.stack([writing.load_image(path) for path in chosen]))
