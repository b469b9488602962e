"""A closed surface with a colour for each vertex, from images of all sides.

Images have no colours for a mesh; they are projected back. A vertex lies at one place
in each image. The image shows it if its distance from the camera is the one that the
sketch has there. With w its weight there, the colour of a vertex is

    sum of w * colour / sum of w,    w = covered * max(0, normal . direction)^2

where `covered` is the share of the pixels around that show the vertex, and the last
factor prefers views from straight ahead. Vertices that no view shows, such as those of
cavities, have the colour of the nearest one that some view shows.
"""

import logging
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.spatial import cKDTree
from tqdm import tqdm

from common.errors import UserError
from common.images.pixels import to_bytes
from common.shapes.meshes import closed_mesh, scale_mesh, write_mesh
from common.training.run_dir import RunDir
from study_von import projection
from study_von.config import Config, Format
from study_von.sketch_batches import batch_size
from study_von.sketches import (
    DEPTH,
    FRONT,
    SILHOUETTE,
    Squares,
    make_sketches_and_squares,
    occupancy,
    place_in_sketch,
)
from study_von.training import Networks

if TYPE_CHECKING:
    import trimesh

# Directions from which a shape is painted, degrees: all around, from below and above.
AZIMUTHS = tuple(range(0, 360, 30))
ELEVATIONS = (-35, 10, 55)
# Largest difference between the distances of a vertex and of the surface in its
# sketch, in voxels.
TOLERANCE = 1.5
# A pixel that the object covers less has no colour of its own.
LEAST_COVERED = 0.3
# Less than this is not seen.
LEAST_WEIGHT = 1e-3
logger = logging.getLogger(__name__)


class View(NamedTuple):
    """A shape from one direction.

    Attributes:
        sketch: float32 (H, H, C).
        image: float32 (H, H, 3) in [-1, 1].
        angles: azimuth and elevation, degrees.
        square: where the sketch was cut out.
    """

    sketch: np.ndarray
    image: np.ndarray
    angles: np.ndarray
    square: Squares


def textured_mesh(
    config: Config, networks: Networks, volume: np.ndarray, texture: np.ndarray
) -> "trimesh.Trimesh":
    """Return the surface of a shape with a texture's colours.

    Args:
        config: options of the run.
        networks: uses the texture generator.
        volume: float (S, S, S, 1), as the networks have it.
        texture: float (d,), latent of the texture.

    Returns:
        A watertight mesh in millimetres, 100 long, z up, with a colour for each vertex.

    Raises:
        UserError: the shape is empty, or so thin that no view shows it.
    """
    mesh = closed_mesh(
        np.asarray(occupancy(config, volume))[..., 0],
        threshold=projection.LEVEL,  # where sketches have their surface
        largest_component_only=config.component == "largest",
    )
    # From voxels to the axes of `projection`: the cells' centres are at -1 to 1.
    voxel = 2 / (len(volume) - 1)
    points = (np.asarray(mesh.vertices) - 0.5) * voxel - 1
    normals = np.asarray(mesh.vertex_normals)
    total, weights = np.zeros((len(points), 3)), np.zeros(len(points))
    for view in views_of(config, networks, volume, texture):
        places = place_in_sketch(points, *view.angles, view.square)
        colours, covered = colours_at(view.sketch, view.image, places, voxel)
        facing = np.maximum(0, normals @ camera_direction(*view.angles)) ** 2
        weight = covered * facing
        total += weight[:, None] * colours
        weights += weight
    seen = weights > LEAST_WEIGHT
    if not seen.any():
        raise UserError(
            "expected a shape that can be seen, found one whose parts are too thin; "
            "choose another one"
        )
    colours = total / np.where(seen, weights, 1)[:, None]
    _, nearest = cKDTree(points[seen]).query(points[~seen])
    colours[~seen] = colours[seen][nearest]
    mesh.visual.vertex_colors = to_bytes(colours.astype(np.float32))
    return scale_mesh(mesh)


