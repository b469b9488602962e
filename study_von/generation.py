"""New images from a run: shapes, viewpoints and textures, and files of them."""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from common.errors import UserError
from common.images import writing
from common.images.grids import sheet, to_picture
from common.images.sample_files import PICTURE_SIZE, check_count, write_array
from common.images.source_files import keep_sources
from common.training.run_dir import RunDir
from study_von.config import Config, Format
from study_von.given_shapes import Up
from study_von.painting import make_images, paint_shapes
from study_von.sketch_batches import sketch_maps
from study_von.sketch_pictures import (
    draw_depth,
    draw_silhouette,
    draw_volume,
    view_label,
)
from study_von.textured_mesh import mesh_paths, write_meshes
from study_von.training import load_networks, texture_latents
from study_von.viewpoints import frequent, open_pool
from study_von.volumes import draw_latents, draw_volumes

MAX_OBJECTS, MAX_VIEWS = 1000, 36
# Objects and views on the sheet, and the least height of an image there in pixels.
SHEET_OBJECTS, SHEET_VIEWS, TILE = 20, 10, 128


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
    latents = draw_latents(config, networks.shape_generator, count, seed)
    textures = texture_latents(config, count, seed)
    random = np.random.default_rng([seed, 2])
    azimuths, elevations = open_pool(config).draw(count, random)
    views = azimuths, elevations
    return paint_shapes(config, networks, latents, *views, textures).images


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
    volumes = draw_volumes(config, networks.shape_generator, count, seed, shape, up)
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
