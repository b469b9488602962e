r"""2.5D sketches: silhouette and depth of an object, cut out, and what follows of them.

A sketch is an array (B, H, H, C) of maps; `channels_of` says how many:

| maps | what they hold | background |
|---|---|---|
| SILHOUETTE | the share of a pixel that the object covers, in [0, 1] | 0 |
| DEPTH | 1 at depth 1 to -1 at depth 3 | -1 |
| POSITION | the point of the surface, in the volume's axes, in about [-1, 1] | 0 |
| NORMAL | the surface's normal there, in the volume's axes, a unit vector | 0 |
| CAMERA_NORMAL | the same in the camera's axes: towards it, left, up | 0 |
| OPENNESS | the share of empty space in front of the surface, in [0, 1] | 0 |

The published texture network uses the depth alone, so its sketches end after it; the
colour field uses all.

Reference: Zhu et al. 2018, arXiv:1812.02725, sections 3.2 and 3.4; the way of cutting
from the code that the authors have published, https://github.com/junyanz/VON.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from study_von import projection
from study_von.config import Config

Tensor = tf.Tensor
SILHOUETTE, DEPTH = slice(0, 1), slice(1, 2)
POSITION, NORMAL, CAMERA_NORMAL = slice(2, 5), slice(5, 8), slice(8, 11)
OPENNESS = slice(11, 12)
# Voxels between the surface and the point whose surroundings are its openness.
AHEAD = 2.5
# Chapter 2's shapes face the low indices of axis 0; `projection` calls this view 90.
FRONT = 90.0
# A pixel belongs to the object if this share of its ray stops [published code].
COVERED = 0.8
# A pixel with less than this share shows the background alone.
TOUCHED = 0.05
# Space around an object, as a share of the edge of its square [published code].
MARGIN = 0.03
# u/f at the left edge of the image in which an object's square is found. The published
# sensor, 1.3 times smaller, cuts off the near corners of long objects.
HALF = 1.3 * projection.SENSOR / projection.FOCAL_LENGTH / 2
# Distance fields of 128^3 below this value are empty space [published code].
LEAST_FIELD = 0.9


def channels_of(config: Config) -> int:
    """Return the number of maps of a sketch: 2, or 12 for the colour field."""
    return 12 if config.texture == "field" else 2


class Squares(NamedTuple):
    """Where sketches were cut out of their cameras' images.

    Attributes:
        rows: float32 (B, H), positions of the sketch's rows in pixels of the image.
        columns: float32 (B, H), positions of its columns.
        pixels: edge of the image.
    """

    rows: Tensor
    columns: Tensor
    pixels: int


def make_sketches(
    config: Config, volumes: Tensor, azimuth: Tensor, elevation: Tensor
) -> Tensor:
    """Return the sketches of volumes as a camera sees them.

    Gradients pass through silhouettes and depths to the volumes; where an object lies
    in the image has none.

    Args:
        config: uses image_size, projection_pixels, samples_per_voxel, sharpness,
            representation, component and texture.
        volumes: float (B, S, S, S, 1), as networks and data have them: occupancies, or
            values of a distance field, in [0, 1].
        azimuth: float (B,), degrees; 0 looks at the front.
        elevation: float (B,), degrees; 90 looks from above.

    Returns:
        float32 (B, H, H, C). An object that no ray hits gives an empty sketch.
    """
    return make_sketches_and_squares(config, volumes, azimuth, elevation)[0]


def make_sketches_and_squares(
    config: Config, volumes: Tensor, azimuth: Tensor, elevation: Tensor
) -> tuple[Tensor, Squares]:
    """Return what `make_sketches` returns, and where each sketch was cut out."""
    solid = occupancy(config, volumes)[..., 0]
    azimuth = tf.cast(azimuth, tf.float32) + FRONT
    pixels = config.projection_pixels or config.image_size
    samples = round(config.samples_per_voxel * solid.shape[1])
    sharpness = 1.0 if config.representation == "distance" else config.sharpness
    turned = projection.tilt(projection.turn(solid, azimuth), elevation)

    def look(row_slopes: Tensor, column_slopes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the silhouette and the depth that rays of these slopes see."""
        occupied = projection.look_up_square(turned, row_slopes, column_slopes, samples)
        return projection.composite(projection.sharpen(occupied, sharpness))

    # 1. Look at the whole image to find the object's square, which has no gradient.
    whole = tf.tile(
        slope_of(tf.range(float(pixels)), pixels)[None], (tf.shape(solid)[0], 1)
    )
    kept = tf.stop_gradient(look(whole, whole)[0]) > COVERED
    if config.component == "largest":
        kept = largest_part(kept)
    rows, columns = find_squares(kept, config.image_size)
    # 2. Cast rays through this square alone, some for each pixel.
    slopes = [ray_slopes(places, config.rays, pixels) for places in (rows, columns)]
    silhouette, depth = (pixel_means(m, config.rays) for m in look(*slopes))
    # Where nothing is, a ray still stops with a probability of n times 1e-4, which
    # would tell images, whose background is not quite white, from photos.
    object_mask = tf.cast(silhouette > TOUCHED, tf.float32)
    if config.component == "largest":
        # A pixel at the edge of the part is a part of it, too.
        near = tf.nn.max_pool2d(tf.cast(kept, tf.float32)[..., None], 3, 1, "SAME")
        object_mask *= cut(near[..., 0], rows, columns)
    silhouette *= object_mask
    depth = projection.FAR + object_mask * (depth - projection.FAR)
    maps = [silhouette[..., None], (2 - depth)[..., None]]
    if channels_of(config) > 2:
        maps += surface_maps(
            solid, silhouette, depth, rows, columns, pixels, azimuth, elevation
        )
    return tf.concat(maps, axis=-1), Squares(rows, columns, pixels)


