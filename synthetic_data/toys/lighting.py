"""Light and shadow: six lightings of a toy and of the ground on which it stands."""

import math
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from common.shapes.surface import Surface
from synthetic_data.toys.camera import turned


class Lighting(NamedTuple):
    """A lamp and the light of the room.

    Attributes:
        azimuth: direction of the lamp seen from the toy, degrees; 0 is to the right,
            90 behind the toy, 180 to the left and 270 on the side of the cameras.
        height: angle of the lamp above the ground, degrees.
        lamp: brightness of a surface that faces the lamp, without the room's light.
        room: brightness of a surface that only the room's light reaches.
        ground: brightness of the ground outside of the shadow, 0 to 1.
        shadow: share of the light that is missing in the middle of the shadow.
    """

    azimuth: float
    height: float
    lamp: float
    room: float
    ground: float
    shadow: float


# One for each lighting code.
LIGHTINGS = (
    Lighting(215, 52, lamp=0.58, room=0.24, ground=0.98, shadow=0.45),
    Lighting(320, 60, lamp=0.48, room=0.27, ground=0.90, shadow=0.35),
    Lighting(350, 48, lamp=0.40, room=0.16, ground=0.70, shadow=0.45),
    Lighting(150, 50, lamp=0.46, room=0.18, ground=0.78, shadow=0.45),
    Lighting(270, 78, lamp=0.44, room=0.34, ground=0.96, shadow=0.25),
    Lighting(60, 55, lamp=0.50, room=0.26, ground=0.86, shadow=0.40),
)
# The shadow map: cells along each side, and half of the side's length.
_SHADOW_CELLS = 128
_SHADOW_REACH = 3.0
_LAMP_RADIUS = 3.5  # half of the angle under which the lamp is seen, degrees
_DEPTH_CELL = 0.05  # cell of the map of depths seen from the lamp
# A vertex counts as visible up to this depth behind the nearest one in its cell, after
# moving it out of the surface.
_DEPTH_BIAS = 0.04
_MOVED_OUT = 0.06


class LitToy(NamedTuple):
    """A toy at one azimuth under one lighting.

    Attributes:
        brightness: float32 (V,), of each vertex, 0 to about 1.
        shadow: float32 (cells, cells), brightness of the ground on a grid whose axes
            are x and y of the world.
    """

    brightness: np.ndarray
    shadow: np.ndarray


def light_toy(
    surface: Surface, openness: np.ndarray, azimuth: float, lighting: int
) -> LitToy:
    """Return how bright a toy and the ground around it are.

    The toy is matt: its brightness does not depend on the camera.

    Args:
        surface: surface of the toy.
        openness: share of the room's light that reaches each vertex, float (V,).
        azimuth: rotation of the turntable, degrees.
        lighting: code of the lighting, 0 to 5.
    """
    light = LIGHTINGS[lighting]
    places = turned(surface.vertices, azimuth)
    normals = turned(surface.normals, azimuth)
    lamp = _direction(light.azimuth, light.height)
    facing = np.maximum(normals @ lamp, 0) * _visible(places, normals, lamp)
    # The room's light comes mostly from above, and the ground reflects a part of it.
    room = openness * (0.78 + 0.22 * normals[:, 2])
    brightness = light.lamp * facing + light.room * room
    return LitToy(brightness.astype(np.float32), _shadow(places, light))


def ground_brightness(shadow: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the brightness of points of the ground.

    Args:
        shadow: the grid of `LitToy`.
        points: float (..., 2), x and y in the world.
    """
    cells = (points / _SHADOW_REACH + 1) * (_SHADOW_CELLS / 2) - 0.5
    return ndimage.map_coordinates(
        shadow, np.moveaxis(cells, -1, 0), order=1, mode="nearest"
    )


def _direction(azimuth: float, height: float) -> np.ndarray:
    """Return the unit vector towards a lamp, from angles in degrees."""
    turn, rise = math.radians(azimuth), math.radians(height)
    flat = math.cos(rise)
    direction = flat * math.cos(turn), flat * math.sin(turn), math.sin(rise)
    return np.array(direction, np.float32)


def _visible(places: np.ndarray, normals: np.ndarray, lamp: np.ndarray) -> np.ndarray:
    """Return how much of the lamp each vertex sees, 0 to 1.

    A vertex is in shadow if another one in its cell, seen from the lamp, is nearer to
    the lamp (shadow map). The answers of the four cells around it are interpolated.

    Reference: Reeves et al., "Rendering antialiased shadows with depth maps", 1987.
    """
    across = np.cross(lamp, [0.0, 0.0, 1.0])
    across /= np.linalg.norm(across)
    frame = np.stack([across, np.cross(across, lamp), lamp], axis=1)
    frame = frame.astype(np.float32)
    seen = places @ frame
    low = seen[:, :2].min(axis=0)
    own = ((seen[:, :2] - low) / _DEPTH_CELL + 3.0).astype(np.intp)
    width = int(own.max()) + 4
    nearest = np.full(width * width, -np.inf, np.float32)
    np.maximum.at(nearest, own[:, 0] * width + own[:, 1], seen[:, 2])
    # Moved out, vertices of surfaces that the lamp grazes do not shade one another.
    moved = (places + _MOVED_OUT * normals) @ frame
    cells = (moved[:, :2] - low) / _DEPTH_CELL + 2.5
    base = np.floor(cells).astype(np.intp)
    part = (cells - base).astype(np.float32)
    visible = np.zeros(len(places), np.float32)
    for i in (0, 1):
        for j in (0, 1):
            cell = (base[:, 0] + i) * width + base[:, 1] + j
            weight = np.abs(1 - i - part[:, 0]) * np.abs(1 - j - part[:, 1])
            visible += weight * (nearest[cell] <= moved[:, 2] + _DEPTH_BIAS)
    return visible


def _shadow(places: np.ndarray, light: Lighting) -> np.ndarray:
    """Return the brightness of the ground on a grid; see `LitToy`."""
    # The lamp is a disc, so that shadows of high parts are softer: average those of
    # some of its points.
    covered = np.zeros((_SHADOW_CELLS, _SHADOW_CELLS), np.float32)
    wide = _LAMP_RADIUS / math.cos(math.radians(light.height))
    offsets = ((0, 0), (wide, 0), (-wide, 0), (0, _LAMP_RADIUS), (0, -_LAMP_RADIUS))
    for turn, rise in offsets:
        lamp = _direction(light.azimuth + turn, light.height + rise)
        hit = places[:, :2] - places[:, 2:] * (lamp[:2] / lamp[2])
        covered += _cells_hit(hit) / len(offsets)
    covered = ndimage.gaussian_filter(covered, 1.0)
    # The room's light is missing only close to the toy, where it hides much of the sky.
    low = places[places[:, 2] < 0.45]
    close = ndimage.gaussian_filter(_cells_hit(low[:, :2]), 3.0)
    return light.ground * (1 - light.shadow * covered) * (1 - 0.35 * close)


def _cells_hit(points: np.ndarray) -> np.ndarray:
    """Return 1 for each cell of the shadow map with a point in it, else 0."""
    cells = ((points / _SHADOW_REACH + 1) * (_SHADOW_CELLS / 2)).astype(np.intp)
    cells = np.clip(cells, 0, _SHADOW_CELLS - 1)
    hit = np.zeros((_SHADOW_CELLS, _SHADOW_CELLS), np.float32)
    hit[cells[:, 0], cells[:, 1]] = 1.0
    return ndimage.grey_closing(hit, 3)
