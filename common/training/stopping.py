"""Stop long work cleanly on Ctrl-C, SIGTERM, SIGHUP or a time limit."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator

# SIGHUP comes when the terminal is closed.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequest:
    """Remembers a request to stop; the work checks it at points where it can stop.

    `reason` says why to stop; it is empty until then. `interrupted` is True after a
    signal, and stays False if the time limit is the reason.

    Args:
        max_minutes: time limit in minutes, counted from now, or None.
    """

    def __init__(self, max_minutes: float | None = None):
        self.reason = ""
        self.interrupted = False
        self.max_minutes = max_minutes
        self.started = time.monotonic()

    def requested(self) -> bool:
        """Return whether to stop now; `reason` then says why."""
        minutes = (time.monotonic() - self.started) / 60
        if self.max_minutes is not None and minutes >= self.max_minutes:
            self.reason = f"the limit of {self.max_minutes:g} minutes"
        return bool(self.reason)


@contextlib.contextmanager
def stop_on_signals(max_minutes: float | None = None) -> Iterator[StopRequest]:
    """Turn the first signal of `SIGNALS` within the block into a request to stop.

    A second one has its usual effect. A signal that is ignored, as SIGHUP is under
    nohup, stays ignored. Python handles signals in the main thread only;
    in another thread the block has only the time limit.

    Args:
        max_minutes: time limit in minutes, counted from now, or None.

    Yields:
        The request.
    """
    request = StopRequest(max_minutes)
    handlers = {}
    terminals = [number for number in (1, 2) if os.isatty(number)]

    def request_stop(number: int, frame: object) -> None:
        request.reason = signal.Signals(number).name
        request.interrupted = True
        signal.signal(number, handlers[number])
        if number == signal.SIGHUP:
            _leave(terminals)

    if threading.current_thread() is threading.main_thread():
        # Set before any handler is installed, because a handler reads them.
        before = {number: signal.getsignal(number) for number in SIGNALS}
        handlers = {n: h for n, h in before.items() if h != signal.SIG_IGN}
        for number in handlers:
            signal.signal(number, request_stop)
    try:
        yield request
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _leave(terminals: list[int]) -> None:
    """Point file descriptors of a closed terminal elsewhere; writing to it fails."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in terminals:
        os.dup2(nowhere, number)
    os.close(nowhere)
