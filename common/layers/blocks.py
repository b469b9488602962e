"""The layers that Keras lacks; loading a network knows these and no others."""

import keras
from keras import layers

from common.config import Activation


def normalise(x: keras.KerasTensor, kind: str) -> keras.KerasTensor:
    """Return features with mean 0 and variance 1, then scaled and shifted by weights.

    Args:
        x: (B, ..., C).
        kind: "batch": over batch and places, for each channel (Ioffe and Szegedy
            2015, arXiv:1502.03167, algorithm 1). "instance": over the places of
            one channel of one item (Ulyanov et al. 2016, arXiv:1607.08022,
            equation 5); a vector (B, C) has no places and counts as one map, so
            that its mean is taken over all of its units. "none": x itself.

    Returns:
        Of the shape of x.
    """
    if kind == "batch":
        return layers.BatchNormalization()(x)
    if kind == "instance":
        return layers.GroupNormalization(groups=-1 if len(x.shape) > 2 else 1)(x)
    return x


def activation(kind: Activation, name: str | None = None) -> layers.Layer:
    """Return a layer of an activation function.

    Args:
        kind: leaky_relu has the slope 0.2 below 0 (Radford et al. 2016,
            arXiv:1511.06434, section 3). selu keeps mean 0 and variance 1 only where
            the weights before it begin from lecun_normal (Klambauer et al. 2017,
            arXiv:1706.02515, section 3).
        name: of the layer.
    """
    if kind == "leaky_relu":
        return layers.LeakyReLU(0.2, name=name)
    if kind == "relu":
        return layers.ReLU(name=name)
    return layers.Activation(kind, name=name)
