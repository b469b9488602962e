"""How `tune` judges the generator of the first stage."""

import keras
import numpy as np

from chapter03_agecgan.ages import one_hot
from chapter03_agecgan.config import Config
from chapter03_agecgan.data import load_faces
from chapter03_agecgan.gan import sample_latents
from chapter03_agecgan.judges import age_classifier, miss_ages
from common.generated import make_images
from common.metrics.fid import fid
from common.metrics.fjd import frechet_joint_distance
from common.metrics.judging import describe
from common.metrics.validation import SEED, chosen_rows, finite, guarded
from common.tuning import Judge

FIGURES = ("fjd", "fid", "age_accuracy", "age_class_error")
LEAST = 2
# Photos to compare with at most; and about as many faces are made.
MOST = 1000


def make_judge(config: Config) -> Judge:
    """Return a judge by the Frechet Joint Distance of faces and ages.

    The features are the age classifier's that `test` judges by too. Faces are made
    of the validation photos' ages.

    Args:
        config: of a trial; uses data, size, validation_every and what latents need.

    Raises:
        UserError: the data are wrong or too few.
    """
    faces = load_faces(config, "train")
    network = age_classifier(faces)
    rows = chosen_rows(len(faces.images), config.validation_every, LEAST, MOST)
    validation = faces.subset(rows)
    real = describe(validation.images, network, "validation photos")
    # Each photo's age as often as the others': the shares of the ages stay.
    wanted = np.tile(validation.classes, max(1, MOST // len(rows)))
    inputs = [sample_latents(config, len(wanted), SEED), one_hot(wanted)]

    def measure(generator: keras.Model) -> dict[str, float]:
        images = make_images(finite(generator), inputs)
        made = describe(images, network, "faces")
        guessed = made.probabilities.argmax(axis=1)
        distance = frechet_joint_distance(
            real.features, one_hot(validation.classes), made.features, inputs[1]
        )
        own = {"fjd": distance, "fid": fid(real.statistics, made.statistics)}
        return own | miss_ages(guessed, wanted)

    return guarded(FIGURES, measure)
