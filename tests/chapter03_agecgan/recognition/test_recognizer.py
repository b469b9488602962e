"""The face-recognition networks: the local one, and Keras's InceptionResNetV2."""

import hashlib
import inspect
import logging

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.ops import convert_to_numpy

from chapter03_agecgan.recognition import local_network
from chapter03_agecgan.recognition import recognizer as recognition
from chapter03_agecgan.recognition.choose import choose
from chapter03_agecgan.recognition.recognizer import imagenet, local
from chapter03_agecgan.recognition.verification import verify
from common.errors import UserError
from common.gan.rng import root_key

RNG = np.random.default_rng(0)
PHOTOS = RNG.integers(0, 256, (5, 40, 40, 3), np.uint8)


def people(count: int, photos: int) -> tuple[np.ndarray, list[str]]:
    """Return photos of people: a coarse pattern each, with a random colour added."""
    rng = np.random.default_rng(1)
    faces = rng.integers(-30, 31, (count, 4, 4, 1)).repeat(16, 1).repeat(16, 2)
    light = rng.integers(60, 196, (count * photos, 1, 1, 3))
    images = (faces.repeat(photos, 0) + light).astype(np.uint8)
    return images, [f"p{i // photos}" for i in range(count * photos)]


def quick(images: np.ndarray, targets: np.ndarray, steps: int, seed: int):
    """Replace training; note the numbers of photos and people."""
    quick.counts = len(images), int(targets.max()) + 1
    return small_network(seed), 0.5


def small_network(seed: int = 0) -> keras.Model:
    """Return a network of the right shape that is a hundred times as fast."""
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, kernel_initializer=keras.initializers.HeNormal(seed))(
        inputs
    )
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.UnitNormalization()(x))


def assert_unit(embeddings: np.ndarray, shape: tuple) -> None:
    assert embeddings.shape == shape and embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)


def refused(call, *words: str) -> None:
    with pytest.raises(UserError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


# --- the local network


@pytest.mark.parametrize("margin", [0.0, 0.35])
def test_margin_loss_agrees_with_its_equation(margin):
    cosines = RNG.uniform(-1, 1, (5, 4))
    targets = np.array([0, 3, 3, 1, 2])
    wanted = []
    for row, y in zip(cosines, targets, strict=True):
        right = np.exp(8 * (row[y] - margin))
        wrong = sum(np.exp(8 * row[j]) for j in range(4) if j != y)
        wanted.append(-np.log(right / (right + wrong)))
    found = local_network.margin_loss(tf.constant(cosines), targets, 8.0, margin)
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """A network that was trained on six people for 60 steps, and its folder."""
    folder = tmp_path_factory.mktemp("identity")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_network, "CHANNELS", (4, 8, 16, 16))
        patch.setattr(local_network, "BATCH_SIZE", 24)
        return local(*people(6, 4), steps=60, cache_dir=folder), folder


def test_local_learns_a_few_people(learnt):
    images, persons = people(6, 4)
    assert verify(learnt[0], images, persons)["auc"] > 0.99
    untrained = recognition.Recognizer("local", local_network.build(0)[0], "")
    assert verify(untrained, images, persons)["auc"] < 0.8


def test_local_embeddings_have_unit_length_at_any_size(learnt, monkeypatch):
    whole = learnt[0].embed(PHOTOS)
    assert_unit(whole, (5, local_network.DIMENSIONS))
    monkeypatch.setattr(recognition, "_BATCH", 2)
    np.testing.assert_allclose(learnt[0].embed(PHOTOS), whole, atol=1e-5)
    large = PHOTOS.repeat(2, 1).repeat(2, 2)
    assert np.mean(learnt[0].embed(large) * whole) * whole.shape[1] > 0.9


