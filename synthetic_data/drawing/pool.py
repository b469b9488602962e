"""Drawing in several processes, which an interrupt ends at once and quietly."""

import contextlib
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import TypeVar

from tqdm import tqdm

from common.errors import UserError
from common.training.stopping import StopRequest, stop_on_signals

Job = TypeVar("Job")
Row = TypeVar("Row")
Work = Callable[[Job], Sequence[Row]]
_LOOK = 0.1  # seconds between two looks at whether the user wants an end


def run_jobs(
    work: Work,
    jobs: Sequence[Job],
    *,
    total: int,
    title: str,
    unit: str = "image",
    processes: int | None = None,
) -> list[Row]:
    """Do jobs in several processes, show a progress bar and gather what they give.

    Ctrl-C and SIGTERM act between two jobs in this process, and at once in others,
    which are killed. When the function is left, no process runs any more, so that
    files which were half written can be removed.

    Args:
        work: function at the top of a module; does one job, in a second or less,
            and returns a row for each item of it.
        jobs: what `work` is called with, each small enough for a pipe.
        total: items of all jobs together, for the bar.
        title: what the bar says, as "drawing faces".
        unit: name of one item.
        processes: how many at most; 1 does the jobs in this process. By default one
            for each core.

    Returns:
        The rows of all jobs, in the order of `jobs`.

    Raises:
        KeyboardInterrupt: the user or the system wants an end.
        UserError: a process cannot be started, or died.
        Exception: what `work` raised.
    """
    processes = min(processes or os.cpu_count() or 1, len(jobs))
    parts: list[Sequence[Row]] = [()] * len(jobs)
    # Signals only leave a note, so that no process is lost while it is being started.
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
            # SIGTERM may have reached the other processes first.
            if not request.reason:
                raise
    if request.reason:
        raise KeyboardInterrupt(request.reason)
    return [row for part in parts for row in part]


def _results(
    work: Work, jobs: Sequence[Job], processes: int, request: StopRequest
) -> Iterator[tuple[int, Sequence[Row]]]:
    """Yield the places of jobs and what they gave, as they come, until a request."""
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
    workers: dict[Connection, _Worker] = {}
    places: dict[Connection, int] = {}

    def go_on(link: Connection) -> None:
        if (item := next(waiting, None)) is not None:
            places[link], job = item
            workers[link].give(job)

    try:
        for _ in range(processes):
            if request.reason:
                return
            worker = _Worker(work)
            workers[worker.link] = worker
            go_on(worker.link)
        while places and not request.reason:
            for link in wait(list(places), _LOOK):
                place, part = places.pop(link), workers[link].take()
                go_on(link)
                yield place, part
    finally:
        for worker in workers.values():
            worker.kill()
        for worker in workers.values():
            worker.process.join()


class _Worker:
    """A process that does one job after the other and that Ctrl-C does not reach.

    A pool of `concurrent.futures` would finish the jobs that it has handed out, and
    could be hurt by an interrupt while it starts its threads.
    """

    def __init__(self, work: Work):
        # A forked process would share the locks of TensorFlow's threads.
        context = multiprocessing.get_context("spawn")
        try:
            self.link, other = context.Pipe()
            self.process = context.Process(
                target=_work_on, args=(other, work), daemon=True
            )
            with _deaf_to_interrupts():
                self.process.start()
        except OSError as error:
            raise UserError(
                f"cannot start a process that draws: {error.strerror or error}; "
                "close other programs and start again"
            ) from error
        # Only the process itself holds its end, which thus closes when it dies.
        other.close()

    def give(self, job: Job) -> None:
        """Send the next job."""
        with _telling_of_death():
            self.link.send(job)

    def take(self) -> Sequence[Row]:
        """Return what the job gave, or raise what it raised."""
        with _telling_of_death():
            part, error, lines = self.link.recv()
        if error is not None:
            error.add_note(lines)
            raise error
        return part

    def kill(self) -> None:
        """End the process at once."""
        self.process.kill()
        self.link.close()


@contextlib.contextmanager
def _telling_of_death() -> Iterator[None]:
    """Turn the closed pipe of a process into a message."""
    try:
        yield
    except (EOFError, OSError) as error:
        raise UserError(
            "a process that draws died, perhaps for want of memory; free some and "
            "start again"
        ) from error


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach: the parent alone ends them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # This process of Python's own would undo the mask if it started below.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work_on(link: Connection, work: Work) -> None:
    """Do jobs until the parent is gone."""
    # For systems that have no masks of signals.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, OSError):
        while True:
            job = link.recv()
            try:
                answer = work(job), None, ""
            except Exception as error:
                answer = (), error, "".join(traceback.format_exception(error))
            link.send(answer)
