"""A short training without a run's folder, with all steps in one compiled loop."""

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

# Stream of random numbers for the data; the phases of the training step use others.
DATA_STREAM = 100
# Added to the training's seed to give the seed of the latents of the samples.
SAMPLE_SEED = 10_000


class Problem(Protocol):
    """A problem whose real items are drawn at each step, not read from a data set.

    Attributes:
        shape: shape of one item.
        output: activation of the generator's last layer.
        samples: number of samples to score.
    """

    shape: tuple[int, ...]
    output: str
    samples: int

    def batch(self, count: int, key: tf.Tensor) -> tf.Tensor:
        """Draw real items (count, *shape) with a random key, int32 (2,)."""


def train_small(config: Config, problem: Problem, steps: int, seed: int) -> np.ndarray:
    """Train a GAN on a problem and return samples of its generator.

    Args:
        config: configuration of the GAN; its seed is replaced.
        problem: problem to train on.
        steps: number of training steps.
        seed: seed of the weights, the data, the latents and the samples.

    Returns:
        float32 (problem.samples, *problem.shape).
    """
    # Training in a process that has trained before must give the same result.
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

    # One compiled loop: a step takes less time than a return to Python would.
    @tf.function
    def loop() -> None:
        for _ in tf.range(steps):
            key = rng.step_key(seed, model.step, DATA_STREAM)
            model.train_step(problem.batch(config.batch_size, key))

    loop()
    latents = sample_latents(config, problem.samples, SAMPLE_SEED + seed)
    return np.asarray(model(latents))
