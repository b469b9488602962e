"""Drawing in several processes that an interrupt stops at once, without traces."""

import contextlib
import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import TypeVar

from tqdm import tqdm

from common.errors import UserError
from common.training.environment import usable_cores
from common.training.stopping import StopRequest, stop_on_signals

Job = TypeVar("Job")
Row = TypeVar("Row")
Work = Callable[[Job], Sequence[Row]]
_POLL_SECONDS = 0.1  # time between two checks for an interrupt


def run_jobs(
    work: Work,
    jobs: Sequence[Job],
    *,
    total: int,
    title: str,
    unit: str = "image",
    processes: int | None = None,
) -> list[Row]:
    """Run jobs in several processes with a progress bar and collect the results.

    Ctrl-C and SIGTERM stop this process between two jobs and kill the other
    processes at once. No other process is left when the function returns or
    raises, so that the caller can remove partly written files.

    Args:
        work: function at the top level of a module that does one job, in a second
            or less, and returns one row for each item of the job.
        jobs: arguments of the calls of `work`, each small enough for a pipe.
        total: number of items of all jobs, for the progress bar.
        title: text of the progress bar, for example "drawing faces".
        unit: name of one item.
        processes: largest number of processes; 1 runs the jobs in this process.
            By default one per core.

    Returns:
        The rows of all jobs, in the order of `jobs`.

    Raises:
        KeyboardInterrupt: the run was interrupted by Ctrl-C or SIGTERM.
        UserError: a process cannot be started, or died.
        Exception: `work` raised it.
    """
    processes = min(processes or usable_cores(), len(jobs))
    parts: list[Sequence[Row]] = [()] * len(jobs)
    # Signals only set a flag, so that an interrupt while a process starts cannot
    # leave it running.
    with (
        stop_on_signals() as request,
        tqdm(total=total, desc=title, unit=unit, disable=None) as bar,
        contextlib.closing(_results(work, jobs, processes, request)) as results,
    ):
        try:
            for place, part in results:
                parts[place] = part
                bar.update(len(part))
        except UserError:
            # The process may have died of the same SIGTERM; then report the signal.
            if not request.reason:
                raise
    if request.reason:
        raise KeyboardInterrupt(request.reason)
    return [row for part in parts for row in part]


def _results(
    work: Work, jobs: Sequence[Job], processes: int, request: StopRequest
) -> Iterator[tuple[int, Sequence[Row]]]:
    """Yield (index, rows) of each finished job, until an interrupt is requested."""
    waiting = enumerate(jobs)
    if processes > 1:
        yield from _shared_results(work, waiting, processes, request)
        return
    for place, job in waiting:
        if request.reason:
            return
        yield place, work(job)


def _shared_results(
    work: Work,
    waiting: Iterator[tuple[int, Job]],
    processes: int,
    request: StopRequest,
) -> Iterator[tuple[int, Sequence[Row]]]:
    """Yield (index, rows) of each finished job of several processes."""
    children: dict[Connection, _ChildProcess] = {}
    running: dict[Connection, int] = {}  # index of the job that a process does

    def send_next_job(link: Connection) -> None:
        if (item := next(waiting, None)) is not None:
            running[link], job = item
            children[link].send(job)

    try:
        for _ in range(processes):
            if request.reason:
                return
            child = _ChildProcess(work)
            children[child.link] = child
            send_next_job(child.link)
        while running and not request.reason:
            for link in wait(list(running), _POLL_SECONDS):
                place, part = running.pop(link), children[link].receive()
                send_next_job(link)
                yield place, part
    finally:
        # Kill all of them first, so that they end at the same time.
        for child in children.values():
            child.kill()
        for child in children.values():
            child.process.join()


class _ChildProcess:
    """A process that does one job after another and ignores Ctrl-C.

    A pool of `concurrent.futures` would finish the jobs that were already
    submitted, and an interrupt while it starts its threads could break it.
    """

    def __init__(self, work: Work):
        # Do not fork: the child would inherit locked locks of TensorFlow's threads.
        context = multiprocessing.get_context("spawn")
        try:
            self.link, other = context.Pipe()
            self.process = context.Process(
                target=_serve_jobs, args=(other, work), daemon=True
            )
            with _interrupts_blocked():
                self.process.start()
        except OSError as error:
            raise UserError(
                f"cannot start a process that draws: {error.strerror or error}; "
                "close other programs and start again"
            ) from error
        # Close our copy of the child's end: then the pipe closes if the child dies.
        other.close()

    def send(self, job: Job) -> None:
        """Send the next job."""
        with _report_dead_process():
            self.link.send(job)

    def receive(self) -> Sequence[Row]:
        """Return the rows of the job, or raise the exception that it raised."""
        with _report_dead_process():
            part, error, lines = self.link.recv()
        if error is not None:
            error.add_note(lines)
            raise error
        return part

    def kill(self) -> None:
        """Kill the process at once."""
        self.process.kill()
        self.link.close()


@contextlib.contextmanager
def _report_dead_process() -> Iterator[None]:
    """Raise a UserError if the pipe to a process is closed."""
    try:
        yield
    except (EOFError, OSError) as error:
        raise UserError(
            "a process that draws died, perhaps for lack of memory; free some and "
            "start again"
        ) from error


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Block SIGINT, so that processes started here ignore Ctrl-C.

    Only the parent stops them.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Python starts its resource tracker with the first process, which would unblock
    # SIGINT. So start it before.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve_jobs(link: Connection, work: Work) -> None:
    """Do jobs from a pipe and send the results, until the parent closes it."""
    # Needed on systems on which signals cannot be blocked.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, OSError):
        while True:
            job = link.recv()
            try:
                answer = work(job), None, ""
            except Exception as error:
                answer = (), error, "".join(traceback.format_exception(error))
            link.send(answer)
