"""Scores of the shapes of a run, by chapter 2's rules."""

from collections.abc import Iterator, Mapping

import keras
import numpy as np

from chapter02_3dgan.generation import THRESHOLD, make_shapes
from common.data.splits import random_rows
from common.errors import UserError
from common.gan.latents import sample_latents
from common.metrics.shape_scores import score_shape_sets
from study_von.config import Config
from study_von.data import Shapes
from study_von.networks import build_generator
from study_von.sketches import solid_level

MAX_SHAPES = 1000
# Most voxels of the training shapes that are in memory at once: 128 MB.
BLOCK_VOXELS = 2**27


def score_shapes(
    config: Config,
    generators: Mapping[str, keras.Model],
    train: Shapes,
    held_out: Shapes,
    samples: int | None,
    seed: int,
) -> dict[str, dict[str, float]]:
    """Return the scores of generated shapes against held-out ones.

    Shapes are cleaned as in chapter 2: of each, the largest body is kept.

    Args:
        config: options of the run.
        generators: z -> volumes, by the names of their columns.
        train: training volumes; see `data.load_shapes`.
        held_out: held-out volumes.
        samples: largest number of shapes; by default 1,000.
        seed: seed of the latents and of the shapes that are drawn at random.

    Returns:
        By the names of the columns, and for the columns "training data" and
        "untrained": the scores of `evaluate_shapes`, and shape_nearest_training_ratio
        and shape_nearest_training_share, those of `memorisation`.

    Raises:
        UserError: there are too few shapes.
    """
    count = min(len(held_out), len(train), samples or MAX_SHAPES)
    if count < 2:
        raise UserError(
            "expected at least 2 training and 2 held-out shapes, found "
            f"{len(train)} and {len(held_out)}; add shapes to the data set"
        )
    rng = np.random.default_rng(seed)
    reference = solid(config, held_out, random_rows(rng, len(held_out), count))
    latents = sample_latents(config, count, seed)
    # Occupancies as in chapter 2; distance fields have their surface elsewhere.
    distance = config.representation == "distance"
    level = solid_level(config) if distance else THRESHOLD
    # The untrained generator draws its weights from Keras's global seed.
    keras.utils.set_random_seed(seed % 2**32)
    untrained = build_generator(config, train.occupancy())
    columns = {
        name: make_shapes(generator, latents, level)
        for name, generator in (dict(generators) | {"untrained": untrained}).items()
    }
    columns["training data"] = solid(config, train, random_rows(rng, len(train), count))
    return score_shape_sets(columns, reference, blocks(config, train), "shape_")


def solid(config: Config, volumes: Shapes, rows: np.ndarray) -> np.ndarray:
    """Return which voxels belong to some shapes, bool (n, S, S, S).

    Args:
        config: uses representation.
        volumes: store of volumes (N, S, S, S, 1).
        rows: rows to return, int (n,).
    """
    return np.asarray(volumes[rows])[..., 0] > solid_level(config)


def blocks(config: Config, volumes: Shapes) -> Iterator[np.ndarray]:
    """Yield the shapes of a store in blocks, bool (B, S, S, S)."""
    most = max(1, BLOCK_VOXELS // config.size**3)
    for rows in np.array_split(np.arange(len(volumes)), -(-len(volumes) // most)):
        yield solid(config, volumes, rows)
