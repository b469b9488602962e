"""The two cameras that look at a toy on a turntable.

In the world, x points to the right, y away from the cameras and z up. The toy stands on
the plane z = 0. At azimuth 0 its front faces the cameras; the turntable turns
counter-clockwise seen from above, so that at 90 degrees the front points to the right.
"""

import math
from typing import NamedTuple

import numpy as np

AZIMUTHS = tuple(range(0, 360, 20))  # degrees, azimuth code times 10
ELEVATIONS = tuple(range(30, 75, 5))  # degrees, one for each elevation code
DISTANCE = 5.0  # from the cameras to the centre of a toy of radius 1
BASELINE = 0.7  # distance between the two cameras
FILL = 0.75  # largest extent of a toy, as a share of the edge of the image
_SPARSE = 5  # one in so many vertices is enough to measure the extent


class Camera(NamedTuple):
    """A camera.

    The left and right camera look in parallel directions, with sensors shifted so
    that the centre of the toy is at the same place in both images.

    Attributes:
        elevation: angle above the ground, radians.
        x: position to the right of the middle between the two cameras.
        focus: height of the point at which the cameras are aimed.
        focal_length: in pixels.
        y_middle: height in the image of what is shown in its middle, pixels.
        size: edge of the image, pixels.
    """

    elevation: float
    x: float
    focus: float
    focal_length: float
    y_middle: float
    size: int

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where points of the world are seen.

        Args:
            points: float (..., 3).

        Returns:
            Places (..., 2) as x to the right and y down, pixels, where pixel i spans
            [i, i + 1]; and the distances (...) from the plane of the cameras.
        """
        sin, cos = math.sin(self.elevation), math.cos(self.elevation)
        x, y, z = points[..., 0], points[..., 1], points[..., 2] - self.focus
        depth = DISTANCE + y * cos - z * sin
        right = (x - self.x) / depth + self.x / DISTANCE
        up = (y * sin + z * cos) / depth
        half = self.size / 2
        places = (
            half + self.focal_length * right,
            half + self.y_middle - self.focal_length * up,
        )
        return np.stack(places, axis=-1), depth

    def ground(self) -> np.ndarray:
        """Return the point of the ground that each pixel shows.

        Returns:
            float (size, size, 2): x and y in the world at the centres of the pixels.
        """
        sin, cos = math.sin(self.elevation), math.cos(self.elevation)
        centres = np.arange(self.size) + 0.5 - self.size / 2
        right = centres / self.focal_length - self.x / DISTANCE
        up = (self.y_middle - centres) / self.focal_length
        # The depth at which the ray reaches z = 0.
        depth = (DISTANCE * sin + self.focus) / (sin - up * cos)
        y = up * depth * sin + (depth - DISTANCE) * cos
        x = self.x + right[None, :] * depth[:, None]
        return np.stack([x, np.broadcast_to(y[:, None], x.shape)], axis=-1)


def turned(points: np.ndarray, azimuth: float) -> np.ndarray:
    """Return points or directions of a toy in the world.

    Args:
        points: float (N, 3), x to the toy's front, y to its left.
        azimuth: rotation of the turntable, degrees.
    """
    sin, cos = math.sin(math.radians(azimuth)), math.cos(math.radians(azimuth))
    x, y = points[:, 0], points[:, 1]
    return np.stack([sin * x + cos * y, sin * y - cos * x, points[:, 2]], axis=1)


def place_cameras(
    vertices: np.ndarray, elevation: float, size: int
) -> tuple[Camera, Camera]:
    """Return the left and the right camera for one elevation.

    The focal length is the same at all azimuths: the toy's largest extent over all of
    them fills `FILL` of the image.

    Args:
        vertices: float (V, 3), those of the toy.
        elevation: angle above the ground, degrees.
        size: edge of the image, pixels.
    """
    middle = Camera(
        elevation=math.radians(elevation),
        x=0.0,
        focus=float(vertices[:, 2].max()) / 2,
        focal_length=1.0,
        y_middle=0.0,
        size=0,
    )
    few = vertices[::_SPARSE]
    places = np.concatenate([middle.project(turned(few, a))[0] for a in AZIMUTHS])
    low, high = places.min(axis=0), places.max(axis=0)
    half = max(abs(low[0]), abs(high[0]), (high[1] - low[1]) / 2)
    focal_length = FILL * size / 2 / float(half)
    aimed = middle._replace(
        focal_length=focal_length,
        y_middle=-focal_length * float(low[1] + high[1]) / 2,
        size=size,
    )
    return aimed._replace(x=-BASELINE / 2), aimed._replace(x=BASELINE / 2)
