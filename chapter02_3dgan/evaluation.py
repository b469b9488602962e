"""The command `test`: scores of a trained 3D-GAN against held-out shapes."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

import keras
import numpy as np

from chapter02_3dgan.config import Config
from chapter02_3dgan.data import load_split
from chapter02_3dgan.generation import THRESHOLD, make_shapes
from chapter02_3dgan.networks import build_generator
from common.data.splits import random_rows
from common.errors import UserError
from common.gan.latents import sample_latents
from common.images import writing
from common.metrics.report import table, write_metrics
from common.metrics.shape_scores import pairwise_iou, score_shape_sets
from common.shapes.rendering import render_grid, render_rows
from common.shapes.store import VoxelStore
from common.training.network_files import load_network
from common.training.run_dir import RunDir

MAX_SAMPLES = 1000
# Columns of samples.png and neighbours.png.
SHEET_SHAPES = 8
# Most voxels of the training shapes that are in memory at once: 128 MB.
BLOCK_VOXELS = 2**27
logger = logging.getLogger(__name__)


def test(
    run: RunDir,
    config: Config | None = None,
    data: Path | None = None,
    samples: int | None = None,
    seed: int = 1,
) -> dict[str, float]:
    """Score a run's generator; write metrics.json, metrics.md and two sheets.

    Coverage, minimum matching distance and 1-NN accuracy use 1 - IoU as the distance
    between two shapes. The table has two baselines: training shapes drawn at random,
    which show the best scores that can be expected, and the generator before training.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        data: data set; by default the one that the run was trained on.
        samples: number of shapes to generate and of held-out shapes to compare them
            with; by default as many as there are held-out shapes, at most 1,000.
        seed: seed of the latents and of the shapes that are drawn at random.

    Returns:
        The scores of metrics.json by name.

    Raises:
        UserError: the run has no generator, or the data are wrong.
    """
    config = run.configuration_with_data(config, data)
    generator = load_network(run.generator)
    train, reference = load_split(config, "train"), load_split(config, "test")
    shapes, results = score_samples(config, generator, train, reference, samples, seed)
    metrics = named(results)
    write_metrics(run.path, metrics, table(_title(config, run, train), results))
    draw_sheets(run, shapes, train)
    return metrics


def score_samples(
    config: Config,
    generator: keras.Model,
    train: VoxelStore,
    reference: VoxelStore,
    samples: int | None = None,
    seed: int = 1,
    threshold: float = THRESHOLD,
) -> tuple[np.ndarray, dict[str, dict[str, float]]]:
    """Score samples of a generator and those of both baselines; see `test`.

    Args:
        config: options of the run.
        generator: z (N, d) -> occupancy (N, S, S, S, 1).
        train: training shapes.
        reference: held-out shapes.
        samples: number of shapes to generate and to compare with.
        seed: seed of the latents and of the shapes that are drawn at random.
        threshold: occupancy above which a voxel is filled.

    Returns:
        The generated shapes, bool (N, S, S, S), and the scores of the columns "this
        run", "training shapes" and "untrained".

    Raises:
        UserError: there are too few shapes, or an option is out of range.
    """
    if len(reference) < 2:
        raise UserError(
            "expected at least 2 held-out shapes to score against, found "
            f"{len(reference)}; add shapes to the data set"
        )
    count = min(len(reference), MAX_SAMPLES) if samples is None else samples
    if not 2 <= count <= len(train):
        raise UserError(
            f"--samples must be from 2 to the {len(train)} training shapes, which a "
            f"baseline is drawn from; found {count}"
        )
    if seed < 0:
        raise UserError(f"--seed must be a whole number from 0, found {seed}")
    rng = np.random.default_rng(seed)
    held_out = reference.voxels(random_rows(rng, len(reference), count))
    latents = sample_latents(config, count, seed)
    shapes = make_shapes(generator, latents, threshold)
    # The untrained generator draws its weights from Keras's global seed.
    keras.utils.set_random_seed(seed % 2**32)
    untrained = build_generator(config, train.occupancy())
    columns = {
        "this run": shapes,
        "training shapes": train.voxels(random_rows(rng, len(train), count)),
        "untrained": make_shapes(untrained, latents, threshold),
    }
    return shapes, score_shape_sets(columns, held_out, blocks(train))


def named(results: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Return the scores of `score_samples` by their names in metrics.json."""
    metrics = dict(results["this run"])
    for name, prefix in (("training shapes", "train"), ("untrained", "untrained")):
        metrics |= {f"baseline_{prefix}_{k}": v for k, v in results[name].items()}
    return metrics


def _title(config: Config, run: RunDir, train: VoxelStore) -> str:
    """Return the title of the table: run, classes, data set and size."""
    data = config.data or "procedural stand-in"
    # From a labelled file all classes are learnt, whatever `classes` says.
    labelled = config.data is not None and config.data.is_file()
    classes = "all classes" if labelled else ", ".join(train.class_names)
    return f"{run.path.name}: {classes} of {data}, {config.size}^3"


def blocks(train: VoxelStore) -> Iterator[np.ndarray]:
    """Yield training shapes in blocks: all of them may not fit into memory unpacked.

    Args:
        train: training shapes.

    Yields:
        bool (B, S, S, S).
    """
    most = max(1, BLOCK_VOXELS // train.size**3)
    for rows in np.array_split(np.arange(len(train)), -(-len(train) // most)):
        yield train.voxels(rows)


def draw_sheets(run: RunDir, shapes: np.ndarray, train: VoxelStore) -> None:
    """Draw samples.png, and neighbours.png with the nearest training shapes.

    Samples that equal their neighbours would show that the generator has memorised
    the training set.

    Args:
        run: folder of the run.
        shapes: samples, bool (N, S, S, S).
        train: training shapes.
    """
    writing.save_image(
        render_grid(shapes[: 4 * SHEET_SHAPES], columns=SHEET_SHAPES),
        run.path / "samples.png",
    )
    shown = shapes[:SHEET_SHAPES]
    overlap = np.hstack([pairwise_iou(shown, block) for block in blocks(train)])
    nearest = np.argsort(-overlap, axis=1, kind="stable")[:, :3]
    columns = [f"IoU {overlap[i, nearest[i, 0]]:.2f}" for i in range(len(shown))]
    rows = [("sample", shown)]
    rows += [(f"nearest {k + 1}", train.voxels(nearest[:, k])) for k in range(3)]
    sheet = render_rows(rows, column_labels=columns)
    writing.save_image(sheet, run.path / "neighbours.png")
