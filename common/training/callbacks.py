"""Keras callbacks of a run: progress bar, logs, samples, checkpoints and stops.

They count the steps since the run began, not since the last start of the program, so
a resumed run writes its files after the same steps as an uninterrupted one.
"""

import logging
import math
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from common.errors import TrainingError
from common.images import writing
from common.startup import progress_interval
from common.training import checkpoints
from common.training.curves import RowFile
from common.training.run_dir import RunDir
from common.training.step_files import find_step_files, is_kept, step_file
from common.training.stopping import StopRequest

logger = logging.getLogger(__name__)


class StepCallback(keras.callbacks.Callback):
    """Calls `act` after every `every` steps, and at the end of training.

    If one execution runs several steps, `act` is called once after all of them.

    Args:
        every: number of steps between two calls.
        done: number of steps that the run had done before this `fit`.
    """

    def __init__(self, every: int, done: int):
        super().__init__()
        self.every = every
        self.done = done
        self.acted = done

    @property
    def step(self) -> int:
        """Number of steps done since the run began.

        The model counts them: Keras's own count is wrong if the last execution has
        fewer steps than the others.
        """
        return int(self.model.step.numpy())

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self.step // self.every > self.acted // self.every:
            self._act_once(self.step)

    def on_train_end(self, logs: dict | None = None) -> None:
        self._act_once(self.step)

    def _act_once(self, step: int) -> None:
        if step > self.acted:
            self.acted = step
            self.act(step)

    def act(self, step: int) -> None:
        """Do the work that is due after `step` steps."""
        raise NotImplementedError


class Progress(keras.callbacks.Callback):
    """Shows a progress bar with the losses.

    Keras's own bar cannot start at the step at which a run is resumed.

    Args:
        total: number of steps at the end of training.
        done: number of steps that the run had done before this `fit`.
        shown: whether to show the bar.
    """

    def __init__(self, total: int, done: int, shown: bool = True):
        super().__init__()
        self.bar = tqdm(
            disable=not shown,
            total=total,
            initial=done,
            desc="training",
            unit="step",
            # In a log file every update is a new line.
            mininterval=progress_interval(),
        )

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        losses = {name: f"{float(value):.2f}" for name, value in (logs or {}).items()}
        self.bar.set_postfix(losses, refresh=False)
        try:
            self.bar.update(int(self.model.step.numpy()) - self.bar.n)
        except OSError:  # The terminal was closed.
            self.bar.disable = True

    def close(self) -> None:
        """Close the bar and leave it on the screen, however training ended."""
        self.bar.close()


class Logs(StepCallback):
    """Writes metrics.csv and TensorBoard scalars; stops if a loss is not finite.

    Args:
        run: folder of the run.
        every: number of steps between two rows.
        done: number of steps that the run had done before this `fit`. Later rows are
            removed, because those steps are about to be repeated.
        writer: writer of TensorBoard's events.

    Raises:
        TrainingError: a loss is NaN or infinite.
    """

    def __init__(
        self, run: RunDir, every: int, done: int, writer: tf.summary.SummaryWriter
    ):
        super().__init__(every, done)
        self.run = run
        self.writer = writer
        self.rows = RowFile(run.metrics_csv, done)
        self.seconds = self.rows.last.get("seconds", 0.0) if self.rows.last else 0.0
        # The share of items that D classified correctly, in the newest rows.
        self.accuracies = deque(maxlen=10)
        self.warned = False

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.started = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        for name, value in (logs or {}).items():
            if not math.isfinite(value):
                phase = name.removesuffix("_loss")
                raise TrainingError(
                    f"the loss of phase {phase} is {float(value)} at step {self.step}; "
                    f"{self._kept()}. Try a lower learning rate or --precision float32"
                )
        super().on_train_batch_end(batch, logs)

    def _kept(self) -> str:
        """Return which checkpoint is kept, for messages."""
        kept = list(find_step_files(self.run.checkpoints, ".npz"))
        if not kept:
            return "there is no checkpoint yet"
        return f"the checkpoint of step {kept[-1]} is kept"

    def act(self, step: int) -> None:
        seconds = round(self.seconds + time.monotonic() - self.started, 2)
        values = self.model.read_logs()
        self.rows.append({"step": step, "seconds": seconds, **values})
        self.accuracies.append(values.get("d_accuracy", 0.75))
        with self.writer.as_default():
            for name, value in values.items():
                tf.summary.scalar(name, value, step)
        self.writer.flush()
        message = ", ".join(f"{name} {value:.3f}" for name, value in values.items())
        logger.debug("step %d after %.0f s: %s", step, seconds, message)
        self._warn_of_imbalance()

    def _warn_of_imbalance(self) -> None:
        """Warn once if D is nearly always right, or no better than chance."""
        recent = self.accuracies
        if self.warned or len(recent) < recent.maxlen:
            return
        if min(recent) > 0.995 or max(recent) < 0.505:
            self.warned = True
            winner = "discriminator" if min(recent) > 0.995 else "generator"
            logger.warning(
                "out of balance: the discriminator classified %.1f %% of the items "
                "correctly in the last %d steps, so the %s is winning",
                100 * np.mean(recent),
                10 * self.every,
                winner,
            )


