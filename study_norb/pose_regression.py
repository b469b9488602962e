"""A network that reads the pose of a toy in an image, which `test` compares with it.

It is trained once on the images of the training split, and then kept in the cache. It
sees no class: a pose that is read from the class alone would say nothing of the image.
"""

import logging
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

from common.features import local_classifier
from common.features.cached_network import fingerprint, load_or_train
from common.files import default_cache_dir
from common.images.pixels import to_floats
from common.startup import progress_interval
from study_norb.conditions import azimuth_of, elevations_of, scale_elevations
from study_norb.data import Toys

# A part of the cache's key. Raise it with any change of the network or its training.
VERSION = 2
STEPS = 700
LEARNING_RATE = 3e-3
FILTERS, HIDDEN, DROPOUT = 24, 128, 0.3
# Largest standard deviation of the noise on training images, in [-1, 1].
NOISE = 0.15
# Directions between which the network chooses, 20 degrees apart, and how soft the
# choice that it is trained for is, in degrees.
DIRECTIONS, SOFTNESS = 18, 12.0
# Images that are read at once.
BATCH = 256
# Mean error of a direction that is drawn at random, in degrees.
CHANCE = 90.0
# Steps of smallNORB's azimuths: an error of one step or less is near, in degrees.
NEAR = 20.0
# Images whose errors are logged after the training.
CHECKED = 1000

logger = logging.getLogger(__name__)


def pose_network(
    toys: Toys, *, steps: int = STEPS, seed: int = 0, cache_dir: Path | None = None
) -> keras.Model:
    """Train a network that reads azimuth and elevation, or load it from the cache.

    Args:
        toys: the training split; images uint8 (N, S, S, 1).
        steps: number of training steps, each on a batch of 128 images.
        seed: seed of the weights, of the order and of the shifts.
        cache_dir: folder for the trained network; by default the project's cache
            folder.

    Returns:
        Network from images (B, S, S, 1) in [-1, 1] to float32 (B, 3): numbers in the
        ratio of cosine and sine of the azimuth, and the elevation, scaled as in labels.
    """
    images, targets = np.asarray(toys.images), pose_targets(toys)
    settings = [
        *("pose", VERSION, local_classifier.VERSION),
        *(local_classifier.BATCH_SIZE, LEARNING_RATE, steps, seed),
    ]
    key = fingerprint(settings, images, targets)
    folder = default_cache_dir() if cache_dir is None else Path(cache_dir)
    path = folder / f"pose-{key}.keras"

    def train() -> tuple[keras.Model, float]:
        logger.info(
            "training the network that reads poses on %d images; this happens once",
            len(images),
        )
        network = train_network(images, targets, steps, seed)
        rows = np.linspace(0, len(images) - 1, min(len(images), CHECKED)).astype(int)
        errors = azimuth_errors(network, images[rows], toys.azimuths[rows])
        return network, float(np.mean(errors <= NEAR))

    network, near = load_or_train(path, train)
    logger.info(
        "azimuths: %.1f %% of training images read within %.0f degrees (%s)",
        100 * near,
        NEAR,
        path,
    )
    return network


def pose_targets(toys: Toys) -> np.ndarray:
    """Return what the network learns to read, float32 (N, 3); see `pose_network`."""
    angles = np.radians(toys.azimuths)
    elevations = scale_elevations(toys.elevations)
    return np.stack([np.cos(angles), np.sin(angles), elevations], 1).astype(np.float32)


