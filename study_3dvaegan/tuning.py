"""The search space and the objective of `tune` for reconstructions of photos."""

from typing import TYPE_CHECKING, Any

import numpy as np

from common.chapter import Objective, Tuning
from common.errors import UserError
from common.tuning.objective import finite_samples, nan_if_not_finite
from study_3dvaegan.config import Config

if TYPE_CHECKING:
    import keras

# The cross-entropy of a chair of 32^3 is about 2,200 in `quick`: times 0.01, that is
# more than an adversarial loss.
WEIGHT = {"loguniform": [1e-4, 1.0]}
SPACE: dict[str, Any] = {
    # 100 [paper]; here multiples of 8, the number of shapes that D sees.
    "batch_size": {"choice": [16, 32, 64, 96]},
    # 1 [paper], for photos of 256 x 256 and a GPU.
    "encoder_width": {"choice": [0.125, 0.25, 0.5]},
    # No such layer [paper].
    "encoder_hidden": {"choice": [0, 256, 512]},
    # 1 [paper], for 64^3 and a GPU.
    "width": {"choice": [0.125, 0.25, 0.5]},
    # 5 [paper], beside another weight of the reconstruction.
    "kl_weight": {"loguniform": [1e-4, 5.0]},
    # norm [paper], squared [what most code does]; each with a weight of its own. 1e-4
    # [paper].
    "reconstruction": {
        "choice": [
            {"reconstruction": "squared", "reconstruction_weight": WEIGHT},
            {"reconstruction": "cross_entropy", "reconstruction_weight": WEIGHT},
            {
                "reconstruction": "norm",
                "reconstruction_weight": {"loguniform": [1e-4, 10.0]},
            },
        ]
    },
    # 1 [paper]; 0 leaves a variational autoencoder.
    "adversarial_weight": {"choice": [0.0, 0.3, 1.0]},
    # No [paper], yes [Larsen et al. 2016].
    "augment_photos": {"choice": [False, True]},
    # The paper gives none; 1e-4 is common in other code.
    "e_learning_rate": {"loguniform": [1e-4, 1e-2]},
    # 0.0025 [paper].
    "g_learning_rate": {"loguniform": [1e-4, 1e-2]},
    # 1e-5 [paper].
    "d_learning_rate": {"loguniform": [1e-5, 1e-2]},
    # Off, or an average over about 100 to 500 steps, because trials are short.
    "average": {"choice": [0.0, 0.99, 0.998]},
}

# Scores of a trial.
FIGURES = ("iou", "ap", "threshold")
# Least number of validation shapes, and largest number of their photos.
LEAST = 2
MOST = 200
BATCH = 32


def make_objective(config: Config) -> Objective:
    """Return the objective: the IoU of reconstructed validation photos.

    The threshold is the one with the largest mean IoU on the same photos.

    Args:
        config: configuration of a trial; uses the options of the data set, image_size,
            size and validation_every.

    Raises:
        UserError: the data are wrong or too few.
    """
    # Late: the search itself needs no TensorFlow, only its trials do.
    from common.images.pixels import to_floats
    from study_3dvaegan.data import training_and_validation
    from study_3dvaegan.prediction_scores import (
        average_precision,
        best_threshold,
        mean_iou,
    )

    _, validation = training_and_validation(config)
    if len(validation.shapes) < LEAST:
        raise UserError(
            f"expected at least {LEAST} validation shapes to choose options by, found "
            f"{len(validation.shapes)}; give more data"
        )
    validation = validation.spread(MOST)
    photos = to_floats(np.asarray(validation.images))
    shapes = validation.shapes.voxels(validation.shape_rows)

    def measure(reconstructor: "keras.Model") -> dict[str, float]:
        network = finite_samples(reconstructor)
        parts = [network(photos[i : i + BATCH]) for i in range(0, len(photos), BATCH)]
        predicted = np.concatenate(parts)[..., 0]
        threshold = best_threshold(predicted, shapes)
        return {
            "iou": mean_iou(predicted, shapes, threshold),
            "ap": average_precision(predicted, shapes),
            "threshold": threshold,
        }

    return nan_if_not_finite(FIGURES, measure)


TUNING = Tuning(SPACE, make_objective, loss="iou", sign=-1)