def place_in_sketch(
    points: np.ndarray, azimuth: float, elevation: float, square: Squares
) -> np.ndarray:
    """Return where points of an object lie in one sketch of it.

    It is the inverse of the equations of `projection` and of `find_squares`.

    Args:
        points: float (N, 3), in the volume's axes, in [-1, 1].
        azimuth: degrees, as `make_sketches` counts them.
        elevation: degrees.
        square: rows and columns (H,) of this sketch, and the edge of its image.

    Returns:
        float32 (N, 3): row and column in pixels of the sketch, whose first centre is 0,
        and depth, the distance from the camera along its axis.
    """
    turn = np.asarray(projection.rotations([azimuth + FRONT], [elevation]))[0]
    seen = points @ turn  # The inverse of a rotation is its transpose.
    depth = seen[:, 0] + projection.DISTANCE
    result = [
        ((HALF - across / depth) * ((square.pixels - 1) / (2 * HALF)) - places[0])
        / (places[1] - places[0])
        for across, places in ((seen[:, 2], square.rows), (seen[:, 1], square.columns))
    ]
    return np.stack([*result, depth], axis=1).astype(np.float32)


def occupancy(config: Config, volumes: Tensor) -> Tensor:
    """Return the chance that a ray stops in each voxel, in [0, 1].

    Args:
        config: uses representation.
        volumes: float, occupancies or values of a distance field.
    """
    volumes = tf.cast(volumes, tf.float32)
    if config.representation == "distance":
        return tf.where(volumes < solid_level(config), 0.0, volumes)
    return volumes


def solid_level(config: Config) -> float:
    """Return the value above which a voxel belongs to the object.

    Args:
        config: uses representation and size. Voxels of a distance field are exp(-8 d)
            with d up to half of their edge; at 128^3 the level is the published one,
            and for larger voxels it is as far from the surface in voxels.
    """
    if config.representation == "distance":
        return LEAST_FIELD ** (128 / config.size)
    return 0.5


def ray_slopes(places: Tensor, rays: int, pixels: int) -> Tensor:
    """Return the slopes (B, rays H) of rays through the pixels of a square.

    Args:
        places: float (B, H), positions of its rows or columns in the image, evenly
            spaced.
        rays: rays along one axis of each pixel.
        pixels: edge of the image.
    """
    spacing = (places[:, 1:2] - places[:, :1])[..., None]
    within = (np.arange(rays, dtype=np.float32) + 0.5) / rays - 0.5
    places = places[..., None] + spacing * within  # (B, H, rays)
    places = tf.reshape(places, (-1, places.shape[1] * rays))
    return slope_of(places, pixels)


