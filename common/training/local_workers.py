r"""Several workers on one machine, to try `--strategy multiworker` without a cluster.

    python -m common.training.local_workers 2 \
        chapter01_gan/main.py train --strategy multiworker

starts the command twice, each with its own TF_CONFIG, and waits for both.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

# TensorFlow's workers notice within ten seconds that one is lost.
NOTICE_SECONDS = 20


def start_workers(
    arguments: Sequence[str | Path],
    count: int = 2,
    cwd: Path | None = None,
    output: int | None = subprocess.PIPE,
) -> list[subprocess.Popen]:
    """Start `python arguments` once for each worker, the chief first.

    Args:
        arguments: a program and its options.
        count: of workers.
        cwd: folder to work in.
        output: where they write, as Popen takes it; None is where this process does.
    """
    addresses = [f"127.0.0.1:{port}" for port in free_ports(count)]
    return [
        subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            stdout=output,
            stderr=output,
            text=True,
            cwd=cwd,
            env=os.environ | {"TF_CONFIG": tf_config(addresses, number)},
        )
        for number in range(count)
    ]


def end_workers(
    workers: list[subprocess.Popen], timeout: float = 240
) -> list[tuple[int, str, str]]:
    """Wait; return each worker's status, output and messages."""
    told = []
    try:
        for worker in workers:
            output, messages = worker.communicate(timeout=timeout)
            told.append((worker.returncode, output, messages))
    finally:
        for worker in workers:
            worker.kill()
    return told


def tf_config(addresses: list[str], number: int) -> str:
    """Return what TF_CONFIG holds for one of the workers."""
    task = {"type": "worker", "index": number}
    return json.dumps({"cluster": {"worker": addresses}, "task": task})


def free_ports(count: int) -> list[int]:
    """Return ports of this machine that nobody listens to."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def main(count: int, command: Sequence[str]) -> int:
    """Run a command as so many workers and return the worst exit status.

    Ctrl-C and SIGTERM reach all of them; they save and end. Where one ends with an
    error, the others have some time to notice, and are then ended, too.
    """
    workers = start_workers(command, count, output=None)

    def pass_on(number: int, frame: object) -> None:
        for worker in workers:
            worker.send_signal(number)

    # Ctrl-C of a terminal reaches the workers by itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, pass_on)
    try:
        while None in (statuses := [worker.poll() for worker in workers]):
            if any(statuses):
                _end_rest(workers)
            time.sleep(0.2)
    finally:
        for worker in workers:
            worker.kill()
    return max(map(abs, statuses))


def _end_rest(workers: list[subprocess.Popen]) -> None:
    """End the workers that wait for one that has ended with an error."""
    end = time.monotonic() + NOTICE_SECONDS
    while any(worker.poll() is None for worker in workers):
        if time.monotonic() > end:
            sys.stderr.write("a worker has ended with an error; ending the others\n")
            for worker in workers:
                worker.kill()
                worker.wait()
        time.sleep(0.2)


if __name__ == "__main__":
    if len(sys.argv) < 3 or not sys.argv[1].isdigit() or int(sys.argv[1]) < 1:
        sys.exit(
            "usage: python -m common.training.local_workers COUNT PROGRAM [OPTION ...]"
        )
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
