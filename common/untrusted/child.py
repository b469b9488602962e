"""Work on an untrusted file in a child process with limited memory and time.

Libraries in C++ may crash on a damaged file, and that ends the whole process. In a
child, only the child ends.

The parent calls `Child`. The child runs this same file, as a program: it imports
neither TensorFlow nor this project. It loads another program, which must define
`start(*arguments)`; this returns a function that answers one request (bytes) with a
dictionary for JSON. A message is its length (8 bytes) and its content.
"""

import json
import os
import runpy
import struct
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

# Largest answer, bytes.
_MAX_ANSWER = 2**30
_LENGTH = struct.Struct("<Q")


class ChildError(Exception):
    """The child has crashed, or has used up its memory or time."""


class Child:
    """A child process that answers requests about an untrusted file."""

    def __init__(
        self,
        program: Path,
        arguments: Sequence[str | Path],
        *,
        max_memory: int = 2**33,
        max_seconds: float,
    ) -> None:
        """Start the child. It ends with this object or with this process.

        Args:
            program: Python file that defines `start`.
            arguments: texts that are passed to `start`.
            max_memory: largest memory of the child, bytes of address space.
            max_seconds: longest time until each answer.
        """
        self._seconds = max_seconds
        # -P: otherwise modules beside the program could hide others of their name.
        command = [sys.executable, "-P", __file__, str(max_memory), str(program)]
        self._process = subprocess.Popen(
            [*command, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Each thread of NumPy's library reserves some of the memory.
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        )
        self._close = weakref.finalize(self, _end, self._process)

    def ask(self, request: bytes = b"") -> dict:
        """Send a request and return the answer.

        Args:
            request: bytes that the program understands.

        Raises:
            ChildError: the child has ended or takes too long. It is not started again.
        """
        timer = threading.Timer(self._seconds, self._process.kill)
        timer.start()
        try:
            _send(self._process.stdin, request)
            return json.loads(_receive(self._process.stdout))
        except (OSError, EOFError, ValueError) as error:
            self.close()
            raise ChildError(f"ended with {self._process.returncode}") from error
        finally:
            timer.cancel()

    def close(self) -> None:
        """End the child."""
        self._close()


def _end(process: subprocess.Popen) -> None:
    """Kill a process and forget it."""
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        try:
            stream.close()
        except OSError:  # what was not sent cannot be sent any more
            pass


def _send(stream: BinaryIO, content: bytes) -> None:
    """Write a message."""
    stream.write(_LENGTH.pack(len(content)))
    stream.write(content)
    stream.flush()


def _receive(stream: BinaryIO) -> bytes:
    """Read a message; raise EOFError at the end of the stream."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    if length > _MAX_ANSWER:
        raise ValueError(f"a message of {length:,} bytes")
    content = stream.read(length)
    if len(content) < length:
        raise EOFError
    return content


def _limit_memory(max_memory: int) -> None:
    """Limit the memory of this process, and write no file when it crashes."""
    # Not every system supports this.
    try:
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (max_memory, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):
        pass


def _serve(max_memory: str, program: str, *arguments: str) -> None:
    """Answer requests from the standard input until it ends."""
    _limit_memory(int(max_memory))
    # What libraries print must not get between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    answer = runpy.run_path(program)["start"](*arguments)
    while True:
        try:
            request = _receive(sys.stdin.buffer)
        except EOFError:
            return
        _send(answers, json.dumps(answer(request)).encode())


if __name__ == "__main__":
    _serve(*sys.argv[1:])
