"""Networks that are trained once on the user's data and then cached in files."""

import contextlib
import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np

from common.files import PRIVATE, TORN, atomic_path

logger = logging.getLogger(__name__)


def fingerprint(settings: list, images: np.ndarray, targets: np.ndarray) -> str:
    """Return a hash of everything that decides what a network learns.

    Args:
        settings: numbers and strings, such as the version of the network, the number
            of steps and the seed.
        images: training images, of any shape and type.
        targets: what the network learns to predict, for example classes.

    Returns:
        20 hexadecimal digits.
    """
    digest = hashlib.sha256(json.dumps([settings, images.shape]).encode())
    for array in (images, targets):
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()[:20]


def load_or_train(
    path: Path, train: Callable[[], tuple[keras.Model, float]]
) -> tuple[keras.Model, float]:
    """Load a trained network from its file, or train it and write the file.

    Args:
        path: path of the network, a .keras file. Its accuracy is in a .json file of
            the same name. Damaged files are written again.
        train: function that returns the network and its accuracy in [0, 1]; called
            with a float32 policy, only if a file is missing or damaged.

    Returns:
        The network and its accuracy.

    Raises:
        UserError: the files cannot be written.
    """
    cached = _load(path)
    if cached is not None:
        return cached
    with float32():
        network, accuracy = train()
    # Write the network last: if another process finds it, both files are complete.
    with atomic_path(path.with_suffix(".json"), PRIVATE) as temporary:
        temporary.write_text(json.dumps({"accuracy": accuracy}) + "\n", "utf-8")
    with atomic_path(path, PRIVATE) as temporary:
        network.save(temporary)
    return network, accuracy


@contextlib.contextmanager
def float32() -> Iterator[None]:
    """Use the float32 policy inside a with block, also in mixed-precision training."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _load(path: Path) -> tuple[keras.Model, float] | None:
    """Return network and accuracy, or None if they are missing or damaged."""
    if not path.is_file():
        return None
    try:
        network = keras.models.load_model(path, compile=False, safe_mode=True)
        accuracy = json.loads(path.with_suffix(".json").read_text("utf-8"))["accuracy"]
        return network, float(accuracy)
    except (*TORN, TypeError) as error:
        logger.warning(
            "%s is damaged (%s); it is trained again", path, type(error).__name__
        )
        return None
