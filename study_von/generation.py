"""New images from a run: shapes, viewpoints and textures, and files of them."""

import dataclasses
import functools
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from scipy import ndimage
from tqdm import tqdm

from common.errors import UserError
from common.gan.latents import sample_latents
from common.images import writing
from common.images.grids import sheet, to_picture
from common.images.pixels import to_bytes
from common.images.sample_files import PICTURE_SIZE, check_count, write_array
from common.images.source_files import keep_sources
from common.shapes.voxels import without_fragments
from common.training.run_dir import RunDir
from study_von.config import Config, Format
from study_von.given_shapes import Up, read_shape
from study_von.sketch_pictures import (
    draw_depth,
    draw_silhouette,
    draw_volume,
    view_label,
)
from study_von.sketches import (
    SILHOUETTE,
    batch_size,
    make_sketches,
    solid_level,
)
from study_von.textured_mesh import mesh_paths, write_meshes
from study_von.training import Networks, load_networks, texture_latents
from study_von.viewpoints import frequent, open_pool

Maker = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
MAX_OBJECTS, MAX_VIEWS = 1000, 36
# Objects and views on the sheet, and the least height of an image there in pixels.
SHEET_OBJECTS, SHEET_VIEWS, TILE = 20, 10, 128
# How often a shape that no ray hits is replaced by another [published code].
REDRAWS = 10
# Difference of the seeds of one draw and the next.
NEXT_DRAW = 1_000_003
logger = logging.getLogger(__name__)


@functools.lru_cache(8)
def _sketcher(config: Config) -> Maker:
    """Return `make_sketches` as a graph, which is traced once for all calls."""
    edge = config.size
    angles = tf.TensorSpec((None,), tf.float32)
    return tf.function(
        lambda volumes, azimuths, elevations: make_sketches(
            config, volumes, azimuths, elevations
        ),
        [tf.TensorSpec((None, edge, edge, edge, 1), tf.float32), angles, angles],
    )


def make_volumes(config: Config, networks: Networks, latents: np.ndarray) -> np.ndarray:
    """Return the volumes that the shape network makes of latents, without fragments.

    Args:
        config: options of the run.
        networks: networks of the run.
        latents: float32 (N, latent_dim).

    Returns:
        float16 (N, S, S, S, 1) in [0, 1], half of the memory of float32.
    """
    step = batch_size(config)
    parts = [
        np.asarray(
            networks.shape_generator(latents[start : start + step], training=False),
            np.float16,
        )
        for start in range(0, len(latents), step)
    ]
    volumes = np.concatenate(parts)
    for volume in volumes[..., 0]:
        clear_fragments(volume, solid_level(config))
    return volumes


def clear_fragments(volume: np.ndarray, level: float) -> None:
    """Empty the voxels of a volume that belong to loose fragments, in place.

    Args:
        volume: float (S, S, S) in [0, 1].
        level: value above which a voxel belongs to the shape.
    """
    filled = volume > level
    loose = filled & ~without_fragments(filled)
    if loose.any():
        # Around a fragment, values fall to 0 over a voxel or two.
        near = ndimage.binary_dilation(loose, np.ones((3, 3, 3)), iterations=2)
        body = ndimage.binary_dilation(filled & ~loose)
        volume[near & ~body] = 0


