"""Face-recognition networks in .keras files, and layers to put around any of them."""

from pathlib import Path

import keras

from common.errors import UserError
from common.features.cached_network import float32
from common.untrusted.keras_archive import KerasFileError, load_archive

# Image edge in pixels for files without a fixed one: that of most face-recognition
# networks.
USUAL_SIZE = 112
# Largest image edge, pixels.
MAX_SIZE = 1024


def load(path: Path, factor: float, offset: float) -> keras.Model:
    """Load a face-recognition network; no code in the file is run.

    Args:
        path: .keras file of a network from images (B, H, W, 3) to embeddings (B, D).
        factor: factor that the pixels in [-1, 1] are multiplied by, to bring them to
            the range that the network takes.
        offset: offset that is added afterwards.

    Returns:
        Network from images (B, S, S, 3) in [-1, 1], any S, to embeddings (B, D) of
        length 1.

    Raises:
        UserError: the file is damaged, or its network does not take images or does not
            return embeddings.
    """
    try:
        network = load_archive(path)
        shapes = network.input_shape, network.output_shape
    except (AttributeError, KerasFileError) as error:
        raise UserError(
            f"{path}: expected a .keras file of Keras's own layers, of which Lambda is "
            f"refused; {error}; save it again with keras.Model.save"
        ) from error
    size = _image_size(path, *shapes)
    with float32():
        return frame(network, size, factor, offset)


def frame(
    network: keras.Model,
    size: tuple[int, int],
    factor: float = 1.0,
    offset: float = 0.0,
) -> keras.Model:
    """Resize and rescale a network's images, and bring its embeddings to length 1.

    Resizing is bilinear and antialiased.

    Args:
        network: network from images (B, H, W, 3) to embeddings (B, D).
        size: height and width (H, W) of the network's images, pixels.
        factor: factor that the pixels in [-1, 1] are multiplied by, to bring them to
            the range that the network takes.
        offset: offset that is added afterwards.

    Returns:
        Network from images (B, S, S, 3) in [-1, 1], any S, to embeddings (B, D) of
        length 1.
    """
    layers = keras.layers
    inputs = keras.Input((None, None, 3))
    x = layers.Resizing(*size, antialias=True)(inputs)
    x = layers.Rescaling(factor, offset)(x)
    return keras.Model(inputs, layers.UnitNormalization()(network(x)))


def _image_size(path: Path, inputs: tuple, outputs: tuple) -> tuple[int, int]:
    """Return height and width of a network's images, after checking its shapes.

    Args:
        path: file of the network, for error messages.
        inputs: its input shape; a list of shapes if there are several inputs.
        outputs: its output shape; a list of shapes if there are several outputs.
    """
    if not isinstance(inputs, tuple) or len(inputs) != 4 or inputs[3] != 3:
        raise UserError(
            f"{path}: expected a network of one input (N, H, W, 3), found {inputs}; "
            "save it for RGB images, channels last"
        )
    dimensions = outputs[1] if isinstance(outputs, tuple) and len(outputs) == 2 else 0
    if not (dimensions or 0) > 1:
        raise UserError(
            f"{path}: expected a network that gives one embedding (N, D) for an image, "
            f"found {outputs}; cut it at its embedding"
        )
    # An open dimension is None.
    height, width = (length or USUAL_SIZE for length in inputs[1:3])
    if max(height, width) > MAX_SIZE:
        raise UserError(
            f"{path}: expected images of at most {MAX_SIZE} pixels a side, found "
            f"{height:,} x {width:,}; is it a face-recognition network?"
        )
    return height, width
