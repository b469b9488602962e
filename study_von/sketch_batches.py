"""Sketches of many volumes, some at a time, so that the memory is bounded."""

import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from study_von.config import Config
from study_von.sketches import make_sketches

Sketcher = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
# Values along all rays of a batch of sketches: bounds the memory.
BATCH_VALUES = 2**25


def batch_size(config: Config) -> int:
    """Return how many sketches to make at a time, 1 to 32."""
    whole = config.projection_pixels or config.image_size
    edge = max(whole, config.rays * config.image_size)
    values = round(config.samples_per_voxel * config.size) * edge**2
    return int(np.clip(BATCH_VALUES // values, 1, 32))


def sketch_maps(
    config: Config,
    volumes: np.ndarray,
    azimuths: np.ndarray,
    elevations: np.ndarray,
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """Return the sketches of volumes: float32 (N, H, H, C); see `sketches`.

    Args:
        config: options of the run.
        volumes: float (N, S, S, S, 1).
        azimuths: float (N,), degrees; 0 looks at the front.
        elevations: float (N,), degrees.
        rows: int (N,), the volume of each sketch; by default its own.
    """
    rows = np.arange(len(azimuths)) if rows is None else rows
    step, sketch = batch_size(config), sketcher(config)
    parts = []
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        solid = np.asarray(volumes[rows[part]], np.float32)
        angles = [np.asarray(a[part], np.float32) for a in (azimuths, elevations)]
        parts.append(sketch(solid, *angles).numpy())
    return np.concatenate(parts)


@functools.lru_cache(8)
def sketcher(config: Config) -> Sketcher:
    """Return `make_sketches` as a graph, which is traced once for all calls."""
    edge = config.size
    angles = tf.TensorSpec((None,), tf.float32)
    return tf.function(
        lambda volumes, azimuths, elevations: make_sketches(
            config, volumes, azimuths, elevations
        ),
        [tf.TensorSpec((None, edge, edge, edge, 1), tf.float32), angles, angles],
    )
