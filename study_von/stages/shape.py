"""The stage shape: chapter 2's 3D-GAN, on voxels or on distance fields."""

from collections.abc import Sequence

import keras
import numpy as np

from chapter02_3dgan.training import GALLERY_SHAPES, build_model
from common.data.batches import TrainingData
from common.errors import UserError
from common.gan import losses
from common.gan.latents import sample_latents
from common.shapes.rendering import render_grid
from common.training import devices
from common.training.fit import Gallery, fit_run
from common.training.run_dir import RunDir
from common.training.stages import note_end
from study_von.config import Config
from study_von.sketches import solid_level


def train_shape(
    config: Config,
    run: RunDir,
    shapes,
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
    occupancy = shapes.occupancy()
    if not 0 < occupancy < 1:
        raise UserError(
            f"the training shapes are all {'full' if occupancy else 'empty'}; "
            "there is nothing to learn from them"
        )
    with devices.scope(config):
        model = build_model(config, occupancy)
    # All pictures get one scale; otherwise the animation would jump.
    whole = np.ones((config.size,) * 3, bool)
    level = solid_level(config)
    gallery = Gallery(
        sample_latents(config, GALLERY_SHAPES, config.seed),
        lambda items: render_grid(
            items[..., 0], image_size=128, frame=whole, threshold=level
        ),
        losses.GAMES[config.loss].equilibrium,
    )
    data = TrainingData(lambda rows: shapes[rows].astype(np.float32), len(shapes))
    data = data.without(config.validation_every)
    interrupted = fit_run(model, data, gallery, config, run, callbacks)
    if not interrupted:
        note_end(run, int(model.step.numpy()))
    return interrupted
