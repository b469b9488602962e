"""A network that reads the viewpoint of an object in an image, for `test`.

It is trained once on renders of the training shapes, in random colours and light, and
then kept in the cache. The renderer shares nothing with the run's networks and their
projection, so an image whose view is wrong is noticed.
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
from study_von.renders import Renders, render
from study_von.viewpoints import Viewpoints

# A part of the cache's key. Raise it with any change of the network or its training.
VERSION = 1
STEPS, BATCH = 1200, 64
LEARNING_RATE = 3e-3
FILTERS, HIDDEN, DROPOUT = 16, 128, 0.2
# Pictures of each shape.
PICTURES = 12
# Largest standard deviation of the noise on training images, in [-1, 1].
NOISE = 0.1
# Angles between which the network chooses, degrees, and how soft the choice is that it
# is trained for. It chooses because a mean of opposite directions, such as the squared
# error asks for where front and back look alike, is no answer.
AZIMUTHS = np.arange(0, 360, 10)
ELEVATIONS = np.arange(-10, 101, 10)
SOFTNESS = 7.0
# Angles further than this from the most probable one do not count, in degrees.
NEAR = 25.0
# Renders whose errors are logged after the training.
CHECKED = 500

logger = logging.getLogger(__name__)


def view_network(
    shapes: np.ndarray,
    pool: Viewpoints,
    size: int,
    *,
    steps: int = STEPS,
    seed: int = 0,
    cache_dir: Path | None = None,
) -> keras.Model:
    """Train a network that reads viewpoints, or load it from the cache.

    Args:
        shapes: training shapes, bool (N, S, S, S).
        pool: viewpoints to render from.
        size: edge of the images in pixels, H.
        steps: number of training steps.
        seed: seed of the renders, the weights and the order.
        cache_dir: folder for the trained network; by default the project's cache
            folder.

    Returns:
        Network from images (B, H, H, 3) in [-1, 1] to [logits of AZIMUTHS (B, 36),
        logits of ELEVATIONS (B, 12)].
    """
    settings = ["view", VERSION, size, steps, seed]
    views = np.stack([pool.azimuths, pool.elevations])
    key = fingerprint(settings, np.packbits(shapes), views)
    folder = default_cache_dir() if cache_dir is None else Path(cache_dir)
    path = folder / f"view-{key}.keras"

    def train() -> tuple[keras.Model, float]:
        logger.info("training the network that reads viewpoints; this happens once")
        renders = render_views(shapes, pool, size, PICTURES, seed)
        network = train_network(renders, steps, seed)
        some = Renders(*(part[:CHECKED] for part in renders))
        return network, float(np.mean(view_errors(network, some) <= AZIMUTHS[1]))

    network, near = load_or_train(path, train)
    logger.info(
        "viewpoints: %.1f %% of training renders read within 10 degrees (%s)",
        100 * near,
        path,
    )
    return network


def render_views(
    shapes: np.ndarray,
    pool: Viewpoints,
    size: int,
    pictures: int,
    seed: int,
) -> Renders:
    """Draw shapes from random viewpoints of a pool.

    Args:
        shapes: bool (N, S, S, S); empty ones are left out.
        pool: the viewpoints.
        size: edge of the pictures in pixels.
        pictures: number of pictures of each shape.
        seed: seed of viewpoints, colours and light.
    """
    shapes = shapes[shapes.any(axis=(1, 2, 3))]
    azimuths, elevations = (
        angles.reshape(len(shapes), pictures)
        for angles in pool.draw(len(shapes) * pictures, np.random.default_rng(seed))
    )
    return render(shapes, azimuths, elevations, size, seed)


def build(size: int, seed: int) -> keras.Model:
    """Build the untrained network; see `view_network`.

    Args:
        size: edge H of the images.
        seed: seed of the weights and of the dropout.
    """
    layers = keras.layers
    seeds = iter(range(seed, seed + 20))

    def normal() -> keras.initializers.Initializer:
        return keras.initializers.HeNormal(next(seeds))

    images = x = keras.Input((size, size, 3))
    width = FILTERS
    while x.shape[1] > 4:
        # (B, 32, 32, 16), (B, 16, 16, 32), (B, 8, 8, 64), (B, 4, 4, 128)
        x = layers.Conv2D(
            width, 4, 2, "same", use_bias=False, kernel_initializer=normal()
        )(x)
        x = layers.LeakyReLU(0.1)(layers.BatchNormalization(momentum=0.9)(x))
        width *= 2
    x = layers.Dropout(DROPOUT, seed=next(seeds))(layers.Flatten()(x))
    x = layers.Dense(HIDDEN, kernel_initializer=normal())(x)
    x = layers.LeakyReLU(0.1)(layers.BatchNormalization(momentum=0.9)(x))
    logits = [
        layers.Dense(len(angles), kernel_initializer=normal())(x)
        for angles in (AZIMUTHS, ELEVATIONS)
    ]
    return keras.Model(images, logits, name="view")


def soft_choice(distances: np.ndarray) -> np.ndarray:
    """Return the probabilities of angles that the network is trained for.

    Args:
        distances: of each angle from the true one, degrees (N, K).

    Returns:
        float32 (N, K); each row sums to 1, and is largest at the nearest angle.
    """
    shares = np.exp(-0.5 * (distances / SOFTNESS) ** 2)
    return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def train_network(renders: Renders, steps: int, seed: int) -> keras.Model:
    """Train a new network by cross-entropy.

    Pictures are mirrored at random: shapes have left and right, but a class is the
    same without them.

    Args:
        renders: pictures and their viewpoints.
        steps: number of training steps.
        seed: seed of the weights, of the order, of the shifts and of the noise.
    """
    rng = np.random.default_rng(seed)
    network = build(renders.images.shape[1], seed)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    choice = keras.losses.CategoricalCrossentropy(from_logits=True)
    # On two CPU cores, XLA takes about twice as long as a graph without it.
    network.compile(keras.optimizers.Adam(rate), [choice, choice], jit_compile=False)
    bar = tqdm(range(steps), "viewpoints", unit="step", mininterval=progress_interval())
    for _ in bar:
        rows = rng.integers(0, len(renders.images), BATCH)
        images = local_classifier.shift(renders.images[rows], rng)
        mirrored = rng.random(BATCH) < 0.5
        images[mirrored] = images[mirrored, :, ::-1]
        azimuths = np.where(mirrored, -1, 1) * renders.azimuths[rows]
        inputs = to_floats(images)
        # Generated images are less smooth than renders.
        std = rng.uniform(0, NOISE, (BATCH, 1, 1, 1))
        inputs += (std * rng.standard_normal(inputs.shape)).astype(np.float32)
        wanted = [
            soft_choice(angular_distances(azimuths[:, None], AZIMUTHS)),
            soft_choice(abs(renders.elevations[rows][:, None] - ELEVATIONS)),
        ]
        loss = network.train_on_batch(inputs, wanted)
        bar.set_postfix(loss=f"{float(np.ravel(loss)[0]):.3f}", refresh=False)
    return network


def read_views(
    network: keras.Model, images: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the azimuths in [0, 360) and the elevations of images, degrees (N,).

    Args:
        network: network from `view_network`.
        images: uint8 (N, H, H, 3).
    """
    parts = [
        [np.asarray(part) for part in network(to_floats(batch), training=False)]
        for batch in np.split(images, range(256, len(images), 256))
    ]
    azimuths, elevations = (np.concatenate(part) for part in zip(*parts, strict=True))
    shares = _near_best(azimuths, angular_distances(AZIMUTHS[:, None], AZIMUTHS))
    angles = np.radians(AZIMUTHS)
    found = np.arctan2(shares @ np.sin(angles), shares @ np.cos(angles))
    shares = _near_best(elevations, abs(ELEVATIONS[:, None] - ELEVATIONS))
    return np.degrees(found) % 360, shares @ ELEVATIONS


