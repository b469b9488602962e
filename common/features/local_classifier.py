"""The network of the local extractor: a small classifier of labelled images.

The Frechet distance compares Gaussians, so the features are taken where their
distribution is closest to a Gaussian: 64 outputs of a dense layer before the
activation. After a ReLU many of them would be exactly 0. Each feature is normalised to
mean 0 and variance 1 over the training images, so that all have the same weight and
the distances of different data sets have the same scale.
"""

import math
from collections.abc import Iterator

import keras
import numpy as np
from tqdm import tqdm

from common.startup import progress_interval

# A part of the cache's key. Raise it with any change below, so that cached networks
# are trained again.
VERSION = 1
BATCH_SIZE = 128
LEARNING_RATE = 6e-3
FEATURES = 64
# Channels of the last convolution.
LAST_CHANNELS = 256
# Lower bound on the channels of the first convolutions.
LEAST_CHANNELS = 8


def build(shape: tuple[int, int, int], classes: int, seed: int) -> keras.Model:
    """Build the untrained network.

    Every convolution halves the height and width and doubles the channels, so that all
    cost about the same and large images cost little more than small ones. The global
    average is taken over 2 x 2 positions, each of which sees the whole image.

    Args:
        shape: (H, W, C) of the images.
        classes: number K of classes.
        seed: seed of the weights.

    Returns:
        Network from (B, H, W, C) to [(B, 64) features, (B, K) probabilities].
    """
    layers = keras.layers
    # As many convolutions as it takes to bring the longer side to 2 positions.
    count = max(1, math.ceil(math.log2(max(shape[:2]) / 2)))
    inputs = x = keras.Input(shape)
    for i in range(count):
        x = layers.Conv2D(
            max(LEAST_CHANNELS, LAST_CHANNELS >> (count - 1 - i)),
            3 if i else 5,
            strides=2,
            padding="same",
            use_bias=False,
            kernel_initializer=keras.initializers.HeNormal(seed + i),
        )(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.LeakyReLU(0.1)(x)
    x = layers.GlobalAveragePooling2D()(x)
    initializer = keras.initializers.GlorotUniform(seed + count)
    x = layers.Dense(FEATURES, use_bias=False, kernel_initializer=initializer)(x)
    # Without a learned scale and offset, so that mean 0 and variance 1 remain.
    features = layers.BatchNormalization(momentum=0.9, center=False, scale=False)(x)
    # Leaky, so that the classes depend on every feature, also where it is negative.
    x = layers.LeakyReLU(0.1)(features)
    x = layers.Dense(classes, "softmax", kernel_initializer=initializer)(x)
    return keras.Model(inputs, [features, x])


def train(
    images: np.ndarray, targets: np.ndarray, steps: int, seed: int
) -> tuple[keras.Model, float]:
    """Train a network on nine tenths of the images.

    Args:
        images: (N, H, W, C) uint8, N >= 2.
        targets: (N,) int, classes numbered from 0.
        steps: number of training steps, each on a batch of 128 images.
        seed: seed of the weights, the order, the shifts and the held-out images.

    Returns:
        The network, and its accuracy on the held-out tenth, in [0, 1].
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(images))
    training, held_out = np.split(order, [-max(1, len(order) // 10)])
    network = build(images.shape[1:], int(targets.max()) + 1, seed)
    classifier = keras.Model(network.input, network.outputs[1])
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=LEARNING_RATE / 10,
        warmup_target=LEARNING_RATE,
        warmup_steps=max(1, steps // 10),
        decay_steps=steps,
    )
    # On two CPU cores, XLA takes about twice as long as a graph without it.
    classifier.compile(
        keras.optimizers.Adam(rate),
        "sparse_categorical_crossentropy",
        jit_compile=False,
    )
    order = batches(training, steps, rng)
    bar = tqdm(
        order, "local extractor", steps, unit="step", mininterval=progress_interval()
    )
    for batch in bar:
        inputs = _scale(shift(images[batch], rng))
        loss = classifier.train_on_batch(inputs, targets[batch])
        bar.set_postfix(loss=f"{float(loss):.2f}", refresh=False)
    return network, _accuracy(classifier, images, targets, held_out)


def _accuracy(
    classifier: keras.Model, images: np.ndarray, targets: np.ndarray, chosen: np.ndarray
) -> float:
    """Return the share of the chosen images that are classified correctly."""
    correct = 0
    for start in range(0, len(chosen), BATCH_SIZE):
        part = chosen[start : start + BATCH_SIZE]
        probabilities = classifier(_scale(images[part]), training=False)
        classes = keras.ops.convert_to_numpy(probabilities).argmax(axis=1)
        correct += int(np.sum(classes == targets[part]))
    return correct / len(chosen)


def batches(
    members: np.ndarray, steps: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Yield batches of 128 indices; every member is used once per epoch.

    Args:
        members: int (N,), the indices.
        steps: number of batches.
        rng: source of the order.
    """
    queue = members[:0]
    for _ in range(steps):
        while len(queue) < BATCH_SIZE:
            queue = np.concatenate([queue, rng.permutation(members)])
        yield queue[:BATCH_SIZE]
        queue = queue[BATCH_SIZE:]


def shift(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shift each image randomly by up to 1/28 of its size; edge pixels are repeated."""
    count, height, width = images.shape[:3]
    reach = max(1, max(height, width) // 28)
    moves = rng.integers(-reach, reach + 1, (2, count, 1))
    rows = np.clip(np.arange(height) + moves[0], 0, height - 1)
    columns = np.clip(np.arange(width) + moves[1], 0, width - 1)
    return images[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None]]


def _scale(images: np.ndarray) -> np.ndarray:
    """Scale pixels from [0, 255] to [-1, 1]."""
    return images.astype(np.float32) / 127.5 - 1
