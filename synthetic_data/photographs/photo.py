"""A picture of a shape in front of a background: place, light, shadow and exposure.

The pictures differ from those of common/shapes/rendering.py, which show a shape as
clearly as possible: here light, colours and backgrounds vary as in photos, and speed
counts.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from synthetic_data.photographs.materials import random_material
from synthetic_data.photographs.scene import (
    Scene,
    camera_axes,
    draw,
    light,
    random_lamp,
)

_SAMPLES = 2  # samples per pixel along each axis (antialiasing)
# Share of the picture's edge that the longer side of the shape's box covers.
_COVERED = (0.74, 0.96)
# Largest shift of the box from the middle, as a share of the free space.
_OFF_CENTRE = 0.6
_MOST_ROLL = 4.0  # degrees


class View(NamedTuple):
    """Where a picture is taken from; angles in degrees.

    Attributes:
        azimuth: direction of the viewer from axis 0 towards axis 1.
        elevation: angle of the viewer above the ground.
        roll: rotation within the picture.
        distance: distance of the viewer, in lengths of half of the shape's diagonal.
        field_of_view: angle of the whole picture.
    """

    azimuth: float
    elevation: float
    roll: float
    distance: float
    field_of_view: float


def take_photo(
    scene: Scene,
    azimuth: float,
    elevation: float,
    background: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, View]:
    """Render a shape in random colours and light in front of a background.

    Args:
        scene: the shape, from `prepare_scene`.
        azimuth: direction of the viewer, in degrees from axis 0 towards axis 1.
        elevation: angle of the viewer above the ground, in degrees.
        background: uint8 (H, H, 3), a picture of the size that is wanted.
        rng: source of the random material, light, distance and place in the picture.

    Returns:
        The picture, uint8 (H, H, 3), and the view.
    """
    size = len(background) * _SAMPLES
    flat, depth, axes, view = _project(scene, azimuth, elevation, size, rng)
    material = random_material(scene.surface.vertices, rng)
    lamp = random_lamp(axes, rng)
    colours = light(scene, material, axes, lamp, rng)
    picture = np.repeat(np.repeat(background, _SAMPLES, 0), _SAMPLES, 1) / 255.0
    picture = _cast_shadow(picture, scene, flat, rng)
    draw(picture, scene, flat, depth, colours)
    cells = picture.reshape(len(background), _SAMPLES, len(background), _SAMPLES, 3)
    picture = _develop(cells.mean(axis=(1, 3)), rng)
    return (picture * 255 + 0.5).astype(np.uint8), view


def _project(scene: Scene, azimuth, elevation, size: int, rng):
    """Return pixels (V, 2), depths (V,), camera axes (3, 3) and the view.

    The axes are right, up and towards the viewer. The shape's box in the picture has
    a random size and place, but lies within the picture.
    """
    places = scene.surface.vertices
    low, high = places.min(axis=0), places.max(axis=0)
    radius = np.linalg.norm(high - low) / 2
    axes = camera_axes(azimuth, elevation)
    seen = (places - (low + high) / 2) @ axes.T / radius
    distance = rng.uniform(2.2, 6.0)
    flat = seen[:, :2] / (distance - seen[:, 2:])
    roll = rng.uniform(-_MOST_ROLL, _MOST_ROLL)
    cos, sin = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    flat = flat @ np.array([[cos, sin], [-sin, cos]]) * (1, -1)
    box_low, box_high = flat.min(axis=0), flat.max(axis=0)
    side = (box_high - box_low).max()
    scale = rng.uniform(*_COVERED) * size / side
    free = size - scale * (box_high - box_low)
    shift = free / 2 * (1 + _OFF_CENTRE * rng.uniform(-1, 1, 2))
    angle = 2 * np.degrees(np.arctan(size / scale / 2))
    view = View(azimuth, elevation, roll, distance, angle)
    return (flat - box_low) * scale + shift, seen[:, 2], axes, view


def _cast_shadow(picture: np.ndarray, scene: Scene, flat: np.ndarray, rng):
    """Return the background with a soft shadow where the shape stands on the floor."""
    size = len(picture)
    places = scene.surface.vertices
    height = (places[:, 2] - places[:, 2].min()) / np.ptp(places[:, 2])
    near = height < 0.25
    # Count the vertices near the floor, in cells of 4 pixels, and blur them.
    cells = size // 4
    column, row = (flat[near] / 4).astype(int).clip(0, cells - 1).T
    weight = 1 - height[near] / 0.25
    counts = np.bincount(row * cells + column, weight, cells * cells)
    blurred = ndimage.gaussian_filter(
        counts.reshape(cells, cells).clip(0, 2), cells * rng.uniform(0.01, 0.06)
    )
    dark = rng.uniform(0, 0.7) * (blurred / max(blurred.max(), 1e-6))
    dark = np.repeat(np.repeat(dark, 4, 0), 4, 1)
    return picture * (1 - dark[..., None])


def _develop(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the picture as a camera records it: exposure, blur and noise."""
    picture = picture * rng.uniform(0.7, 1.25)
    blur = rng.choice([0.0, 0.0, 0.4, 0.8]) * len(picture) / 128
    if blur:
        picture = ndimage.gaussian_filter(picture, (blur, blur, 0))
    noise = rng.uniform(0, 0.03)
    return (picture + noise * rng.standard_normal(picture.shape)).clip(0, 1)
