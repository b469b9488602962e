"""Configurations in files that a user may have written: `train --config FILE`."""

import dataclasses
import json
import typing
from pathlib import Path
from typing import Any

from common.config import ConfigType, RunConfig, from_json, to_json
from common.errors import UserError
from common.kinds import describe, fits

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
                f"{origin}: {name} must be {describe(kinds[name])}, found {value!r}"
            )
