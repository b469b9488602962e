"""Command lines of their own for tests that send signals."""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = '''
import signal
import sys
from dataclasses import dataclass
sys.path[:0] = {paths!r}
from common.chapter import Chapter, Command
from common.cli.main import main

# A shell that runs tests in the background makes them ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

@dataclass(frozen=True)
class Options:
    """There are none."""

def work():
{lines}

if __name__ == "__main__":
    commands = {{"work": Command(Options, "work", uses_tensorflow=False)}}
    sys.exit(main(Chapter("__main__", {{}}, commands), ["work"]))
'''


def start(folder: Path, lines: str) -> subprocess.Popen:
    """Run lines as a command of a command line, in a group of processes of its own."""
    paths, lines = [str(ROOT), str(ROOT / "tests")], textwrap.indent(lines, " " * 4)
    program = folder / "main.py"
    program.write_text(PROGRAM.format(paths=paths, lines=lines))
    return subprocess.Popen(
        [sys.executable, program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def end(process: subprocess.Popen, timeout: float = 30) -> tuple[int, str]:
    """Return the status and the messages, when no process holds the pipes any more."""
    _, told = process.communicate(timeout=timeout)
    return process.returncode, told


def told(seconds: float) -> list[int]:
    """Say the number of the process and wait; return one row."""
    sys.stdout.write(f"{os.getpid()}\n")
    sys.stdout.flush()
    time.sleep(seconds)
    return [1]
