"""What a chapter hands over to its command line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from common.config import RunConfig
from common.runs import RunDir
from common.tuning import Tuning


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
