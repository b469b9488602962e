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


def test_a_voxel_goes_to_each_place_within_reach_and_no_other():
    """Of one voxel at (2, 3, 1), axis 1 mirrored, S = 6: x 1..3, y 2..4 or 1..3."""
    volumes = np.zeros((64, 6, 6, 6, 1), np.float32)
    volumes[:, 2, 3, 1] = 1
    places = set()
    for key in keys(8):
        moved = shift_and_mirror(tf.constant(volumes), key, 1, 1).numpy()
        assert (moved.sum(axis=(1, 2, 3, 4)) == 1).all()
        places |= {tuple(int(i) for i in p[1:4]) for p in np.argwhere(moved)}
    x, y, z = ({place[axis] for place in places} for axis in range(3))
    assert (x, y, z) == ({1, 2, 3}, {1, 2, 3, 4}, {0, 1, 2})


def test_what_leaves_is_lost_and_zeros_come_in():
    volumes = tf.ones((256, 4, 4, 4, 1))
    moved = shift_and_mirror(volumes, keys(1)[0], 1, None).numpy()[..., 0]
    filled = {int(volume.sum()) for volume in moved}
    # each axis keeps 4 or, moved by one, 3 layers
    assert filled == {64, 48, 36, 27}


def test_mirroring_alone_turns_about_half():
    volumes = np.zeros((400, 4, 4, 4, 1), np.float32)
    volumes[:, 1, 0, 2] = 1
    moved = shift_and_mirror(tf.constant(volumes), keys(1)[0], 0, 1).numpy()
    stayed, turned = moved[:, 1, 0, 2, 0].sum(), moved[:, 1, 3, 2, 0].sum()
    assert stayed + turned == 400
    assert 150 < turned < 250


def test_the_gradient_goes_back_the_same_way():
    volumes = tf.constant(RNG.random((3, 4, 4, 4, 1)), tf.float32)
    weight = tf.constant(RNG.random((3, 4, 4, 4, 1)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(volumes)
        total = tf.reduce_sum(shift_and_mirror(volumes, keys(1)[0], 1, 1) * weight)
    gradient = tape.gradient(total, volumes)
    # linear: <gradient, volumes> is the total itself
    np.testing.assert_allclose(tf.reduce_sum(gradient * volumes), total, rtol=1e-5)


def test_images_are_moved_with_all_their_colours():
    """Against NumPy: each result is one of the 3 x 3 x 2 that there can be."""
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
