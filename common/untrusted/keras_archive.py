"""Networks from .keras files that others may have made.

A .keras file is a zip archive of config.json, which describes the layers, and
model.weights.h5. No code in it is run, and it is refused before it can take more memory
than its weights have.
"""

import json
import math
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import keras

from common.files import TORN

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_MAX_CONFIG_BYTES = 2**24
_MAX_BYTES = 2**31
# Deepest nesting of config.json. A network inside of a network takes about six levels.
_MAX_DEPTH = 100
# Largest number of values that a layer may return for one item.
_MAX_VALUES = 2**28


class KerasFileError(Exception):
    """The file is not usable; the message is the reason, without the path."""


def load_archive(path: Path, layers: Mapping[str, type] | None = None) -> keras.Model:
    """Load a network without compiling it.

    Args:
        path: .keras file.
        layers: layers that the file may contain beside Keras's own and those that are
            registered, by registered name, for example "common>PixelShuffle".

    Raises:
        KerasFileError: the file is damaged, has layers of unknown origin, or would take
            much more memory than the file.
    """
    try:
        config, bytes_of_weights = _read(path)
        _check_parts(config, layers or {})
        # In this scope, variables get shapes but no values yet.
        with keras.StatelessScope(initialize_variables=False):
            network = keras.saving.deserialize_keras_object(
                config, custom_objects=layers, safe_mode=True
            )
        if not isinstance(network, keras.Model):
            raise KerasFileError("found no network in it")
        _check_size(network, bytes_of_weights)
        # At the end of this scope, the variables get values.
        with keras.StatelessScope():
            pass
        network.load_weights(path)
    except KerasFileError:
        # Forget the variables without values: the next such scope would create them.
        keras.utils.clear_session(free_memory=False)
        raise
    except (*TORN, AttributeError, MemoryError, RecursionError, TypeError) as error:
        keras.utils.clear_session(free_memory=False)
        raise KerasFileError(
            f"found another or a damaged file ({type(error).__name__})"
        ) from error
    return network


def _read(path: Path) -> tuple[object, int]:
    """Return the content of config.json, and the size of the weights in bytes."""
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > _MAX_BYTES:
            raise KerasFileError(f"found more than {_MAX_BYTES:,} bytes unpacked")
        if archive.getinfo(_CONFIG).file_size > _MAX_CONFIG_BYTES:
            raise KerasFileError(
                f"expected a {_CONFIG} of at most {_MAX_CONFIG_BYTES:,} bytes, found "
                "a larger one"
            )
        try:
            config = json.loads(archive.read(_CONFIG))
        except RecursionError as error:
            raise KerasFileError(f"found a {_CONFIG} nested too deeply") from error
        return config, archive.getinfo(_WEIGHTS).file_size


def _check_parts(config: object, layers: Mapping[str, type]) -> None:
    """Check the depth of a configuration, and where its classes are from."""
    for part in _objects(config):
        module, name = part.get("module"), part.get("class_name")
        registered = part.get("registered_name")
        own = isinstance(registered, str) and (
            keras.saving.get_registered_object(registered, layers) is not None
        )
        known = module is None or (
            isinstance(module, str) and module.split(".")[0] in ("keras", "builtins")
        )
        if name is not None and not own and not known:
            raise KerasFileError(
                f"found the class {name!r:.100} of the module {module!r:.100}, "
                "expected Keras's own"
            )


def _objects(config: object) -> Iterator[dict]:
    """Yield all dictionaries in a value from JSON."""
    level, depth = [config], 0
    while level:
        if depth > _MAX_DEPTH:
            raise KerasFileError(f"found a {_CONFIG} nested too deeply")
        yield from (value for value in level if isinstance(value, dict))
        inside = [v.values() if isinstance(v, dict) else v for v in level]
        level = [v for part in inside if not isinstance(part, str) for v in part]
        level = [value for value in level if isinstance(value, dict | list)]
        depth += 1


def _check_size(network: keras.Model, bytes_of_weights: int) -> None:
    """Check that a network needs no more memory than its weights tell.

    Each stored value takes at least one byte.
    """
    weights = sum(math.prod(weight.shape) for weight in network.variables)
    if weights > bytes_of_weights:
        raise KerasFileError(
            f"its layers have {weights:,} weights, but only {bytes_of_weights:,} bytes "
            "are stored"
        )
    for layer in network._flatten_layers():  # also those of nested networks
        for output in keras.tree.flatten(getattr(layer, "output", [])):
            values = math.prod(size or 1 for size in output.shape[1:])
            if values > _MAX_VALUES:
                raise KerasFileError(
                    f"its layer {layer.name!r:.100} returns {values:,} values for one "
                    f"item; expected at most {_MAX_VALUES:,}"
                )
