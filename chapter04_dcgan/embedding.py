"""The discriminator as a feature extractor: export of features, and a linear probe.

Reference: Radford et al. 2016, arXiv:1511.06434, section 5.1.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers
from tqdm import tqdm

from chapter04_dcgan.config import Config
from chapter04_dcgan.data import Faces, load_split
from chapter04_dcgan.networks import build_discriminator
from common.errors import UserError
from common.files import atomic_path
from common.images.pixels import to_floats
from common.metrics.linear_svm import linear_svm_accuracy
from common.metrics.report import table
from common.training.network_files import load_network
from common.training.run_dir import RunDir
from synthetic_data.anime_faces.write import ATTRIBUTES, read_attributes

# Images that the discriminator computes at a time.
BATCH = 100
# Each map is max-pooled to this many cells along each side.
GRID = 4
# One value: the SVM's C is fixed, not chosen on a part of the training set.
SVM_C = (1.0,)


def feature_network(discriminator: keras.Model) -> keras.Model:
    """Return a network that computes the discriminator's features.

    The features are the outputs of all LeakyReLU layers. Maps larger than 4 x 4 are
    max-pooled to a grid of 4 x 4; then everything is flattened and concatenated, as
    in the paper.

    Args:
        discriminator: a network from `networks.build_discriminator`.

    Returns:
        images (B, S, S, 3) in [-1, 1] -> features (B, D), float32. It shares the
        discriminator's weights.
    """
    parts = []
    for layer in discriminator.layers:
        if not isinstance(layer, layers.LeakyReLU):
            continue
        x = layer.output
        if len(x.shape) == 4:
            edge = x.shape[1] // GRID
            x = layers.MaxPooling2D(edge)(x) if edge > 1 else x
            x = layers.Flatten()(x)
        parts.append(layers.Activation("linear", dtype="float32")(x))
    return keras.Model(discriminator.input, layers.Concatenate()(parts))


def features_of(network: keras.Model, faces: Faces) -> np.ndarray:
    """Return the features of images, float32 (N, D)."""
    starts = range(0, len(faces.images), BATCH)
    parts = [
        np.asarray(network(to_floats(faces.images[i : i + BATCH]), training=False))
        for i in tqdm(starts, "features", unit="batch", disable=None, leave=False)
    ]
    return np.concatenate(parts)


def embed(
    run: RunDir,
    config: Config | None = None,
    data: Path | None = None,
    out: Path | None = None,
) -> Path:
    """Write the discriminator's features of all images of both splits as .npz.

    The file holds train and test, float32 (N, D), and train_names and test_names, the
    images' files.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        data: data set; by default the one that the run was trained on.
        out: file to write; by default embedding.npz in the run's folder.

    Raises:
        UserError: the run has no discriminator, the data are wrong, or `out` does not
            end in .npz.
    """
    out = out or run.path / "embedding.npz"
    if out.suffix != ".npz":
        raise UserError(f"--out must end in .npz, found {out}")
    config = run.configuration_with_data(config, data)
    network = feature_network(load_network(run.discriminator))
    arrays = {}
    for split in ("train", "test"):
        faces = load_split(config, split)
        arrays[split] = features_of(network, faces)
        arrays[f"{split}_names"] = np.array(faces.names)
    with atomic_path(out) as temporary:
        np.savez(temporary, **arrays)
    return out


def probe(run: RunDir, config: Config | None = None, data: Path | None = None) -> str:
    """Return how well a linear SVM predicts attributes from D's features.

    The table compares the same SVM on an untrained discriminator's features, and the
    most frequent value of each attribute.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        data: data set with attributes.csv, as the stand-in has; by default the one
            that the run was trained on.

    Returns:
        A Markdown table of the accuracies on the test images, in [0, 1], for each
        attribute.

    Raises:
        UserError: the run has no discriminator, or the data have no attributes.csv.
    """
    config = run.configuration_with_data(config, data)
    train, test = load_split(config, "train"), load_split(config, "test")
    attributes = read_attributes(train.folder)
    trained = load_network(run.discriminator)
    keras.utils.set_random_seed(config.seed % 2**32)
    networks = {"this run": trained, "untrained": build_discriminator(config)}
    features = {
        name: [features_of(feature_network(network), faces) for faces in (train, test)]
        for name, network in networks.items()
    }
    results: dict[str, dict[str, float]] = {name: {} for name in networks}
    results["most frequent"] = {}
    for attribute in ATTRIBUTES:
        labels = [
            np.array([attributes[name][attribute] for name in faces.names])
            for faces in (train, test)
        ]
        # The baseline: the most frequent value among the training images.
        values, counts = np.unique(labels[0], return_counts=True)
        share = float((labels[1] == values[counts.argmax()]).mean())
        results["most frequent"][attribute] = share
        for name, (train_features, test_features) in features.items():
            results[name][attribute] = linear_svm_accuracy(
                train_features, labels[0], test_features, labels[1], c=SVM_C
            )["accuracy"]
    return table(f"{run.path.name}: attributes from D's features, accuracy", results)
