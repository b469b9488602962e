"""The toy chapter with trouble that kills the process which runs the trial."""

import os
import signal
import time

import toychapter


def train(config, run=None, callbacks=()):
    """Train, or kill this process or its parent, the worker."""
    if config.trouble == "exit":
        os.kill(os.getpid(), signal.SIGKILL)
    if config.trouble == "kill":
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    return toychapter.train(config, run, callbacks)
