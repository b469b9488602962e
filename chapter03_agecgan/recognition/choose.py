"""Choose the face-recognition network that the configuration names."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from chapter03_agecgan.config import Config
from chapter03_agecgan.data import Faces, load_people
from chapter03_agecgan.recognition.recognizer import (
    Recognizer,
    Scaling,
    from_file,
    imagenet,
    local,
)
from common.errors import UserError

logger = logging.getLogger(__name__)


def choose_recognizer(config: Config, faces: Faces, seed: int = 0) -> Recognizer:
    """Return the face-recognition network of the configuration.

    A local network learns from the folder `people` if one is given, else from the
    persons of the data set. If no person has two photos, it can only learn to
    distinguish photos, not persons; a warning is logged.

    Args:
        config: uses people, size and the recognition options.
        faces: training photos.
        seed: seed of a local network.

    Raises:
        UserError: the network cannot be loaded, or there are too few people to train
            it on.
    """
    images, persons = faces.images, persons_of(faces)
    if config.people is not None:
        people = load_people(config.people, config.size, "train")
        images, persons = people.images, people.persons
    alone = len(set(persons)) == len(persons)
    if alone and config.recognition == "local":
        logger.warning(
            "no person in %s has two photos: the local face-recognition network "
            "learns to distinguish photos, not persons; give it persons with --people",
            faces.folder,
        )
    return choose(
        config.recognition,
        images,
        persons,
        config.recognition_weights,
        steps=config.recognition_steps,
        seed=seed,
        singles=alone,
    )


def check_recognition(config: Config) -> None:
    """Check what the third stage needs before the first one begins.

    Args:
        config: uses people, size and recognition.

    Raises:
        UserError: there are too few people, or the file of a network is missing,
            damaged or of a kind without gradients.
    """
    if config.people is not None:
        load_people(config.people, config.size, "train")
    if config.recognition in config.FILE_OR_NAME["recognition"]:
        return
    if from_file(Path(config.recognition), "unit").network is None:
        raise UserError(
            f"--recognition {config.recognition}: an .onnx file has no gradient to "
            "train by; give a .keras file, or use it in test --recognition only"
        )


def persons_of(faces: Faces) -> tuple[str, ...]:
    """Return the person of each photo; an unknown person is named by the file."""
    pairs = zip(faces.persons, faces.names, strict=True)
    return tuple(person or name for person, name in pairs)


def choose(
    name: str,
    images: np.ndarray,
    persons: Sequence[str],
    weights: Path | None = None,
    *,
    steps: int,
    seed: int = 0,
    singles: bool = False,
    scaling: Scaling = "unit",
) -> Recognizer:
    """Return the face-recognition network of a name.

    Args:
        name: "local", "imagenet" or the path of a .keras or .onnx file.
        images: photos that "local" learns from, uint8 (N, S, S, 3).
        persons: name of the person on each photo, N names.
        weights: weights file of "imagenet"; default Keras's cache.
        steps: training steps of "local".
        seed: seed of "local".
        singles: whether "local" also learns from people with a single photo.
        scaling: range of the pixels that the network of a file takes.

    Raises:
        UserError: the network cannot be trained or loaded; see `local`, `imagenet`
            and `from_file`.
    """
    if name == "local":
        return local(images, persons, steps=steps, seed=seed, singles=singles)
    if name == "imagenet":
        return imagenet(weights)
    return from_file(Path(name), scaling)
