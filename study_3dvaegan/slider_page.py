"""A page on which sliders move the latent of a photo away from the encoder's mean.

A browser cannot run the networks, so the shapes are made beforehand.
"""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from chapter02_3dgan.generation import BATCH, make_shapes
from common.shapes.viewer import write_viewer

DIRECTIONS = 4
# Positions of the sliders, in standard deviations of the prior.
POSITIONS = np.linspace(-3, 3, 9, dtype=np.float32)
# Edge of the shapes in which directions are compared, voxels.
COMPARED = 32


def write_slider_page(
    path: Path,
    generator: keras.Model,
    means: np.ndarray,
    labels: Sequence[str],
    threshold: float,
    title: str,
) -> None:
    """Write a page with the shape of each photo and four sliders for each.

    Args:
        path: file to write.
        generator: z (B, d) -> occupancy (B, S, S, S, 1).
        means: float32 (N, d), latents of the photos.
        labels: names of the photos.
        threshold: occupancy above which a voxel is filled.
        title: heading of the page.
    """
    walks = [find_walks(generator, mean, threshold) for mean in means]
    shapes = make_shapes(generator, means, threshold)
    write_viewer(path, shapes, labels=labels, title=title, walks=walks)


def find_walks(
    generator: keras.Model, mean: np.ndarray, threshold: float
) -> dict[str, np.ndarray]:
    """Return the shapes on straight lines through a latent.

    Args:
        generator: z (B, d) -> occupancy (B, S, S, S, 1).
        mean: float32 (d,).
        threshold: occupancy above which a voxel is filled.

    Returns:
        For each name of a direction, bool (9, S, S, S); the middle is the latent's.
    """
    return {
        f"direction {number + 1}": make_shapes(
            generator, mean + POSITIONS[:, None] * direction, threshold
        )
        for number, direction in enumerate(find_directions(generator, mean))
    }


def find_directions(
    generator: keras.Model, mean: np.ndarray, count: int = DIRECTIONS
) -> np.ndarray:
    """Return the directions in which a shape changes most as its latent moves.

    They are the right singular vectors of the generator's Jacobian, whose columns are
    estimated by a step of one standard deviation of the prior to either side.

    Args:
        generator: z (B, d) -> occupancy (B, S, S, S, 1).
        mean: float32 (d,), the latent from which it moves.
        count: number of directions K, at most d.

    Returns:
        float32 (K, d), orthogonal and of length 1; the strongest first. The largest
        element of each is positive.

    Reference: Ramesh et al. 2018, "A Spectral Regularizer for Unsupervised
        Disentanglement", arXiv:1812.01161.
    """
    axes = np.eye(len(mean), dtype=np.float32)
    changes = []
    for start in range(0, len(axes), BATCH // 2):
        steps = axes[start : start + BATCH // 2]
        shapes = generator(np.concatenate([mean + steps, mean - steps]), training=False)
        ahead, back = np.split(_small(np.asarray(shapes, np.float32)[..., 0]), 2)
        changes.append((ahead - back).reshape(len(steps), -1))
    jacobian = np.concatenate(changes)  # (d, voxels)
    _, vectors = np.linalg.eigh(jacobian @ jacobian.T)  # the strongest last
    directions = vectors[:, ::-1][:, :count].T
    largest = np.abs(directions).argmax(axis=1)[:, None]
    return directions * np.sign(np.take_along_axis(directions, largest, axis=1))


def _small(shapes: np.ndarray) -> np.ndarray:
    """Return shapes (B, S, S, S) averaged to at most 32^3 voxels, so that all fit."""
    times = max(1, shapes.shape[1] // COMPARED)
    size = shapes.shape[1] // times
    blocks = shapes.reshape(len(shapes), size, times, size, times, size, times)
    return blocks.mean(axis=(2, 4, 6))
