"""Silhouette and depth of volumes: against geometry, slow references, differences."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from study_von import projection
from study_von.projection import (
    FAR,
    LEAST,
    LEVEL,
    composite,
    project,
    project_by_lookup,
    sensor_slopes,
    sharpen,
    trilinear,
)

BOTH = pytest.mark.parametrize("form", [project, project_by_lookup])
PIXELS, SAMPLES = 32, 128
# A sample may lie one step behind the surface, and depths of samples are counted with
# up to one step more (equations 3 and 8).
NEAREST = 2 * 2 / SAMPLES


def cells(size):
    """Positions of the cells' centres, (S, S, S, 3)."""
    line = np.linspace(-1, 1, size)
    return np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1)


def solid(inside):
    """A volume (1, S, S, S) whose surface, to `sharpen`, is where `inside` is 0."""
    return np.clip(LEVEL + inside, 0, 1)[None].astype(np.float32)


def camera(azimuth, elevation):
    """Camera's position and its axes forward, left and up, by trigonometry."""
    a, e = np.radians([azimuth, elevation])
    towards = [-np.sin(a) * np.cos(e), np.cos(a) * np.cos(e), np.sin(e)]
    up = [np.sin(a) * np.sin(e), -np.cos(a) * np.sin(e), np.cos(e)]
    return 2 * np.array(towards), -np.array(towards), [np.cos(a), np.sin(a), 0], up


def directions(azimuth, elevation, pixels):
    """Where each pixel's ray goes while its depth grows by 1, (H, H, 3)."""
    _, forward, left, up = map(np.array, camera(azimuth, elevation))
    half = 0.0612 / 0.05 / 2
    slopes = np.linspace(half, -half, pixels)
    return forward + slopes[None, :, None] * left + slopes[:, None, None] * up


def seen(form, volume, azimuth, elevation, sharpness=1.0, pixels=PIXELS):
    view = ([azimuth], [elevation], pixels, SAMPLES)
    silhouette, depth = form(volume, *view, sharpness=sharpness)
    return silhouette[0].numpy(), depth[0].numpy()


def check_against(hit, depth, found, tolerance=NEAREST):
    """Compare images with the truth, but for pixels at outlines."""
    silhouette, found_depth = found
    sure = ndimage.binary_erosion(hit)
    empty = ~ndimage.binary_dilation(hit)
    assert sure.sum() > 50
    assert empty.sum() > 50
    assert silhouette[sure].min() > 0.99
    assert silhouette[empty].max() < 0.05
    assert abs(found_depth - depth)[sure].max() < tolerance
    assert found_depth[empty].min() > 2.95


@BOTH
@pytest.mark.parametrize(("azimuth", "elevation"), [(0, 0), (30, 20), (200, 75)])
def test_a_sphere_off_the_middle_is_seen_where_its_rays_hit_it(
    form, azimuth, elevation
):
    middle, radius = np.array([0.2, -0.1, 0.15]), 0.5
    volume = solid(2 * (radius - np.linalg.norm(cells(40) - middle, axis=-1)))
    start = camera(azimuth, elevation)[0] - middle
    ray = directions(azimuth, elevation, PIXELS)
    a, b = (ray**2).sum(-1), ray @ start
    root = b**2 - a * (start @ start - radius**2)
    depth = (-b - np.sqrt(np.maximum(root, 0))) / a
    check_against(root > 0, depth, seen(form, volume, azimuth, elevation, 200))


@BOTH
@pytest.mark.parametrize(("azimuth", "elevation"), [(0, 0), (30, 20), (115, 50)])
def test_a_box_is_seen_where_its_rays_hit_it(form, azimuth, elevation):
    half = np.array([0.5, 0.3, 0.6])
    volume = solid(2 * (half - abs(cells(40))).min(axis=-1))
    start = camera(azimuth, elevation)[0]
    ray = directions(azimuth, elevation, PIXELS)
    with np.errstate(divide="ignore"):
        sides = np.stack([(-half - start) / ray, (half - start) / ray])
    near, far = sides.min(axis=0).max(axis=-1), sides.max(axis=0).min(axis=-1)
    found = seen(form, volume, azimuth, elevation, 200)
    # Interpolation rounds edges by up to a cell, 2 / 39.
    check_against(near < far, near, found, NEAREST + 2 / 39)
    sure = ndimage.binary_erosion(near < far)
    assert abs(found[1] - near)[sure].mean() < NEAREST / 2


