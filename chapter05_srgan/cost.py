"""Count the multiplications that a network needs for an image of a given size."""

from collections.abc import Iterator

import keras
from keras import layers

from chapter05_srgan.config import Config
from chapter05_srgan.networks import build_generator
from common.errors import UserError
from common.layers.multiply_adds import by_layer
from common.metrics.report import table

# Row of the totals.
IN_ALL = "in all"


def compare_variants(size: int = 256, scale: int = 4) -> str:
    """Return a table of the cost of one enlarged image with each variant's generator.

    The generators have the numbers of blocks of the default options (light) and of
    the paper (srgan, book: 16).

    Args:
        size: edge of the enlarged image in pixels; a multiple of `scale`.
        scale: factor of the enlargement along each side.

    Returns:
        A Markdown table of billions of multiply-adds.

    Raises:
        UserError: the size is not a multiple of the scale.
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


def cost_table(networks: dict[str, keras.Model], height: int, width: int) -> str:
    """Return a table of the cost of networks, in total and by the size of their maps.

    Args:
        networks: networks for images (B, h, w, C), by the heading of their column.
        height: height h of one input image, in pixels.
        width: width w of one input image, in pixels.

    Returns:
        A Markdown table of billions of multiply-adds.

    Raises:
        ValueError: a layer has a kernel, but its kind is not counted.
    """
    columns = {}
    for heading, network in networks.items():
        column = {IN_ALL: 0.0}
        for layer, count in _counts(network, height, width):
            # Dense layers after a Flatten have vectors, not maps.
            size = " x ".join(map(str, layer.output.shape[1:-1])) or "vectors"
            for row in (IN_ALL, size):
                column[row] = column.get(row, 0.0) + count / 1e9
        columns[heading] = column
    title = f"Billions of multiply-adds for an image of {height} x {width} pixels"
    return table(title, columns)


def multiply_adds(network: keras.Model, height: int, width: int) -> dict[str, int]:
    """Count the multiplications with a weight in each layer, each with its addition.

    `common.layers.multiply_adds` describes what is counted.

    Args:
        network: network for images (B, h, w, C), of plain layers.
        height: height h of one image, in pixels.
        width: width w of one image, in pixels.

    Returns:
        The count of each layer that has a kernel, by the layer's name and in the
        network's order. Their sum is the cost of one image.

    Raises:
        ValueError: a layer has a kernel, but its kind is not counted.
    """
    return {layer.name: count for layer, count in _counts(network, height, width)}


def _counts(
    network: keras.Model, height: int, width: int
) -> Iterator[tuple[layers.Layer, int]]:
    """Yield each layer that has a kernel, with its count."""
    images = keras.Input((height, width, network.input_shape[-1]))
    # A generator takes images of any size; its copy for one size knows all shapes.
    yield from by_layer(keras.models.clone_model(network, images))
