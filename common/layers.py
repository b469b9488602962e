"""The layers that Keras lacks; loading a network knows these and no others."""

import keras
from keras import layers

from common.minibatch import MinibatchDiscrimination
from common.one_channel import Conv3DFromOneChannel, Conv3DTransposeToOneChannel
from common.pixel_shuffle import PixelShuffle
from common.spectral import SpectralNormalization

LAYERS = (
    Conv3DFromOneChannel,
    Conv3DTransposeToOneChannel,
    MinibatchDiscrimination,
    PixelShuffle,
    SpectralNormalization,
)


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
