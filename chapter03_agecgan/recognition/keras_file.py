"""Face-recognition networks in .keras files, and a frame around any such network."""

from pathlib import Path

import keras

from common.errors import UserError
from common.features.cached_network import float32
from common.files import TORN

# Edge of the images of most face-recognition networks, for files that tell none.
USUAL_SIZE = 112
MAX_SIZE = 1024


def load(path: Path, factor: float, offset: float) -> keras.Model:
    """Load a face-recognition network; no code in the file is run.

    Args:
        path: a .keras file of a network from (B, H, W, 3) to (B, D).
        factor: of the pixels in [-1, 1], for the range that the network takes.
        offset: added to them then.

    Returns:
        Network from (B, S, S, 3) in [-1, 1], any S, to (B, D) of length 1.

    Raises:
        UserError: the file is damaged or its network takes no images or gives no
            embeddings.
    """
    try:
        network = keras.models.load_model(path, compile=False, safe_mode=True)
        shapes = network.input_shape, network.output_shape
    except (*TORN, AttributeError, TypeError) as error:
        raise UserError(
            f"{path} is damaged or no .keras file of Keras's own layers, of which "
            f"Lambda is refused ({type(error).__name__}); save it again with "
            "keras.Model.save"
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
    """Put a network between resizing (bilinear, antialiased) and unit length.

    Args:
        network: from (B, H, W, 3) to (B, D).
        size: (H, W).
        factor: of the pixels in [-1, 1], for the range that the network takes.
        offset: added to them then.

    Returns:
        Network from (B, S, S, 3) in [-1, 1], any S, to (B, D) of length 1.
    """
    layers = keras.layers
    inputs = keras.Input((None, None, 3))
    x = layers.Resizing(*size, antialias=True)(inputs)
    x = layers.Rescaling(factor, offset)(x)
    return keras.Model(inputs, layers.UnitNormalization()(network(x)))


def _image_size(path: Path, takes: tuple, gives: tuple) -> tuple[int, int]:
    """Return height and width of a network's images; refuse what is none."""
    # Several inputs or outputs have a list of shapes.
    if not isinstance(takes, tuple) or len(takes) != 4 or takes[3] != 3:
        raise UserError(
            f"{path}: expected a network of one input (N, H, W, 3), found {takes}; "
            "save it for RGB images, channels last"
        )
    if not isinstance(gives, tuple) or len(gives) != 2 or not (gives[1] or 0) > 1:
        raise UserError(
            f"{path}: expected a network that gives one embedding (N, D) for an image, "
            f"found {gives}; cut it at its embedding"
        )
    height, width = (length or USUAL_SIZE for length in takes[1:3])
    if max(height, width) > MAX_SIZE:
        raise UserError(
            f"{path}: expected images of at most {MAX_SIZE} pixels a side, found "
            f"{height:,} x {width:,}; is it a face-recognition network?"
        )
    return height, width
