"""What `tune` tries for the 3D-GAN: the book's list, and what keeps D in check.

The book's number of epochs is no dimension: it is the budget of a trial.
"""

from typing import Any

from common.tuning.optimizers import OPTIMIZERS

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
