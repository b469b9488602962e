"""Stages of a run that build upon its first training, each in a folder of its own."""

import dataclasses
import logging
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras

from common.config import RunConfig
from common.data.batches import TrainingData
from common.errors import UserError
from common.files import TORN, read_note, write_note
from common.gan.adversarial_model import AdversarialModel
from common.training.fit import Gallery, fit_run
from common.training.run_dir import RunDir

NOTE, ENDED = "stage.json", "ended.json"
# Of a whole stage.
PICTURES, CHECKPOINTS = 10, 5
logger = logging.getLogger(__name__)


def begin_stage(
    run: RunDir,
    name: str,
    config: RunConfig,
    fields: Sequence[str],
    sources: Sequence[Path],
) -> RunDir:
    """Return the folder of a stage; what it holds stays if it is of the same kind.

    Args:
        run: the run.
        name: of the stage.
        config: of the run.
        fields: names of the options that this stage is told.
        sources: .keras files of the stages before, which it builds upon.

    Raises:
        UserError: a source is missing.
    """
    stage = RunDir(run.path / name)
    for source in sources:
        if not source.is_file():
            raise UserError(
                f"{name} needs {source}, which is not there; train what comes before "
                "it first, or all"
            )
    note = {
        "options": {field: str(getattr(config, field)) for field in fields},
        "sources": {source.name: _checksum(source) for source in sources},
    }
    if stage.path.exists() and read_note(stage.path / NOTE) != note:
        logger.info("%s begins anew: what it builds upon has changed", name)
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
    """Train a stage for so many steps; return whether somebody interrupted it.

    Args:
        model: of the stage.
        data: to learn from.
        gallery: how it is shown.
        config: of the run.
        stage: its folder.
        callbacks: more of Keras's.
        steps: of this stage.
        results: networks to write at the end, by name.
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
    """Tell whether a run's first training has come to its end, by steps or by time."""
    return (run.path / ENDED).exists()


def note_end(run: RunDir, step: int) -> None:
    """Note that a run's first training has ended after so many steps."""
    write_note(run.path / ENDED, {"steps": step})


def _checksum(path: Path) -> int:
    """Return the checksum of a .keras file's weights; its date does not count."""
    try:
        with zipfile.ZipFile(path) as file:
            return file.getinfo("model.weights.h5").CRC
    except TORN as error:
        raise UserError(
            f"{path} is damaged; train --resume on the stage before writes it anew"
        ) from error
