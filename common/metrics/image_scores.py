"""Scores of generated images: features are extracted once, then every score uses them.

`score_sets` scores whole arrays of images. It calls `features_of` for each array and
`score_images` for each pair of arrays.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from common.errors import UserError
from common.images.pixels import to_floats
from common.metrics.feature_statistics import GaussianStatistics
from common.metrics.fid import fid
from common.metrics.inception_score import (
    inception_score,
    label_divergence,
    mode_score,
)
from common.metrics.kid import kid
from common.metrics.precision_recall import precision_recall

if TYPE_CHECKING:  # Importing TensorFlow takes seconds, and only extraction needs it.
    from common.features.extractors import Extractor

BATCH = 256
MAX_SAMPLES = 5000
# Smallest numbers of generated and of real images from which all scores follow.
LEAST_SAMPLES = 10
LEAST_REAL = 4

# Scores that are computed from all images; the others use the kept ones.
_OF_ALL = ("fid", "label_kl")


class ImageFeatures:
    """The features of a set of images that the scores need, collected batch by batch.

    The mean and covariance of the features and the mean of the class probabilities are
    computed from all images. The features and probabilities themselves are kept for at
    most `keep` images. These are drawn with equal probability (reservoir sampling,
    Vitter's algorithm R), because data sets can be sorted by class. If there are at
    most `keep` images, all are kept in their order.

    Attributes:
        extractor: name of the network that computed the features.
        key: hash that identifies the weights of the network.
        statistics: mean and covariance of the features.

    Reference:
        Vitter 1985, ACM Transactions on Mathematical Software 11(1).
    """

    def __init__(
        self, extractor: "Extractor", keep: int = 10_000, seed: int = 0
    ) -> None:
        """Start without images.

        Args:
            extractor: network that will compute the features.
            keep: largest number of images whose features are kept, at least 1.
            seed: seed of the choice of kept images.

        Raises:
            ValueError: `keep` is below 1.
        """
        if keep < 1:
            raise ValueError(f"keep must be at least 1, is {keep}")
        self.extractor = extractor.name
        self.key = extractor.key
        self.statistics = GaussianStatistics(extractor.dimensions)
        self._class_sums = np.zeros(extractor.classes)
        self._features = np.empty((keep, extractor.dimensions), np.float32)
        self._probabilities = np.empty((keep, extractor.classes), np.float32)
        self._rng = np.random.default_rng(seed)

    def update(self, features: np.ndarray, probabilities: np.ndarray) -> None:
        """Add a batch of images.

        Args:
            features: (B, D), finite.
            probabilities: (B, K) class probabilities, finite.

        Raises:
            ValueError: a shape is wrong, or a value is not finite. In that case
                nothing is added.
        """
        shape = (len(features), self._class_sums.size)
        if probabilities.shape != shape or not np.isfinite(probabilities).all():
            raise ValueError(
                f"probabilities must be finite of shape {shape}, have shape "
                f"{probabilities.shape}"
            )
        places = np.arange(self.count, self.count + len(features))
        self.statistics.update(features)
        self._class_sums += probabilities.sum(axis=0, dtype=np.float64)
        keep = len(self._features)
        # Image number i is kept with probability keep / (i + 1). It then replaces a
        # random one of the kept images.
        late = places >= keep
        places[late] = self._rng.integers(0, places[late] + 1)
        stays = places < keep
        self._features[places[stays]] = features[stays]
        self._probabilities[places[stays]] = probabilities[stays]

    @property
    def count(self) -> int:
        """The number of images so far."""
        return self.statistics.count

    @property
    def features(self) -> np.ndarray:
        """The features of the kept images, (min(count, keep), D) float32."""
        return self._features[: self.count]

    @property
    def probabilities(self) -> np.ndarray:
        """The class probabilities of the kept images, (min(count, keep), K) float32."""
        return self._probabilities[: self.count]

    @property
    def class_shares(self) -> np.ndarray:
        """The mean of the class probabilities of all images, (K,) float64."""
        return self._class_sums / self._class_sums.sum()


def score_sets(
    columns: dict[str, np.ndarray], held_out: np.ndarray, network: "Extractor"
) -> dict[str, dict[str, float]]:
    """Score several sets of images against held-out real images.

    Args:
        columns: uint8 (N, H, W[, C]) by the names of the sets.
        held_out: uint8 (M, H, W[, C]), real images that no network was trained on.
        network: network whose features are compared.

    Returns:
        All scores of each set; see `score_images`.

    Raises:
        UserError: there are too few images.
    """
    reference = features_of(held_out, network, "held out")
    return {
        name: score_images(features_of(shown, network, name), reference)
        for name, shown in columns.items()
    }


def score_images(
    fake: ImageFeatures,
    real: ImageFeatures,
    *,
    splits: int = 10,
    k: int = 3,
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 0,
) -> dict[str, float]:
    """Return all scores of generated images.

    fid and label_kl are computed from all images, the others from the kept ones. The
    name of each score contains the number of generated images it was computed from.
    The number of real images also has an influence, most of all on precision and
    recall, so compare only scores with equal numbers.

    Args:
        fake: features of the generated images.
        real: features of real images, from the same extractor.
        splits: number of parts whose Inception Scores are averaged.
        k: number of the neighbour that sets the radius for precision and recall.
        subsets: number of random subsets whose KIDs are averaged.
        subset_size: number of images in such a subset.
        seed: seed of the subsets.

    Returns:
        fid, kid, is, mode_score, label_kl, precision and recall, under names such as
        fid5k_local. `common.metrics.report` knows which way is better.

    Raises:
        UserError: there are too few images.
        ValueError: the features are from two different extractors.
    """
    if (fake.extractor, fake.key) != (real.extractor, real.key):
        raise ValueError(
            "features of two extractors cannot be compared: generated images have "
            f"those of {fake.extractor} {fake.key}, real ones those of "
            f"{real.extractor} {real.key}"
        )
    _check_counts(len(fake.features), len(real.features), splits, k)
    kept = (real.features, fake.features)
    labels, reference = fake.probabilities, real.class_shares
    precision, recall = precision_recall(*kept, k=k)
    scores = {
        "fid": fid(real.statistics, fake.statistics),
        "kid": kid(*kept, subsets=subsets, subset_size=subset_size, seed=seed)[0],
        "is": inception_score(labels, splits)[0],
        "mode_score": mode_score(labels, reference),
        # It depends only on the mean probabilities, which are known for all images.
        "label_kl": label_divergence(fake.class_shares[None], reference),
        "precision": precision,
        "recall": recall,
    }
    return {
        metric_name(
            metric, fake.count if metric in _OF_ALL else len(labels), fake.extractor
        ): float(value)
        for metric, value in scores.items()
    }


def features_of(shown: np.ndarray, network: "Extractor", name: str) -> ImageFeatures:
    """Return the features of a set of images.

    Args:
        shown: uint8 (N, H, W[, C]).
        network: network that computes the features.
        name: name of the set, for the progress bar.
    """
    parts = (to_floats(shown[i : i + BATCH]) for i in range(0, len(shown), BATCH))
    return extract(parts, network, description=name)


def extract(
    batches: Iterable[np.ndarray],
    extractor: "Extractor",
    keep: int = 10_000,
    description: str = "features",
) -> ImageFeatures:
    """Compute the features of batches of images, with a progress bar.

    Args:
        batches: batches of images, each (B, H, W) or (B, H, W, C) float32 in [-1, 1].
        extractor: network that computes the features.
        keep: largest number of images whose features are kept.
        description: text before the progress bar.

    Returns:
        The features that the scores need.

    Raises:
        ValueError: the images have a wrong type, shape or range.
    """
    result = ImageFeatures(extractor, keep)
    for batch in tqdm(batches, description, unit="batch", disable=None, leave=False):
        result.update(*extractor(batch))
    return result


def metric_name(metric: str, count: int, extractor: str) -> str:
    """Return the name under which a score is reported, such as fid5k_local.

    A score depends on the number of images and on the network that computes the
    features, so both are in its name.

    Args:
        metric: name of the score, for example "fid".
        count: number of generated images; multiples of 1000 are written with k.
        extractor: name of the network, for example "local".

    Raises:
        ValueError: `count` is below 1.
    """
    if count < 1:
        raise ValueError(f"{metric}: expected 1 image or more, found {count}")
    thousands, rest = divmod(count, 1000)
    return f"{metric}{count if rest else f'{thousands}k'}_{extractor}"


def choose_count(samples: int | None, train: int, held_out: int) -> int:
    """Return the number of images to score.

    Args:
        samples: number that the user set; by default the number of held-out images,
            at most 5,000.
        train: number of training images. A baseline of as many real images is drawn
            from them.
        held_out: number of held-out images.

    Raises:
        UserError: the number is below 10 or above `train`, or there are too few
            held-out images.
    """
    least = LEAST_SAMPLES if samples is None else LEAST_REAL
    if held_out < least:
        fewer = f", or give --samples {LEAST_SAMPLES}" if held_out >= LEAST_REAL else ""
        raise UserError(
            f"expected at least {least} held-out images to score against, found "
            f"{held_out}; add images to the data set{fewer}"
        )
    count = min(held_out, MAX_SAMPLES) if samples is None else samples
    if not LEAST_SAMPLES <= count <= train:
        raise UserError(
            f"--samples must be from {LEAST_SAMPLES} to the {train} training images, "
            f"which a baseline is drawn from; found {count}"
        )
    return count


def _check_counts(fake: int, real: int, splits: int, k: int) -> None:
    """Check that there are enough images for every score."""
    least_real = max(2, k + 1)
    least_fake = max(least_real, splits)
    if fake < least_fake or real < least_real:
        raise UserError(
            f"too few images to score: expected at least {least_fake} generated and "
            f"{least_real} real ones, found {fake} and {real}; give more"
        )
