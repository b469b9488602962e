"""Call the command line of a chapter in this process.

A new process would import TensorFlow again, which takes seconds.
"""

import contextlib
import io
import logging
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from common.chapter import Chapter
from common.cli.main import main

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Ended:
    """The result of a command line, named as in subprocess.CompletedProcess.

    Attributes:
        returncode: exit status.
        stdout: standard output.
        stderr: standard error and log messages.
    """

    returncode: int
    stdout: str
    stderr: str


def call(chapter: Chapter, *arguments: object, cwd: Path | None = None) -> Ended:
    """Call a chapter's command line as its main.py does.

    An exception that the command line does not catch is raised here, including
    KeyboardInterrupt.

    Args:
        chapter: the chapter.
        arguments: arguments of the command line; each is converted to a string.
        cwd: working folder; by default the present one.
    """
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.chdir(cwd or Path.cwd()))
        stack.enter_context(contextlib.redirect_stdout(output))
        stack.enter_context(contextlib.redirect_stderr(errors))
        stack.enter_context(_as_in_new_process(errors))
        try:
            status = main(chapter, [str(argument) for argument in arguments])
        except SystemExit as end:
            status = end.code or 0
    return Ended(status, output.getvalue(), errors.getvalue())


@contextlib.contextmanager
def _as_in_new_process(errors: io.StringIO) -> Iterator[None]:
    """Set up logging and signals as in a new process, and restore them at the end."""
    root = logging.getLogger()
    level = root.level
    handlers = [signal.getsignal(number) for number in SIGNALS]
    console = logging.StreamHandler(errors)
    console.setLevel(logging.INFO)
    root.addHandler(console)
    root.setLevel(logging.INFO)
    # A shell that runs the tests in the background lets them ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        root.removeHandler(console)
        root.setLevel(level)
        for number, handler in zip(SIGNALS, handlers, strict=True):
            signal.signal(number, handler)
