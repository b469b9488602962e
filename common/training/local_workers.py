r"""Start several workers on one machine: `--strategy multiworker` without a cluster.

    python -m common.training.local_workers 2 \
        chapter01_gan/main.py train --strategy multiworker

starts the command twice, each with its own TF_CONFIG, and waits for both. Where the
system permits it, the workers get a network of their own, which nobody else can reach.
"""

import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

# Time that the other workers have to stop by themselves after one has failed.
# TensorFlow notices a lost worker within ten seconds.
NOTICE_SECONDS = 20
# Constants of Linux: sched.h, linux/sockios.h and net/if.h.
_CLONE_NEWUSER, _CLONE_NEWNET = 0x1000_0000, 0x4000_0000
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1


def start_workers(
    arguments: Sequence[str | Path],
    count: int = 2,
    cwd: Path | None = None,
    output: int | None = subprocess.PIPE,
) -> list[subprocess.Popen]:
    """Start `python arguments` once for each worker, the chief first.

    Args:
        arguments: a program and its options.
        count: number of workers.
        cwd: working folder of the workers; by default that of this process.
        output: where their output goes, as in Popen's `stdout`; None means to the
            output of this process.

    Returns:
        The processes, in the order of the workers.
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
    """Wait for all workers; return each one's exit status, output and messages.

    Args:
        workers: processes of the workers.
        timeout: longest time to wait for one worker, in seconds.

    Raises:
        subprocess.TimeoutExpired: a worker takes longer; all workers are killed.
    """
    results = []
    try:
        for worker in workers:
            output, messages = worker.communicate(timeout=timeout)
            results.append((worker.returncode, output, messages))
    finally:
        for worker in workers:
            worker.kill()
    return results


def tf_config(addresses: list[str], number: int) -> str:
    """Return the value of TF_CONFIG for one worker.

    Args:
        addresses: "host:port" of every worker, the chief first.
        number: number of this worker, from 0.
    """
    task = {"type": "worker", "index": number}
    return json.dumps({"cluster": {"worker": addresses}, "task": task})


def free_ports(count: int) -> list[int]:
    """Return different free TCP ports of this machine."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def leave_network() -> bool:
    """Move this process, and those it starts, to a network that has only loopback.

    This needs Linux, and either the rights of root or user namespaces. The process
    keeps its user, its group and its files. It must have only one thread.

    Returns:
        Whether it worked; if not, the process is still in the machine's network.
    """
    # It cannot be undone, so a child tries it first.
    child = os.fork()
    if child == 0:
        try:
            _leave_network()
        except (AttributeError, OSError):  # AttributeError: not Linux
            os._exit(1)
        os._exit(0)
    works = os.waitpid(child, 0)[1] == 0
    if works:
        _leave_network()
    return works


def _leave_network() -> None:
    """Do what `leave_network` says; raise an OSError if one of the steps fails."""
    user, group = os.getuid(), os.getgid()
    unshare = ctypes.CDLL(None).unshare
    # In a namespace of its own, root could not write the files of other users.
    if user != 0 or unshare(_CLONE_NEWNET) != 0:
        if unshare(_CLONE_NEWNET | _CLONE_NEWUSER) != 0:
            raise OSError("namespaces are not permitted")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    with socket.socket() as any_socket:
        request = struct.pack("16sh14x", b"lo", _IFF_UP)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, request)


def main(count: int, command: Sequence[str]) -> int:
    """Run a command as several workers and return the largest exit status.

    Ctrl-C and SIGTERM reach all workers, which then save and stop. If a worker fails,
    the others have NOTICE_SECONDS to stop by themselves; then they are killed.

    Args:
        count: number of workers.
        command: a program and its options.
    """
    workers = start_workers(command, count, output=None)

    def pass_on(number: int, frame: object) -> None:
        for worker in workers:
            worker.send_signal(number)

    # A terminal sends Ctrl-C to the workers itself, so this process ignores it.
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
    """Kill the workers that still run NOTICE_SECONDS after one has failed."""
    end = time.monotonic() + NOTICE_SECONDS
    while any(worker.poll() is None for worker in workers):
        if time.monotonic() > end:
            sys.stderr.write("a worker has failed; stopping the others\n")
            for worker in workers:
                worker.kill()
                worker.wait()
        time.sleep(0.2)


if __name__ == "__main__":
    if len(sys.argv) < 3 or not sys.argv[1].isdigit() or int(sys.argv[1]) < 1:
        sys.exit(
            "usage: python -m common.training.local_workers COUNT PROGRAM [OPTION ...]"
        )
    if not leave_network():
        sys.stderr.write(
            "no network namespace is permitted here, so the workers listen on all "
            "interfaces of this machine; see docs/many_machines.md\n"
        )
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
