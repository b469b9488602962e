"""What `tune` tries for the first phase of the SRGAN.

The size of the crops is no dimension: pictures smaller than a crop are left out, so
that trials would be judged by different pictures.
"""

from typing import Any

SPACE: dict[str, Any] = {
    # The paper has 16, the book 1.
    "batch_size": {"choice": [4, 8, 16, 32]},
    # The paper has 64.
    "filters": {"choice": [16, 24, 32, 48, 64]},
    # The paper and the book have 16.
    "blocks": {"integer": [2, 16]},
    # Squared [paper] or absolute difference [Lim et al. 2017].
    "pixels": {"choice": ["l1", "mse"]},
    # The paper has 1e-4; above 0.01 Adam destroys the network.
    "learning_rate": {"loguniform": [1e-4, 1e-2]},
    # Constant in the paper.
    "decay": {"choice": [True, False]},
    # None, and memories of 100 to 1,000 steps.
    "average": {"choice": [0.0, 0.99, 0.999]},
}
