"""The scores of generated images: features once, then every score from them."""

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

if TYPE_CHECKING:  # TensorFlow's seconds are for those who extract.
    from common.features.extractors import Extractor

BATCH = 256
MAX_SAMPLES = 5000

# Scores of sums over all images; the others are of the kept rows.
_OF_ALL = ("fid", "label_kl")


def metric_name(metric: str, count: int, extractor: str) -> str:
    """Return the name under which a score is told, such as fid5k_local.

    A score depends on the number of images and on the network of its features,
    so its name tells both.

    Args:
        metric: for example "fid".
        count: number of generated images; whole thousands are written with k.
        extractor: for example "local".

    Raises:
        ValueError: `count` is below 1.
    """
    if count < 1:
        raise ValueError(f"{metric}: expected 1 image or more, found {count}")
    thousands, rest = divmod(count, 1000)
    return f"{metric}{count if rest else f'{thousands}k'}_{extractor}"


class ImageFeatures:
    """What the scores need of a set of images, gathered batch after batch.

    Mean and covariance of the features and the mean of the class probabilities are
    those of all images. Rows are kept of at most `keep` images, which are drawn
    with equal chances (reservoir sampling, Vitter's algorithm R), because data
    sets can be in the order of their classes. Up to `keep` images, the rows are
    all there and in their order.

    Attributes:
        extractor: name of the network that the features come from.
        key: tells its weights from others of that name.
        statistics: mean and covariance of the features.

    Reference:
        Vitter 1985, ACM Transactions on Mathematical Software 11(1).
    """

    def __init__(
        self, extractor: "Extractor", keep: int = 10_000, seed: int = 0
    ) -> None:
        """Start without images.

        Args:
            extractor: whose features will come.
            keep: how many rows are kept at most.
            seed: of the choice of kept rows.

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
        """Add the features (B, D) and class probabilities (B, K) of a batch.

        Raises:
            ValueError: the shapes are others, or a value is not finite.
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
        # Image number i stays with chance keep / (i + 1), in place of any other.
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
        """The kept features, (min(count, keep), D) float32."""
        return self._features[: self.count]

    @property
    def probabilities(self) -> np.ndarray:
        """The class probabilities of the kept images, in the same order."""
        return self._probabilities[: self.count]

    @property
    def class_shares(self) -> np.ndarray:
        """The mean of the class probabilities of all images, (K,) float64."""
        return self._class_sums / self._class_sums.sum()


def extract(
    batches: Iterable[np.ndarray],
    extractor: "Extractor",
    keep: int = 10_000,
    description: str = "features",
) -> ImageFeatures:
    """Run images through a network, with a progress bar.

    Args:
        batches: of images (B, H, W) or (B, H, W, C) float32 in [-1, 1].
        extractor: the network.
        keep: how many rows of features are kept at most.
        description: text before the bar.

    Returns:
        What the scores need of the images.

    Raises:
        ValueError: the images are of another type, shape or range.
    """
    result = ImageFeatures(extractor, keep)
    for batch in tqdm(batches, description, unit="batch", disable=None, leave=False):
        result.update(*extractor(batch))
    return result


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
    """Return every score of generated images.

    fid and label_kl are of all images, the others of the kept ones; the name of
    each score tells how many generated images it is of. The number of real images
    has its influence too, on precision and recall most: compare equal numbers.

    Args:
        fake: of the generated images.
        real: of real images, by the same extractor.
        splits: parts whose Inception Scores are averaged.
        k: neighbour that gives the radius for precision and recall.
        subsets: random subsets whose KIDs are averaged.
        subset_size: images in such a subset.
        seed: of the subsets.

    Returns:
        fid, kid, is, mode_score, label_kl, precision and recall by names such as
        fid5k_local; for what is good see `common.metrics.report`.

    Raises:
        UserError: there are too few images.
        ValueError: the features come from two different extractors.
    """
    if (fake.extractor, fake.key) != (real.extractor, real.key):
        raise ValueError(
            "features of two extractors do not compare: generated images have those "
            f"of {fake.extractor} {fake.key}, real ones those of {real.extractor} "
            f"{real.key}"
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
        # The divergence of a mean needs no more than the mean.
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


def _check_counts(fake: int, real: int, splits: int, k: int) -> None:
    """Raise a UserError where any of the scores would lack images."""
    least_real = max(2, k + 1)
    least_fake = max(least_real, splits)
    if fake < least_fake or real < least_real:
        raise UserError(
            f"too few images to score: expected at least {least_fake} generated and "
            f"{least_real} real ones, found {fake} and {real}; give more"
        )


def choose_count(samples: int | None, train: int, held_out: int) -> int:
    """Return how many images to score.

    Args:
        samples: what the user asks for; by default as many as are held out, at most
            5,000.
        train: number of training images, which a baseline is drawn from.
        held_out: number of held-out images.

    Raises:
        UserError: there are not so many training images.
    """
    count = min(held_out, MAX_SAMPLES) if samples is None else samples
    if not 2 <= count <= train:
        raise UserError(
            f"--samples must be from 2 to the {train} training images, which a "
            f"baseline is drawn from; found {count}"
        )
    return count


def some(rng: np.random.Generator, total: int, count: int) -> np.ndarray:
    """Draw `count` of `total` numbers without repetition, or all of them."""
    return np.sort(rng.permutation(total)[:count])


def score_sets(
    columns: dict[str, np.ndarray], held_out: np.ndarray, network: "Extractor"
) -> dict[str, dict[str, float]]:
    """Score sets of images against held-out ones.

    Args:
        columns: uint8 (N, H, W[, C]) by the name of the set.
        held_out: uint8 (M, H, W[, C]), real images that nothing was learnt from.
        network: whose features are compared.

    Returns:
        Every score of each set; see `score_images`.

    Raises:
        UserError: there are too few images.
    """
    reference = features_of(held_out, network, "held out")
    return {
        name: score_images(features_of(shown, network, name), reference)
        for name, shown in columns.items()
    }


def features_of(shown: np.ndarray, network: "Extractor", name: str) -> ImageFeatures:
    """Return what the scores need to know of some images."""
    parts = (to_floats(shown[i : i + BATCH]) for i in range(0, len(shown), BATCH))
    return extract(parts, network, description=name)
