"""Find the command of a command line, parse its options, run it and report errors.

TensorFlow is imported only when a command needs it, so that `--help` answers in under
a second.
"""

import contextlib
import dataclasses
import io
import logging
import os
import re
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tyro

from common.chapter import Chapter, Command
from common.cli.options import DescribeOptions, MakeOptions, RunOptions
from common.cli.train_options import EarlyOptions, train_options
from common.config import with_length
from common.config_files import read_config
from common.errors import (
    LeftOut,
    PrintableFormatter,
    TrainingError,
    UserError,
    WritingError,
    printable,
)
from common.startup import import_tensorflow
from common.training.run_dir import RunDir
from common.training.workers import find_place, helper_folder
from common.tuning.options import TuneOptions

# Widths between which --help is readable.
LEAST_COLUMNS = 60
MOST_COLUMNS = 400
# Messages of tyro about values of the wrong kind, and plainer words for them.
_PLAINER = (
    (
        r"Error parsing (\S+): invalid literal for int.*: (.*)",
        r"\1: expected INT, found \2",
    ),
    (
        r"Error parsing (\S+): could not convert string to float: (.*)",
        r"\1: expected FLOAT, found \2",
    ),
    (
        r"Error parsing (\S+): no type matching (?:\{None\}\|)?\{?(.*?)\}? could be "
        r"instantiated from \[(.*?)\]\..*",
        r"\1: expected \2, found \3",
    ),
)
logger = logging.getLogger(__name__)


