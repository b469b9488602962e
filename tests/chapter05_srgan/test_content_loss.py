"""Chapter 5: the content loss, with features of VGG19 or of the discriminator."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from chapter05_srgan import content_loss as features
from chapter05_srgan.config import Config
from chapter05_srgan.content_loss import (
    VGG_FILE,
    content_loss,
    difference_of_maps,
    vgg19,
    with_maps,
)
from chapter05_srgan.networks import STAGES, build_discriminator
from common.errors import UserError

RNG = np.random.default_rng(0)


def floats(*shape: int) -> tf.Tensor:
    return tf.constant(RNG.uniform(-1, 1, shape), tf.float32)


def network_of(*maps, size: int = 4) -> keras.Model:
    """Return a network whose feature maps are its images times each of some numbers."""
    images = keras.Input((size, size, 3))
    outputs = [keras.layers.Rescaling(factor)(images) for factor in maps]
    return keras.Model(images, outputs if len(outputs) > 1 else outputs[0])


# --- the content loss


def test_content_loss_of_one_map_is_the_mean_squared_error():
    made, real = floats(2, 4, 4, 3), floats(2, 4, 4, 3)
    expected = 9 * np.mean((made.numpy() - real.numpy()) ** 2)
    assert float(content_loss(network_of(3.0), made, real)) == pytest.approx(expected)
    assert float(content_loss(network_of(3.0), real, real)) == 0


def test_content_loss_of_several_maps_does_not_depend_on_their_scale():
    made, real = floats(2, 4, 4, 3), floats(2, 4, 4, 3)
    error = np.mean((made.numpy() - real.numpy()) ** 2)
    expected = error / np.mean(real.numpy() ** 2)
    for factors in ((1.0, 1.0), (0.01, 5.0, 1e3)):
        found = content_loss(network_of(*factors), made, real)
        assert float(found) == pytest.approx(expected, rel=1e-5)


def test_content_loss_has_a_gradient_for_the_generated_images_only():
    made, real = floats(2, 4, 4, 3), floats(2, 4, 4, 3)
    for network in (network_of(1.0), network_of(1.0, 2.0)):
        with tf.GradientTape() as tape:
            tape.watch([made, real])
            loss = content_loss(network, made, real)
        made_gradient, real_gradient = tape.gradient(loss, [made, real])
        assert real_gradient is None
        assert float(tf.reduce_min(tf.abs(made_gradient))) > 0


# --- the discriminator's features


@pytest.mark.parametrize("variant", ["light", "srgan", "book"])
def test_the_discriminators_features_follow_its_weights(variant):
    config = Config(variant=variant, crop=32, filters=8)
    discriminator = build_discriminator(config)
    network = with_maps(discriminator)
    made, real = floats(2, 32, 32, 3), floats(2, 32, 32, 3)
    *maps, logits = network(real)
    np.testing.assert_array_equal(logits, discriminator(real))
    assert [m.shape[1] for m in maps] == [16, 8, 4, 2]
    for name, found in zip(STAGES, maps, strict=True):
        one = keras.Model(discriminator.input, discriminator.get_layer(name).output)
        np.testing.assert_array_equal(found, one(real))

    def difference() -> float:
        return float(difference_of_maps(network(made)[:-1], network(real)[:-1]))

    before = difference()
    discriminator.set_weights([w + 0.01 for w in discriminator.get_weights()])
    assert difference() != before


# --- VGG19


@pytest.fixture(scope="module")
def vgg(tmp_path_factory) -> tuple[keras.Model, Path]:
    """Return VGG19 with random weights, and the path of a file of these weights."""
    keras.utils.set_random_seed(0)
    network = keras.applications.VGG19(include_top=False, weights=None)
    path = tmp_path_factory.mktemp("vgg") / "own.weights.h5"
    network.save_weights(path)
    return network, path


@pytest.mark.parametrize(
    ("layer", "keras_layer", "shape"),
    [("vgg22", 5, (2, 16, 24, 128)), ("vgg54", 20, (2, 2, 3, 512))],
)
def test_vgg19_has_the_same_features_as_keras_network(vgg, layer, keras_layer, shape):
    """`keras_layer` is the index of the layer in Keras's VGG19."""
    whole, path = vgg
    network = vgg19(layer, path)
    images = floats(2, 32, 48, 3)
    pixels = (images.numpy() + 1) * 127.5
    inner = keras.Model(whole.input, whole.layers[keras_layer].output)
    expected = inner(keras.applications.vgg19.preprocess_input(pixels)) / 12.75
    found = network(images)
    assert found.shape == shape and float(tf.reduce_min(found)) == 0
    assert np.std(expected) > 1e-3
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    assert not network.trainable_variables


