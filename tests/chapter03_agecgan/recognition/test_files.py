"""Face-recognition networks from .keras and .onnx files."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from chapter03_agecgan.recognition import onnx_file
from chapter03_agecgan.recognition.choose import choose
from chapter03_agecgan.recognition.onnx_file import input_shapes
from chapter03_agecgan.recognition.recognizer import Recognizer, from_file
from common.errors import UserError

PHOTOS = np.random.default_rng(0).integers(0, 256, (3, 20, 20, 3), np.uint8)
# Values of the pixels 0 and 255 in each scaling.
RANGES = {"unit": (-1, 1), "zero_one": (0, 1), "pixels": (0, 255)}


def refused(path: Path, *words: str, scaling: str = "unit") -> None:
    with pytest.raises(UserError) as caught:
        from_file(path, scaling)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


def mean_colours(images: np.ndarray, scaling: str) -> np.ndarray:
    """Return the mean of each channel, of length 1."""
    low, high = RANGES[scaling]
    means = low + (high - low) * images.mean((1, 2)) / 255
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def assert_gives_mean_colours(path: Path, scaling: str) -> Recognizer:
    """Check a network that resizes images to half and averages each channel."""
    recognizer = from_file(path, scaling)
    assert recognizer.name == "file"
    found = recognizer.embed(PHOTOS.repeat(2, 1).repeat(2, 2))
    assert found.shape == (3, 3) and found.dtype == np.float32
    np.testing.assert_allclose(found, mean_colours(PHOTOS, scaling), atol=0.01)
    return recognizer


# --- .keras


def write_keras(path: Path, *layers, shape=(20, 20, 3)) -> Path:
    layers = layers or (keras.layers.GlobalAveragePooling2D(),)
    keras.Sequential([keras.Input(shape), *layers]).save(path)
    return path


@pytest.mark.parametrize("scaling", RANGES)
def test_keras_file_gives_its_networks_embeddings(tmp_path, scaling):
    path = write_keras(tmp_path / "net.keras")
    recognizer = assert_gives_mean_colours(path, scaling)
    images = tf.constant(PHOTOS / 127.5 - 1, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(images)
        loss = tf.reduce_sum(recognizer.network(images)[:, 0])
    assert abs(tape.gradient(loss, images).numpy()).max() > 0


def test_keras_network_without_a_fixed_size_gets_112_pixels(tmp_path):
    layers = keras.layers.Conv2D(2, 3), keras.layers.GlobalMaxPooling2D()
    path = write_keras(tmp_path / "net.keras", *layers, shape=(None, None, 3))
    network = choose(str(path), PHOTOS, "abc", steps=1).network
    assert (None, 112, 112, 3) in [layer.output.shape for layer in network.layers]


def test_keys_differ_between_files_and_scalings(tmp_path):
    a = write_keras(tmp_path / "a.keras", keras.layers.GlobalAveragePooling2D())
    b = write_keras(tmp_path / "b.keras", keras.layers.GlobalMaxPooling2D())
    keys = {from_file(a).key, from_file(b).key, from_file(a, "pixels").key}
    assert len(keys) == 3 and from_file(a).key in keys


@pytest.mark.parametrize(
    ("layers", "shape", "words"),
    [
        ([keras.layers.ReLU()], (20, 20, 3), "one embedding (N, D)"),
        ([keras.layers.Flatten(), keras.layers.Dense(1)], (20, 20, 3), "(None, 1)"),
        ([keras.layers.GlobalAveragePooling2D()], (3, 20, 20), "(N, H, W, 3), found"),
        ([keras.layers.Dense(4)], (9,), "(None, 9)"),
        ([keras.layers.GlobalAveragePooling2D()], (20, 4000, 3), "1024 pixels"),
        ([keras.layers.Lambda(lambda x: x[:, 0, 0])], (20, 20, 3), "Lambda is refused"),
    ],
)
def test_unsuitable_keras_networks_are_refused(tmp_path, layers, shape, words):
    refused(write_keras(tmp_path / "net.keras", *layers, shape=shape), words)


def test_keras_network_of_two_inputs_is_refused(tmp_path):
    inputs = [keras.Input((20, 20, 3)) for _ in range(2)]
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Add()(inputs))
    keras.Model(inputs, x).save(tmp_path / "net.keras")
    refused(tmp_path / "net.keras", "one input")


def test_keras_network_with_zero_or_nan_embeddings_is_refused(tmp_path):
    pool = keras.layers.GlobalAveragePooling2D()
    for number, bias in enumerate((0.0, np.nan)):
        last = keras.layers.Dense(
            4,
            kernel_initializer="zeros",
            bias_initializer=keras.initializers.Constant(bias),
        )
        path = write_keras(tmp_path / f"{number}.keras", pool, last)
        refused(path, "zero or not finite")


def test_missing_and_damaged_files_are_reported_in_one_line(tmp_path):
    refused(tmp_path / "none.keras", "no such file")
    refused(tmp_path / "inception", "local, imagenet or a .keras or .onnx file")
    for name in ("a.keras", "a.onnx"):
        (tmp_path / name).write_bytes(b"")
        refused(tmp_path / name, "is empty")
        (tmp_path / name).write_text("no network at all")
        refused(tmp_path / name, name, "damaged")
    whole = write_keras(tmp_path / "whole.keras").read_bytes()
    (tmp_path / "cut.keras").write_bytes(whole[:-200])
    refused(tmp_path / "cut.keras", "damaged")
    refused(tmp_path / "whole.keras", "unit, zero_one, pixels", scaling="bytes")


# --- .onnx, written field by field


def varint(number: int) -> bytes:
    head, rest = number & 127, number >> 7
    return bytes([head | 128]) + varint(rest) if rest else bytes([head])


def field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def value_info(name: str, shape: tuple) -> bytes:
    dims = b"".join(
        field(1, field(2, dim) if isinstance(dim, str) else field(1, dim))
        for dim in shape
    )
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, dims)))


def onnx(
    operations: tuple = ("GlobalAveragePool", "Flatten"),
    inputs: dict | None = None,
    weights: tuple = (),
) -> bytes:
    """Return the bytes of a model that applies operations one after another."""
    inputs = {"x0": (1, 3, 20, 20)} if inputs is None else inputs
    graph = b"".join(
        field(1, field(1, f"x{i}") + field(2, f"x{i + 1}") + field(4, operation))
        for i, operation in enumerate(operations)
    )
    graph += field(2, "graph")
    for name in weights:
        # One float32 of value 0, as bytes.
        graph += field(
            5, field(1, 1) + field(2, 1) + field(8, name) + field(9, bytes(4))
        )
    graph += b"".join(field(11, value_info(*each)) for each in inputs.items())
    graph += field(12, value_info(f"x{len(operations)}", (1, 3)))
    return field(1, 8) + field(8, field(1, "") + field(2, 13)) + field(7, graph)


def write_onnx(path: Path, *args, **kwargs) -> Path:
    path.write_bytes(onnx(*args, **kwargs))
    return path


@pytest.mark.parametrize("scaling", RANGES)
def test_onnx_file_gives_its_networks_embeddings(tmp_path, scaling):
    path = write_onnx(tmp_path / "net.onnx")
    recognizer = assert_gives_mean_colours(path, scaling)
    assert recognizer.network is None


def test_onnx_network_may_end_with_a_1_x_1_grid(tmp_path):
    path = write_onnx(tmp_path / "net.onnx", ("GlobalAveragePool",))
    assert_gives_mean_colours(path, "zero_one")


def test_input_shapes_leave_out_weights():
    path = Path("net.onnx")
    named = onnx(inputs={"x0": ("batch", 3, "height", 300), "w": (1,)}, weights=("w",))
    assert input_shapes(path, named) == [[None, 3, None, 300]]
    assert input_shapes(path, onnx(inputs={})) == []
    # Fields of eight and four bytes are skipped.
    fixed = varint(9 << 3 | 1) + bytes(8) + varint(9 << 3 | 5) + bytes(4)
    assert input_shapes(path, fixed + onnx()) == [[1, 3, 20, 20]]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"operations": ("Relu",)}, "one embedding (1, D)"),
        ({"operations": ("NoSuchOperation",)}, "OpenCV cannot run"),
        ({"inputs": {"x0": (1, 20, 20, 3)}}, "(N, 3, H, W), found inputs"),
        ({"inputs": {"x0": (1, 3)}}, "(N, 3, H, W), found inputs"),
        ({"inputs": {}}, "found inputs none"),
        ({"inputs": {"x0": (1, 3, 9, 9), "x9": (1, 3, 9, 9)}}, "one input"),
        ({"inputs": {"x0": (1, 3, 20_000, 20_000)}}, "1024 pixels"),
    ],
)
def test_unsuitable_onnx_networks_are_refused(tmp_path, changes, words):
    refused(write_onnx(tmp_path / "net.onnx", **changes), "net.onnx", words)


def test_a_crash_of_opencv_is_reported_in_one_line(tmp_path, monkeypatch):
    crash = tmp_path / "crash.py"
    crash.write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.setattr(onnx_file, "_RUNNER", crash)
    refused(write_onnx(tmp_path / "net.onnx"), "net.onnx", "OpenCV crashed")


def test_truncated_onnx_files_are_refused_at_any_length(tmp_path):
    whole = onnx()
    for length in range(1, len(whole), 7):
        (tmp_path / "cut.onnx").write_bytes(whole[:length])
        refused(tmp_path / "cut.onnx", "damaged")
