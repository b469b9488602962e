"""What a network multiplies: counted from the shapes of its layers."""

import math
from collections.abc import Iterator

import keras
from keras import layers

# Each weight of a kernel is multiplied once for each place of the output map, ...
_FORWARD = (layers.Conv2D, layers.Conv3D, layers.Dense)
# ... or of the input map.
_TRANSPOSED = (layers.Conv2DTranspose, layers.Conv3DTranspose)


def by_layer(network: keras.Model) -> Iterator[tuple[layers.Layer, int]]:
    r"""Count multiplications with a weight, each with its addition.

    A layer has $P |K|$ of them: P places of its output map, of a transposed
    convolution those of its input map, and |K| weights in its kernel. What lies
    beyond the edges of a map counts as if it were there. Biases, normalisations and
    activations are not counted.

    Args:
        network: of plain layers, for items of one known size.

    Yields:
        Each layer that has a kernel, with its number for one item, in the network's
        order.

    Raises:
        ValueError: a layer has a kernel, but is none of those that are counted.
    """
    for layer in network.layers:
        if isinstance(layer, _FORWARD + _TRANSPOSED):
            transposed = isinstance(layer, _TRANSPOSED)
            places = (layer.input if transposed else layer.output).shape[1:-1]
            yield layer, math.prod(places) * math.prod(layer.kernel.shape)
        elif hasattr(layer, "kernel"):
            raise ValueError(f"layer {layer.name} is of a kind that is not counted")
