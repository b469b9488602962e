"""The number of multiply-add operations of a network, from the shapes of its layers."""

import math
from collections.abc import Iterator

import keras
from keras import layers

# Layers that use each weight of their kernel once per position of the output.
_FORWARD = (layers.Conv2D, layers.Conv3D, layers.Dense)
# Layers that use each weight of their kernel once per position of the input.
_TRANSPOSED = (layers.Conv2DTranspose, layers.Conv3DTranspose)


def by_layer(network: keras.Model) -> Iterator[tuple[layers.Layer, int]]:
    r"""Count the multiply-add operations of each layer for one item.

    A layer has $P |K|$ of them, where P is the number of positions of its output (of
    its input for a transposed convolution) and |K| the number of weights in its
    kernel. Multiplications with the zeros of the padding are included. Biases,
    normalisation layers and activations are not counted.

    Args:
        network: network of plain layers, for items of one known size.

    Yields:
        Each layer that has a kernel, with its number of operations, in the order of
        the network.

    Raises:
        ValueError: a layer with a kernel is of a type that cannot be counted.
    """
    for layer in network.layers:
        if isinstance(layer, _FORWARD + _TRANSPOSED):
            transposed = isinstance(layer, _TRANSPOSED)
            positions = (layer.input if transposed else layer.output).shape[1:-1]
            yield layer, math.prod(positions) * math.prod(layer.kernel.shape)
        elif hasattr(layer, "kernel"):
            raise ValueError(
                f"layer {layer.name} is of a kind that is not counted: expected a "
                "dense layer or a 2-D or 3-D convolution, found a "
                f"{type(layer).__name__}"
            )
