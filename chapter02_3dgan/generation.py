"""New shapes from a trained generator: files, walks and sums in latent space."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

from chapter02_3dgan.config import Config, Format
from chapter02_3dgan.training import sample_latents
from common.errors import UserError
from common.files import atomic_path
from common.images import writing
from common.shapes.binvox import write_binvox
from common.shapes.meshes import voxels_to_mesh, write_mesh
from common.shapes.rendering import render_grid, render_rows, render_voxels, turntable
from common.shapes.viewer import write_viewer
from common.shapes.voxels import without_fragments, write_mat
from common.training.network_files import load_network
from common.training.run_dir import RunDir

BATCH = 32
# The tools of Wu et al. 2016 draw voxels above 0.1, and the largest body of them.
THRESHOLD = 0.1

MAX_COUNT = 10_000
SHEET_SHAPES = 64
VIEWER_SHAPES = 64
# Samples from which the directions of latent arithmetic are estimated, and the
# share of them that stands for either end.
POPULATION = 512
TAIL = 0.1


def _write_printable(voxels: np.ndarray, path: Path) -> None:
    # A slicer wants one body; floating bits would fall off in any case.
    write_mesh(voxels_to_mesh(voxels, largest_component_only=True), path)


WRITERS: dict[str, Callable[[np.ndarray, Path], None]] = {
    "png": lambda voxels, path: writing.save_image(
        render_voxels(voxels, image_size=512), path
    ),
    "gif": lambda voxels, path: writing.save_gif(turntable(voxels), path, 80),
    "mat": lambda voxels, path: write_mat(path, voxels),
    "binvox": lambda voxels, path: write_binvox(path, voxels),
    "stl": _write_printable,
    "obj": _write_printable,
    "glb": _write_printable,
}


def generate(
    run: RunDir,
    config: Config,
    count: int,
    seed: int,
    format: Format,
    folder: Path,
    fragments: bool = False,
) -> list[Path]:
    """Make new shapes and write them with a sheet of them all.

    Args:
        run: a folder with generator.keras.
        config: of the run.
        count: how many, 1 to 10,000.
        seed: same seed, same shapes.
        format: png, gif (turning), mat, binvox, stl, obj or glb: one file for
            each shape; npy: one bool array (count, S, S, S); html: one page to
            turn them in, the first 64.
        folder: where to write.
        fragments: keep what floats beside a shape.

    Returns:
        Paths of the files; the sheet is the first. A shape without a filled voxel
        gives no mesh file.

    Raises:
        UserError: no generator, or an option out of range.
    """
    if not 1 <= count <= MAX_COUNT:
        raise UserError(f"--count must be from 1 to {MAX_COUNT}, found {count}")
    generator = load_network(run.generator)
    latents = sample_latents(config, count, seed)
    shapes = make_shapes(generator, latents, fragments=fragments)
    sheet = folder / "sheet.png"
    writing.save_image(render_grid(shapes[:SHEET_SHAPES]), sheet)
    if format == "npy":
        with atomic_path(folder / "shapes.npy") as temporary:
            np.save(temporary, shapes)
        return [sheet, folder / "shapes.npy"]
    if format == "html":
        title = f"Shapes that {run.path.name} generated"
        write_viewer(folder / "shapes.html", shapes[:VIEWER_SHAPES], title=title)
        return [sheet, folder / "shapes.html"]
    paths = []
    for number, voxels in enumerate(
        tqdm(shapes, "writing", unit="shape", disable=None)
    ):
        if voxels.any() or format not in ("stl", "obj", "glb"):
            paths.append(folder / f"shape_{number:04d}.{format}")
            WRITERS[format](voxels, paths[-1])
    return [sheet, *paths]


def interpolate(run: RunDir, config: Config, rows: int, steps: int, seed: int) -> Path:
    """Draw straight walks between pairs of latents: interpolation.png.

    Reference: Wu et al. 2016, arXiv:1610.07584, section 4.3.
    """
    if not (1 <= rows <= 64 and 2 <= steps <= 64):
        raise UserError(
            f"--rows must be from 1 to 64 and --steps from 2 to 64, found {rows} and "
            f"{steps}"
        )
    generator = load_network(run.generator)
    ends = sample_latents(config, 2 * rows, seed).reshape(rows, 2, -1)
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    walks = [(1 - share) * start + share * end for start, end in ends]
    pictures = [("", make_shapes(generator, walk)) for walk in walks]
    columns = [f"{value:.2f}" for value in share[:, 0]]
    path = run.path / "interpolation.png"
    writing.save_image(render_rows(pictures, column_labels=columns), path)
    return path


# What can be told of a shape without labels. Shapes look along their axis 0.
MEASURES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "deeper": lambda shapes: _extent(shapes, axis=1),
    "wider": lambda shapes: _extent(shapes, axis=2),
    "fuller": lambda shapes: shapes.mean(axis=(1, 2, 3)),
}


def _extent(shapes: np.ndarray, axis: int) -> np.ndarray:
    """Return how many layers along an axis hold filled voxels: (N,)."""
    others = tuple(a for a in (1, 2, 3) if a != axis)
    return shapes.any(axis=others).sum(axis=1)


def latent_arithmetic(run: RunDir, config: Config, seed: int) -> Path:
    """Draw sums in latent space: arithmetic.png.

    For each measure: z + t (mean z of the shapes that have most of it - mean z of
    those that have least), for t from -1 to 1. The captions tell the measure of
    what comes out, relative to the middle column.

    Reference: Wu et al. 2016, arXiv:1610.07584, section 4.3; Radford et al. 2016,
        arXiv:1511.06434, section 6.3.2.
    """
    generator = load_network(run.generator)
    latents = sample_latents(config, POPULATION, seed)
    shapes = make_shapes(generator, latents)
    subject = latents[:1]
    strengths = np.linspace(-1, 1, 7, dtype=np.float32)
    rows = []
    for name, measure in MEASURES.items():
        order = np.argsort(measure(shapes), kind="stable")
        tail = int(TAIL * POPULATION)
        direction = latents[order[-tail:]].mean(axis=0) - latents[order[:tail]].mean(
            axis=0
        )
        moved = make_shapes(generator, subject + strengths[:, None] * direction)
        values = measure(moved).astype(float)
        middle = max(values[len(values) // 2], 1e-9)
        told = f"{name}\n{values[0] / middle:.2f} to {values[-1] / middle:.2f}"
        rows.append((told, moved))
    path = run.path / "arithmetic.png"
    columns = [f"{strength:+.2f}" for strength in strengths]
    writing.save_image(render_rows(rows, column_labels=columns), path)
    return path


def make_shapes(
    generator: keras.Model,
    latents: np.ndarray,
    threshold: float = THRESHOLD,
    fragments: bool = False,
) -> np.ndarray:
    """Return the shapes of some latents as bool (N, S, S, S).

    Args:
        generator: z (N, d) -> occupancy (N, S, S, S, 1).
        latents: float32 (N, d).
        threshold: a voxel is filled where its occupancy is above this.
        fragments: keep what floats beside the largest body.
    """
    batches = [latents[i : i + BATCH] for i in range(0, len(latents), BATCH)]
    parts = [np.asarray(generator(z, training=False)) > threshold for z in batches]
    shapes = np.concatenate(parts)[..., 0]
    if fragments:
        return shapes
    return np.stack([without_fragments(voxels) for voxels in shapes])