def small_vgg(include_top: bool, weights: None) -> keras.Model:
    """Return a small network in place of VGG19; its first layer is the identity."""
    x = images = keras.Input((None, None, 3))
    first = keras.layers.Conv2D(3, 1, activation="relu", name="block2_conv2")
    x = first(x)
    first.set_weights([np.eye(3).reshape(1, 1, 3, 3), np.zeros(3)])
    x = keras.layers.Conv2D(4, 1, activation="relu", name="block5_conv4")(x)
    return keras.Model(images, keras.layers.MaxPooling2D()(x))


@pytest.fixture
def small(tmp_path, monkeypatch) -> Path:
    """Replace Keras's VGG19 by a small network; return a file of its weights."""
    monkeypatch.setattr(keras.applications, "VGG19", small_vgg)
    path = tmp_path / "small.weights.h5"
    small_vgg(False, None).save_weights(path)
    return path


def test_preprocessing_by_hand(small):
    """RGB in [-1, 1] becomes BGR in [0, 255] less the means of ImageNet."""
    image = tf.constant([[[[1.0, 0.0, -1.0]]]])
    expected = np.array([0 - 103.939, 127.5 - 116.779, 255 - 123.68]) / 12.75
    found = vgg19("vgg22", small, before_activation=True)(image)
    np.testing.assert_allclose(found.numpy().ravel(), expected, rtol=1e-5)
    found = vgg19("vgg22", small)(image).numpy().ravel()
    np.testing.assert_allclose(found, np.maximum(expected, 0), rtol=1e-5)


def test_features_before_the_activation_have_both_signs(small):
    images = floats(2, 8, 8, 3)
    linear = vgg19("vgg54", small, before_activation=True)(images).numpy()
    assert linear.min() < 0 < linear.max()
    np.testing.assert_allclose(
        vgg19("vgg54", small)(images), np.maximum(linear, 0), atol=1e-5
    )


def test_dividing_the_features_multiplies_the_loss_by_0_006(small, monkeypatch):
    made, real = floats(2, 4, 4, 3), floats(2, 4, 4, 3)
    loss = float(content_loss(vgg19("vgg54", small), made, real))
    monkeypatch.setattr(features, "VGG_DIVISOR", 1.0)
    unscaled = float(content_loss(vgg19("vgg54", small), made, real))
    assert loss / unscaled == pytest.approx(0.006, abs=2e-4)


def test_vgg19_stays_in_float32(small):
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    images = floats(1, 4, 4, 3)
    found = vgg19("vgg54", small)(images)
    assert keras.mixed_precision.global_policy().name == "mixed_bfloat16"
    keras.mixed_precision.set_global_policy("float32")
    np.testing.assert_array_equal(found, vgg19("vgg54", small)(images))


def test_the_gradient_reaches_the_images_but_not_the_weights(small):
    network, made = vgg19("vgg54", small), floats(2, 4, 4, 3)
    with tf.GradientTape() as tape:
        tape.watch(made)
        loss = content_loss(network, made, floats(2, 4, 4, 3))
    assert float(tf.reduce_max(tf.abs(tape.gradient(loss, made)))) > 0
    assert not network.trainable_variables and network.variables


def test_weights_are_looked_for_in_keras_cache(small, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    with pytest.raises(UserError, match="no weights of VGG19") as caught:
        vgg19("vgg54")
    message = str(caught.value)
    for words in (VGG_FILE, "keras.applications.VGG19(include_top=False)", "home"):
        assert words in message
    assert "\n" not in message
    path = tmp_path / "home" / "models" / VGG_FILE
    path.parent.mkdir(parents=True)
    small_vgg(False, None).save(path)
    assert vgg19("vgg54")(floats(1, 4, 4, 3)).shape == (1, 4, 4, 4)
    assert f"is not Keras's {VGG_FILE}" in caplog.text


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "other network"])
def test_wrong_weights_are_refused_with_a_message_of_one_line(small, damage):
    if damage == "cut":
        small.write_bytes(small.read_bytes()[:-500])
    elif damage == "other network":
        network_of(1.0).save_weights(small)
    else:
        small.write_bytes(b"no weights" if damage == "text" else b"")
    with pytest.raises(UserError, match="damaged or not of VGG19|is empty") as caught:
        vgg19("vgg22", small)
    assert str(small) in str(caught.value) and "\n" not in str(caught.value)
