"""What a chapter hands over to its command line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from common.config import ConfigType, RunConfig
from common.errors import UserError
from common.training.run_dir import RunDir

# The averaged generator -> measures by name.
Objective = Callable[[Any], Mapping[str, float]]


@dataclass(frozen=True)
class Tuning:
    """How a chapter's options are searched.

    Attributes:
        space: the search space as plain data; see common/tuning/space.py.
        objective: configuration of a trial -> measure of its generator on the
            validation items, which it loads once.
        loss: name of the measure that the search goes by.
        sign: -1 where the measure is the better the higher it is.
        fixed: options that all trials have, such as the stage to train.
        uses_tensorflow: import it before training, without its notes.
    """

    space: Mapping[str, Any]
    objective: Callable[[Any], Objective]
    loss: str
    sign: int = 1
    fixed: Mapping[str, Any] = field(default_factory=dict)
    uses_tensorflow: bool = True


@dataclass(frozen=True)
class Command:
    """One command of a chapter besides `train`.

    Attributes:
        options: a dataclass of its options; its docstring is the help text.
        run: takes an instance of `options`.
        uses_tensorflow: import it first, without its notes.
    """

    options: type
    run: Callable[[Any], None]
    uses_tensorflow: bool = True


@dataclass(frozen=True)
class Chapter:
    """What a chapter hands over to its command line.

    Attributes:
        name: of its folder.
        presets: configurations by name; the first is the default.
        train: (config, run, callbacks=()) -> None.
        commands: the others by name; "data describe" stands below "data".
        tuning: how `tune` searches its options, or None.
    """

    name: str
    presets: Mapping[str, RunConfig]
    train: Callable[[Any, RunDir], Any]
    commands: Mapping[str, Command] = field(default_factory=dict)
    tuning: Tuning | None = None


def find_preset(presets: Mapping[str, ConfigType], name: str) -> ConfigType:
    """Return a preset.

    Raises:
        UserError: there is none of that name.
    """
    if name not in presets:
        raise UserError(f"--preset must be one of {', '.join(presets)}, found {name}")
    return presets[name]
