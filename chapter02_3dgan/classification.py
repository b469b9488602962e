"""What the discriminator has learnt without labels: features and a linear SVM.

Reference: Wu et al. 2016, arXiv:1610.07584, section 4.2 and table 1.
"""

import dataclasses
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

BATCH = 64
CELLS = 2
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
    """Return voxels -> max-pooled responses of the last three hidden layers.

    At 64^3 these are layers 2, 3 and 4, pooled by 8, 4 and 2 to 2^3 cells each:
    (128 + 256 + 512) * 8 = 7,168 numbers at the paper's width. At 32^3 the layers
    of the same resolutions are the first three.
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
    """Return the features of all shapes: float32 (N, F)."""
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

    Beside it stands the same SVM on the features of an untrained discriminator:
    what of the accuracy is due to training.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        data: labelled shapes: .npz with X_train, y_train, X_test and y_test, or a
            folder of classes. All classes are used.

    Returns:
        A Markdown table with the paper's figures on ModelNet10.

    Raises:
        UserError: no discriminator, or fewer than two classes.
    """
    config = dataclasses.replace(run.configuration(config), data=data, classes=())
    discriminator = load_network(run.discriminator)
    train, test = load_split(config, "train"), load_split(config, "test")
    if len(set(train.labels)) < 2:
        raise UserError(f"{config.data} has one class only; nothing to classify")
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
        f"Linear SVM on {config.data}: share of test shapes named rightly, %",
        "",
        "| features | measured here | published for ModelNet10 |",
        "|---|---|---|",
    ]
    for key, name in names.items():
        lines.append(f"| {name} | {100 * results[key]['accuracy']:.1f} | |")
    lines += [f"| {name} | | {value} |" for name, value in PAPER.items()]
    return "\n".join(lines) + "\n"
