"""How `tune` judges the generator of the first stage."""

from typing import Any

import keras
import numpy as np

from chapter03_agecgan.ages import one_hot
from chapter03_agecgan.config import Config
from chapter03_agecgan.data import load_split
from chapter03_agecgan.evaluators import age_classifier, miss_ages
from common.chapter import Objective, Tuning
from common.gan.latents import sample_latents
from common.gan.sampling import make_images
from common.metrics.fid import fid, frechet_joint_distance
from common.metrics.image_scores import features_of
from common.tuning.objective import SEED, chosen_rows, finite_samples, nan_if_not_finite

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

FIGURES = ("fjd", "fid", "age_accuracy", "age_class_error")
LEAST = 2
# Photos to compare with at most; and about as many faces are made.
MOST = 1000


def make_objective(config: Config) -> Objective:
    """Return a judge by the Frechet Joint Distance of faces and ages.

    The features are the age classifier's that `test` judges by too. Faces are made
    of the validation photos' ages.

    Args:
        config: of a trial; uses data, size, validation_every and what latents need.

    Raises:
        UserError: the data are wrong or too few.
    """
    faces = load_split(config, "train")
    network = age_classifier(faces)
    rows = chosen_rows(len(faces.images), config.validation_every, LEAST, MOST)
    validation = faces.subset(rows)
    real = features_of(validation.images, network, "validation photos")
    # Each photo's age as often as the others': the shares of the ages stay.
    wanted = np.tile(validation.classes, max(1, MOST // len(rows)))
    inputs = [sample_latents(config, len(wanted), SEED), one_hot(wanted)]

    def measure(generator: keras.Model) -> dict[str, float]:
        images = make_images(finite_samples(generator), inputs)
        made = features_of(images, network, "faces")
        guessed = made.probabilities.argmax(axis=1)
        distance = frechet_joint_distance(
            real.features, one_hot(validation.classes), made.features, inputs[1]
        )
        own = {"fjd": distance, "fid": fid(real.statistics, made.statistics)}
        return own | miss_ages(guessed, wanted)

    return nan_if_not_finite(FIGURES, measure)


TUNING = Tuning(SPACE, make_objective, loss="fjd", fixed={"stage": "gan"})
