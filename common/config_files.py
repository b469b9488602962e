"""Configurations from JSON files that a user wrote: `train --config FILE`."""

import dataclasses
import json
import types
import typing
from pathlib import Path
from typing import Any

from common.config import ConfigType, RunConfig, from_json, package_of, to_json
from common.errors import UserError

# Largest file of options that is read; real ones are far smaller.
MOST_BYTES = 1_000_000


def read_object(path: Path) -> dict[str, Any]:
    """Read a small JSON file that contains one object.

    Raises:
        UserError: the file cannot be read, is too large or contains something else.
    """
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise UserError(
                f"{path} has {size:,} bytes; a file of options has at most "
                f"{MOST_BYTES:,}"
            )
        found = json.loads(path.read_bytes())  # finds out the encoding by itself
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(found, dict):
        raise UserError(f"{path} must hold one JSON object, found {str(found)[:40]}")
    return found


def read_config(path: Path, preset: ConfigType) -> ConfigType:
    """Return a preset with the options from a file in place of its own.

    The length of training in the file overrides the preset's: epochs in the file
    override the preset's steps, and steps or epochs in the file override the preset's
    time limit.

    Args:
        path: JSON file with some or all options, for example the best.json that `tune`
            writes.
        preset: configuration with the values of all other options.

    Raises:
        UserError: there is no such file, an option is unknown or has a wrong value.
    """
    options = read_object(path)
    if options.get("chapter") == package_of(type(preset)):
        # The config.json of a run also names its chapter.
        del options["chapter"]
    check_options(options, type(preset), str(path))
    values = json.loads(to_json(preset))
    if "epochs" in options:
        values["steps"] = None
    if "epochs" in options or "steps" in options:
        values["max_minutes"] = None
    return from_json(type(preset), json.dumps(values | options), str(path))


def check_options(
    values: dict[str, Any], config_class: type[RunConfig], origin: str
) -> None:
    """Check that options exist and that their values have the right type.

    Args:
        values: values by the option's name, as read from JSON.
        config_class: class of configurations that has the options.
        origin: origin of the values, such as a file's path, for messages.

    Raises:
        UserError: an option is wrong; the message names the first one.
    """
    hints = typing.get_type_hints(config_class)
    kinds = {
        field.name: hints[field.name] for field in dataclasses.fields(config_class)
    }
    for name, value in values.items():
        if name not in kinds:
            known = ", ".join(sorted(kinds))
            raise UserError(
                f"{origin} has the unknown option {name}; known are {known}"
            )
        if not fits(kinds[name], value):
            raise UserError(
                f"{origin}: {name} must be {expected_kind(kinds[name])}, "
                f"found {value!r}"
            )


def fits(kind: Any, value: Any) -> bool:
    """Return whether a value from JSON has the type `kind`.

    Args:
        kind: annotation of a configuration's field: int, float, str, bool, Path,
            None, Literal, a tuple or a union of these.
        value: value from JSON. A list counts as a tuple, a string as a path, and a
            whole number as a float, too.
    """
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return any(value == one and type(value) is type(one) for one in inner)
    if origin in (typing.Union, types.UnionType):
        return any(fits(one, value) for one in inner)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            return False
        if inner[-1] is Ellipsis:
            return all(fits(inner[0], item) for item in value)
        return len(value) == len(inner) and all(map(fits, inner, value))
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, (str, Path) if kind is Path else kind)


def expected_kind(kind: Any) -> str:
    """Describe a type for messages, for example "int" or "'adam' or 'sgd'"."""
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(map(repr, typing.get_args(kind)))
    if isinstance(kind, type) and not typing.get_args(kind):
        return kind.__name__
    return str(kind).replace("typing.", "").replace("pathlib.", "")
