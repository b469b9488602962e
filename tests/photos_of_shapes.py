"""Photos of voxel shapes, made by hand, for tests of study_3dvaegan."""

import numpy as np

from common.shapes.store import VoxelStore
from study_3dvaegan.data import Pairs

ELEVATIONS = (0.0, 15.2, 29.8)


def make_pairs(shapes: np.ndarray, images: np.ndarray, views: int = 1) -> Pairs:
    """Return photos of shapes.

    Args:
        shapes: bool (N, S, S, S).
        images: uint8 (N * views, H, H, 3), the views of each shape one after another.
        views: photos of each shape.
    """
    count = len(images)
    return Pairs(
        images=images,
        shape_rows=np.repeat(np.arange(len(shapes)), views),
        elevations=np.resize(np.array(ELEVATIONS, np.float32), count),
        names=tuple(f"shape {n // views} view {n % views}" for n in range(count)),
        shapes=VoxelStore.from_array(shapes),
    )


def silhouettes(shapes: np.ndarray, views: int = 3, seed: int = 0) -> Pairs:
    """Return noisy photos, 64 x 64, of 32^3 shapes: their outlines from the side.

    Args:
        shapes: bool (N, 32, 32, 32).
        views: photos of each shape.
        seed: seed of the noise.
    """
    rng = np.random.default_rng(seed)
    outlines = shapes.any(axis=1).repeat(2, axis=1).repeat(2, axis=2)  # (N, 64, 64)
    images = np.repeat(np.where(outlines, 60, 200)[..., None], views, axis=0)
    images = images + rng.integers(-20, 20, (*images.shape[:3], 3))
    return make_pairs(shapes, images.astype(np.uint8), views)