def build(size: int, seed: int) -> tuple[keras.Model, keras.Model]:
    """Build the untrained network, as it is trained and as it reads.

    It chooses between directions. The squared error of cosine and sine would be
    smallest in the middle of two opposite directions where front and back look alike.

    Args:
        size: edge S of the images.
        seed: seed of the weights and of the dropout.

    Returns:
        images (B, S, S, 1) -> [logits of the directions (B, 18), elevation (B, 1)],
        and the same network with the output (B, 3) of `pose_network`: the mean of the
        cosines and sines of the directions by their probabilities.
    """
    layers = keras.layers
    seeds = iter(range(seed, seed + 20))

    def normal() -> keras.initializers.Initializer:
        return keras.initializers.HeNormal(next(seeds))

    images = x = keras.Input((size, size, 1))
    for number in range(int(np.log2(size // 3))):
        # (B, 24, 24, 24), (B, 12, 12, 48), (B, 6, 6, 96), (B, 3, 3, 192)
        x = layers.Conv2D(
            FILTERS * 2**number,
            4,
            strides=2,
            padding="same",
            use_bias=False,
            kernel_initializer=normal(),
        )(x)
        x = layers.LeakyReLU(0.1)(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Dropout(DROPOUT, seed=next(seeds))(layers.Flatten()(x))
    x = layers.Dense(HIDDEN, kernel_initializer=normal())(x)
    x = layers.LeakyReLU(0.1)(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Dropout(DROPOUT, seed=next(seeds))(x)
    logits = layers.Dense(DIRECTIONS, kernel_initializer=normal())(x)
    elevation = layers.Dense(1, kernel_initializer=normal())(x)
    average = layers.Dense(2, use_bias=False, trainable=False)
    unit = average(layers.Softmax()(logits))
    angles = np.radians(directions())
    average.set_weights([np.stack([np.cos(angles), np.sin(angles)], axis=1)])
    pose = layers.Concatenate()([unit, elevation])
    return (
        keras.Model(images, [logits, elevation]),
        keras.Model(images, pose, name="pose"),
    )


def directions() -> np.ndarray:
    """Return the directions between which the network chooses, degrees (18,)."""
    return np.arange(DIRECTIONS) * 360 / DIRECTIONS


def soft_choice(azimuths: np.ndarray) -> np.ndarray:
    """Return the probabilities of the directions that the network is trained for.

    Args:
        azimuths: true azimuths, degrees (N,).

    Returns:
        float32 (N, 18); each row sums to 1, and is largest at the nearest direction.
    """
    distances = angular_distances(np.asarray(azimuths)[:, None], directions())
    shares = np.exp(-0.5 * (distances / SOFTNESS) ** 2)
    return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def train_network(
    images: np.ndarray, targets: np.ndarray, steps: int, seed: int
) -> keras.Model:
    """Train a new network by cross-entropy and, for the elevation, squared error.

    Args:
        images: uint8 (N, S, S, 1).
        targets: float32 (N, 3), from `pose_targets`.
        steps: number of training steps.
        seed: seed of the weights, of the order, of the shifts and of the noise.
    """
    rng = np.random.default_rng(seed)
    trained, reader = build(images.shape[1], seed)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    choice = keras.losses.CategoricalCrossentropy(from_logits=True)
    # On two CPU cores, XLA takes about twice as long as a graph without it.
    trained.compile(keras.optimizers.Adam(rate), [choice, "mse"], jit_compile=False)
    azimuths = azimuth_of(targets[:, 0], targets[:, 1])
    wanted = soft_choice(azimuths), targets[:, 2:]
    rows = local_classifier.batches(np.arange(len(images)), steps, rng)
    bar = tqdm(rows, "poses", steps, unit="step", mininterval=progress_interval())
    for batch in bar:
        inputs = to_floats(local_classifier.shift(images[batch], rng))
        # Generated images are less smooth than real ones.
        std = rng.uniform(0, NOISE, (len(batch), 1, 1, 1))
        inputs += (std * rng.standard_normal(inputs.shape)).astype(np.float32)
        outputs = [part[batch] for part in wanted]
        loss = trained.train_on_batch(inputs, outputs)
        bar.set_postfix(loss=f"{float(np.ravel(loss)[0]):.3f}", refresh=False)
    return reader


def read_poses(
    network: keras.Model, images: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the azimuths in [0, 360) and the elevations of images, degrees (N,).

    Args:
        network: network from `pose_network`.
        images: uint8 (N, S, S, 1).
    """
    parts = [
        np.asarray(network(to_floats(images[start : start + BATCH]), training=False))
        for start in range(0, len(images), BATCH)
    ]
    cosines, sines, elevations = np.concatenate(parts).T
    return azimuth_of(cosines, sines), elevations_of(elevations)


def angular_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the angles between directions, in [0, 180]: 350 and 10 are 20 apart.

    Args:
        a: (N,), degrees.
        b: (N,), degrees.
    """
    return np.abs((np.asarray(a) - b + 180) % 360 - 180)


def azimuth_errors(
    network: keras.Model, images: np.ndarray, azimuths: np.ndarray
) -> np.ndarray:
    """Return how far the azimuths that are read from images are off, degrees (N,).

    Args:
        network: network from `pose_network`.
        images: uint8 (N, S, S, 1).
        azimuths: true or wanted azimuths, degrees (N,).

    Returns:
        Errors in [0, 180]; 90 on average for azimuths that have nothing to do with the
        images.
    """
    return angular_distances(read_poses(network, images)[0], azimuths)
