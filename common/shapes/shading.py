"""Camera, light and shadow: drawing a surface as pixels."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from common.shapes.surface import Surface, ambient_light, covered_pixels

PAPER = (246, 247, 250)  # background, sRGB
# Direction to the light in the camera's axes: right, up, towards the viewer.
LAMP = np.array([-0.45, 0.62, 0.65]) / np.linalg.norm([-0.45, 0.62, 0.65])


class Camera(NamedTuple):
    """A perspective camera that looks at `centre`; lengths in voxels.

    Attributes:
        axes: float (3, 3), rows: right, up, towards the viewer.
        centre: float (3,), the point the camera looks at.
        half: half of the picture's side, measured at the depth of `centre`.
        distance: distance between the camera and `centre`.
        pixels: side of the picture in pixels, before antialiasing reduces it.
    """

    axes: np.ndarray
    centre: np.ndarray
    half: float
    distance: float
    pixels: int

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Project points (V, 3) to the picture.

        Args:
            points: float (V, 3), positions in voxels.

        Returns:
            Pixel positions (V, 2), and depths (V,) in voxels; larger is nearer.
        """
        right, up, depth = ((points - self.centre) @ self.axes.T).T
        # Limit the depth, so that no point far in front of the frame ends up
        # behind the camera.
        away = self.distance - np.minimum(depth, 0.8 * self.distance)
        zoom = self.distance / away * self.pixels / (2 * self.half)
        flat = np.stack([right * zoom, -up * zoom], axis=1)
        return flat + self.pixels / 2, depth


def place_camera(
    frame: np.ndarray, azimuth: float, elevation: float, pixels: int
) -> Camera:
    """Return a camera that shows the whole bounding box of a shape.

    Args:
        frame: bool (S, S, S) with at least one True.
        azimuth: direction of the viewer, in degrees from axis 0 towards axis 1.
        elevation: angle of the viewer above the ground, -90 to 90 degrees.
        pixels: side of the picture in pixels.

    Returns:
        The camera. Its scale does not depend on the azimuth, so that a turning
        shape keeps its size.
    """
    filled = np.argwhere(frame)
    low, high = filled.min(axis=0), filled.max(axis=0) + 1
    width, depth, height = (high - low) / 2
    radius = np.hypot(width, depth)
    turn, tilt = np.radians([azimuth, elevation])
    back = np.array(
        [np.cos(tilt) * np.cos(turn), np.cos(tilt) * np.sin(turn), np.sin(tilt)]
    )
    right = np.array([-np.sin(turn), np.cos(turn), 0.0])
    axes = np.stack([right, np.cross(back, right), back])
    rise = height * np.cos(tilt) + radius * abs(np.sin(tilt))
    half = 1.12 * max(radius, rise)
    return Camera(axes, (low + high) / 2, half, 7 * half, pixels)


