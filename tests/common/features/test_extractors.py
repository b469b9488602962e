"""Feature extractors in general, and InceptionV3 from a file of weights."""

import hashlib
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy
from PIL import Image

from common.errors import UserError
from common.features import extractors, local_classifier
from common.features.extractors import INCEPTION_FILE, Extractor, inceptionv3

RNG = np.random.default_rng(0)


def pixels_network(size: int, channels: int) -> keras.Model:
    """Return a network whose features are the pixels of its input."""
    inputs = keras.Input((size, size, channels))
    features = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, [features, keras.layers.Dense(2, "softmax")(features)])


# --- any extractor


@pytest.mark.parametrize(("found", "wanted"), [(40, 16), (31, 20), (12, 30)])
def test_resizing_is_bilinear_and_antialiased(found, wanted):
    """The result equals that of Pillow, an independent implementation of the filter."""
    images = RNG.uniform(-1, 1, (2, found, found)).astype(np.float32)
    features, _ = Extractor("local", pixels_network(wanted, 1))(images)
    for image, ours in zip(images, features, strict=True):
        other = Image.fromarray(image).resize((wanted, wanted), Image.BILINEAR)
        np.testing.assert_allclose(ours.reshape(wanted, wanted), other, atol=1e-5)


def test_one_channel_is_repeated():
    extractor = Extractor("inceptionv3", pixels_network(6, 3))
    grey = RNG.uniform(-1, 1, (4, 6, 6)).astype(np.float32)
    features, probabilities = extractor(grey)
    np.testing.assert_array_equal(
        features.reshape(4, 6, 6, 3), np.repeat(grey[..., None], 3, axis=-1)
    )
    np.testing.assert_array_equal(features, extractor(grey[..., None])[0])
    assert features.dtype == probabilities.dtype == np.float32
    assert features.shape == (4, extractor.dimensions) == (4, 108)
    assert probabilities.shape == (4, extractor.classes) == (4, 2)


def test_batches_are_bounded_and_their_size_changes_nothing(monkeypatch):
    extractor = Extractor("local", local_classifier.build((9, 9, 1), 3, 0))
    images = RNG.uniform(-1, 1, (300, 9, 9)).astype(np.float32)
    whole = extractor(images)
    sizes = []
    inner = extractor._compiled
    monkeypatch.setitem(
        extractor.__dict__, "_compiled", lambda x: sizes.append(len(x)) or inner(x)
    )
    extractor(images)
    assert sizes == [256, 44]
    sizes.clear()
    monkeypatch.setattr(extractors, "_BATCH_VALUES", 81 * 7)
    for ours, theirs in zip(extractor(images), whole, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert max(sizes) == 7 and sum(sizes) == 300


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 6, 6), np.uint8), "floats in .-1, 1.*uint8"),
        (np.full((2, 6, 6), 1.1, np.float32), "1.1"),
        (np.full((2, 6, 6), np.nan, np.float32), "nan"),
        (np.zeros((6, 6), np.float32), "shape"),
        (np.zeros((0, 6, 6), np.float32), "shape"),
        (np.zeros((2, 6, 6, 2), np.float32), "1 or 3 channels, found 2"),
    ],
)
def test_images_of_wrong_type_range_or_shape_are_refused(images, message):
    with pytest.raises(ValueError, match=message):
        Extractor("inceptionv3", pixels_network(6, 3))(images)


# --- InceptionV3