def slope_of(places: Tensor, pixels: int) -> Tensor:
    """Return u/f or v/f of positions in an image whose edge is `pixels`."""
    return HALF - places * (2 * HALF / (pixels - 1))


def pixel_means(image: Tensor, rays: int) -> Tensor:
    """Return the means (B, H, H) of each pixel's rays, (B, rays H, rays H)."""
    if rays == 1:
        return image
    return tf.nn.avg_pool2d(image[..., None], rays, rays, "VALID")[..., 0]


def find_squares(kept: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Return where the pixels of each object's square lie in its image.

    The square is the smallest around the object, with MARGIN on all sides. If nothing
    is kept, it is the whole image.

    Args:
        kept: bool (B, P, P), the object's pixels.
        size: edge of the square in pixels of its own, H.

    Returns:
        Positions of the middles of its rows and columns, float32 (B, H) each, in
        pixels of the image: 0 is the middle of the first.
    """
    pixels = kept.shape[1]
    bounds = []
    for axis in (2, 1):
        line = tf.reduce_any(kept, axis=axis)  # (B, P)
        number = tf.range(pixels)
        low = tf.reduce_min(tf.where(line, number, pixels), axis=1)
        high = tf.reduce_max(tf.where(line, number, -1), axis=1) + 1
        empty = high <= low
        bounds.append((tf.where(empty, 0, low), tf.where(empty, pixels, high)))
    bounds = tf.cast(bounds, tf.float32)  # (2, 2, B)
    side = tf.reduce_max(bounds[:, 1] - bounds[:, 0], axis=0) * (1 + 2 * MARGIN)
    middle = tf.reduce_mean(bounds, axis=1)  # (2, B)
    steps = (np.arange(size, dtype=np.float32) + 0.5) / size - 0.5
    places = middle[..., None] + side[:, None] * steps - 0.5
    return places[0], places[1]


def cut(image: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return an image at other rows and columns, by linear interpolation.

    If they are further apart than a pixel, neighbours are averaged. Outside of the
    image all is 0.

    Args:
        image: float (B, P, P).
        rows: float (B, H), positions in pixels, evenly spaced.
        columns: float (B, H).
    """
    pixels, size = image.shape[1], rows.shape[1]
    # Pixels outside of the image that a mean may reach which also reaches the image.
    around = round(2 * (1 + 2 * MARGIN) * pixels / size) + 2

    def weights(places: Tensor) -> Tensor:
        width = tf.maximum(places[:, 1:2] - places[:, :1], 1.0)[..., None]
        numbers = tf.range(-float(around), pixels + around)
        distance = tf.abs(places[..., None] - numbers)
        shares = tf.maximum(1 - distance / width, 0.0)
        # Each row sums to 1 if pixels outside count, which are 0.
        total = tf.reduce_sum(shares, axis=-1, keepdims=True)
        shares = tf.math.divide_no_nan(shares, total)
        return shares[..., around : around + pixels]  # (B, H, P)

    return weights(rows) @ tf.matmul(image, weights(columns), transpose_b=True)


def surface_maps(
    solid: Tensor,
    silhouette: Tensor,
    depth: Tensor,
    rows: Tensor,
    columns: Tensor,
    pixels: int,
    azimuth: Tensor,
    elevation: Tensor,
) -> list[Tensor]:
    """Return what is known of the surface that a sketch shows.

    Args:
        solid: float (B, S, S, S), occupancy.
        silhouette: float (B, H, H), of the sketch.
        depth: float (B, H, H), of the sketch, in [1, 3].
        rows: float (B, H), positions of the sketch's rows in the image.
        columns: float (B, H), positions of its columns.
        pixels: edge of the image.
        azimuth: float (B,), degrees, as `projection` counts them.
        elevation: float (B,), degrees.

    Returns:
        Maps POSITION, NORMAL and CAMERA_NORMAL, each (B, H, H, 3), and OPENNESS
        (B, H, H, 1).
    """
    covered = silhouette > TOUCHED
    # At edges a pixel's depth is a mean of the object's and the background's.
    own = depth - projection.FAR * (1 - silhouette)
    distance = tf.where(covered, own / tf.where(covered, silhouette, 1.0), 2.0)
    across, up = (slope_of(places, pixels) for places in (columns, rows))
    seen = tf.stack(
        [
            distance - projection.DISTANCE,
            distance * across[:, None, :],
            distance * up[:, :, None],
        ],
        axis=-1,
    )
    turn = projection.rotations(azimuth, elevation)
    position = tf.einsum("bij,brcj->brci", turn, seen)
    # What follows carries no gradient to the volume, which would double the time.
    solid, place = tf.stop_gradient(solid[..., None]), tf.stop_gradient(position)

    def look_up(volume: Tensor, places: Tensor) -> Tensor:
        flat = tf.reshape(places, (-1, places.shape[1] * places.shape[2], 3))
        values = projection.trilinear(volume, flat)
        return tf.reshape(values, (-1, *places.shape[1:3], volume.shape[-1]))

    # The occupancy falls in the direction of the normal.
    slope = look_up(gradients_of(blurred(solid)), place)
    normal = -tf.math.l2_normalize(slope, axis=-1, epsilon=1e-6)
    facing = tf.einsum("bji,brcj->brci", turn, normal) * (-1.0, 1.0, 1.0)
    ahead = place + AHEAD * 2 / (solid.shape[1] - 1) * normal
    openness = 1 - look_up(blurred(solid, 3), ahead)
    mask = tf.cast(covered, tf.float32)[..., None]
    return [mask * map_ for map_ in (position, normal, facing, openness)]


def blurred(solid: Tensor, times: int = 1) -> Tensor:
    """Return volumes (B, S, S, S, 1) of means of 3 x 3 x 3 voxels, taken repeatedly."""
    for _ in range(times):
        solid = tf.nn.avg_pool3d(solid, 3, 1, "SAME")
    return solid


def gradients_of(volume: Tensor) -> Tensor:
    """Return the gradient (B, S, S, S, 3) of volumes (B, S, S, S, 1)."""
    x = tf.pad(volume[..., 0], [[0, 0], [1, 1], [1, 1], [1, 1]])
    return tf.stack(
        [
            (x[:, 2:] - x[:, :-2])[:, :, 1:-1, 1:-1],
            (x[:, :, 2:] - x[:, :, :-2])[:, 1:-1, :, 1:-1],
            (x[:, :, :, 2:] - x[:, :, :, :-2])[:, 1:-1, 1:-1],
        ],
        axis=-1,
    )


def largest_part(kept: Tensor) -> Tensor:
    """Return the largest part of each mask whose pixels touch along edges.

    Every pixel passes its number to its neighbours until the highest number of each
    part has reached all of it.

    Args:
        kept: bool (B, P, P).
    """
    count = kept.shape[1] * kept.shape[2]
    inside = tf.cast(kept, tf.int32)
    numbers = inside * tf.reshape(tf.range(1, count + 1), (1, *kept.shape[1:]))

    def spread(numbers: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
        around = tf.pad(numbers, [[0, 0], [1, 1], [1, 1]])
        highest = tf.reduce_max(
            [
                numbers,
                around[:, :-2, 1:-1],
                around[:, 2:, 1:-1],
                around[:, 1:-1, :-2],
                around[:, 1:-1, 2:],
            ],
            axis=0,
        )
        highest = tf.ensure_shape(highest * inside, kept.shape)
        return highest, tf.reduce_any(highest != numbers)

    numbers, _ = tf.while_loop(
        lambda _, changed: changed, spread, (numbers, tf.constant(True))
    )
    flat = tf.reshape(numbers, (-1, count))
    sizes = tf.math.bincount(flat, minlength=count + 1, maxlength=count + 1, axis=-1)
    largest = tf.argmax(sizes[:, 1:], axis=1, output_type=tf.int32) + 1
    return tf.ensure_shape((numbers == largest[:, None, None]) & kept, kept.shape)
