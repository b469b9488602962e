"""Random numbers that depend on where they are drawn, and on nothing else."""

from typing import Literal

import numpy as np
import tensorflow as tf

Tensor = tf.Tensor
Prior = Literal["uniform01", "uniform11", "normal"]


def fold(key: Tensor, number: Tensor | int) -> Tensor:
    """Return a new key (2,) int32 made of a key and a number."""
    return tf.random.experimental.stateless_fold_in(key, number)


def root_key(seed: int) -> Tensor:
    """Return the key (2,) int32 that a seed stands for."""
    return tf.constant([seed & 0x7FFFFFFF, (seed >> 31) & 0x7FFFFFFF], tf.int32)


def step_key(seed: int, step: Tensor, replica: Tensor | int, stream: int) -> Tensor:
    """Return the key of one phase (stream) of one step on one replica.

    Args:
        seed: of the run.
        step: scalar int64.
        replica: number of the device in the strategy.
        stream: number of the phase.
    """
    return fold(fold(fold(root_key(seed), step), replica), stream)


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
        return std * tf.random.stateless_normal(shape, key)
    low = {"uniform01": 0.0, "uniform11": -1.0}[prior]
    return tf.random.stateless_uniform(shape, key, low, 1.0)


def sample_latents(
    shape: tuple, seed: int, prior: Prior = "normal", std: float = 1.0
) -> np.ndarray:
    """Draw latents that no training of this seed has seen, float32 of `shape`."""
    # The key of a step that training never reaches.
    key = step_key(seed, tf.constant(-1, tf.int64), 0, 0)
    return sample_prior(shape, key, prior, std).numpy()
