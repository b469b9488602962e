"""Latents: the prior that they are drawn from, walks between them, and a direction.

Training and every command that makes samples draw from the same prior.
"""

from typing import Literal

import numpy as np
import tensorflow as tf

from common.config import RunConfig
from common.gan.rng import normal, step_key, uniform

Tensor = tf.Tensor
Prior = Literal["uniform01", "uniform11", "normal"]


def sample_prior(
    shape: tuple, key: Tensor, prior: Prior = "normal", std: float = 1.0
) -> Tensor:
    """Draw latents from the prior.

    Args:
        shape: shape of the result, for example (B, latent_dim).
        key: (2,) int32; the same key gives the same latents.
        prior: "uniform01" for U[0, 1), "uniform11" for U[-1, 1), "normal" for
            N(0, std^2).
        std: standard deviation of the normal prior; the uniform ones ignore it.

    Returns:
        float32 of `shape`.
    """
    if prior == "normal":
        return std * normal(shape, key)
    low = {"uniform01": 0.0, "uniform11": -1.0}[prior]
    return uniform(shape, key, low, 1.0)


def sample_latents(config: RunConfig, count: int, seed: int) -> np.ndarray:
    """Draw latents from the prior of a run that no training step has used.

    Args:
        config: uses latent_dim, prior and, if the chapter has it, prior_std.
        count: number of latents, N.
        seed: seed of the latents; the same seed gives the same latents.

    Returns:
        float32 (N, latent_dim).
    """
    # Training steps count from 0, so none has the number -1.
    key = step_key(seed, tf.constant(-1, tf.int64), 0)
    std = getattr(config, "prior_std", 1.0)
    return sample_prior((count, config.latent_dim), key, config.prior, std).numpy()


def linear(start: np.ndarray, end: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Interpolate between two latents on a straight line.

    Args:
        start: (d,), the latent at share 0.
        end: (d,), the latent at share 1.
        share: (steps, 1) in [0, 1], position of each result on the line.

    Returns:
        Latents (steps, d).
    """
    return (1 - share) * start + share * end


def spherical(start: np.ndarray, end: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Interpolate between two latents on a great circle.

    Between two normal latents, the middle of a straight line has a smaller norm than
    almost any latent that the generator was trained on. A great circle avoids this.

    Args:
        start: (d,), the latent at share 0.
        end: (d,), the latent at share 1.
        share: (steps, 1) in [0, 1], position of each result on the circle.

    Returns:
        Latents (steps, d).

    Reference: White 2016, arXiv:1609.04468, section 2.1.
    """
    cosine = start @ end / (np.linalg.norm(start) * np.linalg.norm(end))
    angle = np.arccos(np.clip(cosine, -1, 1))
    if np.sin(angle) < 1e-6:
        # (Anti)parallel latents define no great circle.
        return linear(start, end, share)
    weights = np.sin((1 - share) * angle), np.sin(share * angle)
    return ((weights[0] * start + weights[1] * end) / np.sin(angle)).astype(np.float32)


# Latents that a round trip passes, and steps from each of them to the next.
STATIONS = 5
TRIP_STEPS = 12
WALKS = {"linear": linear, "spherical": spherical}


def walk_pairs(ends: np.ndarray, steps: int, walk: str) -> np.ndarray:
    """Return the walks between pairs of latents, one after another.

    Args:
        ends: float32 (rows, 2, d), the start and the end of each walk.
        steps: number of latents in each walk, including both ends.
        walk: "linear" or "spherical".

    Returns:
        float32 (rows * steps, d).
    """
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    return np.concatenate([WALKS[walk](start, end, share) for start, end in ends])


def round_trip(config: RunConfig, seed: int, walk: str) -> np.ndarray:
    """Return the walk that passes five latents and ends where it began.

    Args:
        config: uses latent_dim and prior; see `sample_latents`.
        seed: seed of the latents.
        walk: "linear" or "spherical".

    Returns:
        float32 (60, latent_dim).
    """
    stations = sample_latents(config, STATIONS, seed)
    # From each station to the next, and from the last back to the first.
    tour = np.stack([stations, np.roll(stations, -1, axis=0)], axis=1)
    return walk_pairs(tour, TRIP_STEPS, walk)


def tail_direction(latents: np.ndarray, values: np.ndarray, share: float) -> np.ndarray:
    """Return the direction in latent space along which a measured value grows.

    It is the mean latent of the samples with the largest values minus the mean latent
    of those with the smallest.

    Args:
        latents: float32 (N, d).
        values: (N,), measured on the sample of each latent.
        share: share of the samples at each end, in (0, 0.5].

    Returns:
        float32 (d,).

    Reference: Radford et al. 2016, arXiv:1511.06434, section 6.3.2.
    """
    order = np.argsort(values, kind="stable")
    tail = int(share * len(latents))
    return latents[order[-tail:]].mean(axis=0) - latents[order[:tail]].mean(axis=0)