@BOTH
def test_the_depth_of_a_sloping_plane_is_that_of_its_points(form):
    normal, offset = np.array([-0.3, 0.8, 0.52]), 0.1
    volume = solid(2 * (offset - cells(32) @ normal))
    start, ray = camera(20, 15)[0], directions(20, 15, PIXELS)
    depth = (offset - start @ normal) / (ray @ normal)
    found = seen(form, volume, 20, 15, 200)[1]
    middle = slice(12, 20)  # rays that do not leave the cube before
    assert abs(found - depth)[middle, middle].max() < NEAREST


def blob(*place):
    """A small ball at a place in [-1, 1]^3."""
    distance = np.linalg.norm(cells(24) - np.array(place), axis=-1)
    return np.clip(4 - 20 * distance, 0, 1)[None].astype(np.float32)


@BOTH
@pytest.mark.parametrize(
    ("place", "azimuth", "elevation", "row", "column", "depth"),
    [
        # Slope 0.6 / 2 of the sensor's 0.612: half of the way from the middle.
        ((0.6, 0, 0), 0, 0, 15.5, 7.9, 2.0),  # axis 0 is left
        ((0, 0, 0.6), 0, 0, 7.9, 15.5, 2.0),  # axis 2 is up
        ((0, 0.6, 0), 0, 0, 15.5, 15.5, 1.4),  # axis 1 points to the camera
        ((0, 0, 0.6), 0, 90, 15.5, 15.5, 1.4),  # a raised camera is near to the top
        ((0, 0.6, 0), 0, 90, 23.1, 15.5, 2.0),  # and has what was in front below
        ((-0.6, 0, 0), 90, 0, 15.5, 15.5, 1.4),  # at 90 low indices of axis 0 in front
        ((0, 0.6, 0), 90, 0, 15.5, 7.9, 2.0),  # and what was in front on the left
    ],
)
def test_directions(form, place, azimuth, elevation, row, column, depth):
    silhouette, found = seen(form, blob(*place), azimuth, elevation)
    assert ndimage.center_of_mass(silhouette > 0.5) == pytest.approx(
        (row, column), abs=0.6
    )
    # The ball's front is up to 0.2 nearer than its middle.
    assert depth - 0.21 < found[silhouette > 0.5].min() < depth


def random_volumes(count=2, size=7, seed=0):
    return np.random.default_rng(seed).uniform(0, 0.6, (count, *[size] * 3))


@BOTH
def test_a_quarter_turn_of_the_camera_equals_one_of_the_volume(form):
    volumes, view = random_volumes(), ([25.0, 100.0], [30.0, 5.0], 9, 12)
    turned = np.rot90(volumes, -1, (1, 2))
    found = form(volumes, [115.0, 190.0], *view[1:])
    for image, expected in zip(found, form(turned, *view), strict=True):
        np.testing.assert_allclose(image, expected, atol=1e-5)


def lookup(volume, points):
    """Trilinear values at positions in [-1, 1]^3; outside, cells of zeros."""
    places = (np.moveaxis(points, -1, 0) + 1) * (len(volume) - 1) / 2
    return ndimage.map_coordinates(volume, places, order=1, mode="grid-constant")


def march(values):
    """Silhouette and depth of one ray from its samples, by the equations."""
    silhouette, depth, passing = 0.0, 0.0, 1.0
    for k, value in enumerate(values):
        o = min(max(value, 1e-4), 1 - 1e-4)
        silhouette += o * passing
        depth += o * passing * (1 + 2 * k / (len(values) - 1))
        passing *= 1 - o
    return silhouette, depth + 3 * passing


def reference(volume, azimuth, elevation, pixels, samples):
    """Look up each ray's samples, one ray after another: two images."""
    start = camera(azimuth, elevation)[0]
    depths = 1 + 2 * np.arange(samples) / samples
    rays = directions(azimuth, elevation, pixels).reshape(-1, 3)
    found = [march(lookup(volume, start + depths[:, None] * ray)) for ray in rays]
    return np.array(found).T.reshape(2, pixels, pixels)


