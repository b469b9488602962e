"""One picture of a shape: camera, light, shadow and what is behind it.

The pictures differ from those of common/shapes/rendering.py, which show a shape as
clearly as possible: here light, colours and backgrounds vary as in photos, and speed
counts.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from common.shapes.surface import (
    Surface,
    ambient_light,
    covered_pixels,
    smooth_surface,
)
from study_3dvaegan.renders.materials import Material, random_material

# The grid of viewpoints, in degrees [Wu et al. 2016, supplement: 24 x 3; the
# elevations are not given].
AZIMUTHS = tuple(15.0 * number for number in range(24))
ELEVATIONS = (5.0, 20.0, 35.0)
_SAMPLES = 2  # samples per pixel along each axis (antialiasing)
# Share of the picture's edge that the longer side of the shape's box covers.
_COVERED = (0.74, 0.96)
# Largest shift of the box from the middle, as a share of the free space.
_OFF_CENTRE = 0.6
_MOST_ROLL = 4.0  # degrees


class Scene(NamedTuple):
    """A shape ready to be rendered from many sides.

    Attributes:
        surface: its surface, in voxels.
        openness: float (V,), share of the ambient light that reaches each vertex.
    """

    surface: Surface
    openness: np.ndarray


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


def prepare_scene(voxels: np.ndarray) -> Scene:
    """Compute what all pictures of a shape share.

    Args:
        voxels: bool (S, S, S), axis 2 up, with at least one True.
    """
    surface = smooth_surface(voxels, smooth=0.6, upsample=1)
    return Scene(surface, ambient_light(voxels, surface))


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
    lamp = _random_lamp(axes, rng)
    colours = _light(scene, material, axes, lamp, rng)
    picture = np.repeat(np.repeat(background, _SAMPLES, 0), _SAMPLES, 1) / 255.0
    picture = _cast_shadow(picture, scene, flat, rng)
    _draw(picture, scene, flat, depth, colours)
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
    turn, tilt = np.radians([azimuth, elevation])
    back = np.array(
        [np.cos(tilt) * np.cos(turn), np.cos(tilt) * np.sin(turn), np.sin(tilt)]
    )
    right = np.array([-np.sin(turn), np.cos(turn), 0.0])
    axes = np.stack([right, np.cross(back, right), back])
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


def _random_lamp(axes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a direction to the light: above the shape, at the viewer's side."""
    direction = axes[2] + 1.2 * rng.normal(size=3)
    direction[2] = abs(direction[2]) + 0.3
    return direction / np.linalg.norm(direction)


def _light(scene: Scene, material: Material, axes, lamp, rng) -> np.ndarray:
    """Return the colours (V, 3) of the lit vertices.

    They sum ambient light, diffuse light of the lamp (Lambert) and a highlight
    (Blinn-Phong), each coloured at random.
    """
    normals = scene.surface.normals
    ambient = rng.uniform(0.2, 0.6)
    sky = 0.6 + 0.4 * normals[:, 2]
    diffuse = (normals @ lamp).clip(0, 1)
    tint = rng.normal(1, 0.06, 3).clip(0.8, 1.2)
    brightness = ambient * sky * scene.openness
    brightness += rng.uniform(0.4, 0.9) * diffuse * (0.4 + 0.6 * scene.openness)
    halfway = lamp + axes[2]
    halfway /= np.linalg.norm(halfway)
    highlight = (normals @ halfway).clip(0, 1) ** material.hardness
    shine = material.gloss * highlight * scene.openness
    return material.colours * brightness[:, None] * tint + shine[:, None]


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


def _draw(picture, scene: Scene, flat, depth, colours) -> None:
    """Draw the visible part of the surface into the picture, in place."""
    faces = scene.surface.faces
    # The order of a triangle's corners in the picture shows which way it faces.
    a, b, c = flat[faces].transpose(1, 0, 2)
    front = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0] < 0
    faces = faces[front]
    # From far to near, so that the nearest triangle remains.
    faces = faces[np.argsort(depth[faces].sum(axis=1))]
    size = len(picture)
    for face, x, y, weights in covered_pixels(flat[faces], size, size):
        shades = np.einsum("pk,pkc->pc", weights, colours[faces[face]])
        picture.reshape(-1, 3)[y * size + x] = shades


def _develop(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the picture as a camera records it: exposure, blur and noise."""
    picture = picture * rng.uniform(0.7, 1.25)
    blur = rng.choice([0.0, 0.0, 0.4, 0.8]) * len(picture) / 128
    if blur:
        picture = ndimage.gaussian_filter(picture, (blur, blur, 0))
    noise = rng.uniform(0, 0.03)
    return (picture + noise * rng.standard_normal(picture.shape)).clip(0, 1)
