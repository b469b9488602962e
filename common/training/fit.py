"""Running a training from its beginning, or from where it was, to its end."""

import contextlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from common.config import ConfigType, RunConfig, package_of, to_json
from common.data.batches import TrainingData, batches, total_steps
from common.errors import TrainingError, UserError
from common.files import atomic_path
from common.gan.adversarial_model import AdversarialModel
from common.images import writing
from common.training import checkpoints, devices
from common.training.callbacks import Checkpoints, Logs, Progress, Samples, Stop
from common.training.curves import draw_curves, read_rows
from common.training.network_files import save_network, write_graph
from common.training.run_dir import RunDir
from common.training.stopping import StopRequest, stop_on_signals
from common.training.workers import find_place

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Gallery:
    """How the progress of a run is shown.

    Attributes:
        latents: what the generator takes, (N, ...) or a list of such, the same at
            every picture.
        draw: items (N, ...) float32 -> picture (H, W, 3) uint8.
        equilibrium: losses (D, G) at which neither gains, or None.
    """

    latents: np.ndarray | list[np.ndarray]
    draw: Callable[[np.ndarray], np.ndarray]
    equilibrium: tuple[float, float] | None = None


def open_run(config: RunConfig, run: RunDir | None) -> RunDir:
    """Check the options of a training and return the folder of its run.

    Args:
        config: options of the run.
        run: its folder; None stands for a new one below runs/.

    Raises:
        UserError: an option is wrong.
    """
    config.validate()
    return run or RunDir.create(package_of(type(config)), "custom")


@contextlib.contextmanager
def begin(
    config: ConfigType, run: RunDir, bfloat16_keeps_quality: bool
) -> Iterator[ConfigType]:
    """Set up devices and number format, and write the run's log meanwhile.

    Args:
        config: options of the run.
        run: its folder.
        bfloat16_keeps_quality: whether the chapter's scores are as good in bfloat16,
            as measured.

    Yields:
        The configuration with its number format decided.

    Raises:
        UserError: the folder cannot be written, or holds another run.
    """
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
    """Train `model` and write everything that a run's folder holds.

    If the folder has checkpoints, training goes on from the newest whole one,
    and ends with the very weights of a training without a break.

    Args:
        model: built in the strategy's scope.
        data: to learn from.
        gallery: how samples are drawn.
        config: of the run.
        run: its folder.
        callbacks: more of Keras's, called before those that write the run's files.
        results: networks to write at the end, by path; by default the averaged
            generator and the network of the first phase.

    Returns:
        Whether somebody interrupted the training.

    Raises:
        TrainingError: a loss or a weight is not finite, or a worker was lost.
        UserError: the data are too few, others than before, the disk is full, or
            the checkpoints are from another configuration.
    """
    total = total_steps(data.count, config.batch_size, config.steps, config.epochs)
    specimen = batches(data.fetch, data.count, config.batch_size, config.seed, range(1))
    with model.distribute_strategy.scope():
        model.build_step(
            specimen.element_spec, config.steps_per_execution, devices.use_jit(config)
        )
    results = results or {
        run.generator: model.average_generator,
        run.discriminator: model.phases[0].network,
    }
    done = checkpoints.restore(run.checkpoints, model.state())
    if done is None:
        _check_no_results(results)
        done = 0
    _check_count(run, data.count)
    if done == 0:
        _write_beginning(model, data, gallery, config, run)
    interrupted = False
    try:
        if done < total:
            logger.info("training steps %d to %d in %s", done, total, run.path)
            steps = range(done, total)
            interrupted = _fit(model, data, gallery, config, run, steps, callbacks)
        else:
            logger.info("%d steps are done, %d were asked for", done, total)
    finally:
        draw_curves(read_rows(run.metrics_csv), gallery.equilibrium, run.curves)
        frames = sorted(run.samples.glob("step_*.png"))
        writing.save_gif([writing.load_image(frame) for frame in frames], run.gif)
    for path, network in results.items():
        save_network(network, path)
    return interrupted


def _fit(
    model: AdversarialModel,
    data: TrainingData,
    gallery: Gallery,
    config: RunConfig,
    run: RunDir,
    steps: range,
    more_callbacks: Sequence[keras.callbacks.Callback],
) -> bool:
    writer = tf.summary.create_file_writer(str(run.tensorboard))
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
            "another worker was lost. What the last checkpoint holds is kept: start "
            "all workers again with --resume and the same --run-dir"
        ) from error
    finally:
        progress.close()
        writer.close()
    if stop.reason:
        logger.info(
            "stopped by %s after step %d of %d; train --resume --run-dir %s goes on",
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
    """Return what writes the run's files, and what ends it early.

    The state is saved before pictures, which take time, are drawn, and after the
    logs, whose sums are part of it.
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
    """Return the batches; several devices get equal parts of each."""
    strategy = model.distribute_strategy
    told = (data.fetch, data.count, config.batch_size, config.seed, steps)
    devices = strategy.num_replicas_in_sync
    if devices == 1:
        return batches(*told)

    def feed(context: tf.distribute.InputContext) -> tf.data.Dataset:
        here = devices // context.num_input_pipelines
        first = context.input_pipeline_id * here
        return batches(*told, range(first, first + here), devices)

    return strategy.distribute_datasets_from_function(feed)


def _check_no_results(paths: Iterable[Path]) -> None:
    """Check that a training that starts at step 0 overwrites no trained network."""
    for path in paths:
        if path.exists():
            raise UserError(
                f"{path} is a trained network without the checkpoint to continue "
                "from; begin a new run, or bring the checkpoints folder back"
            )


def _check_count(run: RunDir, count: int) -> None:
    """Note how many items there are; the order of the data depends on it."""
    if run.data.is_file() and (known := json.loads(run.data.read_text())) != count:
        raise UserError(
            f"the run in {run.path} began with {known} training items, and there are "
            f"{count} now; give it the same data with --data, or begin a new run"
        )
    with atomic_path(run.data) as temporary:
        temporary.write_text(f"{count}\n")


def _write_beginning(
    model: AdversarialModel,
    data: TrainingData,
    gallery: Gallery,
    config: RunConfig,
    run: RunDir,
) -> None:
    """Write what is known before the first step: reals, graphs, hyperparameters."""
    shown = len(tf.nest.flatten(gallery.latents)[0])
    chosen = np.linspace(0, data.count - 1, shown).astype(np.int64)
    items = tf.nest.flatten(data.fetch(chosen))[0]
    writing.save_image(gallery.draw(items), run.reals)
    networks = {phase.network.name: phase.network for phase in model.phases}
    for name, network in networks.items():
        write_graph(network, run, name)
    writer = tf.summary.create_file_writer(str(run.tensorboard))
    with writer.as_default():
        tf.summary.text("hyperparameters", f"```\n{to_json(config)}```", 0)
        tf.summary.image("reals", writing.load_image(run.reals)[None], 0)
    writer.close()
