"""The network of the local extractor: a small classifier of labelled images.

The Frechet distance compares Gaussians, so features are taken where they come
closest to one: 64 sums before their activation. After a ReLU they would have a
heap of zeros, which no Gaussian has. Each is brought to mean 0 and variance 1 over
the training images, so none counts more for its scale, and the distances of
different data sets are of one scale.
"""

import math
from collections.abc import Iterator

import keras
import numpy as np
from tqdm import tqdm

from common.startup import progress_interval

# A new number trains every network anew: raise it with any change below.
VERSION = 1
BATCH_SIZE = 128
LEARNING_RATE = 6e-3
FEATURES = 64
# Channels of the last convolution, and the fewest of the first.
LAST_CHANNELS = 256
LEAST_CHANNELS = 8


def build(shape: tuple[int, int, int], classes: int, seed: int) -> keras.Model:
    """Return the untrained network.

    Every layer halves the grid and doubles the channels, so all cost alike, and
    large images cost little more than small ones. The average is taken over 2 x 2
    positions, each of which sees the whole image.

    Args:
        shape: (H, W, C) of the images.
        classes: K, their number.
        seed: of the weights.

    Returns:
        Network from (B, H, W, C) to [(B, 64) features, (B, K) probabilities].
    """
    layers = keras.layers
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
    # Without scale and offset: mean 0 and variance 1 stay.
    features = layers.BatchNormalization(momentum=0.9, center=False, scale=False)(x)
    # Leaky, so that the class hangs on every feature wherever it lies.
    x = layers.LeakyReLU(0.1)(features)
    x = layers.Dense(classes, "softmax", kernel_initializer=initializer)(x)
    return keras.Model(inputs, [features, x])


def train(
    images: np.ndarray, targets: np.ndarray, steps: int, seed: int
) -> tuple[keras.Model, float]:
    """Train a network on nine tenths of the images.

    Args:
        images: (N, H, W, C) uint8, N >= 2.
        targets: (N,) int, numbers of the classes from 0.
        steps: batches to train for.
        seed: of weights, order, shifts and of what is held out.

    Returns:
        The network, and the share of the held-out tenth that it classifies right.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(images))
    learnt, held_out = np.split(order, [-max(1, len(order) // 10)])
    network = build(images.shape[1:], int(targets.max()) + 1, seed)
    classifier = keras.Model(network.input, network.outputs[1])
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=LEARNING_RATE / 10,
        warmup_target=LEARNING_RATE,
        warmup_steps=max(1, steps // 10),
        decay_steps=steps,
    )
    # XLA takes about twice as long as the plain graph on two cores.
    classifier.compile(
        keras.optimizers.Adam(rate),
        "sparse_categorical_crossentropy",
        jit_compile=False,
    )
    # A log file needs no line every tenth of a second.
    batches = _batches(learnt, steps, rng)
    bar = tqdm(
        batches, "local extractor", steps, unit="step", mininterval=progress_interval()
    )
    for batch in bar:
        inputs = _scale(_shift(images[batch], rng))
        loss = classifier.train_on_batch(inputs, targets[batch])
        bar.set_postfix(loss=f"{float(loss):.2f}", refresh=False)
    return network, _accuracy(classifier, images, targets, held_out)


def _accuracy(
    classifier: keras.Model, images: np.ndarray, targets: np.ndarray, chosen: np.ndarray
) -> float:
    """Return the share of the chosen images that are classified right."""
    right = 0
    for start in range(0, len(chosen), BATCH_SIZE):
        part = chosen[start : start + BATCH_SIZE]
        probabilities = classifier(_scale(images[part]), training=False)
        classes = keras.ops.convert_to_numpy(probabilities).argmax(axis=1)
        right += int(np.sum(classes == targets[part]))
    return right / len(chosen)


def _batches(
    members: np.ndarray, steps: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Yield full batches; every member comes once before any comes again."""
    queue = members[:0]
    for _ in range(steps):
        while len(queue) < BATCH_SIZE:
            queue = np.concatenate([queue, rng.permutation(members)])
        yield queue[:BATCH_SIZE]
        queue = queue[BATCH_SIZE:]


def _shift(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Move each image by up to 1/28 of its size; edges are repeated."""
    count, height, width = images.shape[:3]
    reach = max(1, max(height, width) // 28)
    moves = rng.integers(-reach, reach + 1, (2, count, 1))
    rows = np.clip(np.arange(height) + moves[0], 0, height - 1)
    columns = np.clip(np.arange(width) + moves[1], 0, width - 1)
    return images[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None]]


def _scale(images: np.ndarray) -> np.ndarray:
    """Bring pixels from [0, 255] to [-1, 1]."""
    return images.astype(np.float32) / 127.5 - 1
