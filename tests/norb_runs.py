"""Runs of study_norb whose networks are made by hand, so that their output is known."""

from pathlib import Path

import keras
import numpy as np
from keras import layers

from common.training.network_files import save_network
from common.training.run_dir import RunDir
from study_norb.conditions import label_size
from study_norb.config import NAME, Config

# Edge of the squares of which the networks without labels make an image.
BLOCK = 12


def label_painter(config: Config) -> keras.Model:
    """Return a generator whose first row of pixels is the label, in all channels.

    z_0 is the first pixel of the second row; all other pixels are 0.
    """
    size, channels = config.size, config.channels
    z = keras.Input((config.latent_dim,))
    label = keras.Input((label_size(config),))
    x = layers.Concatenate()([label, z])
    weights = np.zeros((x.shape[1], size, size, channels), np.float32)
    for place in range(label_size(config)):
        weights[place, 0, place] = 1
    weights[label_size(config), 1, 0] = 1
    dense = layers.Dense(size * size * channels, use_bias=False)
    images = layers.Reshape((size, size, channels))(dense(x))
    dense.set_weights([weights.reshape(len(weights), -1)])
    return keras.Model([z, label], images, name="generator")


def block_painter(config: Config) -> keras.Model:
    """Return a generator of 4 x 4 squares whose grey levels are the numbers of z."""
    edge = config.size // BLOCK
    z = keras.Input((config.latent_dim,))
    x = layers.Reshape((edge, edge, config.channels))(z)
    return keras.Model(z, layers.UpSampling2D(BLOCK)(x), name="generator")


def block_reader(config: Config) -> keras.Model:
    """Return the encoder to `block_painter`: z holds the means of the squares."""
    images = keras.Input((config.size, config.size, config.channels))
    x = layers.AveragePooling2D(BLOCK)(images)
    return keras.Model(images, layers.Flatten()(x), name="encoder")


def make_run(folder: Path, **options: object) -> RunDir:
    """Return a run with the options and networks made by hand.

    Args:
        folder: folder of the run; it is created.
        options: fields of Config.
    """
    channels = 2 if options.get("cameras") == "stereo" else 1
    config = Config(latent_dim=16 * channels, filters=2, **options)
    config.validate()
    folder.mkdir(parents=True)
    run = RunDir(folder, NAME)
    run.write_config(config)
    has_labels = config.labels != "none"
    painter = label_painter if has_labels else block_painter
    save_network(painter(config), run.generator)
    if config.model == "aegan":
        save_network(block_reader(config), folder / "encoder.keras")
    return run
