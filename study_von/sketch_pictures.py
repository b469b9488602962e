"""Pictures of what lies between a shape and its image: volume, silhouette, depth."""

import numpy as np

from common.images.grids import to_picture
from common.shapes.rendering import render_voxels
from study_von.config import Config
from study_von.projection import LEVEL
from study_von.sketches import DEPTH, SILHOUETTE, occupancy

# Darkest and lightest grey of an object in a picture of its depth, in [-1, 1]; the
# background is black.
FARTHEST, NEAREST = -0.5, 1.0


def draw_silhouette(maps: np.ndarray, size: int) -> np.ndarray:
    """Draw the silhouette of a sketch, white on black: uint8 (k H, k H, 3).

    Args:
        maps: float (H, H, C), see `sketches`.
        size: smallest height of the picture in pixels.
    """
    return to_picture(2 * maps[..., SILHOUETTE] - 1, size)


def draw_depth(maps: np.ndarray, size: int) -> np.ndarray:
    """Draw the depth of a sketch, near parts white: uint8 (k H, k H, 3).

    The greys span the depths of this object alone.

    Args:
        maps: float (H, H, C), see `sketches`.
        size: smallest height of the picture in pixels.
    """
    depth, covered = maps[..., DEPTH], maps[..., SILHOUETTE]
    # At edges, the depth is mixed with the background's.
    inside = covered > 0.9
    if not inside.any():
        return to_picture(np.full_like(depth, -1.0), size)
    low, high = depth[inside].min(), depth[inside].max()
    share = np.clip((depth - low) / max(high - low, 1e-6), 0, 1)
    grey = FARTHEST + (NEAREST - FARTHEST) * share
    return to_picture(covered * grey - (1 - covered), size)


def draw_volume(
    config: Config, volume: np.ndarray, azimuth: float, elevation: float, size: int
) -> np.ndarray:
    """Draw the surface of a volume from a viewpoint: uint8 (size, size, 3).

    Args:
        config: uses representation.
        volume: float (S, S, S, 1).
        azimuth: degrees; 0 looks at the front.
        elevation: degrees.
        size: edge of the picture in pixels.
    """
    solid = np.asarray(occupancy(config, volume[None]))[0, ..., 0]
    # `render_voxels` looks at the front from azimuth 180.
    return render_voxels(
        solid,
        image_size=size,
        azimuth=180.0 + azimuth,
        elevation=elevation,
        threshold=LEVEL,
    )


def view_label(azimuth: float, elevation: float) -> str:
    """Return the label of a viewpoint, such as "az. 30°, el. 20°"."""
    return f"az. {azimuth:.0f}°, el. {elevation:.0f}°"
