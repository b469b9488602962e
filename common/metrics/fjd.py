"""Frechet distance of images together with what they were asked to show (FJD)."""

import numpy as np

from common.metrics.fid import fid
from common.metrics.statistics import GaussianStatistics


def frechet_joint_distance(
    real: np.ndarray,
    real_conditions: np.ndarray,
    fake: np.ndarray,
    fake_conditions: np.ndarray,
) -> float:
    r"""Return the Frechet Joint Distance of conditional samples from real images.

    The FID of rows $(f(x), \alpha c)$: an image's feature and its condition, weighted
    by $\alpha = E|f(x)| / E|c|$ over the real images, so that both count alike. The
    covariance of features and conditions is part of it. So images that are good, but
    not of the conditions that were asked for, are far from the real ones.

    Args:
        real: (M, D) features of real images.
        real_conditions: (M, K), for example one-hot classes; not all 0.
        fake: (N, D) features of generated images.
        fake_conditions: (N, K), what they were asked to show. They should be as
            frequent as among the real images, or that adds to the distance.

    Returns:
        The distance, 0 or more.

    Raises:
        UserError: there are fewer than 2 images on either side.
        ValueError: widths differ, or a value is not finite.

    Reference: DeVries et al. 2019, arXiv:1907.08175, sections 3 and 4.
    """
    length = np.linalg.norm(real, axis=1).mean()
    weight = length / np.linalg.norm(real_conditions, axis=1).mean()
    joint = []
    for features, conditions in ((real, real_conditions), (fake, fake_conditions)):
        rows = np.hstack([features, weight * conditions])
        joint.append(GaussianStatistics(real.shape[1] + real_conditions.shape[1]))
        joint[-1].update(rows)
    return fid(*joint)