def resampled(volume, azimuth, elevation):
    """Turn a volume, then tilt it, with one interpolation each."""
    points = cells(len(volume))
    x, y, z = np.moveaxis(points, -1, 0)
    a, e = np.radians([azimuth, elevation])
    turned = np.stack(
        [np.cos(a) * x - np.sin(a) * y, np.sin(a) * x + np.cos(a) * y, z], -1
    )
    tilted = np.stack(
        [x, np.cos(e) * y - np.sin(e) * z, np.sin(e) * y + np.cos(e) * z], -1
    )
    return lookup(lookup(volume, turned), tilted)


def test_one_lookup_equals_a_slow_reference_ray_by_ray():
    volumes, azimuths, elevations = random_volumes(), [37.0, 250.0], [22.0, 61.0]
    found = project_by_lookup(volumes, azimuths, elevations, 8, 14)
    for i in range(2):
        expected = reference(volumes[i], azimuths[i], elevations[i], 8, 14)
        for image, truth in zip(found, expected, strict=True):
            np.testing.assert_allclose(image[i], truth, atol=1e-5)


def test_steps_along_single_axes_equal_a_slow_reference_ray_by_ray():
    volumes, azimuths, elevations = random_volumes(), [37.0, 250.0], [22.0, 61.0]
    found = project(volumes, azimuths, elevations, 8, 14)
    for i in range(2):
        turned = resampled(volumes[i], azimuths[i], elevations[i])
        expected = reference(turned, 0, 0, 8, 14)
        for image, truth in zip(found, expected, strict=True):
            np.testing.assert_allclose(image[i], truth, atol=1e-5)


@pytest.mark.parametrize("sharpness", [1, 3])
def test_both_forms_are_equal_at_quarter_turns_without_elevation(sharpness):
    view = ([0.0, 90.0, 180.0, 270.0], [0.0] * 4, 11, 16, sharpness)
    volumes = random_volumes(4)
    for image, other in zip(
        project(volumes, *view), project_by_lookup(volumes, *view), strict=True
    ):
        np.testing.assert_allclose(image, other, atol=2e-5)


def test_values_between_cells_and_outside():
    volume = np.zeros((1, 3, 3, 3, 1), np.float32)
    volume[0, 2, 1, 1], volume[0, 2, 2, 2] = 4, 8
    points = [[1, 0, 0], [0.5, 0, 0], [1.5, 0, 0], [1, 0.5, 0.5], [2, 0, 0], [9, 9, 9]]
    found = trilinear(volume, np.array([points], np.float32))
    # One cell is 1 long; (4 + 8) / 4 in the middle of a square with both.
    np.testing.assert_allclose(found[0, :, 0], [4, 2, 2, 3, 0, 0])


def test_sharpening_maps_the_level_to_a_half_and_1_changes_nothing():
    values = tf.constant([0.0, LEVEL, 0.5])
    np.testing.assert_allclose(sharpen(values, 3.0), [-0.4, 0.5, 1.1], atol=1e-6)
    assert sharpen(values, 1) is values


def by_cumprod(occupied):
    inside = tf.clip_by_value(occupied, LEAST, 1 - LEAST)
    stops = inside * tf.math.cumprod(1 - inside, exclusive=True)
    depths = tf.linspace(1.0, 3.0, len(occupied))[:, None, None, None]
    passing = tf.reduce_prod(1 - inside, axis=0)
    depth = tf.reduce_sum(stops * depths, axis=0) + FAR * passing
    return tf.reduce_sum(stops, axis=0), depth


def test_compositing_and_its_gradient_equal_those_of_cumprod():
    rng = np.random.default_rng(1)
    occupied = tf.constant(rng.uniform(-0.1, 1.1, (9, 2, 4, 4)), tf.float32)
    weights = tf.constant(rng.normal(size=(2, 2, 4, 4)), tf.float32)
    values, gradients = [], []
    for form in (composite, by_cumprod):
        with tf.GradientTape() as tape:
            tape.watch(occupied)
            images = tf.stack(form(occupied))
            loss = tf.reduce_sum(weights * images)
        values.append(images)
        gradients.append(tape.gradient(loss, occupied).numpy())
    np.testing.assert_allclose(*values, atol=1e-6)
    # Quotients by 1e-4 lose digits, relative to the largest of a ray.
    np.testing.assert_allclose(*gradients, atol=1e-3, rtol=1e-3)
    assert (gradients[0][occupied.numpy() < 0] == 0).all()
    assert abs(gradients[0]).max() > 0.5


