"""What `tune` tries for the DCGAN: the book's list, and what keeps D in check.

Its dense layers are the variant book's, which takes seconds a step on a CPU: to
search over `variant`, `g_units` and `d_units`, give a space of your own. The book's
number of epochs is no dimension: it is the budget of a trial.
"""

from typing import Any

from common.tuning.optimizers import ADAM, OPTIMIZERS, SGD

# As of Radford et al. 2016, section 3, and others that are common.
ACTIVATIONS = ["relu", "leaky_relu", "elu", "selu", "tanh"]
# G by adam, D by sgd: Chintala et al. 2016, "How to train a GAN?", tip 10.
MIXED = ADAM | {"d_optimizer": "sgd", "d_learning_rate": SGD["d_learning_rate"]}

SPACE: dict[str, Any] = {
    # 128 [paper and book] takes long for a step.
    "batch_size": {"choice": [16, 32, 64, 128]},
    # The paper has 128, on a GPU.
    "filters": {"choice": [8, 16, 24, 32]},
    # The book: "the number of layers"; the paper has 1.
    "convolutions": {"choice": [1, 2]},
    # ReLU in paper and book.
    "g_activation": {"choice": ACTIVATIONS},
    # Leaky ReLU in paper and book.
    "d_activation": {"choice": ACTIVATIONS},
    # Batch normalisation in the paper.
    "d_norm": {"choice": ["none", "batch"]},
    # Uniform in the paper, normal in the book.
    "prior": {"choice": ["normal", "uniform11", "uniform01"]},
    # Cross-entropy [paper and book] in two forms, and least squares.
    "loss": {"choice": ["non_saturating", "minimax", "least_squares"]},
    # Mescheder et al. 2018 have 10 for larger images.
    "r1_gamma": {"loguniform": [0.02, 10.0]},
    # None, and memories of 100 to 500 steps: trials are short.
    "average": {"choice": [0.0, 0.99, 0.998]},
    # The book: "generator's optimizer, discriminator's optimizer", and their rates.
    "optimizer": {"choice": [*OPTIMIZERS["choice"], MIXED]},
}
