"""How `tune` judges a generator of shapes."""

import keras
import numpy as np

from chapter02_3dgan.config import Config
from chapter02_3dgan.data import load_shapes
from chapter02_3dgan.evaluation import make_shapes
from chapter02_3dgan.training import sample_latents
from common.metrics.validation import SEED, chosen_rows, finite, guarded
from common.metrics.voxel import evaluate_shapes
from common.tuning import Judge

FIGURES = (
    "mmd_iou",
    "cov_iou",
    "one_nna_iou",
    "pairwise_iou",
    "occupancy",
    "jsd_occupancy",
)
LEAST, MOST = 2, 100
# Sets of samples whose figures are averaged, for each size: one set of 88 alone has
# an MMD that lies up to 0.006 off the mean (README). Larger shapes take long to make.
SETS = {32: 4, 64: 1, 128: 1}


def make_judge(config: Config) -> Judge:
    """Return a judge by the distances of shapes, against validation shapes.

    Args:
        config: of a trial; uses data, classes, azimuths, size, validation_every and
            what latents need.

    Raises:
        UserError: the data are wrong or too few.
    """
    store = load_shapes(config, "train")
    rows = chosen_rows(len(store), config.validation_every, LEAST, MOST)
    validation = store.voxels(rows)
    sets = SETS[config.size]
    latents = sample_latents(config, sets * len(rows), SEED)

    def measure(generator: keras.Model) -> dict[str, float]:
        shapes = make_shapes(finite(generator), latents)
        results = [evaluate_shapes(part, validation) for part in np.split(shapes, sets)]
        return {name: np.mean([r[name] for r in results]) for name in FIGURES}

    return guarded(FIGURES, measure)
