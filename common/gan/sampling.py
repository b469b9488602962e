"""Run a trained generator on latents, a batch at a time."""

import operator

import keras
import numpy as np

from common.images.pixels import to_bytes

# Items in a batch: bounds the memory that the generator takes.
BATCH = 256


def make_images(
    generator: keras.Model, latents: np.ndarray | list[np.ndarray]
) -> np.ndarray:
    """Return the images that a generator makes from latents.

    Args:
        generator: latents -> images (N, H, W[, C]) in [-1, 1].
        latents: float32 (N, d), or a list of such and the generator's other inputs.

    Returns:
        uint8 (N, H, W[, C]).
    """
    count = len(keras.tree.flatten(latents)[0])
    parts = []
    for start in range(0, count, BATCH):
        part = slice(start, start + BATCH)
        batch = keras.tree.map_structure(operator.itemgetter(part), latents)
        parts.append(to_bytes(np.asarray(generator(batch, training=False))))
    return np.concatenate(parts)
