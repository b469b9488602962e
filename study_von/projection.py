r"""From a volume and a viewpoint to silhouette and depth, differentiable in both.

A camera looks at the middle of the volume. Each pixel has a ray; along the ray, the
volume is looked up at n depths, and each value $o_k$ is the chance that a ray which
comes as far as sample k stops there:

1. The volume fills the cube [-1, 1]^3, with the centres of the outermost cells on its
   faces; outside of it everything is empty.
2. In the camera's axes (forward, left, up), the camera is at (-2, 0, 0). The pixel in
   row r and column c looks through the point (0.05, u_c, v_r) of its sensor,
   u_c = v_r = linspace(+w/2, -w/2), w = 0.0612: a field of view of 62.9 degrees.
3. Sample k lies in depth $d_k = 1 + 2 k / n$, at $p_k = (-2 + d_k, d_k u/f, d_k v/f)$.
4. In the object's axes it is $q_k = R_z(azimuth) R_x(elevation) R_0 p_k$.
5. $o_k$ is the volume at $q_k$, limited to [1e-4, 1 - 1e-4].
6. The ray stops at sample k with probability $s_k = o_k \prod_{j<k} (1 - o_j)$.
7. silhouette $= \sum_k s_k = 1 - T_{n-1}$, with $T_k = \prod_{j \le k} (1 - o_j)$.
8. depth $= \sum_k s_k D_k + 3 T_{n-1}$ with $D_k = 1 + 2 k / (n - 1)$: rays that pass
   have depth 3. Summed by parts, this is $1 + \frac{2}{n-1} \sum_{k<n-1} T_k$.

`project` does this quickly, in steps along one axis each (`look_up_rows`);
`project_by_lookup` with one trilinear lookup for each sample, as the equations stand.

Reference: Zhu et al. 2018, arXiv:1812.02725, section 3.2; constants from the code that
the authors have published, https://github.com/junyanz/VON.
"""

import functools

import numpy as np
import tensorflow as tf

Tensor = tf.Tensor
DISTANCE = 2.0  # of the camera from the middle of the volume
FOCAL_LENGTH = 0.05
SENSOR = 0.0612
NEAR, FAR = 1.0, 3.0  # depths of the first sample and of the background
# Occupancies are limited to [LEAST, 1 - LEAST], so that no logarithm or quotient of
# them is infinite.
LEAST = 1e-4
# Occupancy that `sharpen` maps to 1/2. Bars of one voxel have little more after three
# interpolations; a level of 1/2 would lose them (README).
LEVEL = 0.3
# R_0, from the camera's axes to those of an object at azimuth and elevation 0.
_FACING = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]], np.float32)


def rotations(azimuth: Tensor, elevation: Tensor) -> Tensor:
    """Return the matrices R (B, 3, 3) from the camera's axes to the object's.

    At azimuth and elevation 0, axis 1 of the object points to the camera, axis 0 to
    the left of the image and axis 2 up. A positive elevation raises the camera; a
    rising azimuth moves it towards the low indices of axis 0.

    Args:
        azimuth: float (B,), degrees.
        elevation: float (B,), degrees.
    """
    zero, one = tf.zeros_like(_radians(azimuth)), tf.ones_like(_radians(azimuth))
    cos, sin = tf.cos(_radians(azimuth)), tf.sin(_radians(azimuth))
    about_z = [cos, -sin, zero, sin, cos, zero, zero, zero, one]
    cos, sin = tf.cos(_radians(elevation)), tf.sin(_radians(elevation))
    about_x = [one, zero, zero, zero, cos, -sin, zero, sin, cos]
    about_z, about_x = (
        tf.reshape(tf.stack(entries, axis=-1), (-1, 3, 3))
        for entries in (about_z, about_x)
    )
    return about_z @ about_x @ _FACING


def sample_depths(count: int) -> np.ndarray:
    """Return d_k, the depths of the samples of a ray: float32 (n,)."""
    return (NEAR + (FAR - NEAR) * np.arange(count) / count).astype(np.float32)


def sensor_slopes(pixels: int) -> np.ndarray:
    """Return u_c / f of the columns, and v_r / f of the rows: float32 (pixels,)."""
    half = SENSOR / FOCAL_LENGTH / 2
    return np.linspace(half, -half, pixels).astype(np.float32)