def main(chapter: Chapter, arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status.

    Args:
        chapter: chapter whose commands are available.
        arguments: words of the command line; by default those of this process.

    Returns:
        0: success. 1: training failed, or a result could not be written, for example on
        a full disk. 2: an option, file or folder is wrong. 3: of many files, which a
        command handles one by one, some could not be used and were left out. 130:
        Ctrl-C, SIGTERM or SIGHUP interrupted a command that had nothing to save.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    _set_up_process()
    # SIGTERM, and SIGHUP unless nohup ignores it, act like Ctrl-C; during training, all
    # of them save and then stop.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    try:
        result = _dispatch(chapter, arguments)
        say("")
    except UserError as error:
        logger.error("error: %s", " ".join(str(error).split()))
        return error.status
    except TrainingError as error:
        logger.error("training failed: %s", error)
        return 1
    except KeyboardInterrupt:
        logger.error("interrupted")
        return 130
    except BrokenPipeError:
        # The program that reads our output, for example `head`, has closed the pipe.
        sys.stderr.close()
        return 0
    return 3 if isinstance(result, LeftOut) else 0


def _set_up_process() -> None:
    """Make the process independent of how it was started, and set up the messages."""
    # A file that is opened while a standard stream is closed would take the stream's
    # number, and C++ code would write its messages into that file.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))
        elif hasattr(stream, "reconfigure"):
            # Not all terminals can show all characters.
            stream.reconfigure(errors="backslashreplace")
    # Pictures are drawn into files; a window system may be missing.
    os.environ["MPLBACKEND"] = "agg"
    console = logging.StreamHandler(sys.stderr)
    console.setLevel(logging.INFO)
    console.setFormatter(PrintableFormatter("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[console])
    logging.getLogger("absl").setLevel(logging.ERROR)


def say(text: str) -> None:
    """Write a text that may contain names from users to the standard output.

    Raises:
        WritingError: the output cannot be written, for example to a full disk.
    """
    _write(printable(text))


def _write(text: str) -> None:
    """Write a text to the standard output as it is; see `say`."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # Otherwise Python would try again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise WritingError(f"cannot write the output: {error.strerror}") from error


def _dispatch(chapter: Chapter, arguments: list[str]) -> object:
    """Find the command that the first words name, run it and return its result."""
    words = " ".join(arguments[:2])
    for name, command in chapter.commands.items():
        if words == name or words.startswith(name + " "):
            rest = arguments[len(name.split()) :]
            return _run(
                chapter, command, parse(command.options, f"{chapter.name} {name}", rest)
            )
    known = ["train", *chapter.commands, *(["tune"] if chapter.has_tuning else [])]
    if arguments[:1] == ["train"]:
        _train(chapter, arguments[1:])
    elif arguments[:1] == ["tune"] and "tune" in known:
        options = parse(TuneOptions, f"{chapter.name} tune", arguments[1:])
        # Imported late: a search needs Hyperopt, which takes a second to import.
        from common.tuning.command import tune

        tune(chapter, options)
    elif not arguments or arguments[0] in ("-h", "--help"):
        say(_overview(chapter))
    elif any(name.startswith(arguments[0] + " ") for name in chapter.commands):
        say(_overview(chapter))
    else:
        raise UserError(f"unknown command {words!r}; choose from {', '.join(known)}")
    return None


def _run(chapter: Chapter, command: Command, options: Any) -> object:
    """Call the function of a command, report its result and return it.

    A text is printed. Paths of written files are logged. For `test`, which returns
    scores, the table of scores that it wrote is printed.
    """
    values = {
        field.name: getattr(options, field.name)
        for field in dataclasses.fields(options)
    }
    arguments, run = [], None
    if isinstance(options, DescribeOptions):
        arguments, values = [chapter.config_class(**values)], {}
    if isinstance(options, RunOptions):
        # Before the slow import of TensorFlow, so that a wrong folder is reported at
        # once.
        run = RunDir.find(chapter.name, values.pop("run_dir"))
        arguments = [run, run.read_config(chapter.config_class)]
    if command.uses_tensorflow:
        import_tensorflow()
    result = chapter.function(command.function)(*arguments, **values)
    if isinstance(options, MakeOptions):
        command = shlex.join(["train", "--data", str(options.out)])
        logger.info("use it with: %s", command)
    elif isinstance(result, str):
        say(result.rstrip("\n") + "\n")
    elif isinstance(result, Mapping):
        say((run.path / "metrics.md").read_text())
        logger.info("written: metrics.json, metrics.md and pictures in %s", run.path)
    elif isinstance(result, Path):
        logger.info("written: %s", result)
    elif result:
        first, *others = result
        more = others[0] if len(others) == 1 else f"{len(others)} more files"
        logger.info("written: %s%s", first, f" and {more}" if others else "")
    return result


def _overview(chapter: Chapter) -> str:
    """Return the list of commands, each with the first line of its help."""
    lines = [f"usage: {chapter.name} COMMAND [OPTIONS]", "", "commands:"]
    texts = {"train": "Train the networks, or continue a run."}
    options = {name: command.options for name, command in chapter.commands.items()}
    if chapter.has_tuning:
        options["tune"] = TuneOptions
    for name, options_class in options.items():
        texts[name] = (options_class.__doc__ or "").splitlines()[0]
    width = max(map(len, texts))
    lines += [f"  {name:{width}}  {text}" for name, text in texts.items()]
    lines += ["", "Add --help to a command to see its options.", ""]
    return "\n".join(lines)


def _train(chapter: Chapter, arguments: list[str]) -> None:
    """Parse the options of `train` and train.

    Their defaults come from the run to resume, or from a preset and --config.
    """
    early, rest = EarlyOptions.split(arguments, chapter.presets)
    resumed = None
    if early.resume:
        resumed = RunDir.find(chapter.name, early.run_dir)
        default = resumed.read_config(chapter.config_class)
    else:
        default = chapter.presets[early.preset]
        if early.config is not None:
            default = read_config(early.config, default)
    options_class = train_options(chapter.presets, early, default)
    config = parse(options_class, f"{chapter.name} train", rest).all
    config = with_length(default, config)
    config.validate()
    if config.data is not None and not os.path.exists(config.data):
        raise UserError(f"--data {config.data}: no such file or folder")
    if resumed:
        resumed.check_same(config)
    place = find_place(config)
    if place.is_chief:
        run = resumed or RunDir.create(chapter.name, early.name, early.run_dir)
        try:
            import_tensorflow()
            chapter.function("train")(config, run)
        finally:
            # If it is still empty, the training has not even begun.
            with contextlib.suppress(OSError):
                run.path.rmdir()
        logger.info("the run is in %s", run.path)
        return
    with helper_folder(place, resumed) as run:
        import_tensorflow()
        chapter.function("train")(config, run)


def parse(options: type, program: str, arguments: list[str]) -> Any:
    """Parse arguments into a dataclass of options; after --help, exit the program.

    Args:
        options: dataclass of the options.
        program: name of the program and the command, for --help.
        arguments: words of the command line after the command.

    Raises:
        UserError: an option is unknown, or its value is wrong.
    """
    messages, help_text = io.StringIO(), _HelpText()
    try:
        with (
            contextlib.redirect_stderr(messages),
            contextlib.redirect_stdout(help_text),
            _wide_enough(),
        ):
            return tyro.cli(options, prog=program, args=arguments)
    except SystemExit as end:
        if not end.code:
            _write(help_text.getvalue())
            raise
        raise UserError(f"{_plain(messages.getvalue())} See {program} --help") from end


class _HelpText(io.StringIO):
    """Text in memory, which tyro colours if the terminal shows colours."""

    def isatty(self) -> bool:
        """Return whether the standard output is a terminal."""
        return sys.__stdout__ is not None and sys.__stdout__.isatty()


@contextlib.contextmanager
def _wide_enough() -> Iterator[None]:
    """Let tyro believe that the terminal has a sensible width; it fails otherwise."""
    before = os.environ.get("COLUMNS")
    width = shutil.get_terminal_size().columns
    os.environ["COLUMNS"] = str(min(max(width, LEAST_COLUMNS), MOST_COLUMNS))
    try:
        yield
    finally:
        os.environ.pop("COLUMNS")
        if before is not None:
            os.environ["COLUMNS"] = before


def _plain(text: str) -> str:
    """Return an error message of tyro without its title and the help below it.

    Lines of dashes separate them, because tyro draws no frame into text in memory.
    """
    _, *sections = re.split(r"^ *-{9,} *$", text, flags=re.MULTILINE)
    message = sections[0] if sections else text
    message = " ".join(message.split())
    for pattern, plain in _PLAINER:
        message = re.sub(pattern, plain, message)
    return message.rstrip(" .") + "."
