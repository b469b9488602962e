"""The search space and the objective of `tune` for generators of shapes."""

from typing import TYPE_CHECKING, Any

import numpy as np

from chapter02_3dgan.config import Config
from chapter02_3dgan.data import load_split
from common.chapter import Objective, Tuning
from common.tuning.objective import SEED, chosen_rows, finite_samples, nan_if_not_finite
from common.tuning.optimizer_space import OPTIMIZERS

if TYPE_CHECKING:
    import keras

# The book's list.
ACTIVATIONS = ["relu", "leaky_relu", "elu", "selu", "tanh", "sigmoid"]
SPACE: dict[str, Any] = {
    # The book's list.
    "batch_size": {"choice": [8, 16, 32, 54, 128]},
    # The paper has 1, for 64^3 and a GPU.
    "width": {"choice": [0.125, 0.25, 0.5]},
    # The book: "the number of layers in both networks"; the paper has 1.
    "convolutions": {"integer": [1, 3]},
    # ReLU [paper], and the others of the book's list.
    "g_activation": {"choice": ACTIVATIONS},
    # Leaky ReLU [paper], and the others of the book's list.
    "d_activation": {"choice": ACTIVATIONS},
    # uniform01 [paper], normal [book].
    "prior": {"choice": ["normal", "uniform11", "uniform01"]},
    # Cross-entropy [paper and book] in two forms, and other losses. The gradient
    # penalty is 10 in Gulrajani et al. 2017.
    "loss": {
        "choice": [
            "non_saturating",
            "minimax",
            "least_squares",
            "hinge",
            {"loss": "wasserstein", "gradient_penalty": {"loguniform": [1.0, 30.0]}},
        ]
    },
    # Training collapsed with 0.05 (README); Mescheder et al. 2018 use 10.
    "r1_gamma": {"loguniform": [0.02, 10.0]},
    # Off, or an average over about 100 to 500 steps, because trials are short.
    "average": {"choice": [0.0, 0.99, 0.998]},
    # The book's list, each with its own learning rates and momentum.
    "optimizer": OPTIMIZERS,
}

# Scores of a trial.
FIGURES = (
    "mmd_iou",
    "cov_iou",
    "one_nna_iou",
    "pairwise_iou",
    "occupancy",
    "jsd_occupancy",
)
# Least and largest number of validation shapes.
LEAST = 2
MOST = 100
# Number of sets of samples whose scores are averaged, by size: the MMD of a single set
# of 88 shapes differs by up to 0.006 from the mean (README). Larger shapes take longer.
SETS = {32: 4, 64: 1, 128: 1}


def make_objective(config: Config) -> Objective:
    """Return the objective: distances of samples to validation shapes.

    Args:
        config: configuration of a trial; uses data, classes, azimuths, size,
            validation_every, latent_dim, prior and prior_std.

    Raises:
        UserError: the data are wrong or too few.
    """
    # Late: the search itself needs no TensorFlow, only its trials do.
    from chapter02_3dgan.generation import make_shapes
    from common.gan.latents import sample_latents
    from common.metrics.shape_scores import evaluate_shapes

    store = load_split(config, "train")
    rows = chosen_rows(len(store), config.validation_every, LEAST, MOST)
    validation = store.voxels(rows)
    sets = SETS[config.size]
    latents = sample_latents(config, sets * len(rows), SEED)

    def measure(generator: "keras.Model") -> dict[str, float]:
        shapes = make_shapes(finite_samples(generator), latents)
        results = [evaluate_shapes(part, validation) for part in np.split(shapes, sets)]
        return {name: np.mean([r[name] for r in results]) for name in FIGURES}

    return nan_if_not_finite(FIGURES, measure)


TUNING = Tuning(SPACE, make_objective, loss="mmd_iou")
