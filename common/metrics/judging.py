"""Generated images, and what they are held against, judged by every score."""

import numpy as np

from common.errors import UserError
from common.features.extractors import Extractor
from common.images.pixels import to_floats
from common.metrics.image_scores import ImageFeatures, extract, score_images

BATCH = 256
MAX_SAMPLES = 5000


def choose_count(samples: int | None, train: int, held_out: int) -> int:
    """Return how many images to judge.

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


def judge(
    columns: dict[str, np.ndarray], held_out: np.ndarray, network: Extractor
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
    reference = describe(held_out, network, "held out")
    return {
        name: score_images(describe(shown, network, name), reference)
        for name, shown in columns.items()
    }


def describe(shown: np.ndarray, network: Extractor, name: str) -> ImageFeatures:
    """Return what the scores need to know of some images."""
    parts = (to_floats(shown[i : i + BATCH]) for i in range(0, len(shown), BATCH))
    return extract(parts, network, description=name)
