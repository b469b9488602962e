"""Images of many generated shapes, with what `test` needs to know of them."""

from typing import NamedTuple

import numpy as np

from study_von.config import Config
from study_von.generation import batch_size, make_volumes, paint, sketch_maps
from study_von.sketches import SILHOUETTE, channels_of
from study_von.training import Networks


class Images(NamedTuple):
    """Images of objects.

    Attributes:
        images: uint8 (N, H, H, 3).
        silhouettes: those of their sketches, float16 (N, H, H) in [0, 1]; None if they
            were not made from sketches.
    """

    images: np.ndarray
    silhouettes: np.ndarray | None = None


def paint_shapes(
    config: Config,
    networks: Networks,
    latents: np.ndarray,
    azimuths: np.ndarray,
    elevations: np.ndarray,
    z: np.ndarray,
) -> Images:
    """Return images of generated shapes.

    Volumes and sketches of a few shapes are in memory at a time.

    Args:
        config: options of the run.
        networks: networks of the run.
        latents: latents of the shapes, (N, latent_dim).
        azimuths: degrees (N,).
        elevations: degrees (N,).
        z: latents of the textures, (N, d).
    """
    images, silhouettes = [], []
    step = batch_size(config)
    for start in range(0, len(latents), step):
        part = slice(start, start + step)
        maps = shape_maps(
            config, networks, latents[part], azimuths[part], elevations[part]
        )
        images.append(paint(networks, maps, z[part]))
        silhouettes.append(maps[..., SILHOUETTE][..., 0].astype(np.float16))
    return Images(np.concatenate(images), np.concatenate(silhouettes))


def shape_maps(
    config: Config,
    networks: Networks,
    latents: np.ndarray,
    azimuths: np.ndarray,
    elevations: np.ndarray,
) -> np.ndarray:
    """Return sketches of generated shapes, float32 (N, H, H, C)."""
    volumes = make_volumes(config, networks, latents)
    return sketch_maps(config, volumes, azimuths, elevations)


def paint_maps(
    config: Config, networks: Networks, maps: np.ndarray, z: np.ndarray
) -> np.ndarray:
    """Return images of many sketches, uint8 (N, H, H, 3).

    Args:
        config: uses texture.
        networks: networks of the run.
        maps: sketches (N, H, H, C); maps that the network does not use are left out.
        z: latents of the textures, (N, d).
    """
    step, used = batch_size(config), channels_of(config)
    parts = [
        paint(networks, maps[start : start + step, ..., :used], z[start : start + step])
        for start in range(0, len(maps), step)
    ]
    return np.concatenate(parts)
