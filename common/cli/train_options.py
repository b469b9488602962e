"""The options of `train`: those of the run's folder, and all of the configuration."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from common.chapter import find_preset
from common.config import RunConfig
from common.errors import UserError


@dataclass(frozen=True)
class EarlyOptions:
    """The options that decide what the defaults of the others are."""

    preset: str
    config: Path | None
    run_dir: Path | None
    resume: bool

    @property
    def name(self) -> str:
        """What the options are called: the file, or else the preset."""
        return self.preset if self.config is None else self.config.stem

    @classmethod
    def split(
        cls, arguments: list[str], presets: Mapping[str, RunConfig]
    ) -> tuple["EarlyOptions", list[str]]:
        """Take --preset, --config, --run-dir and --resume out of the arguments."""
        found, resume, rest = {}, False, []
        words = iter(arguments)
        for word in words:
            name, equals, value = word.partition("=")
            name = name.replace("_", "-")
            if name in ("--preset", "--config", "--run-dir"):
                value = value if equals else next(words, None)
                if value is None:
                    raise UserError(f"{name} needs a value")
                found[name] = value
            elif word == "--resume":
                resume = True
            else:
                rest.append(word)
        preset = found.get("--preset", next(iter(presets)))
        find_preset(presets, preset)
        for name in ("--preset", "--config"):
            if resume and name in found:
                raise UserError(
                    f"--resume keeps the run's own options; leave {name} out"
                )
        config, run_dir = (
            Path(found[name]) if name in found else None
            for name in ("--config", "--run-dir")
        )
        return cls(preset, config, run_dir, resume), rest


def train_options(
    presets: Mapping[str, RunConfig], asked: EarlyOptions, default: RunConfig
) -> type:
    """Return a dataclass of all options of `train`, for tyro and its help."""

    def early(name: str, kind: Any, text: str) -> tuple:
        option = tyro.conf.arg(help=text)
        return name, Annotated[kind, option], field(default=getattr(asked, name))

    known = Literal[tuple(presets)]
    options = dataclasses.make_dataclass(
        "TrainOptions",
        [
            early("preset", known, "Set of defaults for all other options."),
            early("config", Path | None, "JSON file of options that win over those."),
            early("run_dir", Path | None, "The run's folder itself."),
            early("resume", bool, "Continue the latest run, or the one in --run-dir."),
            (
                "all",
                tyro.conf.OmitArgPrefixes[type(default)],
                field(default=default),
            ),
        ],
        frozen=True,
    )
    options.__doc__ = "Train the networks, or continue a run."
    return options
