"""VON: foregrounds, colours and consistency, by hand."""

import numpy as np
import pytest

from study_von import colours
from study_von.consistency import Views, same_points, silhouette_iou, texture_drift
from study_von.foregrounds import foreground, overlap


def blank(count: int = 1, size: int = 32) -> np.ndarray:
    """Return white images, uint8 (N, H, H, 3)."""
    return np.full((count, size, size, 3), 255, np.uint8)


# --- foregrounds


def test_the_foreground_of_a_drawn_square():
    images = blank()
    images[0, 4:20, 8:28] = (200, 30, 90)
    found = foreground(images)
    assert found.sum() == 16 * 20 and found[0, 4:20, 8:28].all()


def test_nearly_white_objects_are_found():
    images = blank()
    images[0, 4:20, 8:28] = 248
    assert foreground(images).sum() == 16 * 20


def test_pixels_of_the_outline_count_from_half():
    images = blank()
    images[0, 8:24, 8:24] = 55  # differs by 200
    images[0, 8:24, 7] = 255 - 90  # 45 % covered
    images[0, 8:24, 24] = 255 - 110  # 55 % covered
    found = foreground(images)[0]
    assert not found[8:24, 7].any() and found[8:24, 24].all()


def test_a_dark_part_does_not_hide_a_light_one_beside_it():
    images = blank()
    images[0, 8:24, 8:16] = 0
    images[0, 8:24, 16:24] = 230
    # All but the light part's ends, where it is at the outline beside the dark part.
    assert foreground(images)[0, 9:23, 8:24].all()


def test_highlights_are_filled_and_gaps_are_not():
    images = blank()
    images[0, 4:28, 4:28] = 100
    images[0, 8:10, 8:10] = 255  # 4 of 1,024 pixels
    images[0, 16:20, 16:20] = 255  # 16 of 1,024 pixels
    found = foreground(images)[0]
    assert found[8:10, 8:10].all() and not found[16:20, 16:20].any()


def test_overlap_by_hand():
    a, b = np.zeros((2, 3, 4, 4), bool)
    a[0, :2], b[0, 1:3] = True, True  # 4 of 12
    a[1], b[1] = True, True
    assert overlap(a, b) == pytest.approx((1 / 3 + 1 + 0) / 3)


def test_silhouettes_of_images():
    images, silhouettes = blank(), np.zeros((1, 32, 32))
    images[0, :, :16] = 0
    silhouettes[0, :16] = 1.0
    silhouettes[0, 16:] = 0.4
    assert silhouette_iou(images, silhouettes) == pytest.approx(1 / 3)


# --- colours


def coloured(*values) -> np.ndarray:
    """Return images whose left half has a colour."""
    images = blank(len(values))
    images[:, :, :16] = np.array(values, np.uint8)[:, None, None]
    return images


def test_the_distance_of_plain_colours_is_that_of_their_channels():
    a, b = colours.quantiles(coloured((51, 102, 0), (51, 0, 0)))
    np.testing.assert_allclose(a[3], [0.2, 0.4, 0], atol=1e-6)
    assert colours.distance(a, b) == pytest.approx(0.4 / 3)


def test_pictures_without_an_object_are_white():
    assert (colours.quantiles(blank()) == 1).all()


def test_transfer_errors():
    photos = colours.quantiles(coloured((0, 0, 0), (60, 120, 0), (240, 0, 240)))
    assert colours.transfer_error(photos, photos) == 0
    swapped = np.roll(photos, 1, axis=0)
    assert colours.transfer_error(photos, swapped) > 1
    alike = photos[[0, 0, 0]]
    assert colours.transfer_error(photos, alike) == pytest.approx(1)
    assert colours.transfer_error(alike, alike) is None


def test_the_spread_of_colours():
    pictures = coloured((51, 0, 0), (153, 0, 0), (51, 0, 0), (153, 0, 0))
    assert colours.spread(colours.quantiles(pictures)) == pytest.approx(0.2)


def test_fine_detail():
    images = blank(3)
    rows, columns = np.mgrid[:32, :32]
    images[0] = 100  # smooth
    images[1] = (100 + 2 * rows)[..., None]  # a slope has no curvature
    images[2] = (100 + 51 * ((rows + columns) % 2))[..., None]
    smooth, slope, woven = (colours.high_frequency(images[[n]]) for n in range(3))
    assert smooth == pytest.approx(0, abs=1e-9)
    assert slope == pytest.approx(0, abs=1e-9)
    # All four neighbours differ by 0.2.
    assert woven == pytest.approx(0.8)


def test_outlines_are_no_fine_detail():
    assert colours.high_frequency(coloured((0, 0, 0))) == pytest.approx(0, abs=1e-9)
    assert colours.high_frequency(blank()) == 0


# --- consistency

SIZE = 24


def views(count: int = 3) -> Views:
    """Return sketches of planes; the neighbouring view is shifted by 4 pixels."""
    line = np.linspace(-0.9, 0.9, SIZE)
    across, up = np.meshgrid(line, line)
    maps = np.zeros((count, SIZE, SIZE, 11), np.float32)
    maps[..., 0] = 1
    maps[..., 2], maps[..., 4] = across, up
    shifted = maps.copy()
    shifted[..., 2] += 4 * (line[1] - line[0])
    return Views(maps, shifted, maps[:, :, ::-1].copy())


def by_position(maps, z):
    """Paint each point by where it is, in a colour that the texture scales."""
    shades = 0.5 + 0.1 * maps[..., 2:5] * z[:, None, None, :1]
    return np.rint(200 * shades).astype(np.uint8)


def by_pixel(maps, z):
    """Paint each pixel by where it lies in the image."""
    across = np.linspace(0, 200, SIZE)[None, None, :, None]
    return np.broadcast_to(across, (*maps.shape[:3], 3)).astype(np.uint8) + (
        np.rint(10 * z[:, None, None, :1]).astype(np.uint8)
    )


Z = np.array([[1.0], [2.0], [5.0]], np.float32)


def test_points_are_found_again():
    pair = views(1)
    rows, columns = same_points(pair.first[0], pair.neighbour[0])
    # Four columns of the first view lie outside of the neighbouring one.
    assert len(rows) == SIZE * (SIZE - 4)
    np.testing.assert_array_equal(rows % SIZE, columns % SIZE + 4)
    np.testing.assert_array_equal(rows // SIZE, columns // SIZE)


def test_points_that_only_one_view_shows_are_left_out():
    pair = views(1)
    away = pair.neighbour[0].copy()
    away[..., 3] = 1.0
    assert [len(part) for part in same_points(pair.first[0], away)] == [0, 0]
    away[..., 0] = 0.0
    assert [len(part) for part in same_points(pair.first[0], away)] == [0, 0]


def test_colours_of_the_surface_do_not_drift():
    scores = texture_drift(by_position, views(), Z)
    assert scores["colour_drift"] == pytest.approx(0, abs=1e-6)
    # The other view shows the same points in another order.
    assert scores["histogram_drift"] == pytest.approx(0, abs=1e-6)


def test_colours_of_the_image_drift():
    scores = texture_drift(by_pixel, views(), Z)
    # Four pixels of 200 / 23 each, against differences of 40, 10 and 30 of textures.
    assert scores["colour_drift"] == pytest.approx(4 * 200 / 23 / (80 / 3), rel=0.05)


def test_without_textures_there_is_no_drift_to_measure():
    assert texture_drift(lambda maps, z: blank(len(maps), SIZE), views(), Z) == {}