def sketch_maps(
    config: Config,
    volumes: np.ndarray,
    azimuths: np.ndarray,
    elevations: np.ndarray,
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """Return the sketches of volumes: float32 (N, H, H, C); see `sketches`.

    Args:
        config: options of the run.
        volumes: float (N, S, S, S, 1).
        azimuths: float (N,), degrees; 0 looks at the front.
        elevations: float (N,), degrees.
        rows: int (N,), the volume of each sketch; by default its own.
    """
    rows = np.arange(len(azimuths)) if rows is None else rows
    step, sketch = batch_size(config), _sketcher(config)
    parts = []
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        solid = np.asarray(volumes[rows[part]], np.float32)
        angles = [np.asarray(a[part], np.float32) for a in (azimuths, elevations)]
        parts.append(sketch(solid, *angles).numpy())
    return np.concatenate(parts)


def paint(networks: Networks, sketches: np.ndarray, textures: np.ndarray) -> np.ndarray:
    """Return the images of sketches and textures: uint8 (N, H, H, 3).

    Args:
        networks: networks of the run.
        sketches: float (N, H, H, C).
        textures: float32 (N, d), latents.
    """
    return to_bytes(
        np.asarray(networks.texture_generator([sketches, textures], training=False))
    )


def make_images(
    config: Config,
    networks: Networks,
    volumes: np.ndarray,
    azimuths: np.ndarray,
    elevations: np.ndarray,
    textures: np.ndarray,
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """Return the images of shapes from viewpoints with textures.

    Args:
        config: options of the run.
        networks: networks of the run.
        volumes: float (N, S, S, S, 1).
        azimuths: float (N,), degrees; 0 looks at the front.
        elevations: float (N,), degrees.
        textures: float32 (N, d), latents.
        rows: int (N,), the volume of each image; by default its own.

    Returns:
        uint8 (N, H, H, 3). An object that no ray hits gives a white image.
    """
    rows = np.arange(len(azimuths)) if rows is None else rows
    step = batch_size(config)
    bar = tqdm(range(0, len(rows), step), "making images", disable=None, leave=False)
    parts = []
    for start in bar:
        part = slice(start, start + step)
        sketches = sketch_maps(
            config, volumes, azimuths[part], elevations[part], rows[part]
        )
        parts.append(paint(networks, sketches, textures[part]))
    return np.concatenate(parts)


def is_empty(config: Config, volumes: np.ndarray) -> np.ndarray:
    """Return for each volume whether no ray hits it: bool (N,).

    A sketch of few pixels from one side decides.

    Args:
        config: options of the run.
        volumes: float (N, S, S, S, 1).
    """
    coarse = dataclasses.replace(
        config, image_size=32, projection_pixels=48, texture="published"
    )
    count = len(volumes)
    sides = np.full(count, 30.0), np.full(count, 20.0)
    silhouettes = sketch_maps(coarse, volumes, *sides)[..., SILHOUETTE]
    return ~silhouettes.any(axis=(1, 2, 3))


def draw_latents(
    config: Config, networks: Networks, count: int, seed: int
) -> np.ndarray:
    """Draw latents of shapes that can be seen: float32 (count, latent_dim).

    A latent whose shape is empty is drawn again, up to ten times.

    Args:
        config: options of the run.
        networks: networks of the run.
        count: number of latents.
        seed: seed of the latents; the same seed gives the same latents.
    """
    latents = sample_latents(config, count, seed)
    missing, step = np.arange(count), 16 * batch_size(config)
    for draw in range(REDRAWS + 1):
        if draw:
            again = sample_latents(config, count, seed + NEXT_DRAW * draw)
            latents[missing] = again[missing]
        parts = [
            is_empty(config, make_volumes(config, networks, latents[some]))
            for some in np.split(missing, range(step, len(missing), step))
        ]
        missing = missing[np.concatenate(parts)]
        if not len(missing):
            return latents
    logger.warning(
        "%d of %d shapes are empty, and their images white; train the stage shape "
        "for longer",
        len(missing),
        count,
    )
    return latents


def draw_volumes(
    config: Config,
    networks: Networks,
    count: int,
    seed: int,
    shape: Path | None = None,
    up: Up = "z",
) -> np.ndarray:
    """Return volumes that can be seen: float16 (count, S, S, S, 1).

    Args:
        config: options of the run.
        networks: networks of the run.
        count: number of volumes.
        seed: seed of the latents; the same seed gives the same volumes.
        shape: file of a shape that all volumes are; by default they are generated.
        up: axis that points up in a mesh file.

    Raises:
        UserError: the file cannot be used; see `read_shape`.
    """
    if shape is None:
        latents = draw_latents(config, networks, count, seed)
        return make_volumes(config, networks, latents)
    volume = visible_shape(config, shape, up)
    return np.broadcast_to(volume, (count, *volume.shape))


def visible_shape(config: Config, shape: Path, up: Up) -> np.ndarray:
    """Read a shape that can be seen: float16 (S, S, S, 1); see `read_shape`.

    Raises:
        UserError: the file cannot be used, or all parts are too thin.
    """
    volume = read_shape(shape, config, up).astype(np.float16)
    if is_empty(config, volume[None])[0]:
        raise UserError(
            f"--shape {shape}: no ray hits the shape; choose one with larger parts"
        )
    return volume


def check_option(name: str, value: float, least: float, most: float) -> None:
    """Check that the value of an option is in a range.

    Raises:
        UserError: it is not.
    """
    if not least <= value <= most:
        raise UserError(f"--{name} must be from {least:g} to {most:g}, found {value:g}")


def check_seed(seed: int) -> None:
    """Check that a seed is a whole number from 0.

    Raises:
        UserError: it is not.
    """
    if seed < 0:
        raise UserError(f"--seed must be a whole number from 0, found {seed}")


def sample(
    run: RunDir, count: int = 16, seed: int = 1, config: Config | None = None
) -> np.ndarray:
    """Return new images: uint8 (count, H, H, 3).

    Each has a shape and a texture of its own, and a viewpoint from the run's pool.

    Args:
        run: folder of the run.
        count: number of images, 1 to 100,000.
        seed: seed of shapes, viewpoints and textures; the same seed gives the same
            images.
        config: options of the run; by default its own.

    Raises:
        UserError: the run has no texture network, or an option is out of range.
    """
    check_count(count)
    check_seed(seed)
    config = run.configuration(config)
    networks = load_networks(run)
    latents = draw_latents(config, networks, count, seed)
    textures = texture_latents(config, count, seed)
    random = np.random.default_rng([seed, 2])
    azimuths, elevations = open_pool(config).draw(count, random)
    parts = []
    for start in range(0, count, 16 * batch_size(config)):
        part = slice(start, start + 16 * batch_size(config))
        volumes = make_volumes(config, networks, latents[part])
        views = azimuths[part], elevations[part]
        parts.append(make_images(config, networks, volumes, *views, textures[part]))
    return np.concatenate(parts)


def generate(
    run: RunDir,
    config: Config | None = None,
    count: int = 8,
    seed: int = 1,
    views: int = 5,
    random_views: bool = False,
    show_sketches: bool = True,
    shape: Path | None = None,
    up: Up = "z",
    format: Format = "png",
    out: Path | None = None,
) -> list[Path]:
    """Make images of objects from several viewpoints, and write them with a sheet.

    Each object has a shape and a texture of its own. On the sheet, a row is an object:
    its shape, silhouette and depth as the first view shows them, and its images.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        count: number of objects, 1 to 1,000.
        seed: seed of shapes and textures, and of random viewpoints; the same seed gives
            the same images.
        views: number of viewpoints, 1 to 36.
        random_views: whether the viewpoints are drawn from the run's pool; by default
            they are the most frequent ones of it.
        show_sketches: whether the sheet shows shapes, silhouettes and depths, too.
        shape: file of a shape that all objects have (see `read_shape`); by default
            shapes are generated.
        up: axis that points up in the file if it is a mesh.
        format: format of the files. png: one file for each image; npy: one uint8 array
            (count, views, H, H, 3); glb or ply: a closed surface of each object, with a
            colour for each vertex.
        out: folder to write to; by default `generated` in the run's folder.

    Returns:
        Paths of the files; the first is the sheet, which shows the first 20 objects
        from the first 10 viewpoints.

    Raises:
        UserError: the run has no texture network, the shape cannot be used, or an
            option is out of range.

    Reference: Zhu et al. 2018, arXiv:1812.02725.
    """
    check_option("count", count, 1, MAX_OBJECTS)
    check_option("views", views, 1, MAX_VIEWS)
    check_seed(seed)
    config = run.configuration(config)
    folder = out or run.generated
    paths = [folder / "sheet.png"]
    if format == "png":
        paths += [
            folder / f"object_{number:03d}_view_{view:02d}.png"
            for number in range(count)
            for view in range(views)
        ]
    meshes = mesh_paths(folder, count, format) if format in ("glb", "ply") else []
    keep_sources([shape] if shape else [], [*paths, *meshes])
    networks = load_networks(run)
    volumes = draw_volumes(config, networks, count, seed, shape, up)
    textures = texture_latents(config, count, seed)
    azimuths, elevations = choose_views(config, views, random_views, seed)
    rows = np.repeat(np.arange(count), views)
    angles = np.tile(azimuths, count), np.tile(elevations, count)
    made = make_images(config, networks, volumes, *angles, textures[rows], rows)
    made = made.reshape(count, views, *made.shape[1:])
    picture = draw_objects(config, volumes, made, azimuths, elevations, show_sketches)
    writing.save_image(picture, paths[0])
    if format == "npy":
        return [*paths, write_array(made, folder)]
    if format != "png":
        given = run, config, networks, volumes, textures, format, folder
        return [*paths, *write_meshes(*given)]
    bar = tqdm(paths[1:], "writing", unit="image", disable=None)
    for image, path in zip(made.reshape(-1, *made.shape[2:]), bar, strict=True):
        writing.save_image(to_picture(image, PICTURE_SIZE), path)
    return paths


def choose_views(
    config: Config, count: int, random_views: bool, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return azimuths and elevations of a run's pool, float (count,) each.

    Args:
        config: uses viewpoints and classes.
        count: number of viewpoints.
        random_views: whether they are drawn; otherwise they are the most frequent ones,
            which begin again where the pool has fewer.
        seed: seed of drawn viewpoints.
    """
    pool = open_pool(config)
    if random_views:
        return pool.draw(count, np.random.default_rng([seed, 2]))
    found = np.array(frequent(pool, count), np.float32)
    azimuths, elevations = np.resize(found, (count, 2)).T
    return azimuths, elevations


def draw_objects(
    config: Config,
    volumes: np.ndarray,
    made: np.ndarray,
    azimuths: np.ndarray,
    elevations: np.ndarray,
    show_sketches: bool,
) -> np.ndarray:
    """Draw a sheet of objects, one in each row: uint8 (H, W, 3); see `generate`.

    Args:
        config: options of the run.
        volumes: float (N, S, S, S, 1).
        made: uint8 (N, V, H, H, 3).
        azimuths: (V,), degrees.
        elevations: (V,), degrees.
        show_sketches: whether shapes, silhouettes and depths come first.
    """
    made = made[:SHEET_OBJECTS, :SHEET_VIEWS]
    rows = [[to_picture(image, TILE) for image in images] for images in made]
    labels = [view_label(*view) for view in zip(azimuths, elevations, strict=True)]
    labels = labels[:SHEET_VIEWS]
    if show_sketches:
        first, edge = (float(azimuths[0]), float(elevations[0])), len(rows[0][0])
        sides = [np.full(len(rows), angle) for angle in first]
        sketches = sketch_maps(config, volumes[: len(rows)], *sides)
        for row, volume, maps in zip(rows, volumes, sketches, strict=False):
            row[:0] = [
                draw_volume(config, volume, *first, edge),
                draw_silhouette(maps, edge),
                draw_depth(maps, edge),
            ]
        labels = ["shape", "silhouette", "depth", *labels]
    return sheet(
        [[(picture, None) for picture in row] for row in rows],
        title="Azimuth (az.) and elevation (el.) of the camera",
        column_labels=labels,
    )
