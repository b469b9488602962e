"""Drawing in several processes: order, failures, and interrupts at any moment."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from multiprocessing.context import SpawnProcess
from pathlib import Path

import programs
import pytest

from common.errors import UserError
from synthetic_data.drawing.pool import run_jobs


@pytest.fixture(autouse=True)
def nothing_changes():
    """No process is left, and signals act as before."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    handlers = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    yield
    assert multiprocessing.active_children() == []
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask
    assert handlers == [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]


def run(work, jobs, processes=2) -> list:
    return run_jobs(work, jobs, total=4, title="drawing", processes=processes)


def late(job: tuple[float, int, int]) -> list[int]:
    """Wait for as many seconds as the first number says; return the others."""
    time.sleep(job[0])
    return list(job[1:])


def own_number(job: object) -> list[int]:
    """Return the number of the process."""
    return [os.getpid()]


def interrupted(number: signal.Signals) -> list[int]:
    """Send the process a signal; return one row."""
    signal.raise_signal(number)
    return [1]


@pytest.mark.parametrize("processes", [1, 2])
def test_rows_come_in_the_order_of_jobs(processes):
    jobs = [(0.3, 0, 1), (0, 2, 3), (0, 4), (0,), (0, 5, 6)]
    assert run(late, jobs, processes) == [0, 1, 2, 3, 4, 5, 6]


def test_no_jobs_give_no_rows():
    assert run(late, []) == []


def test_other_processes_work():
    found = run(own_number, range(4))
    assert len(found) == 4 and len(set(found)) == 2 and os.getpid() not in found
    assert run(own_number, range(2), processes=1) == [os.getpid()] * 2
    # One job needs no other process.
    assert run(own_number, [0]) == [os.getpid()]


def test_the_bar_counts_rows(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    run(late, [(0, 1, 2), (0, 3, 4)], processes=1)
    told = capsys.readouterr().err
    assert "drawing: 100%" in told and "4/4" in told


def test_a_process_that_dies_is_a_clear_message():
    with pytest.raises(UserError, match="process that draws died, perhaps for want"):
        run(os._exit, [3, 3, 3])


@pytest.mark.parametrize("processes", [1, 2])
def test_what_a_job_raises_is_raised(processes):
    with pytest.raises(json.JSONDecodeError, match="Expecting value") as caught:
        run(json.loads, ["[1]", "x", "[2]"], processes)
    # The lines of another process that failed would be lost.
    if processes == 2:
        assert "raw_decode" in caught.value.__notes__[0]


def test_a_process_that_cannot_start_is_a_clear_message(monkeypatch):
    def start(process):
        if process.name.endswith("2"):
            raise OSError(11, "Resource temporarily unavailable")
        real(process)

    real = SpawnProcess.start
    monkeypatch.setattr(SpawnProcess, "start", start)
    monkeypatch.setattr("multiprocessing.process._process_counter", iter((1, 2)))
    with pytest.raises(UserError, match="cannot start .*: Resource temporarily"):
        run(late, [(0, 1)] * 3)


# --- interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_in_this_process_lets_a_job_end(number):
    with pytest.raises(KeyboardInterrupt, match=number.name):
        run(interrupted, [number, None], processes=1)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_interrupt_while_processes_start(monkeypatch, moment):
    started = []

    def start(process):
        if moment == "before":
            signal.raise_signal(signal.SIGINT)
        real(process)
        started.append(process)
        if moment == "after":
            signal.raise_signal(signal.SIGINT)

    real = SpawnProcess.start
    monkeypatch.setattr(SpawnProcess, "start", start)
    with pytest.raises(KeyboardInterrupt, match="SIGINT"):
        run(late, [(60, 0)] * 4)
    # Nobody waits for the others only to kill them.
    assert [process.exitcode for process in started] == [-signal.SIGKILL]


def test_processes_are_deaf_to_interrupts():
    assert run(interrupted, [signal.SIGINT] * 4) == [1] * 4


def working(folder: Path, seconds: float) -> subprocess.Popen:
    """Return a program that has just begun to work for two minutes."""
    lines = f"""\
from synthetic_data.drawing.pool import run_jobs
from programs import told
sys.stdout.write("now\\n")
sys.stdout.flush()
jobs = [{seconds}] * round(120 / {seconds})
run_jobs(told, jobs, total=len(jobs), title="working", processes=2)
"""
    process = programs.start(folder, lines)
    assert process.stdout.readline() == "now\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("seconds", [0, 0.02, 0.5])
def test_a_program_ends_at_once_with_one_line(tmp_path, number, seconds):
    process = working(tmp_path, 60)
    time.sleep(seconds)
    os.killpg(process.pid, number)
    assert programs.end(process) == (130, "interrupted\n")


def test_no_process_outlives_a_program_that_is_killed(tmp_path):
    process, numbers = working(tmp_path, 0.1), set()
    while len(numbers) < 2:
        numbers.add(process.stdout.readline())
    process.kill()
    assert "Traceback" not in programs.end(process)[1]
