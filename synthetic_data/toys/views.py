"""Pictures of a toy: drawn once for each camera, then under each lighting."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from common.shapes.surface import Surface, covered_pixels
from synthetic_data.toys.camera import Camera, place_cameras, turned
from synthetic_data.toys.lighting import LitToy, ground_brightness, light_toy

SIZE = 96  # edge of the images of smallNORB, pixels
_OVERSAMPLING = 2  # samples per pixel and axis


class Toy(NamedTuple):
    """A toy: x points to its front, y to its left and z up; it stands on z = 0.

    Attributes:
        surface: its surface, at most 1 from the centre of its bounding box.
        openness: share of the room's light that reaches each vertex, float (V,).
    """

    surface: Surface
    openness: np.ndarray


def draw_views(
    toy: Toy,
    azimuth: float,
    elevations: Sequence[float],
    lightings: Sequence[int],
    size: int = SIZE,
) -> np.ndarray:
    """Draw a toy at one azimuth.

    Args:
        toy: the toy.
        azimuth: rotation of the turntable, degrees; see `camera`.
        elevations: angles of the cameras above the ground, degrees.
        lightings: codes of the lightings, 0 to 5 each.
        size: edge of the images, pixels.

    Returns:
        uint8 (elevations, lightings, 2, size, size); axis 2 is the left and the right
        camera.
    """
    lit = [light_toy(*toy, azimuth, lighting) for lighting in lightings]
    surface = toy.surface
    places = turned(surface.vertices, azimuth)
    views = np.empty((len(elevations), len(lit), 2, size, size), np.uint8)
    for row, elevation in enumerate(elevations):
        cameras = place_cameras(surface.vertices, elevation, size)
        for side, camera in enumerate(cameras):
            views[row, :, side] = _draw(places, surface.faces, lit, camera)
    return views


def _draw(
    places: np.ndarray, faces: np.ndarray, lit: list[LitToy], camera: Camera
) -> np.ndarray:
    """Draw what one camera sees under all lightings.

    Args:
        places: vertices in the world, float (V, 3).
        faces: int (F, 3), indices of vertices.
        lit: the toy under each lighting.
        camera: the camera.

    Returns:
        uint8 (lightings, size, size).
    """
    size, fine = camera.size, camera.size * _OVERSAMPLING
    pixels, corners, weights = _visible_samples(places, faces, camera, fine)
    coverage = _averaged(pixels, np.ones(len(pixels), np.float32), size)
    ground = camera.ground()
    images = np.empty((len(lit), size, size), np.uint8)
    for image, (brightness, shadow) in zip(images, lit, strict=True):
        samples = np.einsum("sk,sk->s", brightness[corners], weights)
        behind = ground_brightness(shadow, ground)
        mixed = _averaged(pixels, samples, size) + (1 - coverage) * behind
        image[:] = np.clip(255 * mixed, 0, 255).round()
    return images


def _visible_samples(
    places: np.ndarray, faces: np.ndarray, camera: Camera, fine: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the samples of an image that show the toy.

    Args:
        places: vertices in the world, float (V, 3).
        faces: int (F, 3), indices of vertices.
        camera: the camera.
        fine: samples along each axis of the image.

    Returns:
        Arrays of the same length: flat index of the sample, the three vertices of the
        triangle it shows (S, 3), and their weights (S, 3).
    """
    seen, depth = camera.project(places)
    seen *= fine / camera.size
    triangles = seen[faces]
    # Leave out triangles that show their back.
    u, v = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    front = np.flatnonzero(u[:, 0] * v[:, 1] < u[:, 1] * v[:, 0])
    # Draw the triangles from far to near, so that nearer ones cover others. They are
    # hardly larger than a sample, so the depth of one corner is enough.
    order = front[np.argsort(-depth[faces[front, 0]], kind="stable")]
    parts = list(covered_pixels(triangles[order], fine, fine))
    index, x, y, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
    nearest = np.full(fine * fine, -1)
    nearest[y * fine + x] = np.arange(len(index))  # the last of equal places wins
    pixels = np.flatnonzero(nearest >= 0)
    chosen = nearest[pixels]
    return pixels, faces[order[index[chosen]]], weights[chosen].astype(np.float32)


def _averaged(pixels: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    """Return an image of the means of samples, 0 where none was given.

    Args:
        pixels: flat indices of the samples given.
        values: their values, float32.
        size: edge of the image, pixels.
    """
    samples = np.zeros((size * _OVERSAMPLING) ** 2, np.float32)
    samples[pixels] = values
    blocks = samples.reshape(size, _OVERSAMPLING, size, _OVERSAMPLING)
    return np.einsum("ykxl->yx", blocks) / _OVERSAMPLING**2
