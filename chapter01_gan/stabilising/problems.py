"""The problems of `compare`: points and digits whose modes can be counted.

A mode is covered if the number of high-quality samples of it is at least a tenth of its
fair share (samples / modes). This is stricter than the usual definition, one sample.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from chapter01_gan.config import IMAGE, Config
from chapter01_gan.data import load_split
from common.features.extractors import Extractor, local
from common.gan import rng
from common.images.pixels import to_floats
from common.metrics.feature_statistics import GaussianStatistics
from common.metrics.fid import fid, frechet_distance
from common.metrics.image_scores import metric_name
from common.metrics.precision_recall import in_manifold

# Share of a mode's fair share of the samples that covers it.
SHARE_OF_FAIR = 0.1
# Samples to score.
POINT_SAMPLES = 2500
DIGIT_SAMPLES = 1000
# k of the improved precision.
NEIGHBOURS = 3


def count_modes(nearest: np.ndarray, good: np.ndarray, modes: int) -> int:
    """Return the number of modes that are covered.

    Args:
        nearest: number of the mode that each sample belongs to, int (N,), from 0.
        good: whether each sample has high quality, bool (N,).
        modes: number of modes of the data.
    """
    counts = np.bincount(nearest[good], minlength=modes)
    return int(np.sum(counts >= SHARE_OF_FAIR * len(nearest) / modes))


@dataclass(frozen=True)
class Points:
    """Points of a mixture of equal Gaussians in the plane.

    A sample has high quality if it is within three standard deviations of a centre.

    Attributes:
        centres: centres of the Gaussians, float32 (K, 2).
        std: standard deviation of each Gaussian along both axes.

    Reference: Metz et al. 2017, arXiv:1611.02163, section 3.1 (ring); Srivastava et
        al. 2017, arXiv:1705.07761, section 4.1 (ring and grid; high quality).
    """

    centres: np.ndarray
    std: float

    shape = (2,)
    output = "linear"
    samples = POINT_SAMPLES
    # Configuration of the small GAN that every technique changes.
    base = Config(
        latent_dim=2,
        g_units=(64,) * 4,
        d_units=(64,) * 4,
        batch_size=128,
        g_learning_rate=3e-3,
        d_learning_rate=3e-3,
    )

    @property
    def modes(self) -> int:
        """Number of Gaussians."""
        return len(self.centres)

    def batch(self, count: int, key: tf.Tensor) -> tf.Tensor:
        """Draw real points, float32 (count, 2).

        Args:
            count: number of points.
            key: random key, int32 (2,).
        """
        chosen = tf.random.stateless_uniform(
            (count,), rng.fold(key, 0), 0, self.modes, tf.int32
        )
        blur = tf.random.stateless_normal((count, 2), rng.fold(key, 1))
        return tf.gather(tf.constant(self.centres), chosen) + self.std * blur

    def score(self, samples: np.ndarray) -> dict[str, float]:
        """Count modes, and compare mean and covariance with those of the mixture.

        Args:
            samples: generated points, (N, 2).

        Returns:
            "modes", the number of covered modes; "high_quality", the share of
            high-quality samples, 0 to 1; and the Frechet distance of the coordinates.
        """
        distances = np.linalg.norm(samples[:, None] - self.centres[None], axis=-1)
        nearest = distances.argmin(axis=1)
        good = distances.min(axis=1) <= 3 * self.std
        # The covariance of the mixture: between the centres plus within a Gaussian.
        covariance = np.cov(self.centres.T, bias=True) + self.std**2 * np.eye(2)
        distance = frechet_distance(
            self.centres.mean(axis=0),
            covariance,
            samples.mean(axis=0),
            np.cov(samples.T),
        )
        return {
            "modes": count_modes(nearest, good, self.modes),
            "high_quality": float(good.mean()),
            metric_name("fid", len(samples), "coordinates"): distance,
        }


@dataclass(frozen=True)
class Digits:
    """Images of digits; the classes are the modes.

    A sample has high quality if its features are within the manifold of the features of
    real images. The share of such samples is the improved precision.

    Attributes:
        images: training images, uint8 (N, 28, 28).
        extractor: classifier that assigns a class to each sample.
        reference: features of held-out images, (M, D).
        modes: number of classes.

    Reference: Kynkäänniemi et al. 2019, arXiv:1904.06991, equation 1.
    """

    images: np.ndarray
    extractor: Extractor
    reference: np.ndarray
    modes: int

    shape = IMAGE
    output = "tanh"
    samples = DIGIT_SAMPLES
    base = Config(
        g_units=(256, 256),
        d_units=(256, 256),
        batch_size=64,
        g_learning_rate=1e-3,
        d_learning_rate=1e-3,
    )

    def batch(self, count: int, key: tf.Tensor) -> tf.Tensor:
        """Draw real images, float32 (count, 28, 28) in [-1, 1].

        Args:
            count: number of images.
            key: random key, int32 (2,).
        """
        chosen = tf.random.stateless_uniform(
            (count,), key, 0, len(self.images), tf.int32
        )
        return tf.cast(tf.gather(self.images, chosen), tf.float32) / 127.5 - 1.0

    def score(self, samples: np.ndarray) -> dict[str, float]:
        """Count classes among high-quality samples, and compute the FID.

        Args:
            samples: generated images, float32 (N, 28, 28) in [-1, 1].

        Returns:
            "modes", the number of covered classes; "high_quality", the share of
            high-quality samples, 0 to 1; and the FID in the classifier's features.
        """
        features, probabilities = self.extractor(samples)
        good = in_manifold(self.reference, features, k=NEIGHBOURS)
        real = GaussianStatistics(features.shape[1])
        real.update(self.reference)
        generated = GaussianStatistics(features.shape[1])
        generated.update(features)
        return {
            "modes": count_modes(probabilities.argmax(axis=1), good, self.modes),
            "high_quality": float(good.mean()),
            metric_name("fid", len(samples), self.extractor.name): fid(real, generated),
        }


def ring() -> Points:
    """Return 8 Gaussians of standard deviation 0.02 on a circle of radius 2."""
    angles = 2 * np.pi * np.arange(8) / 8
    centres = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return Points(centres.astype(np.float32), 0.02)


def grid() -> Points:
    """Return 5 x 5 Gaussians of standard deviation 0.05 on a grid of spacing 2."""
    ticks = np.linspace(-4, 4, 5, dtype=np.float32)
    return Points(np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2), 0.05)


def digits(data: Path | None) -> Digits:
    """Return the digits of a data set, with the classifier that scores samples.

    Args:
        data: folder of the data set, or None for the stand-in.

    Raises:
        UserError: the data are missing or damaged or have no labels.
    """
    config = Config(data=data)
    images, labels = load_split(config, "train")
    held_out, _ = load_split(config, "test")
    extractor = local(images, labels)
    reference, probabilities = extractor(to_floats(held_out[:DIGIT_SAMPLES]))
    return Digits(images, extractor, reference, probabilities.shape[1])


@functools.cache
def load_problem(name: str, data: Path | None) -> Points | Digits:
    """Return a problem by its name; each process loads a problem only once.

    Args:
        name: "ring", "grid" or "digits".
        data: folder of the digits, or None for the stand-in.
    """
    if name == "digits":
        return digits(data)
    return {"ring": ring, "grid": grid}[name]()
