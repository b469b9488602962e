"""Networks as .keras files, and their graphs for TensorBoard.

A file appears under its name only when it is complete. Untrusted files can be loaded:
no code in them is run.
"""

import os
from pathlib import Path

import keras
import tensorflow as tf

from common.errors import UserError
from common.files import atomic_path
from common.layers.capsules import CapsuleLengths, Capsules, Squash
from common.layers.conv3d_one_channel import (
    Conv3DFromOneChannel,
    Conv3DTransposeToOneChannel,
)
from common.layers.minibatch_discrimination import MinibatchDiscrimination
from common.layers.pixel_shuffle import PixelShuffle
from common.layers.spectral_norm import SpectralNormalization
from common.training.run_dir import RunDir
from common.untrusted.keras_archive import KerasFileError, load_archive

# Layers of this project that a .keras file may contain.
LAYERS = (
    CapsuleLengths,
    Capsules,
    Conv3DFromOneChannel,
    Conv3DTransposeToOneChannel,
    MinibatchDiscrimination,
    PixelShuffle,
    SpectralNormalization,
    Squash,
)
# Height and width in the drawn graph of a network that takes images of any size.
ANY_SIZE = 32


def save_network(network: keras.Model, path: Path) -> None:
    """Write a network as a .keras file.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    with atomic_path(path) as temporary:
        network.save(temporary)


def load_network(path: Path) -> keras.Model:
    """Load a network from a .keras file, which may be untrusted: no code in it is run.

    Raises:
        UserError: there is no such file, or it is damaged or not from this project.
    """
    if not path.is_file():
        raise UserError(
            f"no {path.name} in {path.parent}; wait for the end of the training, or "
            "continue it with train --resume"
        )
    own = {f"common>{layer.__name__}": layer for layer in LAYERS}
    try:
        return load_archive(path, own)
    except KerasFileError as error:
        raise UserError(
            f"{path} is damaged or not a network of this project ({error}); write it "
            "again with train --resume"
        ) from error


def write_graph(network: keras.Model, run: RunDir, name: str) -> None:
    """Write a network's graph for TensorBoard's GRAPHS page.

    The page shows one graph for each of TensorBoard's runs, so each network is written
    as a run named graph_<name>.

    Args:
        network: network to write.
        run: folder of the run.
        name: name of the network.
    """

    def example(tensor: keras.KerasTensor) -> tf.TensorSpec:
        sizes = [size or ANY_SIZE for size in tensor.shape[1:]]
        return tf.TensorSpec((1, *sizes), tensor.dtype)

    specs = tf.nest.map_structure(example, network.input)
    function = tf.function(lambda inputs: network(inputs, training=False))
    graph = function.get_concrete_function(specs).graph
    folder = run.tensorboard / f"graph_{name}"
    writer = tf.summary.create_file_writer(os.fsencode(folder))
    with writer.as_default():
        tf.summary.graph(graph)
    writer.close()