@BOTH
def test_gradients_equal_differences(form):
    rng = np.random.default_rng(2)
    # Smooth, so that values between cells have few kinks.
    offset = cells(24) - [0.3, -0.2, 0.1]
    smooth = np.exp(-4 * (offset**2 @ [1.0, 2.0, 3.0]))[None] * 0.6
    volume, azimuth, elevation = (
        tf.constant(x, tf.float32) for x in (smooth, [33.0], [21.0])
    )
    # More at the right and the top, so that the place in the image counts.
    weights = np.linspace(0, 1, 10) * np.linspace(1, 0, 10)[:, None]
    weights = np.stack([weights, -weights])[:, None]  # covered pixels are nearer
    change = tf.constant(smooth * rng.uniform(0, 1, smooth.shape), tf.float32)

    def loss(volume, azimuth, elevation):
        images = tf.stack(form(volume, azimuth, elevation, 10, 24))
        return tf.reduce_sum(weights * images)

    inputs = (volume, azimuth, elevation)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = loss(*inputs)
    gradients = tape.gradient(value, inputs)
    steps = (0.05 * change, tf.constant([0.2]), tf.constant([0.2]))
    for i, step in enumerate(steps):
        above, below = (
            loss(*inputs[:i], inputs[i] + sign * step, *inputs[i + 1 :])
            for sign in (1, -1)
        )
        slope = tf.reduce_sum(gradients[i] * step)
        assert abs(float(slope)) > 1e-3
        assert float(above - below) / 2 == pytest.approx(float(slope), rel=0.03)


@BOTH
@pytest.mark.parametrize("sharpness", [1.0, 3.0])
def test_empty_and_full_volumes_have_finite_values_and_gradients(form, sharpness):
    volumes = tf.constant(np.stack([np.zeros((6,) * 3), np.ones((6,) * 3)]), tf.float32)
    view = (tf.constant([10.0, 0.0]), tf.constant([80.0, 0.0]))
    with tf.GradientTape() as tape:
        tape.watch((volumes, view))
        images = form(volumes, *view, 8, 10, sharpness)
        loss = tf.add_n([tf.reduce_sum(image) for image in images])
    for gradient in tf.nest.flatten(tape.gradient(loss, (volumes, view))):
        assert np.isfinite(gradient).all()
    silhouette, depth = images
    # Each of ten samples stops 1e-4 of a ray.
    np.testing.assert_allclose(silhouette[0], 1e-3, rtol=1e-3)
    np.testing.assert_allclose(depth[0], 3, atol=2e-3)
    # The first sample, at depth 1, stops all but 1e-4 of it.
    np.testing.assert_allclose(silhouette[1, 3:5, 3:5], 1, atol=1e-4)
    np.testing.assert_allclose(depth[1, 3:5, 3:5], 1, atol=1e-3)


def test_slopes_are_those_of_a_field_of_view_of_62_9_degrees():
    slopes = sensor_slopes(5)
    assert 2 * np.degrees(np.arctan(slopes[0])) == pytest.approx(62.9, abs=0.05)
    np.testing.assert_allclose(slopes, -slopes[::-1])
    np.testing.assert_allclose(projection.sample_depths(4), [1, 1.5, 2, 2.5])


@pytest.mark.slow
def test_voxels_are_recovered_from_silhouettes_and_depths():
    shape = np.zeros((16, 16, 16), np.float32)
    shape[4:12, 4:12, 6:8] = shape[10:12, 4:12, 8:14] = 1
    for x, y in ((4, 4), (4, 10), (10, 4), (10, 10)):
        shape[x : x + 2, y : y + 2, 1:6] = 1
    azimuths = tf.range(8.0) * 45
    elevations = tf.constant([0.0, 30, 60, 15, 45, 0, 30, 60])

    def images(volume):
        volumes = tf.repeat(volume[None], 8, axis=0)
        return tf.stack(project(volumes, azimuths, elevations, 20, 20))

    goal = images(shape)
    logits = tf.Variable(tf.fill(shape.shape, -2.0))
    optimizer = keras.optimizers.Adam(0.3)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((images(tf.sigmoid(logits)) - goal) ** 2)
        optimizer.apply([tape.gradient(loss, logits)], [logits])

    optimizer.build([logits])
    for _ in range(40):
        step()
    found = logits.numpy() > 0
    union = (found | (shape > 0)).sum()
    assert (found & (shape > 0)).sum() / union > 0.9
