"""Networks that are trained once on the data at hand, and then kept as files."""

import contextlib
import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np

from common.files import TORN, atomic_path

logger = logging.getLogger(__name__)


def fingerprint(settings: list, images: np.ndarray, targets: np.ndarray) -> str:
    """Return a hash of everything that decides what a network learns.

    Args:
        settings: numbers and strings: version of the network, steps, seed ...
        images: the training images, any shape and type.
        targets: what is learnt of them.

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
    """Take a trained network from its file, or train it and write the file.

    Args:
        path: of the network, .keras; a file .json of the same name holds its
            accuracy. Damaged files are made anew.
        train: called where there is no whole file; returns the network and its
            accuracy. It builds the network in float32.

    Returns:
        Network and accuracy.

    Raises:
        UserError: the files cannot be written.
    """
    found = _load(path)
    if found is not None:
        return found
    with float32():
        network, accuracy = train()
    # The network last: to another process that looks for it, it is then whole.
    with atomic_path(path.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps({"accuracy": accuracy}) + "\n", "utf-8")
    with atomic_path(path) as temporary:
        network.save(temporary)
    return network, accuracy


@contextlib.contextmanager
def float32() -> Iterator[None]:
    """Build networks in float32 whatever the number format of training is."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _load(path: Path) -> tuple[keras.Model, float] | None:
    """Return network and accuracy, or None where they are missing or damaged."""
    if not path.is_file():
        return None
    try:
        network = keras.models.load_model(path, compile=False, safe_mode=True)
        accuracy = json.loads(path.with_suffix(".json").read_text("utf-8"))["accuracy"]
        return network, float(accuracy)
    except (*TORN, TypeError) as error:
        logger.warning(
            "%s is damaged (%s); it is trained anew", path, type(error).__name__
        )
        return None
