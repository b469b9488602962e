"""Processes that train together on this machine, as a cluster's workers would."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def start_workers(
    arguments: Sequence[str | Path], count: int = 2, cwd: Path | None = None
) -> list[subprocess.Popen]:
    """Start `python arguments` once for each worker, the chief first."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(count)]
    return [
        subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env=os.environ | {"TF_CONFIG": tf_config(addresses, number)},
        )
        for number in range(count)
    ]


def tf_config(addresses: list[str], number: int) -> str:
    """Return what TF_CONFIG holds for one of the workers."""
    task = {"type": "worker", "index": number}
    return json.dumps({"cluster": {"worker": addresses}, "task": task})


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens to."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def end_workers(workers: list[subprocess.Popen]) -> list[tuple[int, str, str]]:
    """Return each worker's status, output and messages."""
    told = []
    try:
        for worker in workers:
            output, messages = worker.communicate(timeout=240)
            told.append((worker.returncode, output, messages))
    finally:
        for worker in workers:
            worker.kill()
    return told
