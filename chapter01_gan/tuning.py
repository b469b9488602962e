"""How `tune` judges a generator of digits."""

from typing import Any

from chapter01_gan.config import Config
from chapter01_gan.data import load_split
from chapter01_gan.evaluation import choose_extractor
from common.chapter import Objective, Tuning
from common.gan.latents import sample_latents
from common.tuning.image_objective import LEAST, image_objective
from common.tuning.objective import SEED, chosen_rows
from common.tuning.optimizer_space import OPTIMIZERS

SPACE: dict[str, Any] = {
    # Around the paper's 100.
    "batch_size": {"choice": [32, 64, 128, 256]},
    # Two layers of 500 [book] or 1200 [paper], one, three, and a growing width.
    "g_units": {"choice": [[500], [500, 500], [1200, 1200], [256, 512, 1024]]},
    # Two of 500 [book] or 240 [paper], one, three, and a falling width.
    "d_units": {"choice": [[500], [500, 500], [240, 240], [1024, 512, 256]]},
    # ReLU [book and paper], and others that are common.
    "g_activation": {"choice": ["relu", "leaky_relu", "elu", "selu", "tanh"]},
    # Maxout [paper], leaky ReLU [Radford et al. 2016], and others.
    "d_activation": {"choice": ["leaky_relu", "maxout", "relu", "elu", "selu", "tanh"]},
    # Of what the book leaves out, the one that helps a small G most.
    "g_norm": {"choice": ["none", "batch"]},
    # Normal in the book, uniform in the paper.
    "prior": {"choice": ["normal", "uniform11", "uniform01"]},
    # All games; r1_gamma, which wasserstein needs, is never 0 below.
    "loss": {
        "choice": [
            "non_saturating",
            "minimax",
            "least_squares",
            "hinge",
            "wasserstein",
        ]
    },
    # Mescheder et al. 2018 have 10 for images of natural scenes.
    "r1_gamma": {"loguniform": [0.05, 50.0]},
    # None, and memories of 100 to 2,000 steps.
    "average": {"choice": [0.0, 0.99, 0.998, 0.9995]},
    # With rates and momentum of their own.
    "optimizer": OPTIMIZERS,
}

SAMPLES = 1000


def make_objective(config: Config) -> Objective:
    """Return a judge by FID in the local features, against validation images.

    Args:
        config: of a trial; uses data, validation_every and what latents need.

    Raises:
        UserError: the data are wrong, too few, or have no labels.
    """
    images, labels = load_split(config, "train")
    rows = chosen_rows(len(images), config.validation_every, LEAST, SAMPLES)
    network = choose_extractor("local", None, images, labels)
    return image_objective(images[rows], network, sample_latents(config, SAMPLES, SEED))


TUNING = Tuning(SPACE, make_objective, loss="fid")
