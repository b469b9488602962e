"""A short training without a run's folder, all steps in one compiled loop."""

import dataclasses
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf

from chapter01_gan.config import Config
from chapter01_gan.networks import build_discriminator, build_generator
from chapter01_gan.training import build_model
from common.gan import rng
from common.gan.latents import sample_latents

# A stream of random numbers that the phases of the training step do not use.
DATA_STREAM = 100
SAMPLE_SEED = 10_000


class Problem(Protocol):
    """What a GAN can be trained on without a data set on the disk."""

    shape: tuple[int, ...]
    output: str
    samples: int

    def batch(self, count: int, key: tf.Tensor) -> tf.Tensor:
        """Draw real items (count, *shape)."""


def train_small(config: Config, problem: Problem, steps: int, seed: int) -> np.ndarray:
    """Train a GAN on a problem and return samples (problem.samples, *shape)."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    config = dataclasses.replace(config, seed=seed)
    model = build_model(
        config,
        build_generator(config, problem.shape, problem.output),
        build_discriminator(config, problem.shape),
    )
    shape = (config.batch_size, *problem.shape)
    model.build_step(tf.TensorSpec(shape, tf.float32))

    @tf.function
    def loop() -> None:
        for _ in tf.range(steps):
            key = rng.step_key(seed, model.step, DATA_STREAM)
            model.train_step(problem.batch(config.batch_size, key))

    loop()
    latents = sample_latents(config, problem.samples, SAMPLE_SEED + seed)
    return np.asarray(model(latents))
