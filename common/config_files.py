"""Configurations from JSON files that a user wrote: `train --config FILE`."""

import json
from pathlib import Path
from typing import Any

from common.config import (
    ConfigType,
    check_options,
    from_json,
    package_of,
    parse_json,
    to_json,
)
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
        found = parse_json(path.read_bytes(), str(path))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
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
