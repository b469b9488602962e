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

logger = logging.getLogger(__name__)


def choose_recognizer(config: Config, faces: Faces, seed: int = 0) -> Recognizer:
    """Return the face-recognition net of the configuration.

    A local net learns from `people` where they are given, else from the persons of
    the data set. Where nobody has two photos, it learns to tell each photo from all
    others, which is something else, and says so.

    Args:
        config: uses people, recognition, recognition_*.
        faces: the training photos.
        seed: of a local net.

    Raises:
        UserError: it cannot be loaded, or there is nothing to learn it from.
    """
    images, persons = faces.images, persons_of(faces)
    if config.people is not None:
        people = load_people(config.people, config.size, "train")
        images, persons = people.images, people.persons
    alone = len(set(persons)) == len(persons)
    if alone and config.recognition == "local":
        logger.warning(
            "nobody in %s has two photos: the local face-recognition net learns to "
            "tell photos apart, not persons; --people gives it persons",
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


def persons_of(faces: Faces) -> tuple[str, ...]:
    """Return who each photo shows; unknown people are told apart by their files."""
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
    """Return the network that an option asks for.

    Args:
        name: "local", "imagenet" or the path of a .keras or .onnx file.
        images: uint8 (N, S, S, 3), which "local" learns from.
        persons: who is on each.
        weights: file for "imagenet".
        steps: of "local".
        seed: of "local".
        singles: whether "local" learns from people with a single photo too.
        scaling: what pixels the network of a file takes.

    Raises:
        UserError: as `local`, `imagenet` and `from_file`.
    """
    if name == "local":
        return local(images, persons, steps=steps, seed=seed, singles=singles)
    if name == "imagenet":
        return imagenet(weights)
    return from_file(Path(name), scaling)
