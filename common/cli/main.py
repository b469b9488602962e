"""From a chapter's dataclasses to its command line.

TensorFlow is imported by the command that needs it, not before: `--help` answers
in under a second.
"""

import contextlib
import io
import itertools
import logging
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import tyro

from common.chapter import Chapter, Command
from common.cli.options import RunOptions
from common.cli.train_options import EarlyOptions, train_options
from common.config import ConfigType, with_length
from common.config_files import read_config
from common.errors import TrainingError, UserError
from common.startup import import_tensorflow
from common.training.run_dir import RunDir
from common.training.workers import find_place, helper_folder
from common.tuning.options import TuneOptions

logger = logging.getLogger(__name__)


def _commands(chapter: Chapter) -> dict[str, Command]:
    """Return the commands, with `tune` where there is something to search."""
    if chapter.tuning is None:
        return dict(chapter.commands)

    def run(options: TuneOptions) -> None:
        from common.tuning.command import tune

        tune(chapter, options)

    return {**chapter.commands, "tune": Command(TuneOptions, run, False)}


def main(chapter: Chapter, arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status.

    0: done. 1: training failed. 2: the user gave something wrong. 130: stopped
    by Ctrl-C or SIGTERM where nothing was to be saved.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    console = logging.StreamHandler(sys.stderr)
    console.setLevel(logging.INFO)
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[console])
    logging.getLogger("absl").setLevel(logging.ERROR)
    # While nothing is being trained, SIGTERM ends the program as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _dispatch(chapter, arguments)
    except UserError as error:
        logger.error("error: %s", " ".join(str(error).split()))
        return 2
    except TrainingError as error:
        logger.error("training failed: %s", error)
        return 1
    except KeyboardInterrupt:
        logger.error("interrupted")
        return 130
    except BrokenPipeError:
        # The reader of our output, `head` for example, has seen enough.
        sys.stderr.close()
        return 0
    return 0


def _dispatch(chapter: Chapter, arguments: list[str]) -> None:
    words = " ".join(arguments[:2])
    commands = _commands(chapter)
    for name, command in commands.items():
        if words == name or words.startswith(name + " "):
            rest = arguments[len(name.split()) :]
            program = f"{chapter.name} {name}"
            options = parse(command.options, program, rest)
            if isinstance(options, RunOptions):
                # What is not there is told before TensorFlow's seconds.
                RunDir.find(chapter.name, options.run_dir)
            if command.uses_tensorflow:
                import_tensorflow()
            command.run(options)
            return
    if arguments[:1] == ["train"]:
        _train(chapter, arguments[1:])
    elif not arguments or arguments[0] in ("-h", "--help"):
        sys.stdout.write(_overview(chapter))
    elif any(name.startswith(arguments[0] + " ") for name in commands):
        sys.stdout.write(_overview(chapter))
    else:
        names = ", ".join(["train", *commands])
        raise UserError(f"unknown command {words!r}; known are {names}")


def _overview(chapter: Chapter) -> str:
    """Return the list of commands with the first line of each one's help."""
    lines = [f"usage: {chapter.name} COMMAND [OPTIONS]", "", "commands:"]
    texts = {"train": "Train the networks, or continue a run."}
    for name, command in _commands(chapter).items():
        texts[name] = (command.options.__doc__ or "").splitlines()[0]
    width = max(map(len, texts))
    lines += [f"  {name:{width}}  {text}" for name, text in texts.items()]
    lines += ["", "COMMAND --help explains the options of a command.", ""]
    return "\n".join(lines)


def _train(chapter: Chapter, arguments: list[str]) -> None:
    """Parse the options of `train` on top of a preset or of the run to resume."""
    asked, rest = EarlyOptions.split(arguments, chapter.presets)
    known = None
    if asked.resume:
        known = RunDir.find(chapter.name, asked.run_dir)
        default = known.read_config(type(_first(chapter.presets)))
    else:
        default = chapter.presets[asked.preset]
        if asked.config is not None:
            default = read_config(asked.config, default)
    options_class = train_options(chapter.presets, asked, default)
    config = parse(options_class, f"{chapter.name} train", rest).all
    config = with_length(default, config)
    config.validate()
    if config.data is not None and not config.data.exists():
        raise UserError(f"--data {config.data}: no such file or folder")
    if known:
        known.check_same(config)
    place = find_place(config)
    if place.is_chief:
        run = known or RunDir.create(chapter.name, asked.name, asked.run_dir)
        import_tensorflow()
        chapter.train(config, run)
        logger.info("the run is in %s", run.path)
        return
    with helper_folder(place, known) as run:
        import_tensorflow()
        chapter.train(config, run)


def _first(presets: Mapping[str, ConfigType]) -> ConfigType:
    return next(iter(presets.values()))


def parse(options: type, program: str, arguments: list[str]) -> Any:
    """Return `options` filled from the arguments; exits after --help.

    Raises:
        UserError: an option is unknown or its value wrong.
    """
    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told):
            return tyro.cli(options, prog=program, args=arguments)
    except SystemExit as end:
        if not end.code:
            raise
        raise UserError(f"{_plain(told.getvalue())} See {program} --help") from end


def _plain(boxed: str) -> str:
    """Return the message within the frame that tyro draws around it."""
    lines = [line.strip(" │") for line in boxed.splitlines()]
    inner = [line for line in lines if line and line[0] not in "╭╰"]
    message = itertools.takewhile(lambda line: not line.startswith("──"), inner)
    return " ".join(message).rstrip(".") + "."
