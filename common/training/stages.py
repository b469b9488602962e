"""Stages: trainings of a run that build on another one, in folders of their own."""

import dataclasses
import logging
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras

from common.config import RunConfig, absolute
from common.data.batches import TrainingData
from common.errors import UserError
from common.files import TORN, read_note, write_note
from common.gan.adversarial_model import AdversarialModel
from common.training.fit import Gallery, fit_run
from common.training.run_dir import RunDir

# File in a stage's folder: its options, and checksums of the networks it builds on.
NOTE = "stage.json"
# File in the run's folder: its first training has ended.
ENDED = "ended.json"
# Numbers of sample pictures and of checkpoints in a whole stage.
PICTURES = 10
CHECKPOINTS = 5
logger = logging.getLogger(__name__)


def begin_stage(
    run: RunDir,
    name: str,
    config: RunConfig,
    fields: Sequence[str],
    sources: Sequence[Path],
) -> RunDir:
    """Return the folder of a stage, emptied if its earlier content is out of date.

    The content is kept, so that the stage can be resumed, if the stage's options and
    the networks it builds on are still the same.

    Args:
        run: folder of the run.
        name: name of the stage.
        config: options of the run.
        fields: names of the options that this stage uses.
        sources: .keras files of the earlier stages that this one builds on.

    Raises:
        UserError: a source is missing.
    """
    stage = RunDir(run.path / name)
    for source in sources:
        if not source.is_file():
            raise UserError(
                f"{name} needs {source}, which does not exist; train the stages before "
                "it first, or all of them"
            )
    values = {field: getattr(config, field) for field in fields}
    note = {
        "options": {field: str(value) for field, value in values.items()},
        "sources": {source.name: _checksum(source) for source in sources},
    }
    earlier = read_note(stage.path / NOTE)
    options = (earlier or {}).get("options")
    if isinstance(options, dict):
        # Earlier versions wrote relative paths.
        for field, text in options.items():
            kind = type(values.get(field))
            if isinstance(text, str) and issubclass(kind, (Path, str)):
                options[field] = str(absolute(config, field, kind(text)))
    if stage.path.exists() and earlier != note:
        logger.info(
            "stage %s starts again: its options or the networks it builds on changed",
            name,
        )
        shutil.rmtree(stage.path)
    write_note(stage.path / NOTE, note)
    return stage


def fit_stage(
    model: AdversarialModel,
    data: TrainingData,
    gallery: Gallery,
    config: RunConfig,
    stage: RunDir,
    callbacks: Sequence[keras.callbacks.Callback],
    steps: int,
    results: Mapping[str, keras.Model],
) -> bool:
    """Train a stage.

    Args:
        model: model of the stage.
        data: training data.
        gallery: how samples are drawn.
        config: options of the run. Steps, time limit and intervals are replaced by
            those of the stage.
        stage: folder of the stage.
        callbacks: additional Keras callbacks.
        steps: number of training steps of this stage.
        results: networks to write at the end, by name.

    Returns:
        Whether Ctrl-C or another signal interrupted the training.
    """
    every = config.steps_per_execution
    config = dataclasses.replace(
        config,
        steps=steps,
        max_minutes=None,
        log_every=min(config.log_every, max(every, steps // 20)),
        sample_every=max(every, steps // PICTURES),
        checkpoint_every=max(every, steps // CHECKPOINTS),
    )
    paths = {stage.path / f"{name}.keras": network for name, network in results.items()}
    return fit_run(model, data, gallery, config, stage, callbacks, paths)


def has_ended(run: RunDir) -> bool:
    """Return whether a run's first training has ended, by its steps or time limit."""
    return (run.path / ENDED).exists()


def note_end(run: RunDir, step: int) -> None:
    """Record that a run's first training has ended after `step` steps."""
    write_note(run.path / ENDED, {"steps": step})


def _checksum(path: Path) -> int:
    """Return the checksum of the weights in a .keras file.

    The file also holds the date of writing, which must not count.
    """
    try:
        with zipfile.ZipFile(path) as file:
            return file.getinfo("model.weights.h5").CRC
    except TORN as error:
        raise UserError(
            f"{path} is damaged; write it again with train --resume on the stage before"
        ) from error
