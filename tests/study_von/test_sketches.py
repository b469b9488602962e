"""2.5D sketches: cutting, parts, positions and normals, and gradients."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from study_von.config import Config
from study_von.sketches import (
    CAMERA_NORMAL,
    DEPTH,
    NORMAL,
    POSITION,
    SILHOUETTE,
    channels_of,
    cut,
    find_squares,
    largest_part,
    make_sketches,
    occupancy,
)

PUBLISHED = Config(image_size=32)
FIELD = Config(image_size=32, texture="field")


def cells(size):
    line = np.linspace(-1, 1, size)
    return np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1)


def ball(radius, middle=(0, 0, 0), size=32):
    """A ball whose outermost cells are partly full, (S, S, S, 1)."""
    distance = np.linalg.norm(cells(size) - np.array(middle), axis=-1)
    inside = 0.5 + (radius - distance) * (size - 1) / 2
    return np.clip(inside, 0, 1)[..., None].astype(np.float32)


def block(half, size=32):
    """A box around the middle, (S, S, S, 1)."""
    return (abs(cells(size)) <= half).all(-1)[..., None].astype(np.float32)


def sketch(config, volume, azimuth=0.0, elevation=0.0):
    return make_sketches(config, volume[None], [azimuth], [elevation])[0].numpy()


def test_maps_of_both_textures():
    volume = ball(0.5)
    plain, full = sketch(PUBLISHED, volume), sketch(FIELD, volume)
    assert (channels_of(PUBLISHED), channels_of(FIELD)) == (2, 12)
    assert plain.shape == (32, 32, 2)
    assert full.shape == (32, 32, 12)
    np.testing.assert_array_equal(full[..., :2], plain)


def test_azimuth_0_looks_at_the_front_and_elevation_90_at_the_top():
    place = 0.5 * np.ones(3)
    for axis, view in ((0, (0.0, 0.0)), (2, (0.0, 90.0))):
        # A big box in the middle and a small one before the face that is seen.
        offset = np.zeros(3)
        offset[axis] = -0.6 if axis == 0 else 0.6
        knob = (abs(cells(32) - offset) <= 0.2).all(-1)[..., None]
        volume = np.maximum(block(place), knob.astype(np.float32))
        depth = sketch(PUBLISHED, volume, *view)[..., 0:2]
        # 2 minus depth: the knob's face is 0.8 before the middle, the box's 0.5.
        assert depth[16, 16, 1] == pytest.approx(0.8, abs=0.07)
        assert depth[5, 16, 1] == pytest.approx(0.5, abs=0.07)


def test_a_rising_azimuth_shows_the_side_of_high_or_low_indices():
    """At 90 the camera stands at low indices of axis 1, as rotations says."""
    knob = (abs(cells(32) - [0, -0.6, 0]) <= 0.2).all(-1)[..., None]
    volume = np.maximum(block(0.5), knob.astype(np.float32))
    nearest = [sketch(PUBLISHED, volume, a)[16, 16, 1] for a in (0, 90, 180, 270)]
    np.testing.assert_allclose(nearest, [0.5, 0.8, 0.5, 0.5], atol=0.07)


def mask(pixels, rows, columns):
    kept = np.zeros((1, pixels, pixels), bool)
    kept[0, slice(*rows), slice(*columns)] = True
    return kept


def test_squares_have_a_margin_of_3_percent_and_pad_the_short_side():
    kept = mask(40, (5, 25), (30, 34))
    rows, columns = find_squares(tf.constant(kept), 10)
    # 20 pixels and 3 % on each side: 21.2, in ten steps, around 15 and 32.
    steps = 2.12 * (np.arange(10) - 4.5)
    np.testing.assert_allclose(rows[0], 14.5 + steps, rtol=1e-5)
    np.testing.assert_allclose(columns[0], 31.5 + steps, rtol=1e-5)


def test_the_square_of_an_empty_mask_is_the_image():
    rows, columns = find_squares(tf.zeros((1, 30, 30), bool), 15)
    np.testing.assert_allclose(rows[0], 14.5 + 2.12 * (np.arange(15) - 7), rtol=1e-5)
    np.testing.assert_array_equal(rows, columns)


@pytest.mark.parametrize(("start", "step"), [(3.0, 0.4), (3.2, 1.0), (6.5, 2.3)])
def test_cutting_keeps_a_constant_image_inside(start, step):
    places = tf.constant(start + step * np.arange(8)[None], tf.float32)
    found = cut(tf.fill((1, 30, 30), 0.7), places, places)
    np.testing.assert_allclose(found, 0.7, rtol=1e-5)


def test_cutting_at_whole_pixels_copies_them_and_outside_is_0():
    image = np.random.default_rng(0).uniform(size=(1, 9, 9)).astype(np.float32)
    rows = tf.range(-3.0, 5.0)[None]
    found = cut(tf.constant(image), rows, rows + 2)[0].numpy()
    np.testing.assert_allclose(found[3:, 1:], image[0, :5, :7], atol=1e-6)
    assert (found[:3] == 0).all()
    assert (found[:, 0] == 0).all()


@pytest.mark.parametrize("kept", [((4, 60), (8, 50)), ((0, 64), (0, 64))])
def test_shrinking_preserves_the_mean(kept):
    image = np.random.default_rng(1).uniform(size=(1, 64, 64)) * mask(64, *kept)
    rows, columns = find_squares(tf.constant(mask(64, *kept)), 12)
    found = cut(tf.constant(image, tf.float32), rows, columns).numpy()
    area = float(rows[0, 1] - rows[0, 0]) ** 2
    assert found.sum() * area == pytest.approx(image.sum(), rel=0.02)


def test_the_largest_part_is_that_of_scipy():
    rng = np.random.default_rng(0)
    masks = rng.uniform(size=(6, 24, 24)) < 0.55
    found = largest_part(tf.constant(masks)).numpy()
    for kept, part in zip(masks, found, strict=True):
        labels, _ = ndimage.label(kept)
        sizes = np.bincount(labels.ravel())[1:]
        assert part.sum() == sizes.max()
        assert (part <= kept).all()
        assert ndimage.label(part)[1] == 1


def test_the_largest_part_of_an_empty_mask_is_empty():
    assert not largest_part(tf.zeros((2, 5, 5), bool)).numpy().any()


def test_component_decides_whether_small_parts_are_kept():
    knob = (abs(cells(32) - [0, 0.8, 0]) <= 0.15).all(-1)[..., None]
    volume = np.maximum(ball(0.4), knob.astype(np.float32))
    parts = []
    for component in ("all", "largest"):
        config = Config(image_size=32, component=component)
        parts.append(ndimage.label(sketch(config, volume)[..., 0] > 0.5)[1])
    assert parts == [2, 1]


VIEWS = pytest.mark.parametrize(
    ("azimuth", "elevation"), [(0.0, 0.0), (40.0, 25.0), (200.0, 60.0)]
)
CELL = 2 / 31


def inner(found):
    """Pixels whose neighbours are covered, too."""
    return ndimage.binary_erosion(found[..., 0] > 0.95)


@VIEWS
def test_a_sphere_has_its_positions_and_normals(azimuth, elevation):
    middle = np.array([0.1, 0.0, 0.2])
    found = sketch(FIELD, ball(0.5, middle), azimuth, elevation)
    sure = inner(found)
    offset = found[sure][:, POSITION] - middle
    radius = np.linalg.norm(offset, axis=-1)
    assert abs(radius - 0.5).max() < 1.3 * CELL
    assert abs(radius - 0.5).mean() < 0.5 * CELL
    normal, facing = found[sure][:, NORMAL], found[sure][:, CAMERA_NORMAL]
    np.testing.assert_allclose(np.linalg.norm(normal, axis=-1), 1, atol=0.01)
    cosine = (normal * offset).sum(-1) / radius
    assert cosine.mean() > 0.99
    assert cosine.min() > 0.95
    # The camera's axes, by trigonometry: towards it, left and up.
    a, e = np.radians([azimuth, elevation])
    towards = [-np.cos(a) * np.cos(e), -np.sin(a) * np.cos(e), np.sin(e)]
    up = [np.cos(a) * np.sin(e), np.sin(a) * np.sin(e), np.cos(e)]
    axes = np.array([towards, [-np.sin(a), np.cos(a), 0], up])
    np.testing.assert_allclose(facing, normal @ axes.T, atol=1e-5)
    assert facing[:, 0].min() > -0.1
    assert facing[:, 0].max() > 0.99
    assert (found[found[..., 0] == 0][:, 2:] == 0).all()


@VIEWS
def test_positions_lie_on_the_faces_of_a_box(azimuth, elevation):
    half = np.array([11, 7, 9]) / 31
    found = sketch(FIELD, block(half), azimuth, elevation)
    position = found[inner(found)][:, POSITION]
    outside = (abs(position) - half).max(axis=-1)
    # Faces of the cubes that the outermost cells are lie half a cell further out.
    assert abs(outside - CELL / 2).max() < 1.3 * CELL
    assert abs(outside - CELL / 2).mean() < 0.6 * CELL


def test_depth_is_1_minus_the_distance_and_minus_1_behind():
    found = sketch(PUBLISHED, ball(0.5))
    silhouette, depth = found[..., SILHOUETTE], found[..., DEPTH]
    assert depth[16, 16, 0] == pytest.approx(0.5, abs=0.05)
    assert (depth[silhouette == 0] == -1).all()
    assert silhouette.min() == 0
    assert silhouette.max() <= 1
    # The object fills its square but for the margin of 3 %, one pixel.
    assert found[16, 1, 0] > 0.5
    assert found[1, 16, 0] > 0.5
    assert found[0, [0, 8, 24, 31], 0].max() == 0


def test_gradients_of_silhouettes_and_depths_reach_the_voxels():
    volume = tf.constant(0.6 * ball(0.5, size=16)[None])
    config = Config(image_size=32, sharpness=1.0)
    for channel in (0, 1):
        with tf.GradientTape() as tape:
            tape.watch(volume)
            found = make_sketches(config, volume, [30.0], [20.0])
            loss = tf.reduce_sum(found[..., channel])
        gradient = tape.gradient(loss, volume).numpy()
        assert np.isfinite(gradient).all()
        assert np.count_nonzero(gradient) > 100
        # More matter covers more, and is nearer.
        assert gradient.sum() > 0


@pytest.mark.parametrize("component", ["all", "largest"])
@pytest.mark.parametrize("texture", ["published", "field"])
def test_an_empty_volume_gives_an_empty_sketch(component, texture):
    config = Config(image_size=32, component=component, texture=texture)
    volumes = tf.zeros((1, 8, 8, 8, 1))
    with tf.GradientTape() as tape:
        tape.watch(volumes)
        found = make_sketches(config, volumes, [0.0], [0.0])
    assert (found[..., DEPTH] == -1).numpy().all()
    assert not np.delete(found, 1, axis=-1).any()
    assert np.isfinite(tape.gradient(found, volumes)).all()


def test_a_distance_field_is_solid_near_its_surface():
    fields = tf.constant([0.2, 0.89, 0.9, 1.0])
    config = Config(representation="distance", size=128)
    np.testing.assert_allclose(occupancy(config, fields), [0, 0, 0.9, 1])
    # Voxels of 32^3 are four times as large: 0.9^4.
    config = Config(representation="distance", size=32)
    assert occupancy(config, [0.65, 0.66]).numpy().tolist() == pytest.approx([0, 0.66])
    np.testing.assert_array_equal(occupancy(Config(), fields), fields)


def test_sketches_of_a_batch_are_those_of_its_items():
    volumes = np.stack([ball(0.5, size=16), block(0.3, size=16)])
    views = ([0.0, 70.0], [10.0, 30.0])
    together = make_sketches(PUBLISHED, volumes, *views)
    for i in range(2):
        alone = make_sketches(
            PUBLISHED, volumes[i : i + 1], views[0][i : i + 1], views[1][i : i + 1]
        )
        np.testing.assert_allclose(together[i], alone[0], atol=1e-5)
