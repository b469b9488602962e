"""The search space and the objective of `tune` for the first stage, the GAN."""

from typing import TYPE_CHECKING, Any

import numpy as np

from chapter03_agecgan.ages import one_hot
from chapter03_agecgan.config import Config
from chapter03_agecgan.data import load_split
from common.chapter import Objective, Tuning
from common.tuning.objective import SEED, chosen_rows, finite_samples, nan_if_not_finite

if TYPE_CHECKING:
    import keras

SPACE: dict[str, Any] = {
    # The paper has 64. A batch of 2 [book] has too few ages.
    "batch_size": {"choice": [16, 32, 64, 128]},
    # Radford et al. 2016 have 128, on a GPU.
    "filters": {"choice": [8, 16, 24, 32]},
    # Normal [book] or uniform [DCGAN, on which the paper builds].
    "prior": {"choice": ["normal", "uniform11"]},
    # Cross-entropy [paper and book] in two forms, and least squares.
    "loss": {"choice": ["non_saturating", "minimax", "least_squares"]},
    # 1 [paper], 0.9 [book].
    "real_label": {"uniform": [0.8, 1.0]},
    # False [paper and book], True [Reed et al. 2016].
    "wrong_age": {"choice": [True, False]},
    # Mescheder et al. 2018 use 10 for larger images.
    "r1_gamma": {"loguniform": [0.02, 10.0]},
    # Off, or up to an eighth of 64 pixels, as in Zhao et al. 2020.
    "augment_shift": {"choice": [0, 2, 4, 8]},
    # 2e-4 [book], 1e-3 [preset quick]; above 0.01 Adam destroys the networks.
    "g_learning_rate": {"loguniform": [1e-5, 1e-2]},
    "d_learning_rate": {"loguniform": [1e-5, 1e-2]},
    # 0 [Karras et al. 2018], 0.5 [book], 0.9 [Keras].
    "beta_1": {"uniform": [0.0, 0.9]},
    # Off, or an average over about 100 to 500 steps, because trials are short.
    "average": {"choice": [0.0, 0.99, 0.998]},
}

# Scores of a trial.
FIGURES = ("fjd", "fid", "age_accuracy", "age_class_error")
# Least and largest number of validation photos. About as many faces as the largest
# number are generated.
LEAST = 2
MOST = 1000


def make_objective(config: Config) -> Objective:
    """Return the objective: the Frechet joint distance of faces and ages.

    It compares generated faces, which have the ages of the validation photos, with
    these photos. The features are those of the age classifier that `test` uses, too.

    Args:
        config: configuration of a trial; uses data, size, validation_every, and
            latent_dim and prior.

    Raises:
        UserError: the data are wrong or too few.
    """
    # Late: the search itself needs no TensorFlow, only its trials do.
    from chapter03_agecgan.evaluators import age_classifier, miss_ages
    from common.gan.latents import sample_latents
    from common.gan.sampling import make_images
    from common.metrics.fid import fid, frechet_joint_distance
    from common.metrics.image_scores import features_of

    faces = load_split(config, "train")
    network = age_classifier(faces)
    rows = chosen_rows(len(faces.images), config.validation_every, LEAST, MOST)
    validation = faces.subset(rows)
    real = features_of(validation.images, network, "validation photos")
    # The age of every photo is repeated equally often, which keeps the shares of ages.
    wanted = np.tile(validation.classes, max(1, MOST // len(rows)))
    inputs = [sample_latents(config, len(wanted), SEED), one_hot(wanted)]

    def measure(generator: "keras.Model") -> dict[str, float]:
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
