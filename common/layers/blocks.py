"""Normalisation and activation layers, chosen by the names that options use."""

import keras
from keras import layers

from common.config import Activation


def normalise(x: keras.KerasTensor, kind: str) -> keras.KerasTensor:
    """Normalise features to mean 0 and variance 1, then scale and shift them.

    The scale and shift are trained weights, one pair for each channel.

    Args:
        x: (B, ..., C).
        kind: "batch" takes mean and variance over the batch and all positions, for
            each channel (Ioffe & Szegedy 2015, arXiv:1502.03167, algorithm 1).
            "instance" takes them over the positions of one channel of one item
            (Ulyanov et al. 2016, arXiv:1607.08022, equation 5). A vector (B, C) has
            no positions, so "instance" takes them over its C units. Any other kind,
            such as "none", returns x unchanged.

    Returns:
        Features of the same shape as x.
    """
    if kind == "batch":
        return layers.BatchNormalization()(x)
    if kind == "instance":
        return layers.GroupNormalization(groups=-1 if len(x.shape) > 2 else 1)(x)
    return x


def activation(kind: Activation, name: str | None = None) -> layers.Layer:
    """Return a layer with an activation function.

    Args:
        kind: name of the function. "leaky_relu" has the slope 0.2 below 0 (Radford et
            al. 2016, arXiv:1511.06434, section 3). "selu" preserves mean 0 and
            variance 1 only if the weights of the layer before it are initialised with
            lecun_normal (Klambauer et al. 2017, arXiv:1706.02515, section 3).
        name: name of the layer.
    """
    if kind == "leaky_relu":
        return layers.LeakyReLU(0.2, name=name)
    if kind == "relu":
        return layers.ReLU(name=name)
    return layers.Activation(kind, name=name)
