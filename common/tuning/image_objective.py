"""The objective of chapters whose generators make images from latents."""

import keras
import numpy as np

from common.chapter import Objective
from common.features.extractors import Extractor
from common.gan.sampling import make_images
from common.metrics.fid import fid
from common.metrics.image_scores import features_of
from common.metrics.kid import kid
from common.metrics.precision_recall import precision_recall
from common.tuning.objective import finite_samples, nan_if_not_finite

FIGURES = ("fid", "kid", "precision", "recall")
# Precision and recall use the third nearest neighbour, so they need four images.
LEAST = 4


def image_objective(
    validation: np.ndarray, network: Extractor, latents: np.ndarray
) -> Objective:
    """Return an objective that compares generated images with validation images.

    Args:
        validation: uint8 (M, H, W[, C]), images that no trial trains on, at least 4.
        network: extractor of the features that are compared.
        latents: float32 (N, d), latents of the generated images, N at least 4. The
            FID depends on N.

    Returns:
        Objective with the metrics fid, kid, precision and recall.
    """
    reference = features_of(validation, network, "validation images")

    def measure(generator: keras.Model) -> dict[str, float]:
        images = make_images(finite_samples(generator), latents)
        samples = features_of(images, network, "samples")
        precision, recall = precision_recall(reference.features, samples.features)
        return {
            "fid": fid(reference.statistics, samples.statistics),
            "kid": kid(reference.features, samples.features)[0],
            "precision": precision,
            "recall": recall,
        }

    return nan_if_not_finite(FIGURES, measure)