class Samples(StepCallback):
    """Draws samples, always from the same latents.

    In a long run older pictures are thinned out (see `step_files.is_kept`), and
    TensorBoard gets those only that are kept.

    Args:
        run: folder of the run.
        every: number of steps between two pictures.
        done: number of steps that the run had done before this `fit`. Later pictures
            are removed, because those steps are about to be repeated.
        latents: latents (N, d), or a list of the generator's inputs.
        draw: samples (N, ...) float32 -> picture (H, W, 3) uint8.
        writer: writer of TensorBoard's events.
    """

    def __init__(
        self,
        run: RunDir,
        every: int,
        done: int,
        latents: np.ndarray,
        draw: Callable[[np.ndarray], np.ndarray],
        writer: tf.summary.SummaryWriter,
    ):
        super().__init__(every, done)
        self.run = run
        self.latents = latents
        self.draw = draw
        self.writer = writer

    def on_train_begin(self, logs: dict | None = None) -> None:
        for step, path in find_step_files(self.run.samples, ".png").items():
            if step > self.done:
                path.unlink()
        if self.done == 0:
            self.act(0)

    def act(self, step: int) -> None:
        samples = np.asarray(self.model(self.latents, training=False), np.float32)
        picture = self.draw(samples)
        writing.save_image(picture, step_file(self.run.samples, step, ".png"))
        newest = step // self.every
        for earlier, path in find_step_files(self.run.samples, ".png").items():
            if not is_kept(earlier // self.every, newest):
                path.unlink()
        if is_kept(newest, newest + 1):
            with self.writer.as_default():
                tf.summary.image("samples", picture[None], step)
            self.writer.flush()


class Checkpoints(StepCallback):
    """Saves the whole state of training.

    Args:
        folder: folder of the checkpoints.
        every: number of steps between two checkpoints.
        done: number of steps that the run had done before this `fit`.
        is_chief: whether this process writes the files; see `checkpoints.save`.
    """

    def __init__(self, folder: Path, every: int, done: int, is_chief: bool = True):
        super().__init__(every, done)
        self.folder = folder
        self.is_chief = is_chief

    def act(self, step: int) -> None:
        checkpoints.save(self.folder, step, self.model.state(), self.is_chief)


class Stop(StepCallback):
    """Stops training early and cleanly on request.

    Several workers stop at the same step: they exchange their requests every `every`
    steps, and all stop if one of them has been asked to.

    Args:
        stop: request to stop, and its reason.
        every: number of steps between two exchanges of several workers. A single
            process checks for a request after every execution.
        done: number of steps that the run had done before this `fit`.
    """

    def __init__(self, stop: StopRequest, every: int, done: int):
        super().__init__(every, done)
        self.stop = stop

    def on_train_begin(self, logs: dict | None = None) -> None:
        strategy = self.model.distribute_strategy

        @tf.function
        def count(requests: tf.Tensor) -> tf.Tensor:
            """Return the sum of the requests over all workers."""
            own = strategy.run(tf.identity, (requests,))
            return strategy.reduce(tf.distribute.ReduceOp.SUM, own, None)

        self.count = count

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        strategy = self.model.distribute_strategy
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            super().on_train_batch_end(batch, logs)
        elif self.stop.requested():
            self.model.stop_training = True

    def on_train_end(self, logs: dict | None = None) -> None:
        """Do nothing: training has already ended."""

    def act(self, step: int) -> None:
        requests = [float(self.stop.requested()), float(self.stop.interrupted)]
        requested, interrupted = self.count(tf.constant(requests)).numpy() > 0
        if requested:
            self.stop.reason = self.stop.reason or "another worker"
            self.stop.interrupted = bool(interrupted)
            self.model.stop_training = True
