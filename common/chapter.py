"""What a chapter provides for its command line and for `tune`."""

import functools
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from common.config import ConfigType, RunConfig
from common.errors import UserError

# A function that takes the averaged generator and returns its scores by name.
Objective = Callable[[Any], Mapping[str, float]]


@dataclass(frozen=True)
class Tuning:
    """How `tune` searches a chapter's options: TUNING in the chapter's tuning.py.

    Attributes:
        space: the search space as plain data; see common/tuning/space.py.
        objective: takes the configuration of a trial, loads the validation items
            once, and returns the function that scores a generator on them.
        loss: name of the score that the search minimises.
        sign: -1 if a higher score is better.
        fixed: options that are the same in all trials, such as the stage to train.
        uses_tensorflow: import TensorFlow before training, without its start-up
            messages.
    """

    space: Mapping[str, Any]
    objective: Callable[[Any], Objective]
    loss: str
    sign: int = 1
    fixed: Mapping[str, Any] = field(default_factory=dict)
    uses_tensorflow: bool = True


@dataclass(frozen=True)
class Command:
    """One command of a chapter besides `train` and `tune`.

    Attributes:
        options: dataclass of its options; its docstring is the help text. With
            `RunOptions` the command works on a run.
        function: name of the function in the chapter's package. It is called as
            function(run, config, **options) if the command works on a run, else as
            function(**options).
        uses_tensorflow: import TensorFlow first, without its start-up messages.
    """

    options: type
    function: str
    uses_tensorflow: bool = True


@dataclass(frozen=True)
class Chapter:
    """The description of a chapter for its command line.

    The chapter's package has `train(config, run, callbacks=())` and every function
    that a command names. They are imported when they are first used.

    Attributes:
        name: name of its package.
        presets: configurations by name; the first is the default.
        commands: commands by name. A name may have two words, such as "data describe".
        has_tuning: whether the chapter has a tuning.py, and so the command `tune`.
    """

    name: str
    presets: Mapping[str, RunConfig]
    commands: Mapping[str, Command] = field(default_factory=dict)
    has_tuning: bool = True

    @property
    def config_class(self) -> type[RunConfig]:
        """Class of the chapter's configurations."""
        return type(next(iter(self.presets.values())))

    def function(self, name: str) -> Callable[..., Any]:
        """Import a function of the chapter's package and return it."""
        return getattr(importlib.import_module(self.name), name)

    @functools.cached_property
    def tuning(self) -> Tuning:
        """How `tune` searches the chapter's options."""
        return importlib.import_module(f"{self.name}.tuning").TUNING


def find_preset(presets: Mapping[str, ConfigType], name: str) -> ConfigType:
    """Return the preset with the given name.

    Raises:
        UserError: there is no preset of that name.
    """
    if name not in presets:
        raise UserError(f"--preset must be one of {', '.join(presets)}, found {name}")
    return presets[name]