def _near_best(logits: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """Return the probabilities (N, K) of the angles near the most probable one.

    Args:
        logits: (N, K).
        distances: between the angles, degrees (K, K).
    """
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = np.where(distances[logits.argmax(axis=1)] <= NEAR, shares, 0)
    return shares / shares.sum(axis=1, keepdims=True)


def angular_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the angles between directions of a plane, degrees in [0, 180].

    Args:
        a: degrees, any shape.
        b: degrees, of a shape that fits.
    """
    return np.abs((np.asarray(a) - b + 180) % 360 - 180)


def view_errors(network: keras.Model, renders: Renders) -> np.ndarray:
    """Return the angles between the viewpoints that are read and the true ones.

    Args:
        network: network from `view_network`.
        renders: images with the viewpoints that they are meant to have.

    Returns:
        Angles between both directions from the object to the camera, degrees (N,).
    """
    found = directions(*read_views(network, renders.images))
    wanted = directions(renders.azimuths, renders.elevations)
    cosines = np.clip((found * wanted).sum(axis=1), -1, 1)
    return np.degrees(np.arccos(cosines))


def directions(azimuths: np.ndarray, elevations: np.ndarray) -> np.ndarray:
    """Return unit vectors (N, 3) from the object to the camera.

    Args:
        azimuths: degrees (N,).
        elevations: degrees (N,).
    """
    turn, tilt = np.radians(azimuths), np.radians(elevations)
    flat = np.cos(tilt)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), np.sin(tilt)], axis=1)
