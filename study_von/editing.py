"""Changing one of viewpoint, shape and texture, with the other two fixed."""

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from common.errors import UserError
from common.gan.latents import walk_pairs
from common.images import writing
from common.images.grids import image_grid, sheet, to_picture
from common.images.source_files import keep_sources
from common.training.run_dir import RunDir
from study_von.config import Config
from study_von.generation import check_option, check_seed, choose_views
from study_von.given_shapes import Up
from study_von.painting import make_images
from study_von.sketch_pictures import view_label
from study_von.training import Networks, load_networks, texture_latents
from study_von.volumes import draw_latents, make_volumes, visible_shape

Factor = Literal["viewpoint", "shape", "texture"]
FACTORS: tuple[Factor, ...] = ("viewpoint", "shape", "texture")
MAX_OBJECTS, MAX_STEPS = 16, 16
# Least height in pixels of an image on a sheet, and in a GIF.
TILE, LARGE = 128, 192
# Most objects beside each other in a GIF.
GIF_COLUMNS = 4
# Latents that a GIF passes, and frames from each of them to the next.
STATIONS, STATION_FRAMES = 5, 12
TURN_FRAMES = 36
# Time of a frame in milliseconds.
PACE = 100


class Objects(NamedTuple):
    """Values of the three factors: those of objects, or those to change to.

    Attributes:
        volumes: float (N, S, S, S, 1).
        azimuths: float (N,), degrees.
        elevations: float (N,), degrees.
        textures: float32 (N, d), latents.
    """

    volumes: np.ndarray
    azimuths: np.ndarray
    elevations: np.ndarray
    textures: np.ndarray


# The fields of each factor.
FIELDS: dict[str, tuple[str, ...]] = {
    "viewpoint": ("azimuths", "elevations"),
    "shape": ("volumes",),
    "texture": ("textures",),
}


def edit(
    run: RunDir,
    config: Config | None = None,
    change: Literal["all", "viewpoint", "shape", "texture"] = "all",
    seed: int = 1,
    steps: int = 8,
    count: int = 4,
    shape: Path | None = None,
    up: Up = "z",
    out: Path | None = None,
) -> list[Path]:
    """Change the viewpoint, the shape or the texture, with the other two fixed.

    Each factor has a sheet, edit_<factor>.png, whose rows are objects and whose columns
    are values of the factor, the same in all rows; and a GIF without an end,
    edit_<factor>.gif, in which the objects turn, or go through five of those shapes
    or textures. With "all", edit.png shows one object, with one factor changing in each
    row.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        change: factor to change, or "all" for one after another.
        seed: seed of shapes and textures, which are those of `generate`.
        steps: number of values of each factor, 2 to 16.
        count: number of objects, 1 to 16.
        shape: file of a shape that all objects have (see `read_shape`); then "all"
            is viewpoint and texture.
        up: axis that points up in the file if it is a mesh.
        out: folder to write to; by default the run's.

    Returns:
        Paths of the files.

    Raises:
        UserError: the run has no texture network, the shape cannot be used, it is to
            be fixed and changed, or an option is out of range.

    Reference: Zhu et al. 2018, arXiv:1812.02725.
    """
    if change not in ("all", *FACTORS):
        raise UserError(f"--change must be all, {', '.join(FACTORS)}, found {change}")
    if shape and change == "shape":
        raise UserError("--change shape makes other shapes; leave out --shape")
    check_option("steps", steps, 2, MAX_STEPS)
    check_option("count", count, 1, MAX_OBJECTS)
    check_seed(seed)
    config = run.configuration(config)
    factors = FACTORS if change == "all" else (change,)
    factors = tuple(f for f in factors if f != "shape" or not shape)
    folder = out or run.path
    paths = [folder / "edit.png"] if change == "all" else []
    for factor in factors:
        paths += [folder / f"edit_{factor}.{suffix}" for suffix in ("png", "gif")]
    keep_sources([shape] if shape else [], paths)
    networks = load_networks(run)
    # The values to change to begin with the first object's own, so all sheets begin
    # with the same image.
    most = max(steps, count)
    textures = texture_latents(config, most, seed)
    latents = None
    if shape:
        volume = visible_shape(config, shape, up)
        volumes = np.broadcast_to(volume, (count, *volume.shape))
    else:
        latents = draw_latents(config, networks.shape_generator, most, seed)
        volumes = make_volumes(config, networks.shape_generator, latents)
    objects = Objects(
        volumes[:count], *choose_views(config, count, False, seed), textures[:count]
    )
    # What each factor changes to: on its sheet, and in its GIF.
    changes = {
        "viewpoint": (turned(objects, steps), turned(objects, TURN_FRAMES)),
        "texture": tuple(
            objects._replace(textures=some)
            for some in (textures[:steps], round_trip(textures[:steps]))
        ),
    }
    if "shape" in factors:
        walk = round_trip(latents[:steps], config.prior)
        loop = make_volumes(config, networks.shape_generator, walk)
        changes["shape"] = tuple(
            objects._replace(volumes=some) for some in (volumes[:steps], loop)
        )
    first_rows = {}
    for factor in factors:
        made = write_factor(config, networks, objects, factor, changes[factor], folder)
        first_rows[factor] = made[0]
    if change == "all":
        picture = sheet(
            [tiles(first_rows[factor]) for factor in factors],
            title="One factor changes at a time, the others stay",
            row_labels=factors,
        )
        writing.save_image(picture, paths[0])
    return paths


