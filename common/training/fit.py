"""Train a model, from the beginning or from its newest checkpoint, to the end."""

import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from common.config import (
    ConfigType,
    RunConfig,
    package_of,
    to_json,
    with_absolute_paths,
)
from common.data.batches import TrainingData, batches, total_steps
from common.errors import TrainingError, UserError
from common.gan.adversarial_model import AdversarialModel
from common.images import writing
from common.training import checkpoints, devices
from common.training.callbacks import Checkpoints, Logs, Progress, Samples, Stop
from common.training.curves import draw_curves, read_rows
from common.training.network_files import save_network, write_graph
from common.training.run_dir import RunDir
from common.training.step_files import find_step_files
from common.training.stopping import StopRequest, stop_on_signals
from common.training.workers import find_place

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Gallery:
    """How the progress of a run is shown.

    Attributes:
        latents: inputs of the generator, (N, ...) or a list of such, the same for
            every picture.
        draw: items (N, ...) float32 -> picture (H, W, 3) uint8.
        equilibrium: losses (D, G) when D cannot discriminate between real and
            generated data, or None.
    """

    latents: np.ndarray | list[np.ndarray]
    draw: Callable[[np.ndarray], np.ndarray]
    equilibrium: tuple[float, float] | None = None


def open_run(config: RunConfig, run: RunDir | None) -> RunDir:
    """Check the options of a run and return its folder.

    Args:
        config: options of the run.
        run: folder of the run, or None for a new one below runs/.

    Raises:
        UserError: an option is wrong.
    """
    config.validate()
    return run or RunDir.create(package_of(type(config)), "custom")


@contextlib.contextmanager
def begin(
    config: ConfigType, run: RunDir, bfloat16_keeps_quality: bool
) -> Iterator[ConfigType]:
    """Set up devices and number format, and write the run's log during the block.

    Args:
        config: options of the run.
        run: folder of the run.
        bfloat16_keeps_quality: whether the chapter's scores are as good in bfloat16,
            as measured.

    Yields:
        The configuration with its number format chosen.

    Raises:
        UserError: the folder cannot be written, another process is training in it,
            or it holds a run with other options.
    """
    config = with_absolute_paths(config)
    with run.recording(config):
        config = devices.set_up(config, bfloat16_keeps_quality)
        run.write_config(config)
        yield config


def fit_run(
    model: AdversarialModel,
    data: TrainingData,
    gallery: Gallery,
    config: RunConfig,
    run: RunDir,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    results: Mapping[Path, keras.Model] | None = None,
) -> bool:
    """Train `model` and write all files of the run's folder.

    If the folder has checkpoints, training resumes from the newest intact one. It
    ends with exactly the weights of an uninterrupted training.

    Args:
        model: model, built in the strategy's scope.
        data: training data.
        gallery: how samples are drawn.
        config: options of the run.
        run: folder of the run.
        callbacks: additional Keras callbacks, called before those that write the run's
            files.
        results: networks to write at the end, by path; by default the averaged
            generator and the network of the first phase.

    Returns:
        Whether Ctrl-C or another signal interrupted the training.

    Raises:
        TrainingError: a loss or a weight is not finite, or a worker was lost.
        UserError: there are too few data, they have changed since the run began, the
            disk is full, or the checkpoints are from another configuration.
    """
    total = total_steps(data.count, config.batch_size, config.steps, config.epochs)
    # The step is built for the shapes and dtypes of one batch.
    example = batches(data.fetch, data.count, config.batch_size, config.seed, range(1))
    with model.distribute_strategy.scope():
        model.build_step(
            example.element_spec, config.steps_per_execution, devices.use_jit(config)
        )
    results = results or {
        run.generator: model.average_generator,
        run.discriminator: model.phases[0].network,
    }
    # Resume from the newest checkpoint, or begin with step 0.
    done = checkpoints.restore(run.checkpoints, model.state())
    if done is None:
        _check_no_results(results)
        done = 0
    run.record_data(config.data, data.count)
    if done == 0:
        _write_beginning(model, data, gallery, config, run)
    interrupted = False
    try:
        if done < total:
            logger.info("training steps %d to %d in %s", done, total, run.path)
            steps = range(done, total)
            interrupted = _fit(model, data, gallery, config, run, steps, callbacks)
        else:
            logger.info("nothing to train: %d of %d steps are done", done, total)
        for path, network in results.items():
            save_network(network, path)
    finally:
        # Also if the training failed.
        _draw_history(run, gallery)
    return interrupted


