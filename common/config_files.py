"""Configurations in files that a user may have written: `train --config FILE`."""

import dataclasses
import json
import types
import typing
from pathlib import Path
from typing import Any

from common.config import ConfigType, RunConfig, from_json, package_of, to_json
from common.errors import UserError

# Options are short; nobody's file of options is longer.
MOST_BYTES = 1_000_000


def read_object(path: Path) -> dict[str, Any]:
    """Read a small JSON file that holds one object.

    Raises:
        UserError: the file cannot be read, is too large or holds something else.
    """
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise UserError(
                f"{path} has {size:,} bytes; a file of options has at most "
                f"{MOST_BYTES:,}"
            )
        found = json.loads(path.read_text())
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(found, dict):
        raise UserError(f"{path} must hold one JSON object, found {str(found)[:40]}")
    return found


def read_config(path: Path, preset: ConfigType) -> ConfigType:
    """Return the preset with the options that a file has.

    A length in the file wins over the preset's: its epochs over the preset's steps,
    and both over the preset's time limit.

    Args:
        path: JSON with all options or with some; `tune` writes best.json.
        preset: has the other options.

    Raises:
        UserError: no such file, an unknown option, or a wrong value.
    """
    asked = read_object(path)
    if asked.get("chapter") == package_of(type(preset)):
        # A run's own config.json.
        del asked["chapter"]
    check_options(asked, type(preset), str(path))
    values = json.loads(to_json(preset))
    if "epochs" in asked:
        values["steps"] = None
    if "epochs" in asked or "steps" in asked:
        values["max_minutes"] = None
    return from_json(type(preset), json.dumps(values | asked), str(path))


def check_options(
    values: dict[str, Any], config_class: type[RunConfig], origin: str
) -> None:
    """Check that options exist and that their values are of the right kind.

    Args:
        values: by the option's name, as JSON has them.
        config_class: has the options.
        origin: where they are from, for messages.

    Raises:
        UserError: names the first wrong one.
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
    """Tell whether `value`, as JSON holds it, is one of the type `kind`.

    Args:
        kind: annotation of a configuration's field: int, float, str, bool, Path,
            None, Literal, a tuple or a union of such.
        value: from JSON; a list stands for a tuple, a text for a path, and a whole
            number is a float, too.
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
    """Return what `kind` asks for, for messages: "int", "'adam' or 'sgd'"."""
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(map(repr, typing.get_args(kind)))
    if isinstance(kind, type) and not typing.get_args(kind):
        return kind.__name__
    return str(kind).replace("typing.", "").replace("pathlib.", "")