def views_of(
    config: Config, networks: Networks, volume: np.ndarray, texture: np.ndarray
) -> Iterator[View]:
    """Yield the views of a shape from AZIMUTHS and ELEVATIONS.

    Args:
        config: options of the run.
        networks: uses the texture generator.
        volume: float (S, S, S, 1).
        texture: float (d,).
    """
    directions = np.array(list(product(AZIMUTHS, ELEVATIONS)), np.float32)
    step = batch_size(config)
    for start in range(0, len(directions), step):
        angles = directions[start : start + step]
        volumes, textures = (
            np.repeat(np.float32(array)[None], len(angles), axis=0)
            for array in (volume, texture)
        )
        sketches, squares = make_sketches_and_squares(config, volumes, *angles.T)
        sketches = np.asarray(sketches)  # Keras takes arrays or tensors, not both.
        images = networks.texture_generator([sketches, textures], training=False)
        parts = (sketches, images, angles, squares.rows, squares.columns)
        for sketch, image, pair, *square in zip(*map(np.asarray, parts), strict=True):
            yield View(sketch, image, pair, Squares(*square, squares.pixels))


def colours_at(
    sketch: np.ndarray, image: np.ndarray, places: np.ndarray, voxel: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the colours of places of an image, and how much of each can be seen.

    Args:
        sketch: float (H, H, C).
        image: float (H, H, 3) in [-1, 1], of this sketch.
        places: float (N, 3), row, column and depth; see `place_in_sketch`.
        voxel: edge of a voxel, in units of depth.

    Returns:
        Colours (N, 3) in [-1, 1], and shares (N,) in [0, 1]; the colour of a place with
        share 0 is 0.
    """
    covered = sketch[..., SILHOUETTE]
    whole = np.where(covered > LEAST_COVERED, covered, 1)
    # Pixels at edges are mixed with white and with the depth of the background.
    own = (image - (1 - covered)) / whole
    far = projection.FAR
    depth = ((2 - sketch[..., DEPTH]) - far * (1 - covered)) / whole
    covered = np.where(covered > LEAST_COVERED, covered, 0)
    total, shares = np.zeros((len(places), 3)), np.zeros(len(places))
    low = np.floor(places[:, :2]).astype(int)
    for corner in np.ndindex(2, 2):
        spot = low + corner
        row, column = np.clip(spot, 0, len(sketch) - 1).T
        inside = (spot >= 0).all(axis=1) & (spot < len(sketch)).all(axis=1)
        near = abs(depth[row, column, 0] - places[:, 2]) < TOLERANCE * voxel
        weight = (1 - abs(places[:, :2] - spot)).prod(axis=1)
        weight = weight * covered[row, column, 0] * (inside & near)
        total += weight[:, None] * own[row, column]
        shares += weight
    return total / np.maximum(shares, 1e-9)[:, None], shares


def camera_direction(azimuth: float, elevation: float) -> np.ndarray:
    """Return the direction of the camera, a unit vector (3,) in the volume's axes."""
    turn = np.asarray(projection.rotations([azimuth + FRONT], [elevation]))[0]
    return -turn[:, 0]  # The first axis of the camera points forward.


def mesh_paths(folder: Path, count: int, format: Format) -> list[Path]:
    """Return the paths of the meshes of some shapes: object_0000.glb and so on."""
    return [folder / f"object_{number:04d}.{format}" for number in range(count)]


def write_meshes(
    run: RunDir,
    config: Config,
    networks: Networks,
    volumes: np.ndarray,
    textures: np.ndarray,
    format: Format,
    folder: Path | None = None,
) -> list[Path]:
    """Write the surfaces of shapes with their textures' colours; return the paths.

    An empty shape is reported in a warning and left out.

    Args:
        run: folder of the run.
        config: options of the run.
        networks: uses the texture generator.
        volumes: float (N, S, S, S, 1).
        textures: float (N, d).
        format: glb or ply.
        folder: folder to write to; by default `generated` in the run's folder.
    """
    wanted = mesh_paths(folder or run.generated, len(volumes), format)
    paths = []
    items = list(zip(volumes, textures, wanted, strict=True))
    for volume, texture, path in tqdm(items, "meshes", disable=None):
        try:
            mesh = textured_mesh(config, networks, volume, texture)
        except UserError as error:
            logger.warning("%s is not written: %s", path.name, error)
            continue
        write_mesh(mesh, path)
        paths.append(path)
    return paths
