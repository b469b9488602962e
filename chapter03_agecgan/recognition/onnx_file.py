"""Face-recognition networks in ONNX files, run by OpenCV; they give no gradient.

A file is a protocol buffer: a sequence of fields, each a number, the way it is
stored and its value. The few fields that tell the input's shape are read here,
because OpenCV does not tell it.

Reference: "Protocol Buffers: Encoding" (the wire format); ONNX, onnx.proto (numbers
    of the fields).
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from chapter03_agecgan.recognition.keras_file import MAX_SIZE, USUAL_SIZE
from common.errors import UserError
from common.files import read_limited

MAX_BYTES = 512 * 2**20
# Ways in which a value is stored.
_VARINT, _EIGHT_BYTES, _COUNTED, _FOUR_BYTES = 0, 1, 2, 5
# Numbers of fields: of a model, a graph, a tensor and a value, and below a value.
_GRAPH, _INITIALIZER, _INPUT, _TENSOR_NAME, _VALUE_NAME = 7, 5, 11, 8, 1
_TYPE, _TENSOR_TYPE, _SHAPE, _DIM, _DIM_VALUE = 2, 1, 2, 1, 1


class OnnxNetwork:
    """A network from images to embeddings, read from an ONNX file."""

    def __init__(self, path: Path, factor: float, offset: float) -> None:
        """Read a network.

        Args:
            path: of the file.
            factor: of the pixels in [-1, 1], for the range that the network takes.
            offset: added to them then.

        Raises:
            UserError: it is missing, too large, damaged, of operations that OpenCV
                lacks, or does not take images (N, 3, H, W).
        """
        import cv2

        content = read_limited(path, MAX_BYTES)
        self._path, self._factor, self._offset = path, factor, offset
        self._size = _image_size(path, input_shapes(path, content))
        try:
            self._network = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))
        except cv2.error as error:
            raise _unusable(path, error) from error

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return the embeddings of images.

        Args:
            images: (N, S, S, 3) float32 in [-1, 1], any S, RGB.

        Returns:
            (N, D) float32, each of length 1.

        Raises:
            UserError: the network gives no single vector for an image.
        """
        resized = tf.image.resize(images, self._size, antialias=True).numpy()
        planes = (self._factor * resized + self._offset).transpose(0, 3, 1, 2)
        # One by one: many files are of networks for a single image.
        embeddings = [self._embed(np.ascontiguousarray(image)) for image in planes]
        return tf.math.l2_normalize(embeddings, axis=1).numpy()

    def _embed(self, image: np.ndarray) -> np.ndarray:
        """Return the embedding (D,) of an image (3, H, W)."""
        import cv2

        self._network.setInput(image[None])
        try:
            # A copy: the next image overwrites what OpenCV gives.
            output = np.array(self._network.forward())
        except cv2.error as error:
            raise _unusable(self._path, error) from error
        # Some end with a convolution: (1, D, 1, 1).
        if output.ndim < 2 or output.size != output.shape[1] or output.size < 2:
            raise UserError(
                f"{self._path}: expected a network that gives one embedding (1, D) for "
                f"an image, found an output of shape {output.shape}; cut it at its "
                "embedding"
            )
        return output.ravel()


def input_shapes(path: Path, content: bytes) -> list[list[int | None]]:
    """Return the shapes of the inputs that an ONNX file asks for.

    Args:
        path: for messages.
        content: of the file.

    Returns:
        For each input its dimensions; None where one is left open.

    Raises:
        UserError: the content is damaged or no ONNX model.
    """
    try:
        whole = memoryview(content)
        graphs = [value for number, value in _fields(whole) if number == _GRAPH]
        if len(graphs) != 1 or not isinstance(graphs[0], memoryview):
            raise ValueError("no graph")
        return _graph_inputs(graphs[0])
    except (ValueError, TypeError, IndexError) as error:
        raise UserError(
            f"{path} is damaged or no ONNX model; export or download it again"
        ) from error


def _graph_inputs(graph: memoryview) -> list[list[int | None]]:
    """Return the shapes of a graph's inputs; older files list weights among them."""
    weights, inputs = set(), {}
    for number, value in _fields(graph):
        if number == _INITIALIZER:
            weights.update(bytes(name) for name in _all(value, _TENSOR_NAME))
        elif number == _INPUT:
            name = b"".join(_all(value, _VALUE_NAME))
            inputs[name] = _shape(value)
    return [shape for name, shape in inputs.items() if name not in weights]


def _shape(value: memoryview) -> list[int | None]:
    """Return the dimensions of an input."""
    levels = [value]
    for field in (_TYPE, _TENSOR_TYPE, _SHAPE, _DIM):
        levels = [inner for outer in levels for inner in _all(outer, field)]
    # A dimension without a number has a name, such as "batch".
    return [next(iter(_all(dim, _DIM_VALUE)), None) for dim in levels]


def _all(message: memoryview, field: int) -> list:
    """Return all values of one field."""
    return [value for number, value in _fields(message) if number == field]


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield number and value of each field."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
        else:
            if kind == _COUNTED:
                length, at = _varint(message, at)
            else:
                length = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}.get(kind, -1)
            if not 0 <= length <= len(message) - at:
                raise ValueError("a field that reaches beyond the end")
            value, at = message[at : at + length], at + length
        yield tag >> 3, value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, lowest first, and where it ends."""
    value = 0
    for place in range(10):
        byte = message[at + place]
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value, at + place + 1
    raise ValueError("a number of more than ten bytes")


def _image_size(path: Path, shapes: list[list[int | None]]) -> tuple[int, int]:
    """Return height and width of the one input, which must be images."""
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][1] != 3:
        raise UserError(
            f"{path}: expected a network of one input (N, 3, H, W), found inputs "
            f"{shapes or 'none'}; export it for RGB images, channels first"
        )
    height, width = (length or USUAL_SIZE for length in shapes[0][2:])
    if not (1 <= height <= MAX_SIZE and 1 <= width <= MAX_SIZE):
        raise UserError(
            f"{path}: expected images of at most {MAX_SIZE} pixels a side, found "
            f"{height:,} x {width:,}; is it a face-recognition network?"
        )
    return height, width


def _unusable(path: Path, error: Exception) -> UserError:
    """Return the message for a file that OpenCV cannot run."""
    told = " ".join(str(error).split())[:150]
    return UserError(
        f"{path} is damaged or has what OpenCV cannot run ({told}); export it again, "
        "with fixed sizes and without training steps, or give a .keras file"
    )