def _draw_history(run: RunDir, gallery: Gallery) -> None:
    """Draw the curves and the animation; a failure is logged and ends nothing."""
    try:
        draw_curves(read_rows(run.metrics_csv), gallery.equilibrium, run.curves)
    except Exception as error:
        logger.warning("the curves were not drawn: %s", error)
    try:
        frames = []
        pictures = list(find_step_files(run.samples, ".png").values())
        for path in writing.evenly(pictures):
            try:
                frames.append(writing.load_image(path))
            except Exception as error:  # Decoders raise errors of any type.
                logger.warning("%s is left out of %s: %s", path, run.gif.name, error)
        writing.save_gif(frames, run.gif)
    except Exception as error:
        logger.warning("the animation was not written: %s", error)


def _fit(
    model: AdversarialModel,
    data: TrainingData,
    gallery: Gallery,
    config: RunConfig,
    run: RunDir,
    steps: range,
    more_callbacks: Sequence[keras.callbacks.Callback],
) -> bool:
    """Run the given steps; return whether a signal interrupted them."""
    writer = tf.summary.create_file_writer(os.fsencode(run.tensorboard))
    progress = Progress(steps.stop, steps.start, find_place(config).is_chief)
    try:
        with stop_on_signals(config.max_minutes) as stop:
            own = _callbacks(gallery, config, run, steps.start, writer, stop)
            model.fit(
                _dataset(model, data, config, steps),
                shuffle=False,
                verbose=0,
                callbacks=[*more_callbacks, progress, *own],
            )
    except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
        raise TrainingError(
            "another worker was lost. Start all workers again with --resume and the "
            "same --run-dir: they continue from the last checkpoint"
        ) from error
    finally:
        progress.close()
        writer.close()
    if stop.reason:
        logger.info(
            "stopped by %s after step %d of %d; continue with "
            "train --resume --run-dir %s",
            stop.reason,
            int(model.step.numpy()),
            steps.stop,
            run.path,
        )
    return stop.interrupted


def _callbacks(
    gallery: Gallery,
    config: RunConfig,
    run: RunDir,
    done: int,
    writer: tf.summary.SummaryWriter,
    stop: StopRequest,
) -> list[keras.callbacks.Callback]:
    """Return the callbacks that write the run's files, and the one that stops early.

    Their order matters. Checkpoints come after the logs, because the sums of the logs
    are part of the state, and before the pictures, because drawing takes time in
    which the program may be killed.
    """
    is_chief = find_place(config).is_chief
    callbacks = [
        Logs(run, config.log_every, done, writer),
        Checkpoints(run.checkpoints, config.checkpoint_every, done, is_chief),
        Stop(stop, config.log_every, done),
    ]
    if is_chief:
        every, latents, draw = config.sample_every, gallery.latents, gallery.draw
        callbacks.append(Samples(run, every, done, latents, draw, writer))
    return callbacks


def _dataset(
    model: AdversarialModel, data: TrainingData, config: RunConfig, steps: range
) -> tf.data.Dataset | tf.distribute.DistributedDataset:
    """Return the batches of the steps; several devices get equal parts of each."""
    strategy = model.distribute_strategy
    source = (data.fetch, data.count, config.batch_size, config.seed, steps)
    devices = strategy.num_replicas_in_sync
    if devices == 1:
        return batches(*source)

    def feed(context: tf.distribute.InputContext) -> tf.data.Dataset:
        """Return the parts of the batches for the devices of one worker."""
        local = devices // context.num_input_pipelines
        first = context.input_pipeline_id * local
        return batches(*source, range(first, first + local), devices)

    return strategy.distribute_datasets_from_function(feed)


def _check_no_results(paths: Iterable[Path]) -> None:
    """Check that a training from step 0 does not overwrite a trained network."""
    for path in paths:
        if path.exists():
            raise UserError(
                f"{path} is a trained network, but there is no checkpoint to continue "
                "from; begin a new run, or restore the checkpoints folder"
            )


def _write_beginning(
    model: AdversarialModel,
    data: TrainingData,
    gallery: Gallery,
    config: RunConfig,
    run: RunDir,
) -> None:
    """Write what is known before the first step: real items, graphs and options."""
    # As many real items as samples, spread evenly over the data set.
    count = len(tf.nest.flatten(gallery.latents)[0])
    chosen = np.linspace(0, data.count - 1, count).astype(np.int64)
    items = tf.nest.flatten(data.fetch(chosen))[0]
    writing.save_image(gallery.draw(items), run.reals)
    networks = {phase.network.name: phase.network for phase in model.phases}
    for name, network in networks.items():
        write_graph(network, run, name)
    writer = tf.summary.create_file_writer(os.fsencode(run.tensorboard))
    with writer.as_default():
        tf.summary.text("hyperparameters", f"```\n{to_json(config)}```", 0)
        tf.summary.image("reals", writing.load_image(run.reals)[None], 0)
    writer.close()
