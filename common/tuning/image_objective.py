"""The judge of chapters whose generators make images of latents."""

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
# Images that precision and recall need, as their third neighbour counts.
LEAST = 4


def image_objective(
    validation: np.ndarray, network: Extractor, latents: np.ndarray
) -> Objective:
    """Return a judge by the features of images.

    Args:
        validation: uint8 (M, H, W[, C]), images that nothing was learnt from, at
            least 4.
        network: whose features are compared.
        latents: float32 (N, d), of the images that are judged. The FID depends on
            their number.

    Returns:
        Objective of fid, kid, precision and recall.
    """
    reference = features_of(validation, network, "validation images")

    def measure(generator: keras.Model) -> dict[str, float]:
        images = make_images(finite_samples(generator), latents)
        made = features_of(images, network, "samples")
        features = reference.features, made.features
        precision, recall = precision_recall(*features)
        return {
            "fid": fid(reference.statistics, made.statistics),
            "kid": kid(*features)[0],
            "precision": precision,
            "recall": recall,
        }

    return nan_if_not_finite(FIGURES, measure)
