"""The evaluators of aged faces: an age classifier and a face-recognition network.

Both learn from real photos alone. This face-recognition network is not the one of the
third stage's loss: G could satisfy that one without keeping the person.
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
from common.data.classes import balanced_rows
from common.errors import UserError
from common.features import extractors
from common.images.pixels import to_floats

# Training steps of the age classifier. With more steps it memorises a data set of a few
# thousand photos.
STEPS = 300
# Added to the seed of a local network, so that it differs from the network of the
# third stage, whose seed is 0.
EVALUATOR_SEED = 1000
BATCH = 256
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evaluators:
    """The networks that evaluate ages and persons.

    Attributes:
        ages: classifier of the six age classes; the FID uses its features.
        recognizer: face-recognition network.
        verified: results of `verification.verify`: how well the face-recognition
            network works on people it was not trained on. None if no person has two
            photos.
    """

    ages: extractors.Extractor
    recognizer: Recognizer
    verified: dict[str, float] | None


def choose_evaluators(
    config: Config, train: Faces, test: Faces, seed: int, recognition: str | None
) -> Evaluators:
    """Train or load the evaluators.

    Args:
        config: configuration of the run.
        train: photos to train the evaluators on.
        test: held-out photos, on which no evaluator is trained.
        seed: seed of the pairs to verify and, plus EVALUATOR_SEED, of a local
            face-recognition network.
        recognition: face-recognition network to use instead of the run's, or None.

    Raises:
        UserError: a network cannot be loaded, or there are too few people to train a
            local one.
    """
    ages = age_classifier(train)
    if recognition is not None:
        config = dataclasses.replace(config, recognition=recognition)
    recognizer = choose_recognizer(config, train, seed=EVALUATOR_SEED + seed)
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
        train: photos to learn from; the classes have equal weight, within the bound
            of `balanced_rows`.
    """
    rows = balanced_rows(train.classes)
    return extractors.local(train.images[rows], train.classes[rows], steps=STEPS)


def guess_ages(evaluators: Evaluators, images: np.ndarray) -> np.ndarray:
    """Return the age classes that the classifier assigns to images: int (N,).

    Args:
        evaluators: evaluators with the age classifier.
        images: uint8 (N, S, S, 3).
    """
    parts = np.array_split(images, -(-len(images) // BATCH))
    probabilities = [evaluators.ages(to_floats(part))[1] for part in parts]
    return np.concatenate(probabilities).argmax(axis=1)


def score_ages(evaluators: Evaluators, images: np.ndarray, wanted: np.ndarray) -> dict:
    """Measure how well faces show the wanted ages.

    Args:
        evaluators: evaluators with the age classifier.
        images: uint8 (N, S, S, 3).
        wanted: wanted age classes, int (N,), 0 to 5.

    Returns:
        "age_accuracy" and "age_class_error", see `miss_ages`.
    """
    return miss_ages(guess_ages(evaluators, images), wanted)


def miss_ages(guessed: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
    """Measure how far the classified ages are from the wanted ones.

    Args:
        guessed: age classes from the classifier, int (N,), 0 to 5.
        wanted: wanted age classes, int (N,), 0 to 5.

    Returns:
        "age_accuracy", the share of faces in the wanted class, from 0 to 1, and
        "age_class_error", the mean absolute difference of class numbers, from 0 to 5.
    """
    missed = np.abs(guessed - wanted)
    return {
        "age_accuracy": float(np.mean(missed == 0)),
        "age_class_error": float(np.mean(missed)),
    }


def share_verified(
    evaluators: Evaluators, photos: np.ndarray, faces: np.ndarray
) -> float:
    """Return the share of faces that are verified as the person of their photo.

    A face is verified if the distance of the two embeddings is at most the threshold
    in `evaluators.verified`.

    Args:
        evaluators: evaluators whose `verified` is not None.
        photos: uint8 (N, S, S, 3).
        faces: uint8 (N, K, S, S, 3), K faces for each photo.

    Returns:
        A share from 0 to 1.
    """
    each = np.repeat(evaluators.recognizer.embed(photos), faces.shape[1], axis=0)
    found = evaluators.recognizer.embed(faces.reshape(-1, *faces.shape[2:]))
    return accept_rate(distances(each, found), evaluators.verified["threshold"])
