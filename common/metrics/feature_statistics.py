"""Mean and covariance of image features, computed batch by batch.

The feature of an image is a vector of D numbers, the output of a network. The scores of
generated images compare such vectors, or only their mean and covariance.
"""

import numpy as np

from common.errors import UserError


class GaussianStatistics:
    """The mean and covariance of features that arrive in batches.

    The features themselves are not stored, so the memory is D x D numbers for any
    number of images. Sums are taken over deviations from the mean, so a large common
    offset does not cost precision. With n_a features so far, n_b new ones,
    n = n_a + n_b and d = mean_b - mean_a:

    mean = mean_a + d n_b / n,  S = S_a + S_b + d d' n_a n_b / n

    where S is the sum of (x - mean)(x - mean)' over the features.

    Reference:
        Chan, Golub & LeVeque 1979, Stanford report STAN-CS-79-773 (merging two parts).
    """

    def __init__(self, dimensions: int) -> None:
        """Start without features.

        Args:
            dimensions: number D of values in a feature, at least 1.

        Raises:
            ValueError: `dimensions` is below 1.
        """
        if dimensions < 1:
            raise ValueError(f"dimensions must be at least 1, is {dimensions}")
        self._count = 0
        self._mean = np.zeros(dimensions)
        self._deviations = np.zeros((dimensions, dimensions))

    def update(self, features: np.ndarray) -> None:
        """Add a batch of features.

        Args:
            features: (B, D), finite. B may be 0.

        Raises:
            ValueError: the shape is wrong, or a value is not finite. In that case
                nothing is added.
        """
        features = checked_features("features", features, self._mean.size)
        if len(features) == 0:
            return
        total = self._count + len(features)
        mean = features.mean(axis=0)
        centred = features - mean
        shift = mean - self._mean
        weight = self._count * len(features) / total
        self._deviations += centred.T @ centred + weight * np.outer(shift, shift)
        self._mean += shift * (len(features) / total)
        self._count = total

    @property
    def count(self) -> int:
        """The number of features so far."""
        return self._count

    @property
    def mean(self) -> np.ndarray:
        """The mean, (D,) float64.

        Raises:
            ValueError: there are no features.
        """
        if self._count < 1:
            raise ValueError("a mean needs at least 1 feature, there is none")
        return self._mean.copy()

    @property
    def covariance(self) -> np.ndarray:
        """The unbiased covariance S / (N - 1), (D, D) float64.

        Raises:
            ValueError: there are fewer than 2 features.
        """
        if self._count < 2:
            raise ValueError(
                f"a covariance needs at least 2 features, there are {self._count}"
            )
        return self._deviations / (self._count - 1)


def checked_features(
    name: str, features: np.ndarray, dimensions: int | None = None
) -> np.ndarray:
    """Check features and return them as a float64 matrix.

    Args:
        name: name of the features in error messages.
        features: (N, D), finite.
        dimensions: required D; None for any.

    Returns:
        (N, D) float64.

    Raises:
        ValueError: the shape is wrong, or a value is not finite.
    """
    features = np.asarray(features, np.float64)
    width = "D" if dimensions is None else dimensions
    if features.ndim != 2 or dimensions not in (None, features.shape[1]):
        raise ValueError(f"{name} must have shape (N, {width}), has {features.shape}")
    if not np.isfinite(features).all():
        raise ValueError(f"{name} must be finite, contains NaN or infinity")
    return features


def check_counts(score: str, real: int, fake: int, least: int) -> None:
    """Check that there are enough images for a score.

    Args:
        score: name of the score.
        real: number of real images.
        fake: number of generated images.
        least: smallest number of images, real and generated, that the score needs.

    Raises:
        UserError: `real` or `fake` is below `least`.
    """
    if min(real, fake) < least:
        raise UserError(
            f"{score}: expected at least {least} real and {least} generated images, "
            f"found {real} and {fake}; score more images"
        )
