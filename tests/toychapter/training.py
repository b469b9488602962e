"""The toy chapter's training: a formula of its options, without TensorFlow."""

import os
import signal
import time

from common.errors import TrainingError


class Network:
    """Stands for a model in training, and for its generator."""

    def __init__(self, config):
        self.config = config
        self.step = 0
        self.stop_training = False

    @property
    def average_generator(self):
        return self

    @property
    def error(self):
        """A formula of the options; a part of it grows smaller with the steps."""
        config = self.config
        best = 0.0 if config.optimizer == "adam" else 0.9
        away = abs(config.layers - 2) + 4 * abs(config.place - 0.3)
        away += abs(config.beta_1 - best) + 0.5 * (config.optimizer == "sgd")
        away += config.luck * (0.5 if config.seed else -0.5)
        return away + 1 / self.step


def train(config, run=None, callbacks=()):
    """Count the steps."""
    config.validate()
    run.path.mkdir(parents=True, exist_ok=True)
    run.write_config(config)
    (run.path / "pid").write_text(str(os.getpid()))
    model = Network(config)
    for callback in callbacks:
        callback.model = model
        callback.on_train_begin()
    for step in range(1, config.steps + 1):
        time.sleep(config.pause)
        model.step = step
        if step == 3:
            _trouble(config.trouble)
        for callback in callbacks:
            callback.on_train_batch_end(step)
        if model.stop_training:
            break
    for callback in callbacks:
        callback.on_train_end()
    return run


def _trouble(kind):
    if kind == "raise":
        raise MemoryError("no memory is left")
    if kind == "exit":
        os._exit(7)
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "nan":
        raise TrainingError("the loss of phase d is nan at step 3")
