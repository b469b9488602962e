"""The deadly chapter's training."""

import dataclasses
import os
import signal
import time

from toychapter.commands import CHAPTER as TOY


def train(config, run=None, callbacks=()):
    """Train, or kill this process or its parent, the worker."""
    if config.trouble == "exit":
        os.kill(os.getpid(), signal.SIGKILL)
    if config.trouble == "kill":
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    return TOY.train(config, run, callbacks)


CHAPTER = dataclasses.replace(TOY, name="deadlychapter", train=train)
