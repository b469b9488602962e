"""The search space and the objective of `tune` for generators of drawn faces."""

from typing import Any

from chapter04_dcgan.config import Config
from chapter04_dcgan.data import load_split
from common.chapter import Objective, Tuning
from common.tuning.objective import SEED, chosen_rows
from common.tuning.optimizer_space import ADAM, OPTIMIZERS, SGD

# ReLU and leaky ReLU [Radford et al. 2016, section 3], and other common ones.
ACTIVATIONS = ["relu", "leaky_relu", "elu", "selu", "tanh"]
# adam for G, sgd for D: Chintala et al. 2016, "How to train a GAN?", tip 10.
MIXED = ADAM | {"d_optimizer": "sgd", "d_learning_rate": SGD["d_learning_rate"]}
SPACE: dict[str, Any] = {
    # A step with 128 [paper and book] takes long.
    "batch_size": {"choice": [16, 32, 64, 128]},
    # The paper has 128, on a GPU.
    "filters": {"choice": [8, 16, 24, 32]},
    # The book: "the number of layers"; the paper has 1.
    "convolutions": {"choice": [1, 2]},
    # ReLU [paper and book].
    "g_activation": {"choice": ACTIVATIONS},
    # Leaky ReLU [paper and book].
    "d_activation": {"choice": ACTIVATIONS},
    # Batch normalisation [paper].
    "d_norm": {"choice": ["none", "batch"]},
    # Normal [book] or uniform [paper].
    "prior": {"choice": ["normal", "uniform11", "uniform01"]},
    # Cross-entropy [paper and book] in two forms, and least squares.
    "loss": {"choice": ["non_saturating", "minimax", "least_squares"]},
    # Mescheder et al. 2018 use 10 for larger images.
    "r1_gamma": {"loguniform": [0.02, 10.0]},
    # Off, or an average over about 100 to 500 steps, because trials are short.
    "average": {"choice": [0.0, 0.99, 0.998]},
    # The book: "generator's optimizer, discriminator's optimizer", and their learning
    # rates.
    "optimizer": {"choice": [*OPTIMIZERS["choice"], MIXED]},
}

# Images that a trial generates, and validation images at most.
SAMPLES = 1000


def make_objective(config: Config) -> Objective:
    """Return the objective: FID against validation images in the local features.

    Args:
        config: configuration of a trial; uses data, size, validation_every, and
            latent_dim and prior.

    Raises:
        UserError: the data are wrong or too few.
    """
    # Late: the search itself needs no TensorFlow, only its trials do.
    from chapter04_dcgan.evaluation import choose_extractor
    from common.gan.latents import sample_latents
    from common.tuning.image_objective import LEAST, image_objective

    train = load_split(config, "train")
    rows = chosen_rows(len(train.images), config.validation_every, LEAST, SAMPLES)
    network = choose_extractor("local", None, train)
    latents = sample_latents(config, SAMPLES, SEED)
    return image_objective(train.images[rows], network, latents)


TUNING = Tuning(SPACE, make_objective, loss="fid")
