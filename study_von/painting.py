"""Images of volumes or of generated shapes, some at a time; textures of photos."""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
from tqdm import tqdm

from common.images.pixels import to_bytes, to_floats
from study_von.config import Config
from study_von.sketch_batches import batch_size, sketch_maps
from study_von.sketches import SILHOUETTE, channels_of
from study_von.training import Networks
from study_von.volumes import make_volumes


class Images(NamedTuple):
    """Images of objects.

    Attributes:
        images: uint8 (N, H, H, 3).
        silhouettes: those of their sketches, float16 (N, H, H) in [0, 1]; None if they
            were not made from sketches.
    """

    images: np.ndarray
    silhouettes: np.ndarray | None = None


def make_images(
    config: Config,
    networks: Networks,
    volumes: np.ndarray,
    azimuths: np.ndarray,
    elevations: np.ndarray,
    textures: np.ndarray,
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """Return the images of shapes from viewpoints with textures.

    Args:
        config: options of the run.
        networks: networks of the run.
        volumes: float (N, S, S, S, 1).
        azimuths: float (N,), degrees; 0 looks at the front.
        elevations: float (N,), degrees.
        textures: float32 (N, d), latents.
        rows: int (N,), the volume of each image; by default its own.

    Returns:
        uint8 (N, H, H, 3). An object that no ray hits gives a white image.
    """
    rows = np.arange(len(azimuths)) if rows is None else rows
    step = batch_size(config)
    bar = tqdm(range(0, len(rows), step), "making images", disable=None, leave=False)
    parts = []
    for start in bar:
        part = slice(start, start + step)
        sketches = sketch_maps(
            config, volumes, azimuths[part], elevations[part], rows[part]
        )
        parts.append(paint(config, networks, sketches, textures[part]))
    return np.concatenate(parts)


def paint_shapes(
    config: Config,
    networks: Networks,
    latents: np.ndarray,
    azimuths: np.ndarray,
    elevations: np.ndarray,
    textures: np.ndarray,
) -> Images:
    """Return images of generated shapes.

    Volumes and sketches of a few shapes are in memory at a time.

    Args:
        config: options of the run.
        networks: networks of the run.
        latents: latents of the shapes, (N, latent_dim).
        azimuths: degrees (N,).
        elevations: degrees (N,).
        textures: their latents, (N, d).
    """
    images, silhouettes = [], []
    step = batch_size(config)
    for start in range(0, len(latents), step):
        part = slice(start, start + step)
        volumes = make_volumes(config, networks.shape_generator, latents[part])
        maps = sketch_maps(config, volumes, azimuths[part], elevations[part])
        images.append(paint(config, networks, maps, textures[part]))
        silhouettes.append(maps[..., SILHOUETTE][..., 0].astype(np.float16))
    return Images(np.concatenate(images), np.concatenate(silhouettes))


def paint(
    config: Config, networks: Networks, sketches: np.ndarray, textures: np.ndarray
) -> np.ndarray:
    """Return the images of sketches and textures: uint8 (N, H, H, 3).

    Args:
        config: options of the run.
        networks: networks of the run.
        sketches: float (N, H, H, C); maps that the network does not use are left out.
        textures: float32 (N, d), latents.
    """
    step, used = batch_size(config), channels_of(config)
    parts = []
    for start in range(0, len(sketches), step):
        part = slice(start, start + step)
        inputs = [sketches[part, ..., :used], textures[part]]
        parts.append(np.asarray(networks.texture_generator(inputs, training=False)))
    return to_bytes(np.concatenate(parts))


def encode_textures(
    encoder: keras.Model, images: Sequence[np.ndarray], batch: int = 32
) -> np.ndarray:
    """Return the encoder's means of photos: float32 (N, d).

    Args:
        encoder: image (B, H, H, 3) in [-1, 1] -> mean and log-variance (B, d).
        images: uint8 (H, H, 3) each.
        batch: number of photos at a time.
    """
    means = [
        encoder(to_floats(np.stack(images[start : start + batch])), training=False)[0]
        for start in range(0, len(images), batch)
    ]
    return np.concatenate(means)
