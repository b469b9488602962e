"""What `tune` tries for the first stage of the Age-cGAN.

Adam alone: the sources name no other optimizer.
"""

from typing import Any

SPACE: dict[str, Any] = {
    # 2 [book] has too few ages in a batch; the paper has 64.
    "batch_size": {"choice": [16, 32, 64, 128]},
    # Of D's first and G's last layers; Radford et al. 2016 have 128, on a GPU.
    "filters": {"choice": [8, 16, 24, 32]},
    # Normal [book] or uniform [paper's DCGAN].
    "prior": {"choice": ["normal", "uniform11"]},
    # Cross-entropy [paper and book] in two forms, and least squares.
    "loss": {"choice": ["non_saturating", "minimax", "least_squares"]},
    # 1 [paper] to 0.9 [book].
    "real_label": {"uniform": [0.8, 1.0]},
    # Without it [paper and book], or as Reed et al. 2016 have it.
    "wrong_age": {"choice": [True, False]},
    # Mescheder et al. 2018 have 10 for larger images.
    "r1_gamma": {"loguniform": [0.02, 10.0]},
    # None, to an eighth of an image of 64 pixels, as Zhao et al. 2020 have it.
    "augment_shift": {"choice": [0, 2, 4, 8]},
    # The book has 2e-4, the preset 1e-3; above 0.01 Adam destroys the networks.
    "g_learning_rate": {"loguniform": [1e-5, 1e-2]},
    "d_learning_rate": {"loguniform": [1e-5, 1e-2]},
    # 0 [Karras et al. 2018], 0.5 [book], 0.9 [Keras].
    "beta_1": {"uniform": [0.0, 0.9]},
    # None, and memories of 100 to 500 steps: trials are short.
    "average": {"choice": [0.0, 0.99, 0.998]},
}
