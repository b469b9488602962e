"""What it costs to run a network on images of one size."""

from collections.abc import Iterator

import keras
from keras import layers

from chapter05_srgan.config import Config
from chapter05_srgan.networks import build_generator
from common.errors import UserError
from common.layers.multiply_adds import by_layer
from common.metrics.report import table

IN_ALL = "in all"


def multiply_adds(network: keras.Model, height: int, width: int) -> dict[str, int]:
    """Count multiplications with a weight, as `common.layers.multiply_adds` does.

    Args:
        network: from images (B, h, w, C), of plain layers.
        height: h of one image.
        width: w of it.

    Returns:
        The number of each layer by its name, in the network's order. Their sum is
        the cost of one image.

    Raises:
        ValueError: a layer has a kernel, but is none of those that are counted.
    """
    return {layer.name: count for layer, count in _counts(network, height, width)}


def cost_table(networks: dict[str, keras.Model], height: int, width: int) -> str:
    """Return a table of what networks cost, by the size of their maps and in all.

    Args:
        networks: each by the heading of its column; from images (B, h, w, C).
        height: h of one image that goes in.
        width: w of it.

    Returns:
        Markdown with billions of multiply-adds.

    Raises:
        ValueError: as of `multiply_adds`.
    """
    columns = {}
    for heading, network in networks.items():
        column = columns[heading] = {IN_ALL: 0.0}
        for layer, count in _counts(network, height, width):
            size = " x ".join(map(str, layer.output.shape[1:-1])) or "vectors"
            for row in (IN_ALL, size):
                column[row] = column.get(row, 0.0) + count / 1e9
    title = f"Billions of multiply-adds for an image of {height} x {width} pixels"
    return table(title, columns)


def _counts(
    network: keras.Model, height: int, width: int
) -> Iterator[tuple[layers.Layer, int]]:
    """Yield the layers that have a kernel, each with its number."""
    images = keras.Input((height, width, network.input_shape[-1]))
    # The same layers, whose shapes are known.
    yield from by_layer(keras.models.clone_model(network, images))


def compare_variants(size: int = 256, scale: int = 4) -> str:
    """Return a table of what one enlarged picture costs each variant.

    Args:
        size: edge of the enlarged picture, pixels; a multiple of `scale`.
        scale: how many times larger it is than what goes in.

    Raises:
        UserError: the size is no multiple of the scale.
    """
    if size < scale or size % scale:
        raise UserError(f"--size must be a multiple of --scale {scale}, found {size}")
    networks = {
        "light": Config(scale=scale),
        "srgan": Config(scale=scale, variant="srgan", blocks=16),
        "book": Config(scale=scale, variant="book", blocks=16),
    }
    built = {name: build_generator(config) for name, config in networks.items()}
    return cost_table(built, size // scale, size // scale)
