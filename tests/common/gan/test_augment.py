"""Augmentation against NumPy, and its gradient."""

import numpy as np
import tensorflow as tf

from common.gan import rng
from common.gan.augment import shift_and_mirror

RNG = np.random.default_rng(0)


def keys(count):
    return [rng.fold(rng.root_key(1), number) for number in range(count)]


def test_without_shift_and_mirror_nothing_changes():
    volumes = tf.constant(RNG.random((2, 6, 6, 6, 1)), tf.float32)
    np.testing.assert_array_equal(
        shift_and_mirror(volumes, keys(1)[0], 0, None), volumes
    )


def test_a_voxel_moves_to_every_place_within_the_largest_shift_and_no_other():
    """One voxel at (2, 3, 1), size 6, axis 1 mirrored: y is 2..4 or, mirrored, 1..3."""
    volumes = np.zeros((64, 6, 6, 6, 1), np.float32)
    volumes[:, 2, 3, 1] = 1
    places = set()
    for key in keys(8):
        moved = shift_and_mirror(tf.constant(volumes), key, 1, 1).numpy()
        assert (moved.sum(axis=(1, 2, 3, 4)) == 1).all()
        places |= {tuple(int(i) for i in p[1:4]) for p in np.argwhere(moved)}
    x, y, z = ({place[axis] for place in places} for axis in range(3))
    assert (x, y, z) == ({1, 2, 3}, {1, 2, 3, 4}, {0, 1, 2})


def test_voxels_shifted_out_are_lost_and_zeros_come_in():
    volumes = tf.ones((256, 4, 4, 4, 1))
    moved = shift_and_mirror(volumes, keys(1)[0], 1, None).numpy()[..., 0]
    filled = {int(volume.sum()) for volume in moved}
    # Each axis keeps 4 layers or, shifted by one, 3.
    assert filled == {64, 48, 36, 27}


def test_about_half_of_the_items_are_mirrored():
    volumes = np.zeros((400, 4, 4, 4, 1), np.float32)
    volumes[:, 1, 0, 2] = 1
    moved = shift_and_mirror(tf.constant(volumes), keys(1)[0], 0, 1).numpy()
    unchanged, mirrored = moved[:, 1, 0, 2, 0].sum(), moved[:, 1, 3, 2, 0].sum()
    assert unchanged + mirrored == 400
    assert 150 < mirrored < 250


def test_the_gradient_follows_the_shift_and_the_mirroring():
    volumes = tf.constant(RNG.random((3, 4, 4, 4, 1)), tf.float32)
    weight = tf.constant(RNG.random((3, 4, 4, 4, 1)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(volumes)
        total = tf.reduce_sum(shift_and_mirror(volumes, keys(1)[0], 1, 1) * weight)
    gradient = tape.gradient(total, volumes)
    # The augmentation is linear, so <gradient, volumes> is the total itself.
    np.testing.assert_allclose(tf.reduce_sum(gradient * volumes), total, rtol=1e-5)


def test_images_are_shifted_and_mirrored_as_in_numpy():
    """Each result is one of the 3 x 3 x 2 possible ones, and all of them occur."""
    image = RNG.random((5, 7, 3)).astype(np.float32)
    padded = [np.pad(im, ((1, 1), (1, 1), (0, 0))) for im in (image, image[:, ::-1])]
    expected = [
        p[y : y + 5, x : x + 7] for p in padded for y in range(3) for x in range(3)
    ]
    items = tf.constant(np.repeat(image[None], 200, axis=0))
    found = set()
    for moved in shift_and_mirror(items, keys(1)[0], 1, 1).numpy():
        matches = [i for i, e in enumerate(expected) if np.allclose(moved, e)]
        assert len(matches) == 1
        found.add(matches[0])
    assert len(found) == 18
