"""The options of `train`: preset, run folder and the chapter's whole configuration."""

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
    """The options that determine the defaults of the others, so are parsed first.

    Attributes:
        preset: name of the preset.
        config: JSON file of options that override the preset, or None.
        run_dir: folder of the run, or None for the default one.
        resume: whether to continue an existing run.
    """

    preset: str
    config: Path | None
    run_dir: Path | None
    resume: bool

    @property
    def name(self) -> str:
        """Name for the folder of a new run: that of the file, or else the preset."""
        return self.preset if self.config is None else self.config.stem

    @classmethod
    def split(
        cls, arguments: list[str], presets: Mapping[str, RunConfig]
    ) -> tuple["EarlyOptions", list[str]]:
        """Separate --preset, --config, --run-dir and --resume from the other words.

        Args:
            arguments: words of the command line after `train`.
            presets: configurations by name; the first is the default.

        Returns:
            The early options, and the remaining words.

        Raises:
            UserError: a value is missing, a preset is unknown, or --resume is combined
                with --preset or --config.
        """
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
                    f"--resume uses the run's own options; leave {name} out"
                )
        config, run_dir = (
            Path(found[name]) if name in found else None
            for name in ("--config", "--run-dir")
        )
        return cls(preset, config, run_dir, resume), rest


def train_options(
    presets: Mapping[str, RunConfig], asked: EarlyOptions, default: RunConfig
) -> type:
    """Return a dataclass of all options of `train`, for parsing and --help.

    Args:
        presets: configurations by name.
        asked: the options that were parsed first; --help shows them too.
        default: configuration that gives the defaults of the other options.
    """

    def early(name: str, kind: Any, text: str) -> tuple:
        """Return the field of an option that has been parsed already."""
        option = tyro.conf.arg(help=text)
        return name, Annotated[kind, option], field(default=getattr(asked, name))

    known = Literal[tuple(presets)]
    options = dataclasses.make_dataclass(
        "TrainOptions",
        [
            early(
                "preset",
                known,
                "Named set of defaults for all other options.",
            ),
            early(
                "config",
                Path | None,
                "JSON file of options that override the preset.",
            ),
            early(
                "run_dir",
                Path | None,
                "Folder of the run; by default a new one below runs/ in the working "
                "folder.",
            ),
            early(
                "resume",
                bool,
                "Continue the chapter's newest run, or the one in --run-dir, from its "
                "newest checkpoint.",
            ),
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
