"""New shapes from a trained generator: files, and walks and sums of latents."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

from chapter02_3dgan.config import Config, Format
from common.errors import UserError
from common.files import atomic_path
from common.gan.latents import sample_latents, tail_direction, walk_pairs
from common.images import writing
from common.images.sample_files import check_walks
from common.shapes.binvox import write_binvox
from common.shapes.meshes import voxels_to_mesh, write_mesh
from common.shapes.rendering import render_grid, render_rows, render_voxels, turntable
from common.shapes.viewer import write_viewer
from common.shapes.voxels import without_fragments, write_mat
from common.training.network_files import load_network
from common.training.run_dir import RunDir

BATCH = 32
# As in the tools of Wu et al. 2016, which also draw only the largest body.
THRESHOLD = 0.1

MAX_COUNT = 10_000
SHEET_SHAPES = 64
VIEWER_SHAPES = 64
# Number of samples from which the directions of latent arithmetic are estimated, and
# the share of them that is averaged at each end.
POPULATION = 512
TAIL = 0.1


def _write_printable(voxels: np.ndarray, path: Path) -> None:
    """Write the largest body of a shape as a mesh for 3D printing."""
    # Slicers expect a single body, and loose parts cannot be printed.
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
# Formats in which an empty shape cannot be written.
MESHES = ("stl", "obj", "glb")
logger = logging.getLogger(__name__)


def sample(
    run: RunDir,
    count: int = 16,
    seed: int = 1,
    fragments: bool = False,
    config: Config | None = None,
    threshold: float = THRESHOLD,
) -> np.ndarray:
    """Return new shapes: bool (count, S, S, S).

    Args:
        run: folder of the run.
        count: number of shapes, 1 to 10,000.
        seed: seed of the latents; the same seed gives the same shapes.
        fragments: whether to keep parts that are separate from the largest body.
        config: options of the run; by default its own.
        threshold: occupancy above which a voxel is filled.

    Raises:
        UserError: the run has no generator, or an option is out of range.
    """
    if not 1 <= count <= MAX_COUNT:
        raise UserError(f"--count must be from 1 to {MAX_COUNT}, found {count}")
    latents = sample_latents(run.configuration(config), count, seed)
    return make_shapes(load_network(run.generator), latents, threshold, fragments)


def generate(
    run: RunDir,
    config: Config | None = None,
    count: int = 16,
    seed: int = 1,
    format: Format = "png",
    out: Path | None = None,
    fragments: bool = False,
) -> list[Path]:
    """Make new shapes and write them with a sheet of them all.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        count: number of shapes, 1 to 10,000.
        seed: seed of the latents; the same seed gives the same shapes.
        format: format of the files. png, gif (rotating), mat, binvox, stl, obj or glb:
            one file for each shape; npy: one bool array (count, S, S, S); html: one
            page on which the first 64 can be rotated.
        out: folder to write to; by default `generated` in the run's folder.
        fragments: whether to keep parts that are separate from the largest body.

    Returns:
        Paths of the files; the first is the sheet. No mesh is written of a shape
        without filled voxels.

    Raises:
        UserError: the run has no generator, or an option is out of range.
    """
    shapes = sample(run, count, seed, fragments, config)
    return write_generated(shapes, out or run.generated, format, run.path.name)


def write_generated(
    shapes: np.ndarray, folder: Path, format: Format, run_name: str
) -> list[Path]:
    """Write generated shapes and a sheet of them all; return the paths.

    Args:
        shapes: bool (N, S, S, S).
        folder: folder to write to.
        format: format of the files, as in `generate`.
        run_name: name of the run, for the title of a page.
    """
    sheet = folder / "sheet.png"
    writing.save_image(render_grid(shapes[:SHEET_SHAPES]), sheet)
    if format == "html":
        shapes = shapes[:VIEWER_SHAPES]
    names = [f"shape_{number:04d}" for number in range(len(shapes))]
    title = f"Shapes that {run_name} generated"
    return [sheet, *write_shapes(shapes, names, folder, format, title)]


def write_shapes(
    shapes: np.ndarray,
    names: Sequence[str],
    folder: Path,
    format: Format,
    title: str,
) -> list[Path]:
    """Write shapes in one of the formats of `generate`; return the paths.

    No mesh is written of a shape without filled voxels.

    Args:
        shapes: bool (N, S, S, S).
        names: N names of files, without the suffix. If the format is one file of all
            shapes, its name is shapes.
        folder: folder to write to.
        format: format of the files.
        title: heading of the page, if the format is one.
    """
    if format == "npy":
        with atomic_path(folder / "shapes.npy") as temporary:
            np.save(temporary, shapes)
        return [folder / "shapes.npy"]
    if format == "html":
        write_viewer(folder / "shapes.html", shapes, labels=names, title=title)
        return [folder / "shapes.html"]
    if format in MESHES and (empty := sum(not voxels.any() for voxels in shapes)):
        logger.warning("no mesh is written of %d empty shapes", empty)
    paths = []
    bar = tqdm(shapes, "writing", unit="shape", disable=None)
    for name, voxels in zip(names, bar, strict=True):
        if voxels.any() or format not in MESHES:
            paths.append(folder / f"{name}.{format}")
            WRITERS[format](voxels, paths[-1])
    return paths


def interpolate(
    run: RunDir,
    config: Config | None = None,
    rows: int = 6,
    steps: int = 10,
    seed: int = 1,
) -> Path:
    """Draw straight walks between pairs of latents to interpolation.png.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        rows: number of pairs of latents, 1 to 64.
        steps: number of shapes in each walk, 2 to 64.
        seed: seed of the latents.

    Raises:
        UserError: the run has no generator, or an option is out of range.

    Reference: Wu et al. 2016, arXiv:1610.07584, section 4.3.
    """
    check_walks(rows, steps)
    generator = load_network(run.generator)
    latents = sample_latents(run.configuration(config), 2 * rows, seed)
    walks = walk_pairs(latents.reshape(rows, 2, -1), steps, "linear")
    shapes = [make_shapes(generator, walk) for walk in np.split(walks, rows)]
    columns = [f"{share:.2f}" for share in np.linspace(0, 1, steps)]
    path = run.path / "interpolation.png"
    sheet = render_rows([("", walk) for walk in shapes], column_labels=columns)
    writing.save_image(sheet, path)
    return path


# Measures of shapes that need no labels. Shapes face along axis 0 of (S, S, S).
MEASURES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "deeper": lambda shapes: _extent(shapes, axis=1),
    "wider": lambda shapes: _extent(shapes, axis=2),
    "fuller": lambda shapes: shapes.mean(axis=(1, 2, 3)),
}


def _extent(shapes: np.ndarray, axis: int) -> np.ndarray:
    """Return how many layers along an axis hold filled voxels: (N,)."""
    others = tuple(a for a in (1, 2, 3) if a != axis)
    return shapes.any(axis=others).sum(axis=1)


def latent_arithmetic(run: RunDir, config: Config | None = None, seed: int = 1) -> Path:
    """Draw one shape along directions in latent space to arithmetic.png.

    Each row shows the shapes of z + t d for t from -1 to 1. The direction d is the mean
    latent of the shapes in which a measure is largest, minus the mean latent of those
    in which it is smallest. The captions give the measure at both ends, relative to
    the middle column.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        seed: seed of the shape and of the samples from which directions are estimated.

    Raises:
        UserError: the run has no generator.

    Reference: Wu et al. 2016, arXiv:1610.07584, section 4.3; Radford et al. 2016,
        arXiv:1511.06434, section 6.3.2.
    """
    generator = load_network(run.generator)
    latents = sample_latents(run.configuration(config), POPULATION, seed)
    shapes = make_shapes(generator, latents)
    strengths = np.linspace(-1, 1, 7, dtype=np.float32)
    rows = []
    for name, measure in MEASURES.items():
        direction = tail_direction(latents, measure(shapes), TAIL)
        moved = make_shapes(generator, latents[:1] + strengths[:, None] * direction)
        values = measure(moved).astype(float)
        middle = max(values[len(values) // 2], 1e-9)
        label = f"{name}\n{values[0] / middle:.2f} to {values[-1] / middle:.2f}"
        rows.append((label, moved))
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
    """Return the shapes that a generator makes from latents: bool (N, S, S, S).

    Args:
        generator: z (N, d) -> occupancy (N, S, S, S, 1).
        latents: float32 (N, d).
        threshold: occupancy above which a voxel is filled.
        fragments: whether to keep parts that are separate from the largest body.
    """
    batches = [latents[i : i + BATCH] for i in range(0, len(latents), BATCH)]
    parts = [np.asarray(generator(z, training=False)) > threshold for z in batches]
    shapes = np.concatenate(parts)[..., 0]
    if fragments:
        return shapes
    return np.stack([without_fragments(voxels) for voxels in shapes])
