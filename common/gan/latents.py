"""Ways through latent space."""

from typing import Literal

import numpy as np
import tensorflow as tf

from common.gan.rng import normal, step_key, uniform

Tensor = tf.Tensor
Prior = Literal["uniform01", "uniform11", "normal"]


def linear(start: np.ndarray, end: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return latents (steps, d) on the straight line, at shares (steps, 1) of it."""
    return (1 - share) * start + share * end


def spherical(start: np.ndarray, end: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return latents (steps, d) on the great circle, at shares (steps, 1) of it.

    Latents of a straight walk between normal ones are shorter in its middle than
    any that the generator was trained on.

    Reference: White 2016, arXiv:1609.04468, section 2.1.
    """
    cosine = start @ end / (np.linalg.norm(start) * np.linalg.norm(end))
    angle = np.arccos(np.clip(cosine, -1, 1))
    if np.sin(angle) < 1e-6:
        return linear(start, end, share)
    weights = np.sin((1 - share) * angle), np.sin(share * angle)
    return ((weights[0] * start + weights[1] * end) / np.sin(angle)).astype(np.float32)


WALKS = {"linear": linear, "spherical": spherical}


def walk_pairs(ends: np.ndarray, steps: int, walk: str) -> np.ndarray:
    """Return the walks between pairs of latents, one after another.

    Args:
        ends: float32 (rows, 2, d).
        steps: latents in each walk, both ends among them.
        walk: "linear" or "spherical".

    Returns:
        float32 (rows * steps, d).
    """
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    return np.concatenate([WALKS[walk](start, end, share) for start, end in ends])


def sample_prior(
    shape: tuple, key: Tensor, prior: Prior = "normal", std: float = 1.0
) -> Tensor:
    """Draw latents from the prior that training and output share.

    Args:
        shape: for example (B, latent_dim).
        key: (2,) int32.
        prior: "uniform01" for U[0, 1), "uniform11" for U[-1, 1), "normal" for
            N(0, std^2).
        std: of the normal prior.

    Returns:
        float32 of `shape`.
    """
    if prior == "normal":
        return std * normal(shape, key)
    low = {"uniform01": 0.0, "uniform11": -1.0}[prior]
    return uniform(shape, key, low, 1.0)


def sample_latents(
    shape: tuple, seed: int, prior: Prior = "normal", std: float = 1.0
) -> np.ndarray:
    """Draw latents that no training of this seed has seen, float32 of `shape`."""
    # The key of a step that training never reaches.
    key = step_key(seed, tf.constant(-1, tf.int64), 0)
    return sample_prior(shape, key, prior, std).numpy()