def draw_surface(
    picture: np.ndarray,
    solid: np.ndarray,
    surface: Surface,
    camera: Camera,
    color: tuple[float, float, float],
) -> None:
    """Draw the visible part of a surface into a picture, in place.

    Args:
        picture: float (P, P, 3) in [0, 1]; P is the camera's `pixels`.
        solid: bool (S, S, S), the shape.
        surface: surface of the shape, in voxels.
        camera: camera that looks at the shape.
        color: red, green, blue of the shape in [0, 1].
    """
    # Rasterise: find every pixel that every triangle covers.
    flat, depth = camera.project(surface.vertices)
    found = covered_pixels(flat[surface.faces], camera.pixels, camera.pixels)
    face, x, y, weights = (np.concatenate(part) for part in zip(*found, strict=True))
    # Write the pixels from far to near, so that the nearest triangle remains.
    corners = surface.faces[face]
    order = np.argsort((depth[corners] * weights).sum(axis=1), kind="stable")
    nearest = np.full(camera.pixels**2, -1)
    nearest[(y * camera.pixels + x)[order]] = order
    # Shade the visible points with normals and light interpolated from corners.
    hit = np.flatnonzero(nearest >= 0)
    seen = nearest[hit]
    corners, weights = corners[seen], weights[seen]
    normals = (surface.normals[corners] * weights[:, :, None]).sum(axis=1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
    openness = (ambient_light(solid, surface)[corners] * weights).sum(axis=1)
    picture.reshape(-1, 3)[hit] = _shade(normals, openness, camera, color)


def _shade(normals, openness, camera: Camera, color) -> np.ndarray:
    """Return the colours (P, 3) of surface points.

    They sum diffuse light of the lamp (Lambert), light of the sky from above, a
    highlight (Blinn-Phong) and a brighter rim.
    """
    seen = normals @ camera.axes.T
    lamp = np.clip(seen @ LAMP, 0, 1)
    sky = 0.5 + 0.5 * normals[:, 2]
    light = (0.34 + 0.22 * sky) * openness + 0.60 * lamp * (0.45 + 0.55 * openness)
    halfway = LAMP + [0, 0, 1]
    gloss = np.clip(seen @ (halfway / np.linalg.norm(halfway)), 0, 1) ** 30
    rim = (1 - np.clip(seen[:, 2], 0, 1)) ** 3
    white = (0.12 * gloss + 0.10 * rim) * openness
    return np.asarray(color) * light[:, None] + white[:, None]


def draw_ground(solid: np.ndarray, camera: Camera) -> np.ndarray:
    """Return the background with the shape's shadow on the ground.

    Args:
        solid: bool (S, S, S) with at least one True.
        camera: camera that looks at the shape.

    Returns:
        float (P, P, 3) in [0, 1]; P is the camera's `pixels`. It has no shadow if
        the camera is not above the ground.
    """
    size = camera.pixels
    picture = np.full((size, size, 3), np.array(PAPER) / 255)
    towards = camera.axes[2]
    if towards[2] < 0.05:  # seen from below or edge-on, the ground is not visible
        return picture
    floor = int(np.flatnonzero(solid.any(axis=(0, 1)))[0])
    shadow, origin = _shadow_map(solid, floor, LAMP @ camera.axes)
    # Intersect the ray of each pixel with the ground; look up the shadow there.
    side = (np.arange(size) + 0.5 - size / 2) * 2 * camera.half / size
    right, up = np.meshgrid(side, -side)
    ray = np.stack([right, up, np.full_like(right, -camera.distance)], -1) @ camera.axes
    eye = camera.centre + towards * camera.distance
    reach = (floor - eye[2]) / np.where(ray[..., 2] < -1e-6, ray[..., 2], -1e-6)
    place = eye[:2] + ray[..., :2] * reach[..., None] + origin - 0.5
    dark = ndimage.map_coordinates(shadow, np.moveaxis(place, -1, 0), order=1)
    return picture * (1 - dark[..., None] * np.array([1.0, 0.95, 0.88]))


def _shadow_map(solid, floor: int, lamp) -> tuple[np.ndarray, np.ndarray]:
    """Return the darkness of the ground seen from above, and voxel (0, 0) in it.

    It has two parts: the shadow that the shape casts away from the lamp, and a
    dark contact shadow right below the parts that are close to the ground.
    """
    width, depth, height = solid.shape
    slope = np.clip(-lamp[:2] / max(lamp[2], 0.1), -1, 1)
    thrown = np.zeros((width + 2 * height, depth + 2 * height), np.float32)
    patch = np.zeros_like(thrown)
    for level in range(floor, height):
        layer = solid[:, :, level]
        across, along = height + np.rint(slope * (level - floor)).astype(int)
        view = thrown[across : across + width, along : along + depth]
        np.maximum(view, layer, out=view)
        view = patch[height : height + width, height : height + depth]
        near = np.float32(np.exp(-(level - floor) / (0.1 * height)))
        np.maximum(view, layer * near, out=view)
    blur = 0.03 * max(solid.shape)
    dark = ndimage.gaussian_filter(0.24 * thrown + 0.45 * patch, blur)
    return dark, np.array([height, height])
