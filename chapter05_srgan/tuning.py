"""The search space and the objective of `tune` for the first stage, on pixels."""

from typing import TYPE_CHECKING, Any

import numpy as np

from chapter05_srgan.config import Config
from chapter05_srgan.data import load_split, reduce_by
from chapter05_srgan.pixel_scores import crop_to_multiple
from common.chapter import Objective, Tuning
from common.tuning.objective import chosen_rows, nan_if_not_finite

if TYPE_CHECKING:
    import keras

SPACE: dict[str, Any] = {
    # 16 [paper], 1 [book].
    "batch_size": {"choice": [4, 8, 16, 32]},
    # 64 [paper].
    "filters": {"choice": [16, 24, 32, 48, 64]},
    # 16 [paper and book].
    "blocks": {"integer": [2, 16]},
    # Absolute [Lim et al. 2017] or squared difference [paper].
    "pixels": {"choice": ["l1", "mse"]},
    # 1e-4 [paper]; above 0.01 Adam destroys the network.
    "learning_rate": {"loguniform": [1e-4, 1e-2]},
    # The paper's learning rate is constant.
    "decay": {"choice": [True, False]},
    # Off, or an average over about 100 to 1,000 steps.
    "average": {"choice": [0.0, 0.99, 0.999]},
}

# Scores of a trial.
FIGURES = ("psnr_y", "ssim_y", "spectrum_distance")
# Least and largest number of validation images.
LEAST = 1
MOST = 20
# Longer sides of validation images are cropped to their middle pixels, this many.
MOST_SIDE = 256


def make_objective(config: Config) -> Objective:
    """Return the objective: PSNR on Y of enlarged validation images.

    Args:
        config: configuration of a trial; uses data, crop, scale, validation_every.

    Raises:
        UserError: the data are wrong or too few.
    """
    # Late: the search itself needs no TensorFlow, only its trials do.
    from chapter05_srgan.evaluation import score_method
    from chapter05_srgan.upscaling.tiles import compiled, enlarge

    scale = config.scale
    store = load_split(config, "train")
    rows = chosen_rows(len(store), config.validation_every, LEAST, MOST)
    originals = [crop_to_multiple(_middle(store[row]), scale) for row in rows]
    small = [reduce_by(original, scale) for original in originals]

    def measure(generator: "keras.Model") -> dict[str, float]:
        network = compiled(generator)
        scored = score_method(
            originals,
            small,
            lambda image: enlarge(network, image, scale),
            scale,
            None,
            "validation",
        )
        return scored.scores

    return nan_if_not_finite(FIGURES, measure)


def _middle(image: np.ndarray) -> np.ndarray:
    """Return the middle of an image (H, W, 3), at most MOST_SIDE x MOST_SIDE pixels."""
    top, left = (max(0, side - MOST_SIDE) // 2 for side in image.shape[:2])
    return image[top : top + MOST_SIDE, left : left + MOST_SIDE]


TUNING = Tuning(
    SPACE, make_objective, loss="psnr_y", sign=-1, fixed={"stage": "srresnet"}
)
