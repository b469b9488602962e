"""Asking a long work to end cleanly: Ctrl-C, SIGTERM and a time limit."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Remembers why work should end; the work asks when it can end.

    `interrupted` tells a person's wish from the time limit.

    Args:
        max_minutes: time limit from now on, or None.
    """

    def __init__(self, max_minutes: float | None = None):
        self.reason = ""
        self.interrupted = False
        self.max_minutes = max_minutes
        self.started = time.monotonic()

    def requested(self) -> bool:
        """Tell whether the work should end now; `reason` then says why."""
        minutes = (time.monotonic() - self.started) / 60
        if self.max_minutes is not None and minutes >= self.max_minutes:
            self.reason = f"the limit of {self.max_minutes:g} minutes"
        return bool(self.reason)


@contextlib.contextmanager
def stop_on_signals(max_minutes: float | None = None) -> Iterator[StopRequest]:
    """Turn the first Ctrl-C or SIGTERM within the block into a request.

    A second one acts as usual. Only the main thread can listen to signals;
    elsewhere the block has the time limit alone.
    """
    request = StopRequest(max_minutes)
    handlers = {}

    def ask(number: int, frame: object) -> None:
        request.reason = signal.Signals(number).name
        request.interrupted = True
        signal.signal(number, handlers[number])

    if threading.current_thread() is threading.main_thread():
        # Known before `ask` can be called.
        handlers = {number: signal.getsignal(number) for number in SIGNALS}
        for number in SIGNALS:
            signal.signal(number, ask)
    try:
        yield request
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
