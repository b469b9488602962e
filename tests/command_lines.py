"""Command lines of chapters, called in this process to save TensorFlow's seconds."""

import contextlib
import io
import logging
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from common.chapter import Chapter
from common.cli.main import main

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Ended:
    """What a command line has left, by the names of subprocess.CompletedProcess."""

    returncode: int
    stdout: str
    stderr: str


def call(chapter: Chapter, *arguments: object, cwd: Path | None = None) -> Ended:
    """Call a chapter's command line as its main.py does.

    A Ctrl-C that nothing catches is an error here as it is there, and so is every
    other exception.

    Args:
        chapter: whose it is.
        arguments: as they are typed.
        cwd: folder to work in.
    """
    told, output = io.StringIO(), io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.chdir(cwd or Path.cwd()))
        stack.enter_context(contextlib.redirect_stdout(output))
        stack.enter_context(contextlib.redirect_stderr(told))
        stack.enter_context(_as_at_start(told))
        try:
            status = main(chapter, [str(argument) for argument in arguments])
        except SystemExit as end:
            status = end.code or 0
    return Ended(status, output.getvalue(), told.getvalue())


@contextlib.contextmanager
def _as_at_start(told: io.StringIO) -> Iterator[None]:
    """Let messages and signals go where they go in a new process; then undo it."""
    root = logging.getLogger()
    level, handlers = root.level, [signal.getsignal(number) for number in SIGNALS]
    console = logging.StreamHandler(told)
    console.setLevel(logging.INFO)
    root.addHandler(console)
    root.setLevel(logging.INFO)
    # A shell that runs tests in the background makes them ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        root.removeHandler(console)
        root.setLevel(level)
        for number, handler in zip(SIGNALS, handlers, strict=True):
            signal.signal(number, handler)
