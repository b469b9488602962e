"""The stage shape: chapter 2's 3D-GAN, on voxels or on distance fields."""

from collections.abc import Sequence

import keras
import numpy as np

from chapter02_3dgan.training import build_model, check_occupancy, make_gallery
from common.data.batches import TrainingData
from common.training import devices
from common.training.fit import fit_run
from common.training.run_dir import RunDir
from common.training.stages import note_end
from study_von.config import Config
from study_von.data import Shapes
from study_von.sketches import solid_level


def train_shape(
    config: Config,
    run: RunDir,
    shapes: Shapes,
    callbacks: Sequence[keras.callbacks.Callback],
) -> bool:
    """Train the 3D-GAN in the run's folder; return whether it was interrupted.

    Args:
        config: options of the run.
        run: folder of the run.
        shapes: the training volumes; see `data.load_shapes`.
        callbacks: further Keras callbacks.

    Raises:
        UserError: all volumes are empty, or all are full.
    """
    occupancy = check_occupancy(shapes.occupancy())
    with devices.scope(config):
        model = build_model(config, occupancy)
    gallery = make_gallery(config, solid_level(config))
    data = TrainingData(lambda rows: shapes[rows].astype(np.float32), len(shapes))
    data = data.without(config.validation_every)
    interrupted = fit_run(model, data, gallery, config, run, callbacks)
    if not interrupted:
        note_end(run, int(model.step.numpy()))
    return interrupted
