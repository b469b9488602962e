"""Stop long work cleanly on Ctrl-C, SIGTERM or a time limit."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)


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
    """Turn the first Ctrl-C or SIGTERM within the block into a request to stop.

    A second one has its usual effect. Python handles signals in the main thread only;
    in another thread the block has only the time limit.

    Args:
        max_minutes: time limit in minutes, counted from now, or None.

    Yields:
        The request.
    """
    request = StopRequest(max_minutes)
    handlers = {}

    def request_stop(number: int, frame: object) -> None:
        request.reason = signal.Signals(number).name
        request.interrupted = True
        signal.signal(number, handlers[number])

    if threading.current_thread() is threading.main_thread():
        # Set before any handler is installed, because a handler reads them.
        handlers = {number: signal.getsignal(number) for number in SIGNALS}
        for number in SIGNALS:
            signal.signal(number, request_stop)
    try:
        yield request
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
