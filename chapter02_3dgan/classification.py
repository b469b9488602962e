"""Classify shapes by the discriminator's features: what it has learnt without labels.

A linear SVM is trained on the activations of the discriminator, which never saw a
label.

Reference: Wu et al. 2016, arXiv:1610.07584, section 4.2 and table 1.
"""

import logging
from pathlib import Path

import keras
import numpy as np
from keras import ops
from tqdm import tqdm

from chapter02_3dgan.config import Config
from chapter02_3dgan.data import load_split
from common.errors import UserError
from common.metrics.linear_svm import linear_svm_accuracy
from common.metrics.report import write_metrics
from common.shapes.store import VoxelStore
from common.training.network_files import load_network
from common.training.run_dir import RunDir

# Shapes that the discriminator computes at a time.
BATCH = 64
# Each map is max-pooled to this many cells along each side.
CELLS = 2
# Accuracies in %, published for ModelNet10. "labels": trained with labels.
PAPER = {
    "3D ShapeNets (labels)": 83.5,
    "VoxNet (labels)": 92.0,
    "ORION (labels)": 93.8,
    "SPH": 79.8,
    "LFD": 79.9,
    "VConv-DAE": 80.5,
    "3D-GAN": 91.0,
}
logger = logging.getLogger(__name__)


def feature_extractor(discriminator: keras.Model) -> keras.Model:
    """Return a network that computes the discriminator's features.

    The features are the activations at the last three resolutions, max-pooled to
    2^3 cells each and flattened. At 64^3 these come from layers 2, 3 and 4, pooled
    by 8, 4 and 2: (128 + 256 + 512) * 8 = 7,168 numbers at the paper's width. At
    32^3 the layers of the same resolutions are the first three.

    Args:
        discriminator: a network from `networks.build_discriminator`.

    Returns:
        voxels (B, S, S, S, 1) in [0, 1] -> features (B, F). It shares the
        discriminator's weights.
    """
    names = [layer.name for layer in discriminator.layers]
    names = sorted(name for name in names if name.startswith("features_"))[-3:]
    pooled = []
    for name in names:
        response = discriminator.get_layer(name).output
        pool = response.shape[1] // CELLS
        cells = keras.layers.MaxPooling3D(pool)(response) if pool > 1 else response
        pooled.append(keras.layers.Flatten()(cells))
    return keras.Model(discriminator.input, keras.layers.Concatenate()(pooled))


def extract(extractor: keras.Model, store: VoxelStore) -> np.ndarray:
    """Return the features of all shapes of a store, float32 (N, F).

    Args:
        extractor: a network from `feature_extractor`.
        store: N shapes of the size of the network.
    """
    starts = range(0, len(store), BATCH)
    parts = []
    for start in tqdm(starts, "features", unit="batch", disable=None):
        batch = store[slice(start, start + BATCH)].astype(np.float32)
        parts.append(ops.convert_to_numpy(extractor(batch, training=False)))
    return np.concatenate(parts).astype(np.float32)


def classify(
    run: RunDir,
    config: Config | None = None,
    data: Path = Path("modelnet10.npz"),
) -> str:
    """Train a linear SVM on the discriminator's features; write classify.json.

    The same SVM on the features of an untrained discriminator shows how much of the
    accuracy is due to training.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        data: labelled shapes: .npz with X_train, y_train, X_test and y_test, or a
            folder of classes. All classes are used.

    Returns:
        A Markdown table with both accuracies and those published for ModelNet10.

    Raises:
        UserError: the run has no discriminator, or the data have fewer than two
            classes.
    """
    config = run.configuration_with_data(config, data)
    discriminator = load_network(run.discriminator)
    train, test = (load_split(config, split, True) for split in ("train", "test"))
    if len(set(train.labels)) < 2:
        raise UserError(
            f"expected shapes of at least two classes, found one in {config.data}; "
            "choose other data with --data"
        )
    keras.utils.set_random_seed(config.seed % 2**32)
    untrained = keras.models.clone_model(discriminator)
    results = {}
    for name, network in (("run", discriminator), ("untrained", untrained)):
        extractor = feature_extractor(network)
        results[name] = linear_svm_accuracy(
            extract(extractor, train),
            train.labels,
            extract(extractor, test),
            test.labels,
        )
    metrics = {
        f"{name}_{key}": value
        for name, result in results.items()
        for key, value in result.items()
    }
    metrics |= {"n_train": len(train), "n_test": len(test)}
    text = _table(results, config)
    write_metrics(run.path, metrics, text, stem="classify")
    return text


def _table(results: dict, config: Config) -> str:
    names = {
        "run": "this run's discriminator, features without labels",
        "untrained": "the same discriminator, untrained",
    }
    lines = [
        f"Linear SVM on {config.data}: accuracy on the test shapes, %",
        "",
        "| features | measured here | published for ModelNet10 |",
        "|---|---|---|",
    ]
    for key, name in names.items():
        lines.append(f"| {name} | {100 * results[key]['accuracy']:.1f} | |")
    lines += [f"| {name} | | {value} |" for name, value in PAPER.items()]
    return "\n".join(lines) + "\n"
