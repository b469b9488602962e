"""The evaluators of aged faces: a classifier of ages, and a net that knows persons.

Both learn from real photos alone. The face-recognition judge is not the net that the
third stage goes by: G could please that one without keeping the person.
"""

import dataclasses
import logging
from dataclasses import dataclass

import numpy as np

from chapter03_agecgan.config import Config
from chapter03_agecgan.data import Faces, load_people
from chapter03_agecgan.recognition.choose import choose_recognizer, persons_of
from chapter03_agecgan.recognition.recognizer import Recognizer
from chapter03_agecgan.recognition.verification import accept_rate, distances, verify
from chapter03_agecgan.stages.gan import balanced_rows
from common.errors import UserError
from common.features import extractors
from common.images.pixels import to_floats

# Of the age classifier: with more it learns a few thousand photos by heart.
STEPS = 300
# Far from the seeds of training, so that the nets are others.
JUDGE_SEED = 1000
BATCH = 256
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evaluators:
    """Who evaluators ages and persons.

    Attributes:
        ages: classifier of the six ages; its features serve the FID too.
        recognizer: the face-recognition net.
        verified: what that net is worth on people whom it never saw, see
            `verification.verify`; None where nobody has two photos.
    """

    ages: extractors.Extractor
    recognizer: Recognizer
    verified: dict[str, float] | None


def choose_evaluators(
    config: Config, train: Faces, test: Faces, seed: int, recognition: str | None
) -> Evaluators:
    """Train or load the evaluators.

    Args:
        config: of the run.
        train: photos to learn from.
        test: photos that no judge learns from.
        seed: of a local recognition net, another one than the third stage's.
        recognition: other than the run's kind of net, or None.

    Raises:
        UserError: a net cannot be loaded.
    """
    ages = age_classifier(train)
    if recognition is not None:
        config = dataclasses.replace(config, recognition=recognition)
    recognizer = choose_recognizer(config, train, seed=JUDGE_SEED + seed)
    images, persons = test.images, persons_of(test)
    if config.people is not None:
        people = load_people(config.people, config.size, "test")
        images, persons = people.images, people.persons
    try:
        verified = verify(recognizer, images, persons, seed)
    except UserError as error:
        logger.warning("identity is not measured: %s", error)
        verified = None
    return Evaluators(ages, recognizer, verified)


def age_classifier(train: Faces) -> extractors.Extractor:
    """Train or load the classifier of the six ages.

    Args:
        train: photos to learn from; each class counts alike.
    """
    rows = balanced_rows(train.classes)
    return extractors.local(train.images[rows], train.classes[rows], steps=STEPS)


def guess_ages(evaluators: Evaluators, images: np.ndarray) -> np.ndarray:
    """Return the age classes that the classifier sees: int (N,).

    Args:
        evaluators: among them the classifier.
        images: uint8 (N, S, S, 3).
    """
    parts = np.array_split(images, -(-len(images) // BATCH))
    probabilities = [evaluators.ages(to_floats(part))[1] for part in parts]
    return np.concatenate(probabilities).argmax(axis=1)


def score_ages(evaluators: Evaluators, images: np.ndarray, wanted: np.ndarray) -> dict:
    """Return how well faces show the ages that they should.

    Args:
        evaluators: among them the classifier.
        images: uint8 (N, S, S, 3).
        wanted: age classes, int (N,).

    Returns:
        As of `miss_ages`.
    """
    return miss_ages(guess_ages(evaluators, images), wanted)


def miss_ages(guessed: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
    """Return how far the classes that the classifier sees lie from the wanted ones.

    Args:
        guessed: age classes, int (N,).
        wanted: age classes, int (N,).

    Returns:
        "age_accuracy", the share in the wanted class, and "age_class_error", the
        mean absolute difference of class numbers.
    """
    missed = np.abs(guessed - wanted)
    return {
        "age_accuracy": float(np.mean(missed == 0)),
        "age_class_error": float(np.mean(missed)),
    }


def share_verified(
    evaluators: Evaluators, photos: np.ndarray, faces: np.ndarray
) -> float:
    """Return the share of faces in which the judge knows the person of the photo.

    Args:
        evaluators: with `verified`.
        photos: uint8 (N, S, S, 3).
        faces: uint8 (N, K, S, S, 3): K faces for each photo.
    """
    each = np.repeat(evaluators.recognizer.embed(photos), faces.shape[1], axis=0)
    found = evaluators.recognizer.embed(faces.reshape(-1, *faces.shape[2:]))
    return accept_rate(distances(each, found), evaluators.verified["threshold"])