def small_inception(weights: None) -> keras.Model:
    """Build a small replacement for InceptionV3, in a hundredth of its time."""
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(5, 3)(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.GlobalAveragePooling2D(name="avg_pool")(x)
    return keras.Model(inputs, keras.layers.Dense(4, "softmax")(x))


@pytest.mark.parametrize(
    ("build", "edge", "dimensions"),
    [
        (small_inception, 8, 5),
        pytest.param(keras.applications.InceptionV3, 299, 2048, marks=pytest.mark.slow),
    ],
)
def test_inceptionv3_from_a_file_gives_what_the_network_gives(
    tmp_path, monkeypatch, build, edge, dimensions
):
    monkeypatch.setattr(keras.applications, "InceptionV3", build)
    keras.utils.set_random_seed(0)
    network = build(weights=None)
    path = tmp_path / "own.weights.h5"
    network.save_weights(path)
    extractor = inceptionv3(path)
    images = RNG.uniform(-1, 1, (2, edge, edge, 3)).astype(np.float32)
    features, probabilities = extractor(images)
    assert (extractor.name, extractor.dimensions) == ("inceptionv3", dimensions)
    assert extractor.key == hashlib.md5(path.read_bytes()).hexdigest()
    inner = keras.Model(network.input, network.get_layer("avg_pool").output)
    assert features.std() > 1e-4
    np.testing.assert_allclose(features, inner(images), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(probabilities, network(images), rtol=1e-4)
    grey = RNG.uniform(-1, 1, (1, 32, 32)).astype(np.float32)
    np.testing.assert_allclose(extractor(grey)[1].sum(), 1, rtol=1e-4)


def test_weights_of_another_network_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(keras.applications, "InceptionV3", small_inception)
    path = tmp_path / "other.weights.h5"
    pixels_network(4, 1).save_weights(path)
    with pytest.raises(UserError, match="not of InceptionV3 with its 1000 classes"):
        inceptionv3(path)


def write_legacy(network: keras.Model, path: Path) -> None:
    """Write weights in the layout of Keras 2, which Keras's own file has."""
    path.parent.mkdir(parents=True)
    with h5py.File(path, "w") as file:
        layers = [layer for layer in network.layers if layer.weights]
        file.attrs["layer_names"] = [layer.name.encode() for layer in layers]
        for layer in layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{weight.name}:0" for weight in layer.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, layer.weights, strict=True):
                group[name] = convert_to_numpy(weight)


def test_weights_are_found_in_the_cache_in_keras_home(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(keras.applications, "InceptionV3", small_inception)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    network = small_inception(None)
    write_legacy(network, tmp_path / "models" / INCEPTION_FILE)
    images = RNG.uniform(-1, 1, (3, 8, 8, 3)).astype(np.float32)
    np.testing.assert_allclose(inceptionv3()(images)[1], network(images), atol=1e-6)
    assert f"is not Keras's {INCEPTION_FILE}" in caplog.text


@pytest.mark.parametrize("given", [True, False])
def test_missing_weights_are_reported_in_one_line(tmp_path, monkeypatch, given):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    path = tmp_path / ("my.h5" if given else f"models/{INCEPTION_FILE}")
    with pytest.raises(UserError) as caught:
        inceptionv3(path if given else None)
    message = str(caught.value)
    for words in (str(path), INCEPTION_FILE, "call keras.applications.InceptionV3()"):
        assert words in message
    assert "\n" not in message


@pytest.mark.parametrize("damage", ["cut", "text", "lacking", "empty", "other name"])
@pytest.mark.parametrize("name", ["a.weights.h5", "a.h5"])
def test_damaged_weights_are_refused(tmp_path, monkeypatch, damage, name):
    monkeypatch.setattr(keras.applications, "InceptionV3", small_inception)
    path = tmp_path / "weights" / name
    network = small_inception(None)
    write_legacy(network, path)
    if name.endswith(".weights.h5"):
        network.save_weights(path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-900])
    elif damage == "lacking":
        with h5py.File(path, "r+") as file:
            groups = file["layers"] if "layers" in file else file
            del groups[sorted(groups)[0]]
    elif damage == "other name":
        path = path.rename(tmp_path / "weights.ckpt")
    else:
        path.write_bytes(b"no weights at all" if damage == "text" else b"")
    with pytest.raises(UserError, match="damaged|is empty") as caught:
        inceptionv3(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