def project(
    voxels: Tensor,
    azimuth: Tensor,
    elevation: Tensor,
    pixels: int,
    samples: int,
    sharpness: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """Return the silhouette and the depth of volumes, in steps along one axis each.

    The volume is resampled for the azimuth, then for the elevation, each time
    bilinearly on a grid as fine as the volume; then perspective is a product with
    constant matrices. `project_by_lookup` is the same with one lookup in place of
    three, which blurs less and takes many times as long (benchmarks/projection.py).
    At azimuths that are multiples of 90 degrees and elevation 0, both are equal. At
    others, parts of the volume that turn out of the cube [-1, 1]^3 are lost: corners
    further than 1 from an axis.

    Args:
        voxels: float (B, S, S, S), occupancy in [0, 1]; axis 2 is up.
        azimuth: float (B,), degrees; see `rotations`.
        elevation: float (B,), degrees.
        pixels: edge of the image, H.
        samples: number of samples along each ray, n, at least 2.
        sharpness: steepness of the change from empty to full, at least 1; see
            `sharpen`.

    Returns:
        Silhouette (B, H, H) in [0, 1] and depth (B, H, H) in [1, 3], float32.
    """
    voxels = tf.cast(voxels, tf.float32)
    turned = tilt(turn(voxels, azimuth), elevation)
    return composite(sharpen(look_up_rows(turned, pixels, samples), sharpness))


def project_by_lookup(
    voxels: Tensor,
    azimuth: Tensor,
    elevation: Tensor,
    pixels: int,
    samples: int,
    sharpness: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """Return what `project` returns, by one trilinear lookup for each sample."""
    depths, slopes = sample_depths(samples), sensor_slopes(pixels)
    rays = np.empty((samples, pixels, pixels, 3), np.float32)
    rays[..., 0] = -DISTANCE + depths[:, None, None]
    rays[..., 1] = depths[:, None, None] * slopes
    rays[..., 2] = depths[:, None, None] * slopes[:, None]
    points = tf.einsum(
        "bij,nj->bni", rotations(azimuth, elevation), rays.reshape(-1, 3)
    )
    values = trilinear(tf.cast(voxels, tf.float32)[..., None], points)
    shape = (-1, samples, pixels, pixels)
    occupied = tf.transpose(tf.reshape(values, shape), (1, 0, 2, 3))
    return composite(sharpen(occupied, sharpness))


def trilinear(volume: Tensor, points: Tensor) -> Tensor:
    """Return the values (B, N, C) of a volume between its cells; outside is zero.

    Args:
        volume: float (B, S, S, S, C).
        points: float (B, N, 3), positions in [-1, 1]^3, in the order of the axes.
    """
    size, channels = volume.shape[1], volume.shape[-1]
    # One layer of zeros on each side, so that values fall to 0 outside.
    padded = tf.pad(volume, [[0, 0], [1, 1], [1, 1], [1, 1], [0, 0]])
    table = tf.reshape(padded, (-1, (size + 2) ** 3, channels))
    places = tf.clip_by_value((points + 1) * ((size - 1) / 2), -1.0, size) + 1
    low = tf.minimum(tf.floor(places), size)
    share = places - low
    low = tf.cast(low, tf.int32)
    strides = ((size + 2) ** 2, size + 2, 1)
    result = 0.0
    for corner in np.ndindex(2, 2, 2):
        index = sum((low[..., i] + corner[i]) * strides[i] for i in range(3))
        weights = [
            share[..., i] if c else 1 - share[..., i] for i, c in enumerate(corner)
        ]
        weight = weights[0] * weights[1] * weights[2]
        result += weight[..., None] * tf.gather(table, index, batch_dims=1)
    return result


def turn(voxels: Tensor, azimuth: Tensor) -> Tensor:
    """Rotate volumes (B, S, S, S) about axis 2 so that the camera's azimuth is 0."""
    angle = _radians(azimuth)[:, None, None]
    line = tf.linspace(-1.0, 1.0, voxels.shape[1])
    across, along = line[:, None], line
    return _resample(
        voxels,
        tf.cos(angle) * across - tf.sin(angle) * along,
        tf.sin(angle) * across + tf.cos(angle) * along,
    )


def tilt(voxels: Tensor, elevation: Tensor) -> Tensor:
    """Rotate volumes (B, x, y, z) about axis 0 so that the elevation is 0.

    Returns:
        (B, y, z, x): the axes in another order.
    """
    angle = _radians(elevation)[:, None, None]
    line = tf.linspace(-1.0, 1.0, voxels.shape[1])
    along, up = line[:, None], line
    return _resample(
        tf.transpose(voxels, (0, 2, 3, 1)),
        tf.cos(angle) * along - tf.sin(angle) * up,
        tf.sin(angle) * along + tf.cos(angle) * up,
    )


def _resample(planes: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Look up rows of volumes bilinearly in their first two axes; outside is zero.

    Args:
        planes: float (B, S, S, C).
        first: float (B, S, S), positions in [-1, 1] along axis 1 of `planes`.
        second: float (B, S, S), positions along axis 2.

    Returns:
        float (B, S, S, C).
    """
    size, channels = planes.shape[1], planes.shape[3]
    table = tf.reshape(
        tf.pad(planes, [[0, 0], [1, 1], [1, 1], [0, 0]]),
        (-1, (size + 2) ** 2, channels),
    )
    places = [
        tf.clip_by_value((axis + 1) * ((size - 1) / 2), -1.0, size) + 1
        for axis in (first, second)
    ]
    low = [tf.minimum(tf.floor(place), size) for place in places]
    shares = [(p - q)[..., None] for p, q in zip(places, low, strict=True)]
    row, column = (tf.cast(index, tf.int32) for index in low)

    def rows(down: int, right: int) -> Tensor:
        index = (row + down) * (size + 2) + column + right
        return tf.gather(table, index, batch_dims=1)

    upper = rows(0, 0) + shares[1] * (rows(0, 1) - rows(0, 0))
    lower = rows(1, 0) + shares[1] * (rows(1, 1) - rows(1, 0))
    return upper + shares[0] * (lower - upper)


def look_up_rows(turned: Tensor, pixels: int, samples: int) -> Tensor:
    """Return the values of turned volumes at the samples of all rays.

    The position of a sample in the object's axes is (d u/f, 2 - d, d v/f): each
    coordinate depends on the depth and on the column, nothing, or the row. So the
    lookup is a product with a matrix along each axis.

    Args:
        turned: float (B, y, z, x), S each: towards the camera, up, left in the image.
        pixels: edge of the image, H.
        samples: number of samples along each ray, n.

    Returns:
        float (n, B, H, H).
    """
    depth, across = _perspective(turned.shape[1], pixels, samples)
    # (B, y, z, x) -> (n, B, z, x): the plane of each depth.
    planes = tf.einsum("ky,byzx->kbzx", depth, turned)
    # Rows, then columns: (n, H, S) with each plane, from the left and the right.
    across = across[:, None]
    return tf.linalg.matmul(tf.matmul(across, planes), across, transpose_b=True)


def look_up_square(
    turned: Tensor, row_slopes: Tensor, column_slopes: Tensor, samples: int
) -> Tensor:
    """Return what `look_up_rows` returns, for rays of each item's own.

    Args:
        turned: float (B, y, z, x), S each: towards the camera, up, left in the image.
        row_slopes: float (B, P), v/f of the rows of rays.
        column_slopes: float (B, P), u/f of the columns of rays.
        samples: number of samples along each ray, n.

    Returns:
        float (n, B, P, P).
    """
    size, depths = turned.shape[1], sample_depths(samples)
    planes = tf.einsum("ky,byzx->kbzx", _hats(DISTANCE - depths, size), turned)

    def weights(slopes: Tensor) -> Tensor:
        places = (depths[:, None, None] * slopes + 1) * ((size - 1) / 2)
        distance = tf.abs(places[..., None] - tf.range(float(size)))
        return tf.nn.relu(1 - distance)  # (n, B, P, S)

    rows = tf.matmul(weights(row_slopes), planes)
    return tf.matmul(rows, weights(column_slopes), transpose_b=True)


@functools.lru_cache(8)
def _perspective(size: int, pixels: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of linear lookups: (n, S) along depth, (n, H, S) across."""
    depths, slopes = sample_depths(samples), sensor_slopes(pixels)
    return _hats(DISTANCE - depths, size), _hats(depths[:, None] * slopes, size)


def _hats(places: np.ndarray, size: int) -> np.ndarray:
    """Return the weight (..., S) of each cell of a line for positions (...)."""
    distance = (places[..., None] + 1) * ((size - 1) / 2) - np.arange(size)
    return np.maximum(0, 1 - abs(distance)).astype(np.float32)


def sharpen(occupied: Tensor, sharpness: float) -> Tensor:
    """Return occupancies with a steeper change from empty to full (not published).

    Interpolated occupancies fall from 1 to 0 over some voxels, and a ray has many
    chances to stop there: without this, outlines are too fat.

    Args:
        occupied: float, any shape; occupancies of samples.
        sharpness: the steepness; 1 returns them unchanged.

    Returns:
        sharpness * (o - LEVEL) + 1/2, which `composite` limits.
    """
    return occupied if sharpness == 1 else sharpness * (occupied - LEVEL) + 0.5


@tf.custom_gradient
def composite(occupied: Tensor) -> tuple[Tensor, Tensor]:
    """Return silhouette and depth (B, H, H) of occupancies (n, B, H, H) along rays.

    The gradient is written out, which takes a fraction of the time of that of
    `tf.math.cumprod`: with g the gradients of both results,
    dL/do_k = -h_k / (1 - o_k), h_{n-1} = -g_silhouette T_{n-1} and
    h_k = h_{k+1} + 2/(n-1) g_depth T_k.
    """
    samples = occupied.shape[0]
    spacing = (FAR - NEAR) / (samples - 1)
    inside = tf.clip_by_value(occupied, LEAST, 1 - LEAST)
    passing = tf.unstack(1 - inside)
    # T_k: the share of a ray that passes the samples 0 to k.
    left = [passing[0]]
    for share in passing[1:]:
        left.append(left[-1] * share)
    silhouette = 1 - left[-1]
    depth = NEAR + spacing * tf.add_n(left[:-1])

    def gradient(of_silhouette: Tensor, of_depth: Tensor) -> Tensor:
        total = -of_silhouette * left[-1]
        step = spacing * of_depth
        gradients = [-total / passing[-1]]
        for reached, share in zip(left[-2::-1], passing[-2::-1], strict=True):
            total += step * reached
            gradients.append(-total / share)
        result = tf.stack(gradients[::-1])
        # A limited occupancy does not change with its voxels.
        return tf.where(inside == occupied, result, 0.0)

    return (silhouette, depth), gradient


def _radians(degrees: Tensor) -> Tensor:
    return tf.cast(degrees, tf.float32) * (np.pi / 180)
