"""Start a command line in a separate process, for tests that send signals to it."""

import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A command line with one command, `work`, which runs {lines}.
PROGRAM = '''
import signal
import sys
from dataclasses import dataclass
sys.path[:0] = {paths!r}
from common.chapter import Chapter, Command
from common.cli.main import main

# A shell that runs the tests in the background lets them ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

@dataclass(frozen=True)
class Options:
    """The command has no options."""

def work():
{lines}

if __name__ == "__main__":
    commands = {{"work": Command(Options, "work", uses_tensorflow=False)}}
    sys.exit(main(Chapter("__main__", {{}}, commands), ["work"]))
'''


def start(folder: Path, lines: str) -> subprocess.Popen:
    """Start a program that runs lines of Python as the command `work`.

    Args:
        folder: existing folder in which main.py is written.
        lines: body of the command, not indented.

    Returns:
        The process, in its own process group; its output and errors are pipes.
    """
    program = folder / "main.py"
    paths = [str(ROOT), str(ROOT / "tests")]
    lines = textwrap.indent(lines, " " * 4)
    program.write_text(PROGRAM.format(paths=paths, lines=lines))
    return subprocess.Popen(
        [sys.executable, program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def end(process: subprocess.Popen, timeout: float = 30) -> tuple[int, str]:
    """Wait for a process and its children; return the exit status and the errors.

    The wait ends when no process has the pipes open any more.
    """
    _, errors = process.communicate(timeout=timeout)
    return process.returncode, errors
