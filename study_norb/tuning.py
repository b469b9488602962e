"""The search space and the objective of `tune` for generators of toys."""

from typing import TYPE_CHECKING, Any

from common.chapter import Objective, Tuning
from common.tuning.objective import SEED, chosen_rows
from study_norb.config import Config
from study_norb.data import load_split, validation_order

if TYPE_CHECKING:
    import keras

SPACE: dict[str, Any] = {
    # The models differ in their options. With labels, give a space without aegan.
    "model": {
        "choice": [
            "dcgan",
            # 32 types and 3 iterations [Sabour et al. 2017].
            {
                "model": "capsgan",
                "capsule_types": {"choice": [4, 8, 16]},
                "routings": {"integer": [1, 4]},
            },
            # 10 and 5 [Lazarou 2020].
            {
                "model": "aegan",
                "image_weight": {"loguniform": [1.0, 100.0]},
                "latent_weight": {"loguniform": [0.5, 50.0]},
            },
        ]
    },
    # 8 for dcgan, 32 for capsgan and aegan [seed].
    "batch_size": {"choice": [8, 16, 32, 64]},
    # The seed's networks are wider, for a GPU.
    "filters": {"choice": [8, 16, 24, 32]},
    # As many as the generator, or a fixed number.
    "d_filters": {"choice": [None, 8, 16, 32]},
    # Off [seed]; Mescheder et al. 2018 use 10 for larger images.
    "r1_gamma": {"loguniform": [0.02, 10.0]},
    # Off [seed], or up to a twelfth of 48 pixels.
    "augment_shift": {"choice": [0, 2, 4]},
    # 2e-4 [seed, Lazarou 2020]; above 0.01 Adam destroys the networks.
    "g_learning_rate": {"loguniform": [1e-5, 1e-2]},
    # 2e-4 [seed], 5e-4 [Lazarou 2020].
    "d_learning_rate": {"loguniform": [1e-5, 1e-2]},
    # 0 [Karras et al. 2018], 0.5 [seed, Lazarou 2020], 0.9 [Keras].
    "beta_1": {"uniform": [0.0, 0.9]},
    # Off, or an average over about 100 to 500 steps, because trials are short.
    "average": {"choice": [0.0, 0.99, 0.998]},
}

# Images that a trial generates, and validation images at most.
SAMPLES = 1000


def make_objective(config: Config) -> Objective:
    """Return the objective: FID against validation images in the local features.

    The validation images show the toys of the training split from other sides, or in
    other light: the held-out toys are only for `test`. With labels, the images are
    generated for the labels of the validation images.

    Args:
        config: configuration of a trial; uses model, terms, labels, latent_dim, prior,
            validation_every, and the options of the data set.

    Raises:
        UserError: the data are wrong or too few.
    """
    # Late: the search itself needs no TensorFlow, only its trials do.
    import numpy as np

    from common.gan.latents import sample_latents
    from common.tuning.image_objective import LEAST, image_objective
    from study_norb.camera_images import left
    from study_norb.conditions import encode_toys
    from study_norb.evaluation import (
        choose_classifier,
        choose_extractor,
        seen_left,
        take,
    )

    train = load_split(config, "train")
    chosen = chosen_rows(len(train), config.validation_every, LEAST, SAMPLES)
    rows = np.sort(validation_order(len(train))[chosen])
    seen = seen_left(config, train)
    network = choose_extractor("local", None, seen, choose_classifier(seen))
    inputs = sample_latents(config, SAMPLES, SEED)
    if config.labels != "none":
        asked = take(train, np.resize(rows, SAMPLES))
        inputs = [inputs, encode_toys(config, asked)]
    measure = image_objective(left(train.images[rows]), network, inputs)

    def objective(generator: "keras.Model") -> dict[str, float]:
        if config.model == "aegan":
            # G and E are trained as one network.
            generator = generator.get_layer("generator")
        return measure(lambda *call, **options: left(generator(*call, **options)))

    return objective


TUNING = Tuning(SPACE, make_objective, loss="fid")
