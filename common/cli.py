"""From a chapter's dataclasses to its command line.

TensorFlow is imported by the command that needs it, not before: `--help` answers
in under a second.
"""

import contextlib
import dataclasses
import io
import itertools
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from common.config import ConfigType, RunConfig, with_length
from common.errors import TrainingError, UserError
from common.options import RunOptions
from common.runs import RunDir

logger = logging.getLogger(__name__)


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
        train: (config, run) -> None.
        commands: the others by name; "data describe" stands below "data".
    """

    name: str
    presets: Mapping[str, RunConfig]
    train: Callable[[Any, RunDir], Any]
    commands: Mapping[str, Command] = field(default_factory=dict)


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
    for name, command in chapter.commands.items():
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
    elif any(name.startswith(arguments[0] + " ") for name in chapter.commands):
        sys.stdout.write(_overview(chapter))
    else:
        names = ", ".join(["train", *chapter.commands])
        raise UserError(f"unknown command {words!r}; known are {names}")


def _overview(chapter: Chapter) -> str:
    """Return the list of commands with the first line of each one's help."""
    lines = [f"usage: {chapter.name} COMMAND [OPTIONS]", "", "commands:"]
    texts = {"train": "Train the networks, or continue a run."}
    for name, command in chapter.commands.items():
        texts[name] = (command.options.__doc__ or "").splitlines()[0]
    width = max(map(len, texts))
    lines += [f"  {name:{width}}  {text}" for name, text in texts.items()]
    lines += ["", "COMMAND --help explains the options of a command.", ""]
    return "\n".join(lines)


def _train(chapter: Chapter, arguments: list[str]) -> None:
    """Parse the options of `train` on top of a preset or of the run to resume."""
    asked, rest = _Early.split(arguments, chapter)
    if asked.resume:
        run = RunDir.find(chapter.name, asked.run_dir)
        default = run.read_config(type(_first(chapter.presets)))
    else:
        default = chapter.presets[asked.preset]
    options_class = _train_options(chapter, asked, default)
    config = parse(options_class, f"{chapter.name} train", rest).config
    config = with_length(default, config)
    config.validate()
    if config.data is not None and not config.data.exists():
        raise UserError(f"--data {config.data}: no such file or folder")
    if asked.resume:
        run.check_same(config)
    else:
        run = RunDir.create(chapter.name, asked.preset, asked.run_dir)
    import_tensorflow()
    chapter.train(config, run)
    logger.info("the run is in %s", run.path)


def _first(presets: Mapping[str, ConfigType]) -> ConfigType:
    return next(iter(presets.values()))


@dataclass(frozen=True)
class _Early:
    """The options that decide what the defaults of the others are."""

    preset: str
    run_dir: Path | None
    resume: bool

    @classmethod
    def split(
        cls, arguments: list[str], chapter: Chapter
    ) -> tuple["_Early", list[str]]:
        """Take --preset, --run-dir and --resume out of the arguments."""
        preset, run_dir, resume, rest = None, None, False, []
        words = iter(arguments)
        for word in words:
            name, equals, value = word.partition("=")
            if name in ("--preset", "--run-dir", "--run_dir"):
                value = value if equals else next(words, None)
                if value is None:
                    raise UserError(f"{name} needs a value")
                if name == "--preset":
                    preset = value
                else:
                    run_dir = Path(value)
            elif word == "--resume":
                resume = True
            else:
                rest.append(word)
        if preset is not None and preset not in chapter.presets:
            known = ", ".join(chapter.presets)
            raise UserError(f"--preset must be one of {known}, found {preset}")
        if resume and preset is not None:
            raise UserError("--resume keeps the run's own options; leave --preset out")
        return cls(preset or next(iter(chapter.presets)), run_dir, resume), rest


def _train_options(chapter: Chapter, asked: _Early, default: RunConfig) -> type:
    """Return a dataclass of all options of `train`, for tyro and its help."""

    def early(name: str, kind: Any, text: str) -> tuple:
        option = tyro.conf.arg(help=text)
        return name, Annotated[kind, option], field(default=getattr(asked, name))

    presets = Literal[tuple(chapter.presets)]
    options = dataclasses.make_dataclass(
        "TrainOptions",
        [
            early("preset", presets, "Set of defaults for all other options."),
            early("run_dir", Path | None, "The run's folder itself."),
            early("resume", bool, "Continue the latest run, or the one in --run-dir."),
            (
                "config",
                tyro.conf.OmitArgPrefixes[type(default)],
                field(default=default),
            ),
        ],
        frozen=True,
    )
    options.__doc__ = "Train the networks, or continue a run."
    return options


def import_tensorflow() -> None:
    """Import TensorFlow and find the devices, without the notes that it prints.

    It tells of missing GPUs in words that sound like failure; the run's log says
    which devices there are. Setting TF_CPP_MIN_LOG_LEVEL brings the notes back.
    """
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise UserError(f"KERAS_BACKEND must be tensorflow, found {backend}; unset it")
    # A program that only generates must not take all of a GPU's memory.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ or "tensorflow" in sys.modules:
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    # The notes come from C++, below Python's sys.stderr.
    stderr = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_physical_devices()
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


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
