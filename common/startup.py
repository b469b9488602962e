"""Importing TensorFlow, which takes seconds, when it is needed and quietly."""

import os
import sys

from common.errors import UserError


def import_tensorflow() -> None:
    """Import TensorFlow and find the devices, without the notes that it prints.

    It tells of missing GPUs in words that sound like failure; the run's log says
    which devices there are. Setting TF_CPP_MIN_LOG_LEVEL brings the notes back.
    """
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise UserError(f"KERAS_BACKEND must be tensorflow, found {backend}; unset it")
    # A program that only generates must not take all of a GPU's memory.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ or "tensorflow" in sys.modules:
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    # The notes come from C++, below Python's sys.stderr.
    stderr = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_physical_devices()
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
