"""Networks as .keras files, written whole and loaded safely."""

from pathlib import Path

import keras
import tensorflow as tf

from common import files
from common.errors import UserError
from common.files import atomic_path
from common.layers.conv3d_one_channel import (
    Conv3DFromOneChannel,
    Conv3DTransposeToOneChannel,
)
from common.layers.minibatch_discrimination import MinibatchDiscrimination
from common.layers.pixel_shuffle import PixelShuffle
from common.layers.spectral_norm import SpectralNormalization
from common.training.run_dir import RunDir

LAYERS = (
    Conv3DFromOneChannel,
    Conv3DTransposeToOneChannel,
    MinibatchDiscrimination,
    PixelShuffle,
    SpectralNormalization,
)

ANY_SIZE = 32


def write_graph(network: keras.Model, run: RunDir, name: str) -> None:
    """Write a network's graph for TensorBoard's GRAPHS page.

    The page shows one graph for each run, so each network is a run of its own.
    """

    def example(taken: keras.KerasTensor) -> tf.TensorSpec:
        # Networks for images of any size are drawn for a small one.
        sizes = [size or ANY_SIZE for size in taken.shape[1:]]
        return tf.TensorSpec((1, *sizes), taken.dtype)

    specs = tf.nest.map_structure(example, network.input)
    function = tf.function(lambda inputs: network(inputs, training=False))
    graph = function.get_concrete_function(specs).graph
    writer = tf.summary.create_file_writer(str(run.tensorboard / f"graph_{name}"))
    with writer.as_default():
        tf.summary.graph(graph)
    writer.close()


def save_network(network: keras.Model, path: Path) -> None:
    """Write a network as a .keras file."""
    with atomic_path(path) as temporary:
        network.save(temporary)


def load_network(path: Path) -> keras.Model:
    """Read a .keras file that nobody vouches for: no code in it is run.

    Raises:
        UserError: there is no such file, or it is damaged.
    """
    if not path.is_file():
        raise UserError(
            f"no {path.name} in {path.parent}; let the training end, or continue it "
            "with train --resume"
        )
    own = {f"common>{layer.__name__}": layer for layer in LAYERS}
    try:
        return keras.models.load_model(
            path, custom_objects=own, compile=False, safe_mode=True
        )
    except (*files.TORN, TypeError) as error:
        raise UserError(
            f"{path} is damaged or no network of this project "
            f"({type(error).__name__}); train --resume writes it anew"
        ) from error
