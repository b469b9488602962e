"""The pictures of toys: categories, azimuths, disparity, light and shadow."""

import itertools
import math

import numpy as np
import pytest

from synthetic_data.toys.camera import (
    AZIMUTHS,
    BASELINE,
    DISTANCE,
    ELEVATIONS,
    place_cameras,
    turned,
)
from synthetic_data.toys.instances import CATEGORIES, INSTANCES, make_toy
from synthetic_data.toys.lighting import LIGHTINGS
from synthetic_data.toys.solids import Sculpture, ball, rod
from synthetic_data.toys.views import SIZE, Toy, draw_views


@pytest.fixture(scope="module")
def toys() -> dict[tuple[int, int], Toy]:
    """Return all toys of a data set by category and instance."""
    pairs = itertools.product(range(CATEGORIES), range(10))
    return {pair: make_toy(*pair) for pair in pairs}


def _difference(first: np.ndarray, second: np.ndarray) -> float:
    """Return the mean difference of two pictures in grey levels."""
    return float(np.abs(first.astype(float) - second).mean())


def test_instances_of_a_category_differ(toys):
    for category in range(CATEGORIES):
        views = [
            draw_views(toys[category, i], 60, [30], [4], 48)[0, 0, 0] for i in range(10)
        ]
        for first, second in itertools.combinations(views, 2):
            assert _difference(first, second) > 2


def test_all_ten_instances_are_in_one_split():
    assert sorted(INSTANCES["training"] + INSTANCES["testing"]) == list(range(10))


def test_a_seed_always_gives_the_same_toy_and_another_seed_another():
    first, same, other = (make_toy(3, 7, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.surface.vertices, same.surface.vertices)
    assert first.surface.vertices.shape != other.surface.vertices.shape


@pytest.mark.parametrize("category", range(CATEGORIES))
def test_each_azimuth_gives_another_picture(toys, category):
    toy = toys[category, 4]
    views = [draw_views(toy, a, [40], [0], 48)[0, 0, 0] for a in AZIMUTHS]
    for first, second in itertools.combinations(views, 2):
        assert _difference(first, second) > 2


def test_the_front_faces_the_cameras_and_then_turns_to_the_right():
    front = np.array([[1.0, 0.0, 0.5]])
    np.testing.assert_allclose(turned(front, 0), [[0, -1, 0.5]], atol=1e-12)
    np.testing.assert_allclose(turned(front, 90), [[1, 0, 0.5]], atol=1e-12)
    np.testing.assert_allclose(turned(front, 180), [[0, 1, 0.5]], atol=1e-12)


def test_toys_fill_the_image_and_are_not_cut_off(toys):
    for toy in toys.values():
        vertices = toy.surface.vertices[::3]
        for elevation in ELEVATIONS[::4]:
            cameras = place_cameras(vertices, elevation, SIZE)
            places = np.stack(
                [
                    [camera.project(turned(vertices, a))[0] for camera in cameras]
                    for a in AZIMUTHS[::2]
                ]
            )
            assert places.min() > 4 and places.max() < SIZE - 4
            extents = np.ptp(places, axis=2).max(axis=-1) / SIZE
            assert 0.6 < extents.max() < 0.85
            assert extents.min() > 0.25


def test_near_points_are_further_right_in_the_left_image():
    vertices = make_toy(4, 0).surface.vertices
    left, right = place_cameras(vertices, 30, SIZE)
    points = np.array([[0, -1, left.focus], [0, 0, left.focus], [0, 1, left.focus]])
    shift = left.project(points)[0][:, 0] - right.project(points)[0][:, 0]
    # A point 1 in front of the centre is cos(30 degrees) nearer to the cameras.
    near, far = DISTANCE - math.cos(math.pi / 6), DISTANCE + math.cos(math.pi / 6)
    expected = [
        BASELINE * (1 / depth - 1 / DISTANCE) for depth in (near, DISTANCE, far)
    ]
    np.testing.assert_allclose(shift, left.focal_length * np.array(expected), atol=1e-4)
    assert shift[0] > 2 and shift[2] < -2


def test_the_pictures_have_this_disparity():
    # A dumbbell: one ball is near and low in the image, the other far and high.
    dumbbell = Sculpture()
    dumbbell.add(ball((1, 0, 0.3), 0.3), ball((-1, 0, 0.3), 0.3))
    dumbbell.add(rod((-1, 0, 0.3), (1, 0, 0.3), 0.08))
    toy = Toy(*dumbbell.surface(40))
    left, right = draw_views(toy, 0, [30], [4])[0, 0].astype(int)

    def shift(rows):
        """Return how far the left image's rows are to the right, in pixels."""
        errors = {
            s: np.abs(np.roll(right[rows], s, axis=1) - left[rows]).mean()
            for s in range(-6, 7)
        }
        return min(errors, key=errors.get)

    assert shift(slice(SIZE // 2 + 12, SIZE)) >= 2
    assert shift(slice(0, SIZE // 2 - 12)) <= -1


def test_each_pixel_shows_the_point_of_the_ground_that_projects_to_it():
    camera, _ = place_cameras(make_toy(0, 0).surface.vertices, 45, 12)
    ground = np.concatenate([camera.ground(), np.zeros((12, 12, 1))], axis=-1)
    places, _ = camera.project(ground)
    y, x = np.indices((12, 12)) + 0.5
    np.testing.assert_allclose(places, np.stack([x, y], axis=-1), atol=1e-6)


def test_lightings_differ_in_brightness(toys):
    views = draw_views(toys[3, 4], 40, [40], range(6))[0, :, 0]
    corners = views[:, 0, SIZE // 2]  # ground above the toy
    grounds = [255 * light.ground for light in LIGHTINGS]
    np.testing.assert_allclose(corners, grounds, atol=3)
    assert views[0].mean() - views[2].mean() > 50
    for first, second in itertools.combinations(views, 2):
        assert _difference(first, second) > 4


def test_shadows_fall_to_the_side_away_from_the_lamp():
    pole = Sculpture()
    pole.add(rod((0, 0, 0.2), (0, 0, 2), 0.2))
    views = draw_views(Toy(*pole.surface(40)), 0, [50], [0, 2])[0, :, 0].astype(int)
    from_left, from_right = views[..., : SIZE // 2 - 16], views[..., SIZE // 2 + 16 :]
    assert from_left[0].min() > from_right[0].min() + 40  # lamp 0 is on the left
    assert from_right[1].min() > from_left[1].min() + 40


def test_the_side_of_the_lamp_is_brighter():
    toy = Sculpture()
    toy.add(ball((0, 0, 0), 1.0))
    image = draw_views(Toy(*toy.surface(40)), 0, [45], [2])[0, 0, 0].astype(int)
    middle = image[SIZE // 2]
    assert middle[SIZE // 2 + 18] > middle[SIZE // 2 - 18] + 20