def write_factor(
    config: Config,
    networks: Networks,
    objects: Objects,
    factor: str,
    changes: tuple[Objects, Objects],
    folder: Path,
) -> np.ndarray:
    """Write the sheet and the GIF of one factor; return the images of the sheet.

    Args:
        config: options of the run.
        networks: networks of the run.
        objects: N objects.
        factor: factor that changes.
        changes: the K values of the factor on the sheet, and those in the GIF.
        folder: folder to write to.

    Returns:
        uint8 (N, K, H, H, 3).
    """
    values, around = changes
    made = change_one(config, networks, objects, factor, values)
    labels = value_labels(factor, values)
    picture = sheet([tiles(images) for images in made], column_labels=labels)
    writing.save_image(picture, folder / f"edit_{factor}.png")
    frames = change_one(config, networks, objects, factor, around).swapaxes(0, 1)
    columns = min(len(made), GIF_COLUMNS)
    pictures = [image_grid(images, columns=columns, size=LARGE) for images in frames]
    writing.save_gif(pictures, folder / f"edit_{factor}.gif", PACE, last=PACE)
    return made


def change_one(
    config: Config, networks: Networks, objects: Objects, factor: str, values: Objects
) -> np.ndarray:
    """Return images of each object with each value of one factor.

    Args:
        config: options of the run.
        networks: networks of the run.
        objects: N objects.
        factor: factor that changes.
        values: K values of the factor; its other fields are not used.

    Returns:
        uint8 (N, K, H, H, 3).
    """
    count = len(objects.azimuths)
    steps = len(getattr(values, FIELDS[factor][0]))
    made = []
    for row in range(count):
        # One object, with as many copies of what does not change.
        one = Objects(
            *(
                getattr(values, field)
                if field in FIELDS[factor]
                else getattr(objects, field)[[row] * steps]
                for field in Objects._fields
            )
        )
        made.append(make_images(config, networks, *one))
    return np.stack(made)


def turned(objects: Objects, steps: int) -> Objects:
    """Return a turn of the camera that begins at the first object's viewpoint."""
    azimuths = objects.azimuths[0] + np.arange(steps) * 360 / steps
    elevations = np.full(steps, objects.elevations[0])
    return objects._replace(azimuths=azimuths, elevations=elevations)


def round_trip(latents: np.ndarray, prior: str = "normal") -> np.ndarray:
    """Return a walk that passes up to five latents and ends where it began.

    Args:
        latents: float32 (N, d), at least 2.
        prior: distribution that they are from.

    Returns:
        float32 (12 N, d), with N at most 5: along great circles, or along straight
        lines if the prior is uniform.
    """
    stations = latents[:STATIONS]
    tour = np.stack([stations, np.roll(stations, -1, axis=0)], axis=1)
    kind = "spherical" if prior == "normal" else "linear"
    return walk_pairs(tour, STATION_FRAMES, kind)


def tiles(images: np.ndarray) -> list[tuple[np.ndarray, None]]:
    """Return one row of a sheet, of images uint8 (K, H, H, 3)."""
    return [(to_picture(image, TILE), None) for image in images]


def value_labels(factor: str, values: Objects) -> list[str]:
    """Return the labels of the columns in which a factor has these values."""
    if factor == "viewpoint":
        # Azimuths from above -180 to 180.
        azimuths = 180 - (180 - values.azimuths) % 360
        views = zip(azimuths, values.elevations, strict=True)
        return [view_label(*view) for view in views]
    count = len(getattr(values, FIELDS[factor][0]))
    return [f"{factor} {number + 1}" for number in range(count)]