def test_local_passes_gradients_to_images_and_is_frozen(learnt):
    network = learnt[0].network
    images = tf.constant(RNG.uniform(-1, 1, (2, 64, 64, 3)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(images)
        embeddings = network(images, training=True)
        loss = tf.reduce_sum((embeddings[0] - embeddings[1]) ** 2)
    gradient = tape.gradient(loss, images).numpy()
    assert np.isfinite(gradient).all() and (abs(gradient) > 0).mean() > 0.99
    np.testing.assert_allclose(embeddings, network(images, training=False), atol=1e-5)
    assert not network.trainable_variables


def test_local_comes_from_the_cache(learnt, monkeypatch, caplog):
    monkeypatch.setattr(local_network, "train", None)
    caplog.set_level(logging.INFO)
    again = local(*people(6, 4), steps=60, cache_dir=learnt[1])
    assert again.key == learnt[0].key and again.name == "local"
    np.testing.assert_array_equal(again.embed(PHOTOS), learnt[0].embed(PHOTOS))
    assert "the right one of 6 people" in caplog.text
    assert not again.network.trainable_variables


def test_local_is_cached_by_data_and_settings(tmp_path, monkeypatch):
    monkeypatch.setattr(local_network, "train", quick)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    images, persons = people(3, 2)
    other = images.copy()
    other[0, 1, 2, 0] ^= 1
    keys = [
        local(images, persons, steps=9).key,
        local(other, persons, steps=9).key,
        local(images, persons[:2] + persons[:2] + ["p1", "p1"], steps=9).key,
        local(images, persons, steps=8).key,
        local(images, persons, steps=9, seed=1).key,
    ]
    monkeypatch.setattr(local_network, "VERSION", 0)
    keys.append(choose("local", images, persons, steps=9).key)
    folder = tmp_path / "gan-projects-in-keras"
    found = {path.name for path in folder.glob("*.keras")}
    assert len(set(keys)) == 6
    assert found == {f"identity-{key}.keras" for key in keys}


def test_a_damaged_cached_network_is_trained_again(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(local_network, "train", quick)
    images, persons = people(3, 2)
    first = local(images, persons, steps=9, cache_dir=tmp_path).embed(PHOTOS)
    path = next(tmp_path.glob("*.keras"))
    path.write_bytes(path.read_bytes()[:-100])
    again = local(images, persons, steps=9, cache_dir=tmp_path)
    assert "trained again" in caplog.text
    np.testing.assert_array_equal(again.embed(PHOTOS), first)


def test_people_with_one_photo_are_used_only_with_singles(tmp_path, monkeypatch):
    monkeypatch.setattr(local_network, "train", quick)
    images, persons = people(3, 2)
    persons[:2] = ["single", "other"]
    local(images, persons, steps=9, cache_dir=tmp_path)
    assert quick.counts == (4, 2)
    local(images, persons, steps=9, singles=True, cache_dir=tmp_path)
    assert quick.counts == (6, 4)
    # No person has two photos: each photo is a class of its own.
    local(images, list("abcdef"), steps=9, singles=True, cache_dir=tmp_path)
    assert quick.counts == (6, 6)


@pytest.mark.parametrize("persons", [["a", "a", "a"], ["a", "b", "c"], ["a", "a", "b"]])
def test_too_few_people_are_reported_in_one_line(persons):
    refused(lambda: local(PHOTOS[:3], persons, steps=9), "2 such people or more")


def test_arrays_of_other_shapes_and_dtypes_are_refused():
    for images in (PHOTOS[0], PHOTOS[..., :1], PHOTOS.astype(np.float32), PHOTOS[:0]):
        with pytest.raises(ValueError, match="expected images"):
            recognition.Recognizer("file", small_network(), "").embed(images)
    with pytest.raises(ValueError, match="5 persons"):
        local(PHOTOS, ["a"], steps=9)


# --- augmentation of the training photos


def test_augmentation_is_repeatable_by_key_and_bounded():
    images = tf.constant(people(40, 1)[0] / 127.5 - 1, tf.float32)
    changed = local_network.change(images, root_key(1)).numpy()
    np.testing.assert_array_equal(changed, local_network.change(images, root_key(1)))
    other = local_network.change(images, root_key(2)).numpy()
    assert abs(changed - other).mean() > 0.1
    assert abs(changed).max() < 2 and changed.shape == images.shape


def test_half_of_the_photos_are_mirrored_and_shifts_are_small():
    images = np.zeros((400, 64, 64, 3), np.float32)
    images[:, 30:34, 50:54] = 1.0
    moved = local_network._move(tf.constant(images), root_key(0)).numpy()[..., 0]
    rows, columns = (
        (moved * np.arange(64)[shape]).sum((1, 2)) / moved.sum((1, 2))
        for shape in ((None, slice(None), None), (None, None, slice(None)))
    )
    mirrored = columns < 31.5
    assert 0.4 < mirrored.mean() < 0.6
    columns[mirrored] = 63 - columns[mirrored]
    assert abs(columns - 51.5).max() < 7 and abs(rows - 31.5).max() < 7
    assert columns.std() > 1 and rows.std() > 1


def test_a_share_of_the_photos_is_made_grey_or_blurred():
    images = tf.constant(RNG.uniform(-1, 1, (400, 16, 16, 3)), tf.float32)
    spread = local_network._colour(images, root_key(0)).numpy()
    spread = (spread - spread.mean((1, 2), keepdims=True)).std(-1).max((1, 2))
    assert np.mean(spread < 1e-5) == pytest.approx(local_network.GREY, abs=0.06)
    soft = local_network._soften(images, root_key(0)).numpy()
    same = np.mean(np.all(soft == images, axis=(1, 2, 3)))
    assert same == pytest.approx(1 - local_network.BLURRED, abs=0.08)
    np.testing.assert_allclose(soft.mean(), images.numpy().mean(), atol=0.01)
    assert soft[:, 8].std() < images[:, 8].numpy().std()


# --- InceptionResNetV2


REAL = keras.applications.InceptionResNetV2


def small_resnet(**options) -> keras.Model:
    """Replace InceptionResNetV2 without its classification layer by a small network."""
    inspect.signature(REAL).bind(**options)
    assert not options["include_top"] and options["pooling"] == "avg"
    inputs = keras.Input(options.get("input_shape", (None, None, 3)))
    x = keras.layers.Conv2D(6, 3, strides=2)(inputs)
    x = keras.layers.BatchNormalization()(x)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))


@pytest.mark.parametrize(
    ("build", "dimensions"),
    [(small_resnet, 6), pytest.param(REAL, 1536, marks=pytest.mark.slow)],
)
def test_imagenet_has_the_weights_of_the_file(tmp_path, monkeypatch, build, dimensions):
    monkeypatch.setattr(keras.applications, "InceptionResNetV2", build)
    keras.utils.set_random_seed(0)
    network = build(include_top=False, pooling="avg", weights=None)
    path = tmp_path / "own.weights.h5"
    network.save_weights(path)
    recognizer = choose("imagenet", PHOTOS, ["a"] * 5, path, steps=9)
    found = recognizer.embed(PHOTOS[:2])
    assert_unit(found, (2, dimensions))
    resized = tf.image.resize(PHOTOS[:2] / 127.5 - 1, (160, 160), antialias=True)
    wanted = convert_to_numpy(network(resized, training=False))
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    assert recognizer.name == "imagenet"
    assert recognizer.key == hashlib.md5(path.read_bytes()).hexdigest()


def test_missing_or_wrong_weights_are_reported_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    name = "inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5"
    refused(imagenet, str(tmp_path / "models" / name), "InceptionResNetV2(include_top")
    path = tmp_path / "my.weights.h5"
    refused(lambda: imagenet(path), str(path), name)
    monkeypatch.setattr(
        keras.applications, "InceptionResNetV2", lambda **_: small_network()
    )
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]).save_weights(path)
    refused(lambda: imagenet(path), "not of InceptionResNetV2 without its classes")
    path.write_text("no weights")
    refused(lambda: imagenet(path), "damaged")
