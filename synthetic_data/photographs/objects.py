"""A picture of an object alone, cut out as in photos of products on white.

The camera is that of study_von: the volume fills the cube [-1, 1]^3, with the centres
of the outermost voxels on its faces, and the camera is 2 away from the cube's middle.
"""

import numpy as np

from common.shapes.surface import Surface, ambient_light, smooth_surface
from common.shapes.voxels import fit_to_size
from synthetic_data.photographs.materials import car_material, random_material
from synthetic_data.photographs.scene import (
    Scene,
    camera_axes,
    draw,
    light,
    random_lamp,
)

# Edge of the volume in voxels: shapes of 30^3 are padded to it, larger ones reduced.
VOLUME = 32
DISTANCE = 2.0  # of the camera from the middle of the volume
# Free space around the object, as a share of the edge of its square.
MARGIN = 0.03
# The viewer's azimuth, in the direction from axis 0 to axis 1, who looks at the front:
# shapes face low indices of axis 0.
FRONT = 180.0
_SAMPLES = 2  # samples per pixel along each axis (antialiasing)
# Range of the exposure, and the exponent that brightens shadows: such photos are
# taken in much light from all sides.
_EXPOSURE = (1.0, 1.35)
_BRIGHTEN = 0.75


def prepare_object(voxels: np.ndarray) -> Scene:
    """Compute what all pictures of an object share.

    Args:
        voxels: bool (S, S, S), axis 2 up, with at least one True; of a size that
            `fit_to_size` brings to 32^3.

    Returns:
        The scene, with the vertices in the cube [-1, 1]^3 of the volume.
    """
    voxels = fit_to_size(voxels, VOLUME)
    surface = smooth_surface(voxels, smooth=0.7, upsample=2)
    openness = ambient_light(voxels, surface)
    # Voxel i spans [i, i + 1]; its centre lies at linspace(-1, 1, VOLUME)[i].
    places = (surface.vertices - 0.5) * (2 / (VOLUME - 1)) - 1
    return Scene(Surface(places, surface.faces, surface.normals), openness)


def photograph(
    scene: Scene,
    azimuth: float,
    elevation: float,
    size: int,
    rng: np.random.Generator,
    class_name: str = "",
) -> np.ndarray:
    """Render an object in random colours and light, without a background.

    The picture is the smallest square around the object, with 3 % of its edge free on
    each side.

    Args:
        scene: the object, from `prepare_object`.
        azimuth: direction of the viewer, in degrees; 0 looks at the front, 90 at the
            side of the low indices of axis 1.
        elevation: angle of the viewer above the ground, in degrees.
        size: edge of the picture in pixels, H.
        rng: source of the random material, light and exposure.
        class_name: class of the object; a "car" has paint, windows and tyres.

    Returns:
        uint8 (H, H, 4): red, green, blue and alpha. Colours are not multiplied by
        alpha; transparent pixels are white.
    """
    axes = camera_axes(azimuth + FRONT, elevation)
    flat, nearness = _project(scene, axes, size * _SAMPLES)
    if class_name == "car":
        material = car_material(scene.surface, rng)
    else:
        material = random_material(scene.surface.vertices, rng)
    lamp = random_lamp(axes, rng)
    colours = light(scene, material, axes, lamp, rng) * rng.uniform(*_EXPOSURE)
    # The fourth channel is 1 where the object is.
    colours = colours.clip(0, 1) ** _BRIGHTEN
    colours = np.concatenate([colours, np.ones((len(colours), 1))], axis=1)
    picture = np.zeros((size * _SAMPLES, size * _SAMPLES, 4))
    draw(picture, scene, flat, nearness, colours)
    cells = picture.reshape(size, _SAMPLES, size, _SAMPLES, 4).mean(axis=(1, 3))
    alpha = cells[..., 3:]
    covered = alpha > 0
    plain = np.where(covered, cells[..., :3] / np.where(covered, alpha, 1), 1.0)
    return (np.concatenate([plain, alpha], axis=2) * 255 + 0.5).astype(np.uint8)


def _project(
    scene: Scene, axes: np.ndarray, pixels: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of the vertices in the picture (V, 2), and how near they are."""
    seen = scene.surface.vertices @ axes.T
    flat = seen[:, :2] / (DISTANCE - seen[:, 2:]) * (1, -1)
    low, high = flat.min(axis=0), flat.max(axis=0)
    scale = pixels / ((high - low).max() * (1 + 2 * MARGIN))
    return (flat - (low + high) / 2) * scale + pixels / 2, seen[:, 2]
