"""The search space and the objective of `tune` for generators of digits."""

from typing import Any

from chapter01_gan.config import Config
from chapter01_gan.data import load_split
from common.chapter import Objective, Tuning
from common.tuning.objective import SEED, chosen_rows
from common.tuning.optimizer_space import OPTIMIZERS

SPACE: dict[str, Any] = {
    # The paper has 100.
    "batch_size": {"choice": [32, 64, 128, 256]},
    # Two layers of 500 [book] or 1200 [paper], a single layer, and growing widths.
    "g_units": {"choice": [[500], [500, 500], [1200, 1200], [256, 512, 1024]]},
    # Two layers of 500 [book] or 240 [paper], a single layer, and falling widths.
    "d_units": {"choice": [[500], [500, 500], [240, 240], [1024, 512, 256]]},
    # ReLU [book and paper], and other common ones.
    "g_activation": {"choice": ["relu", "leaky_relu", "elu", "selu", "tanh"]},
    # Maxout [paper], leaky ReLU [Radford et al. 2016], and others.
    "d_activation": {"choice": ["leaky_relu", "maxout", "relu", "elu", "selu", "tanh"]},
    # Not in the book; of all normalisations it helps a small G most.
    "g_norm": {"choice": ["none", "batch"]},
    # Normal [book] or uniform [paper].
    "prior": {"choice": ["normal", "uniform11", "uniform01"]},
    # All losses. wasserstein needs r1_gamma above 0, which holds in this space.
    "loss": {
        "choice": [
            "non_saturating",
            "minimax",
            "least_squares",
            "hinge",
            "wasserstein",
        ]
    },
    # Mescheder et al. 2018 use 10 for natural images.
    "r1_gamma": {"loguniform": [0.05, 50.0]},
    # Off, or an average over about 100 to 2,000 steps.
    "average": {"choice": [0.0, 0.99, 0.998, 0.9995]},
    # Each with its own learning rates and momentum.
    "optimizer": OPTIMIZERS,
}

# Images that a trial generates, and validation images at most.
SAMPLES = 1000


def make_objective(config: Config) -> Objective:
    """Return the objective: FID against validation images in the local features.

    Args:
        config: configuration of a trial; uses data, validation_every, and latent_dim
            and prior.

    Raises:
        UserError: the data are wrong, too few, or have no labels.
    """
    # Late: the search itself needs no TensorFlow, only its trials do.
    from chapter01_gan.evaluation import choose_extractor
    from common.gan.latents import sample_latents
    from common.tuning.image_objective import LEAST, image_objective

    images, labels = load_split(config, "train")
    rows = chosen_rows(len(images), config.validation_every, LEAST, SAMPLES)
    network = choose_extractor("local", None, images, labels)
    return image_objective(images[rows], network, sample_latents(config, SAMPLES, SEED))


TUNING = Tuning(SPACE, make_objective, loss="fid")
