"""Labels as numbers: what G and D receive, what D guesses, and how far a guess is off.

A label is a vector of these parts, one after another:

    class: one-hot over the classes
    azimuth: cosine and sine of 1, 2 and 3 times the angle (pose only)
    elevation: from -1 at 30 to 1 at 70 degrees (pose only)
    lighting: one-hot over the six lightings (pose only)

The angle itself would not do: 359 and 0 degrees look almost the same.
"""

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from common.gan.step import Logs
from study_norb.config import LIGHTINGS, Config
from study_norb.data import Toys

Tensor = tf.Tensor
# Multiples of the azimuth.
HARMONICS = (1, 2, 3)
# Elevations are scaled from these limits to -1 and 1.
ELEVATIONS = (30.0, 70.0)


def label_size(config: Config) -> int:
    """Return the length of a label: 0 without labels, 5 or 18 for five classes.

    Args:
        config: uses labels and classes.
    """
    return sum(size for _, size in label_parts(config))


def label_parts(config: Config) -> list[tuple[str, int]]:
    """Return the names and the lengths of the parts of a label, in their order.

    Args:
        config: uses labels and classes.
    """
    if config.labels == "none":
        return []
    parts = [("class", config.class_count)]
    if config.labels == "pose":
        parts += [
            ("azimuth", 2 * len(HARMONICS)),
            ("elevation", 1),
            ("lighting", LIGHTINGS),
        ]
    return parts


def encode(
    config: Config,
    classes: np.ndarray,
    azimuths: np.ndarray,
    elevations: np.ndarray,
    lightings: np.ndarray,
) -> np.ndarray:
    """Return labels as float32 (N, d).

    Args:
        config: uses labels and classes.
        classes: int (N,), numbers of the classes.
        azimuths: (N,), degrees; any whole turn may be added.
        elevations: (N,), degrees.
        lightings: int (N,), 0 to 5.
    """
    turns = np.radians(azimuths)[:, None] * HARMONICS  # (N, 3)
    parts = {
        "class": np.eye(config.class_count)[classes],
        "azimuth": np.concatenate([np.cos(turns), np.sin(turns)], axis=1),
        "elevation": scale_elevations(elevations)[:, None],
        "lighting": np.eye(LIGHTINGS)[lightings],
    }
    wanted = [parts[name] for name, _ in label_parts(config)]
    return np.concatenate(wanted, axis=1).astype(np.float32)


def encode_toys(config: Config, toys: Toys) -> np.ndarray:
    """Return the labels of pictures, float32 (N, d); see `encode`."""
    return encode(config, toys.classes, toys.azimuths, toys.elevations, toys.lightings)


def azimuth_of(cosines: np.ndarray, sines: np.ndarray) -> np.ndarray:
    """Return azimuths in degrees, in [0, 360).

    Args:
        cosines: (N,), cosines of the azimuths, or numbers in their ratio to `sines`.
        sines: (N,).
    """
    return np.degrees(np.arctan2(sines, cosines)) % 360


def scale_elevations(elevations: np.ndarray) -> np.ndarray:
    """Return elevations in degrees (N,) as numbers: 30 is -1, 70 is 1."""
    low, high = ELEVATIONS
    return 2 * (np.asarray(elevations) - low) / (high - low) - 1


def elevations_of(scaled: np.ndarray) -> np.ndarray:
    """Return the elevations in degrees of the numbers of `scale_elevations`, (N,)."""
    low, high = ELEVATIONS
    return low + (high - low) * (scaled + 1) / 2


def split_label(config: Config, label: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Yield the name and the part (B, size) of each part of a label (B, d)."""
    start = 0
    for name, size in label_parts(config):
        yield name, label[:, start : start + size]
        start += size


def turned(config: Config, label: Tensor, shares: Tensor) -> Tensor:
    """Return labels (B, d) with other azimuths: turned by shares of a whole turn.

    Args:
        config: uses labels and classes; labels must be "pose".
        label: float32 (B, d).
        shares: float32 (B,), in [0, 1); 0 is the same azimuth.
    """
    angles = 2 * np.pi * shares[:, None] * tf.constant(HARMONICS, tf.float32)
    cosines, sines = tf.cos(angles), tf.sin(angles)
    parts = dict(split_label(config, label))
    before = tf.split(parts["azimuth"], 2, axis=1)
    # The addition theorems of cosine and sine, for each multiple of the angle.
    parts["azimuth"] = tf.concat(
        [
            before[0] * cosines - before[1] * sines,
            before[1] * cosines + before[0] * sines,
        ],
        axis=1,
    )
    return tf.concat(list(parts.values()), axis=1)


def guess_loss(config: Config, guess: Tensor, label: Tensor) -> tuple[Tensor, Logs]:
    """Return how far guessed labels are off, averaged over the batch.

    It sums the cross-entropies of class and lighting, and the squared errors of
    azimuth and elevation.

    Args:
        config: uses labels and classes.
        guess: float32 (B, d): logits of class and lighting, numbers of the rest.
        label: float32 (B, d).

    Returns:
        The loss, and logs: the share of right classes and, with poses, the mean
        cosine of the error of the azimuth (1 is right, 0 is chance).

    Reference: Odena et al. 2017, arXiv:1610.09585, equation 3 (class).
    """
    loss, logs = 0.0, {}
    guesses = dict(split_label(config, guess))
    for name, wanted in split_label(config, label):
        found = guesses[name]
        if name in ("class", "lighting"):
            terms = tf.nn.softmax_cross_entropy_with_logits(wanted, found)
        else:
            terms = tf.reduce_sum(tf.square(found - wanted), axis=1)
        loss += tf.reduce_mean(terms)
        if name == "class":
            logs["class_accuracy"] = tf.reduce_mean(
                keras.metrics.categorical_accuracy(wanted, found)
            )
        if name == "azimuth":
            logs["azimuth_cosine"] = _cosine(found, wanted)
    return loss, logs


def _cosine(found: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean cosine of the angle between guessed and true azimuths."""
    step = len(HARMONICS)
    pairs = [tf.stack([part[:, 0], part[:, step]], axis=1) for part in (found, wanted)]
    unit = [tf.math.l2_normalize(pair, axis=1) for pair in pairs]
    return tf.reduce_mean(tf.reduce_sum(unit[0] * unit[1], axis=1))
