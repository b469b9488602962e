"""Volumes to look at: of the shape network, without fragments, or of a file."""

import dataclasses
import logging
from pathlib import Path

import keras
import numpy as np
from scipy import ndimage

from common.errors import UserError
from common.gan.latents import sample_latents
from common.shapes.voxels import without_fragments
from study_von.config import Config
from study_von.given_shapes import Up, read_shape
from study_von.sketch_batches import batch_size, sketch_maps
from study_von.sketches import SILHOUETTE, solid_level

# How often a shape that no ray hits is replaced by another [published code].
REDRAWS = 10
# Difference of the seeds of one draw and the next.
NEXT_DRAW = 1_000_003
logger = logging.getLogger(__name__)


def make_volumes(
    config: Config, generator: keras.Model, latents: np.ndarray
) -> np.ndarray:
    """Return the volumes that a generator makes of latents, without fragments.

    Args:
        config: options of the run.
        generator: z -> volumes.
        latents: float32 (N, latent_dim).

    Returns:
        float16 (N, S, S, S, 1) in [0, 1], half of the memory of float32.
    """
    step = batch_size(config)
    parts = [
        np.asarray(
            generator(latents[start : start + step], training=False),
            np.float16,
        )
        for start in range(0, len(latents), step)
    ]
    volumes = np.concatenate(parts)
    for volume in volumes[..., 0]:
        clear_fragments(volume, solid_level(config))
    return volumes


def clear_fragments(volume: np.ndarray, level: float) -> None:
    """Empty the voxels of a volume that belong to loose fragments, in place.

    Args:
        volume: float (S, S, S) in [0, 1].
        level: value above which a voxel belongs to the shape.
    """
    filled = volume > level
    loose = filled & ~without_fragments(filled)
    if loose.any():
        # Around a fragment, values fall to 0 over a voxel or two.
        near = ndimage.binary_dilation(loose, np.ones((3, 3, 3)), iterations=2)
        body = ndimage.binary_dilation(filled & ~loose)
        volume[near & ~body] = 0


def draw_latents(
    config: Config, generator: keras.Model, count: int, seed: int
) -> np.ndarray:
    """Draw latents of shapes that can be seen: float32 (count, latent_dim).

    A latent whose shape is empty is drawn again, up to ten times.

    Args:
        config: options of the run.
        generator: z -> volumes.
        count: number of latents.
        seed: seed of the latents; the same seed gives the same latents.
    """
    latents = sample_latents(config, count, seed)
    missing, step = np.arange(count), 16 * batch_size(config)
    for draw in range(REDRAWS + 1):
        if draw:
            again = sample_latents(config, count, seed + NEXT_DRAW * draw)
            latents[missing] = again[missing]
        parts = [
            is_empty(config, make_volumes(config, generator, latents[some]))
            for some in np.split(missing, range(step, len(missing), step))
        ]
        missing = missing[np.concatenate(parts)]
        if not len(missing):
            return latents
    logger.warning(
        "%d of %d shapes are empty, and their images white; train the stage shape "
        "for longer",
        len(missing),
        count,
    )
    return latents


def draw_volumes(
    config: Config,
    generator: keras.Model,
    count: int,
    seed: int,
    shape: Path | None = None,
    up: Up = "z",
) -> np.ndarray:
    """Return volumes that can be seen: float16 (count, S, S, S, 1).

    Args:
        config: options of the run.
        generator: z -> volumes.
        count: number of volumes.
        seed: seed of the latents; the same seed gives the same volumes.
        shape: file of a shape that all volumes are; by default they are generated.
        up: axis that points up in a mesh file.

    Raises:
        UserError: the file cannot be used; see `read_shape`.
    """
    if shape is None:
        latents = draw_latents(config, generator, count, seed)
        return make_volumes(config, generator, latents)
    volume = visible_shape(config, shape, up)
    return np.broadcast_to(volume, (count, *volume.shape))


def visible_shape(config: Config, shape: Path, up: Up) -> np.ndarray:
    """Read a shape that can be seen: float16 (S, S, S, 1); see `read_shape`.

    Raises:
        UserError: the file cannot be used, or all parts are too thin.
    """
    volume = read_shape(shape, config, up).astype(np.float16)
    if is_empty(config, volume[None])[0]:
        raise UserError(
            f"--shape {shape}: no ray hits the shape; choose one with larger parts"
        )
    return volume


def is_empty(config: Config, volumes: np.ndarray) -> np.ndarray:
    """Return for each volume whether no ray hits it: bool (N,).

    A sketch of few pixels from one side decides.

    Args:
        config: options of the run.
        volumes: float (N, S, S, S, 1).
    """
    coarse = dataclasses.replace(
        config, image_size=32, projection_pixels=48, texture="published"
    )
    count = len(volumes)
    sides = np.full(count, 30.0), np.full(count, 20.0)
    silhouettes = sketch_maps(coarse, volumes, *sides)[..., SILHOUETTE]
    return ~silhouettes.any(axis=(1, 2, 3))
