"""How `tune` judges a generator of shapes."""

from typing import Any

import keras
import numpy as np

from chapter02_3dgan.config import Config
from chapter02_3dgan.data import load_split
from chapter02_3dgan.generation import make_shapes
from common.chapter import Objective, Tuning
from common.gan.latents import sample_latents
from common.metrics.shape_scores import evaluate_shapes
from common.tuning.objective import SEED, chosen_rows, finite_samples, nan_if_not_finite
from common.tuning.optimizer_space import OPTIMIZERS

# The book's list.
ACTIVATIONS = ["relu", "leaky_relu", "elu", "selu", "tanh", "sigmoid"]
SPACE: dict[str, Any] = {
    # The book's list.
    "batch_size": {"choice": [8, 16, 32, 54, 128]},
    # The paper has 1, at 64^3 and on a GPU.
    "width": {"choice": [0.125, 0.25, 0.5]},
    # The book: "the number of layers in both networks"; the paper has 1.
    "convolutions": {"integer": [1, 3]},
    # ReLU in the paper.
    "g_activation": {"choice": ACTIVATIONS},
    # Leaky ReLU in the paper.
    "d_activation": {"choice": ACTIVATIONS},
    # Uniform from 0 in the paper, normal in the book.
    "prior": {"choice": ["normal", "uniform11", "uniform01"]},
    # Cross-entropy [paper and book] in two forms, and other games. Gulrajani et al.
    # 2017 have the penalty 10.
    "loss": {
        "choice": [
            "non_saturating",
            "minimax",
            "least_squares",
            "hinge",
            {"loss": "wasserstein", "gradient_penalty": {"loguniform": [1.0, 30.0]}},
        ]
    },
    # Below 0.1 the game collapses (README); Mescheder et al. 2018 have 10.
    "r1_gamma": {"loguniform": [0.02, 10.0]},
    # None, and memories of 100 to 500 steps: trials are short.
    "average": {"choice": [0.0, 0.99, 0.998]},
    # The book's list, with rates and momentum of their own.
    "optimizer": OPTIMIZERS,
}

FIGURES = (
    "mmd_iou",
    "cov_iou",
    "one_nna_iou",
    "pairwise_iou",
    "occupancy",
    "jsd_occupancy",
)
LEAST, MOST = 2, 100
# Sets of samples whose figures are averaged, for each size: one set of 88 alone has
# an MMD that lies up to 0.006 off the mean (README). Larger shapes take long to make.
SETS = {32: 4, 64: 1, 128: 1}


def make_objective(config: Config) -> Objective:
    """Return a judge by the distances of shapes, against validation shapes.

    Args:
        config: of a trial; uses data, classes, azimuths, size, validation_every and
            what latents need.

    Raises:
        UserError: the data are wrong or too few.
    """
    store = load_split(config, "train")
    rows = chosen_rows(len(store), config.validation_every, LEAST, MOST)
    validation = store.voxels(rows)
    sets = SETS[config.size]
    latents = sample_latents(config, sets * len(rows), SEED)

    def measure(generator: keras.Model) -> dict[str, float]:
        shapes = make_shapes(finite_samples(generator), latents)
        results = [evaluate_shapes(part, validation) for part in np.split(shapes, sets)]
        return {name: np.mean([r[name] for r in results]) for name in FIGURES}

    return nan_if_not_finite(FIGURES, measure)


TUNING = Tuning(SPACE, make_objective, loss="mmd_iou")
