"""Face-recognition networks in ONNX files, run by OpenCV; they have no gradient.

OpenCV runs in a child process; see onnx_runner.py.

A file is a protocol buffer: a sequence of fields, each with a number, a wire type (how
the value is stored) and a value. OpenCV does not report the shape of the input, so this
module reads the few fields that hold it.

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
from common.untrusted.child import Child, ChildError

MAX_BYTES = 512 * 2**20
_RUNNER = Path(__file__).with_name("onnx_runner.py")
# Longest time for an image, seconds.
_MAX_SECONDS = 120

# Wire types.
_VARINT = 0
_EIGHT_BYTES = 1
_COUNTED = 2  # the value begins with its length
_FOUR_BYTES = 5

# Field numbers in a model, a graph and a tensor.
_GRAPH = 7
_INITIALIZER = 5
_INPUT = 11
_TENSOR_NAME = 8
# Field numbers in an input, and in the messages nested in it.
_VALUE_NAME = 1
_TYPE = 2
_TENSOR_TYPE = 1
_SHAPE = 2
_DIM = 1
_DIM_VALUE = 1


class OnnxNetwork:
    """A network from images to embeddings, read from an ONNX file."""

    def __init__(self, path: Path, factor: float, offset: float) -> None:
        """Read a network.

        Args:
            path: ONNX file.
            factor: factor that the pixels in [-1, 1] are multiplied by, to bring them
                to the range that the network takes.
            offset: offset that is added afterwards.

        Raises:
            UserError: the file is missing, too large or damaged, or its network does
                not take images (N, 3, H, W).
        """
        content = read_limited(path, MAX_BYTES)
        self._path = path
        self._factor = factor
        self._offset = offset
        self._size = _image_size(path, input_shapes(path, content))
        self._runner = Child(
            _RUNNER,
            [path.resolve(), *self._size],
            max_seconds=_MAX_SECONDS,
        )

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return the embeddings of images.

        Args:
            images: float32 (N, S, S, 3) in [-1, 1], any S, RGB.

        Returns:
            float32 (N, D), each of length 1.

        Raises:
            UserError: the network has operations that OpenCV lacks, does not return
                one vector for an image, or OpenCV crashes.
        """
        resized = tf.image.resize(images, self._size, antialias=True).numpy()
        planes = (self._factor * resized + self._offset).transpose(0, 3, 1, 2)
        # One by one, because many files hold networks of the batch size 1.
        embeddings = [self._embed(image) for image in planes]
        return tf.math.l2_normalize(embeddings, axis=1).numpy()

    def _embed(self, image: np.ndarray) -> np.ndarray:
        """Return the embedding (D,) of an image (3, H, W)."""
        try:
            answer = self._runner.ask(image.astype(np.float32).tobytes())
        except ChildError as error:
            reason = "OpenCV crashed, or needed too much memory or time"
            raise _unusable(self._path, reason) from error
        if "fault" in answer:
            raise _unusable(self._path, answer["fault"])
        if "wrong" in answer:
            raise UserError(
                f"{self._path}: expected a network that gives one embedding (1, D) for "
                f"an image, found an output of shape {tuple(answer['wrong'])}; cut it "
                "at its embedding"
            )
        return np.array(answer["embedding"], np.float32)


def input_shapes(path: Path, content: bytes) -> list[list[int | None]]:
    """Return the shapes of the inputs of an ONNX file's network.

    Args:
        path: path of the file, for error messages.
        content: content of the file.

    Returns:
        The dimensions of each input; None for an open dimension.

    Raises:
        UserError: the content is damaged or not an ONNX model.
    """
    try:
        graphs = _all(memoryview(content), _GRAPH)
        if len(graphs) != 1 or not isinstance(graphs[0], memoryview):
            raise ValueError("expected one graph")
        return _graph_inputs(graphs[0])
    except (ValueError, TypeError, IndexError) as error:
        raise UserError(
            f"{path} is damaged or not an ONNX model; export or download it again"
        ) from error


def _graph_inputs(graph: memoryview) -> list[list[int | None]]:
    """Return the shapes of a graph's inputs.

    Older files list the weights among the inputs; they are left out.
    """
    weights = set()
    inputs = {}
    for number, value in _fields(graph):
        if number == _INITIALIZER:
            weights.update(bytes(name) for name in _all(value, _TENSOR_NAME))
        elif number == _INPUT:
            name = b"".join(_all(value, _VALUE_NAME))
            inputs[name] = _shape(value)
    return [shape for name, shape in inputs.items() if name not in weights]


def _shape(value: memoryview) -> list[int | None]:
    """Return the dimensions of an input."""
    # Each field holds messages that contain the next one; the last are the dimensions.
    messages = [value]
    for field in (_TYPE, _TENSOR_TYPE, _SHAPE, _DIM):
        messages = [inner for outer in messages for inner in _all(outer, field)]
    # An open dimension has no number, but perhaps a name such as "batch".
    return [next(iter(_all(dim, _DIM_VALUE)), None) for dim in messages]


def _all(message: memoryview, field: int) -> list:
    """Return all values of one field of a message."""
    return [value for number, value in _fields(message) if number == field]


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the number and the value of each field of a message."""
    position = 0
    while position < len(message):
        # A tag holds the field number and, in its lowest three bits, the wire type.
        tag, position = _varint(message, position)
        wire_type = tag & 7
        if wire_type == _VARINT:
            value, position = _varint(message, position)
        else:
            if wire_type == _COUNTED:
                length, position = _varint(message, position)
            else:
                length = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}.get(wire_type, -1)
            if not 0 <= length <= len(message) - position:
                raise ValueError("a field is of unknown type or reaches beyond the end")
            value = message[position : position + length]
            position += length
        yield tag >> 3, value


def _varint(message: memoryview, start: int) -> tuple[int, int]:
    """Return the number that begins at a position, and the position after it.

    Each byte holds seven bits of the number, the lowest first; its highest bit is 0 in
    the last byte.
    """
    value = 0
    for index in range(10):
        byte = message[start + index]
        value |= (byte & 127) << 7 * index
        if byte < 128:
            return value, start + index + 1
    raise ValueError("a number has more than ten bytes")


def _image_size(path: Path, shapes: list[list[int | None]]) -> tuple[int, int]:
    """Return height and width of the images that the network takes.

    Raises:
        UserError: the network has several inputs, or its input is not images.
    """
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][1] != 3:
        raise UserError(
            f"{path}: expected a network of one input (N, 3, H, W), found inputs "
            f"{shapes or 'none'}; export it for RGB images, channels first"
        )
    # An open dimension is None.
    height, width = (length or USUAL_SIZE for length in shapes[0][2:])
    if not (1 <= height <= MAX_SIZE and 1 <= width <= MAX_SIZE):
        raise UserError(
            f"{path}: expected images of at most {MAX_SIZE} pixels a side, found "
            f"{height:,} x {width:,}; is it a face-recognition network?"
        )
    return height, width


def _unusable(path: Path, reason: str) -> UserError:
    """Return the error about a file that OpenCV cannot run."""
    message = " ".join(reason.split())[:150]
    return UserError(
        f"{path} is damaged or has operations that OpenCV cannot run ({message}); "
        "export it again, with fixed sizes and without training steps, or give a "
        ".keras file"
    )
