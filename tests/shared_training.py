"""A program that trains the toy GAN as a run: on one device, on two, or as a worker.

    python shared_training.py STRATEGY FOLDER [OPTION ...] [then FOLDER [OPTION ...]]

Several runs can follow one another in one process, because a process can join the
other workers only once and takes seconds to start.

Options:

    norm: D has batch normalisation
    fall: the last worker kills itself after step 4
    ask: the last worker gets a SIGTERM after step 2, which stops the training
    steps=N: train for N steps instead of 6
"""

import os
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import keras
import numpy as np
import tensorflow as tf
import toy

from common.config import RunConfig
from common.data.batches import TrainingData
from common.errors import TrainingError
from common.training import devices, workers
from common.training.fit import Gallery, fit_run
from common.training.run_dir import RunDir


class Fate(keras.callbacks.Callback):
    """Send signals to this process after some steps of the training."""

    def __init__(self, signals: dict[int, signal.Signals]):
        """Set the signals.

        Args:
            signals: signal to send, by the number of the step it is sent after.
        """
        super().__init__()
        self.signals = signals

    def on_train_batch_end(self, batch, logs=None):
        if sent := self.signals.get(int(self.model.step.numpy())):
            os.kill(os.getpid(), sent)


def main(strategy: str, *words: str) -> int:
    """Do all runs; stop at the first exit status that is not 0, and return it.

    Args:
        strategy: value of the option `strategy`.
        words: arguments of the program after the strategy.
    """
    if strategy == "mirrored":
        # Two logical devices on one CPU.
        halves = [tf.config.LogicalDeviceConfiguration()] * 2
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, halves)
    while words:
        end = words.index("then") if "then" in words else len(words)
        if status := do_run(strategy, *words[:end]):
            return status
        words = words[end + 1 :]
    return 0


def do_run(strategy: str, folder: str, *options: str) -> int:
    """Do one run; return the exit status."""
    steps = [int(o.removeprefix("steps=")) for o in options if o.startswith("steps=")]
    config = RunConfig(
        batch_size=8,
        steps=steps[0] if steps else 6,
        strategy=strategy,
        log_every=1,
        sample_every=3,
        checkpoint_every=3,
        precision="float32",
    )
    place = workers.find_place(config)
    last = place.number == place.count - 1
    signals = {}
    if last and "fall" in options:
        signals = {4: signal.SIGKILL}
    if last and "ask" in options:
        signals = {2: signal.SIGTERM}
    run = RunDir(folder)
    if place.is_chief:
        return train(config, run, signals, "norm" in options)
    with workers.helper_folder(place, run if run.path.exists() else None) as own:
        return train(config, own, signals, "norm" in options)


def train(config: RunConfig, run: RunDir, signals: dict, norm: bool) -> int:
    """Train the toy GAN, print how the training ended, and return the exit status.

    Args:
        config: options of the training.
        run: folder of the run, or of this worker's own copy of it.
        signals: signals to send to this process; see `Fate`.
        norm: whether D has batch normalisation.
    """
    with run.recording(config):
        devices.set_up(config, bfloat16_keeps_quality=False)
        with devices.scope(config):
            model = toy.build(d_norm=norm, g_every=2)
        latents = np.zeros((2, 3), np.float32)
        gallery = Gallery(latents, lambda items: np.zeros((4, 4, 3), np.uint8))
        data = TrainingData(lambda rows: toy.POINTS[rows], len(toy.POINTS))
        try:
            interrupted = fit_run(model, data, gallery, config, run, [Fate(signals)])
        except TrainingError as error:
            print(error)
            return 1
    if norm:
        moments = model.phases[0].network.non_trainable_variables
        print("moments", [np.asarray(values).tolist() for values in moments])
    # Flush: if this process is killed in a later run, unwritten output is lost.
    ended = "interrupted" if interrupted else "ended"
    print(ended, int(model.step.numpy()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
