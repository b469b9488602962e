"""Set up a process: import TensorFlow late and without its messages.

TensorFlow takes seconds to import and prints messages about missing GPUs that look like
errors. So it is imported only when it is needed, with these messages turned off.
"""

import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import lazy_loader

from common.errors import UserError

Modules = Mapping[str, Sequence[str]]


def attach(
    package: str, plain: Modules, with_tensorflow: Modules
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return the lazy `__getattr__`, `__dir__` and `__all__` of a chapter's package.

    Each name is imported when it is first used.

    Args:
        package: name of the package.
        plain: names by the module that defines them, for modules that do not need
            TensorFlow.
        with_tensorflow: the same for modules that need it.
    """
    look_up, list_names, names = lazy_loader.attach(
        package, submod_attrs={**plain, **with_tensorflow}
    )
    heavy = {name for names in with_tensorflow.values() for name in names}

    def get(name: str) -> Any:
        set_up_notebook()
        if name in heavy:
            import_tensorflow()
        return look_up(name)

    return get, list_names, names


def import_tensorflow() -> None:
    """Import TensorFlow and Keras, without TensorFlow's start-up messages.

    The run's log names the devices. Set TF_CPP_MIN_LOG_LEVEL to see TensorFlow's
    messages. Keras gets the settings that the project needs, whatever the user's
    keras.json says.

    Raises:
        UserError: KERAS_BACKEND names another backend, or keras.json is damaged.
    """
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if backend != "tensorflow":
        raise UserError(f"KERAS_BACKEND must be tensorflow, found {backend}; unset it")
    os.environ["KERAS_BACKEND"] = backend
    # Otherwise even a program that only generates takes all of a GPU's memory.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    try:
        if "TF_CPP_MIN_LOG_LEVEL" not in os.environ and "tensorflow" not in sys.modules:
            _import_quietly()
        import keras
    except (AssertionError, AttributeError, OSError, TypeError, ValueError) as error:
        folder = os.environ.get("KERAS_HOME") or "~/.keras"
        raise UserError(
            f"Keras cannot be imported ({type(error).__name__} {error}); "
            f"perhaps keras.json in {folder} is damaged: mend or remove it"
        ) from error
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    # KERAS_MAX_EPOCHS and KERAS_MAX_STEPS_PER_EPOCH would end a training early.
    keras.config.set_max_epochs(None)
    keras.config.set_max_steps_per_epoch(None)


def _import_quietly() -> None:
    """Import TensorFlow and find the devices, with the messages turned off."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    # C++ code writes these messages to the file descriptor, not to sys.stderr.
    stderr = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_physical_devices()
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook."""
    return "ipykernel" in sys.modules


def set_up_notebook() -> None:
    """In a notebook, show the project's log messages, as the command line does."""
    if in_notebook() and not logging.getLogger().handlers:
        logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
        logging.getLogger("absl").setLevel(logging.ERROR)


def progress_interval() -> float:
    """Return the time between two updates of a progress bar, in seconds.

    It is short on a terminal and in a notebook. In a log file it is long, because each
    update adds a line.
    """
    return 0.5 if sys.stderr.isatty() or in_notebook() else 20.0
