"""A shape that is ready to be photographed: its surface, light on it, its picture."""

from typing import NamedTuple

import numpy as np

from common.shapes.surface import (
    Surface,
    ambient_light,
    covered_pixels,
    smooth_surface,
)
from synthetic_data.photographs.materials import Material


class Scene(NamedTuple):
    """A shape ready to be rendered from many sides.

    Attributes:
        surface: its surface, in voxels.
        openness: float (V,), share of the ambient light that reaches each vertex.
    """

    surface: Surface
    openness: np.ndarray


def prepare_scene(voxels: np.ndarray) -> Scene:
    """Compute what all pictures of a shape share.

    Args:
        voxels: bool (S, S, S), axis 2 up, with at least one True.
    """
    surface = smooth_surface(voxels, smooth=0.6, upsample=1)
    return Scene(surface, ambient_light(voxels, surface))


def camera_axes(azimuth: float, elevation: float) -> np.ndarray:
    """Return the camera's axes (3, 3): right, up and towards the viewer.

    Args:
        azimuth: direction of the viewer, in degrees from axis 0 towards axis 1.
        elevation: angle of the viewer above the ground, in degrees.
    """
    turn, tilt = np.radians([azimuth, elevation])
    back = np.array(
        [np.cos(tilt) * np.cos(turn), np.cos(tilt) * np.sin(turn), np.sin(tilt)]
    )
    right = np.array([-np.sin(turn), np.cos(turn), 0.0])
    return np.stack([right, np.cross(back, right), back])


def random_lamp(axes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a direction to the light: above the shape, at the viewer's side."""
    direction = axes[2] + 1.2 * rng.normal(size=3)
    direction[2] = abs(direction[2]) + 0.3
    return direction / np.linalg.norm(direction)


def light(
    scene: Scene,
    material: Material,
    axes: np.ndarray,
    lamp: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the colours of the lit vertices.

    They sum ambient light, diffuse light of the lamp (Lambert) and a highlight
    (Blinn-Phong), each of a random strength.

    Args:
        scene: the shape.
        material: the material of its surface.
        axes: float (3, 3), the camera's axes.
        lamp: float (3,), direction to the light, of length 1.
        rng: source of the random strengths.

    Returns:
        float (V, 3), at least 0.
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


def draw(
    picture: np.ndarray,
    scene: Scene,
    flat: np.ndarray,
    depth: np.ndarray,
    colours: np.ndarray,
) -> None:
    """Draw the visible part of a surface into a picture, in place.

    Args:
        picture: float (H, H, C).
        scene: the shape.
        flat: float (V, 2), x and y of the vertices in the picture, in pixels.
        depth: float (V,), how near to the viewer the vertices are; larger is nearer.
        colours: float (V, C), colours of the vertices.
    """
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
        picture.reshape(-1, picture.shape[-1])[y * size + x] = shades
