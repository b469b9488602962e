"""Options that several chapters vary in tuning: activations, optimizers, layers."""

import dataclasses
import typing

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import assert_every_weight_learns
from shapes import boxes, padded
from tiny import CHAPTER02, CHAPTER04

from chapter01_gan import networks as networks01
from chapter01_gan.config import PRESETS as PRESETS01
from chapter01_gan.config import Config as Config01
from chapter01_gan.training import build_model as build_model01
from chapter02_3dgan import networks as networks02
from chapter02_3dgan.config import Config as Config02
from chapter02_3dgan.training import build_model as build_model02
from chapter04_dcgan import networks as networks04
from chapter04_dcgan.config import Config as Config04
from chapter04_dcgan.training import build_model as build_model04
from common.config import Activation, OptimizerName, from_json, to_json
from common.errors import UserError
from common.images.pixels import to_floats
from common.layers.blocks import activation
from synthetic_data.anime_faces.write import make_faces
from synthetic_data.digits.glyphs import make_glyphs

DIGITS = tf.constant(to_floats(make_glyphs(8, seed=0)[0]))
SHAPES = tf.constant(padded(boxes(8))[..., None], tf.float32)
FACES = tf.constant(to_floats(make_faces(8, seed=0, size=32)[0]))
TINY01 = Config01(g_units=(24, 24), d_units=(24, 24), batch_size=8, r1_gamma=1.0)


def digits_model(**changes):
    keras.utils.set_random_seed(0)
    config = dataclasses.replace(TINY01, **changes)
    return build_model01(
        config,
        networks01.build_generator(config),
        networks01.build_discriminator(config),
    )


@pytest.mark.parametrize("kind", typing.get_args(Activation))
def test_every_weight_learns_with_every_activation(kind):
    """With R1, which needs the activation's second derivative."""
    model = digits_model(g_activation=kind, d_activation=kind)
    assert_every_weight_learns(model, DIGITS)


@pytest.mark.parametrize(
    "changes",
    [
        {"convolutions": 2, "g_activation": "selu", "d_activation": "sigmoid"},
        {"convolutions": 3, "d_norm": "batch", "d_activation": "elu"},
        {"d_activation": "tanh", "initializer": "lecun_normal"},
    ],
)
def test_every_weight_of_the_3dgan_learns(changes):
    keras.utils.set_random_seed(0)
    model = build_model02(dataclasses.replace(CHAPTER02, **changes), 0.1)
    assert_every_weight_learns(model, SHAPES)


@pytest.mark.parametrize(
    "changes",
    [
        {"convolutions": 3, "d_norm": "batch", "g_activation": "leaky_relu"},
        {"convolutions": 2, "g_norm": "none", "d_activation": "selu"},
        {"variant": "book", "g_units": 32, "d_units": 16, "g_activation": "elu"},
    ],
)
def test_every_weight_of_the_dcgan_learns(changes):
    keras.utils.set_random_seed(0)
    model = build_model04(dataclasses.replace(CHAPTER04, **changes))
    assert_every_weight_learns(model, FACES)


@pytest.mark.parametrize("name", typing.get_args(OptimizerName))
def test_a_compiled_step_of_every_optimizer_moves_all_weights(name):
    model = digits_model(optimizer=name, beta_1=0.5)
    model.build_step(tf.TensorSpec(DIGITS.shape, tf.float32))
    weights = [v for p in model.phases for v in p.network.trainable_variables]
    before = [v.numpy().copy() for v in weights]
    tf.function(model.train_step)(DIGITS)
    for variable, old in zip(weights, before, strict=True):
        assert np.isfinite(variable.numpy()).all()
        assert (variable.numpy() != old).any(), variable.path


def test_activations_compute_what_their_names_say():
    values = np.array([-1.0, 0.5], np.float32)
    expected = {
        "relu": [0, 0.5],
        "leaky_relu": [-0.2, 0.5],
        "elu": [np.exp(-1) - 1, 0.5],
        # Klambauer et al. 2017, equation 2.
        "selu": [1.0507 * 1.67326 * (np.exp(-1) - 1), 1.0507 * 0.5],
        "tanh": np.tanh(values),
        "sigmoid": 1 / (1 + np.exp(-values)),
    }
    assert set(expected) == set(typing.get_args(Activation))
    for kind, wanted in expected.items():
        np.testing.assert_allclose(activation(kind)(values), wanted, rtol=1e-4)


@pytest.mark.parametrize(
    ("networks", "config"),
    [
        (networks01, TINY01),
        (networks02, dataclasses.replace(CHAPTER02, convolutions=2)),
        (networks04, dataclasses.replace(CHAPTER04, convolutions=2)),
        (networks04, dataclasses.replace(CHAPTER04, variant="book", g_units=8)),
    ],
)
def test_all_hidden_layers_have_the_activation_of_the_option(networks, config):
    config = dataclasses.replace(config, g_activation="elu", d_activation="selu")
    for build, kind in (
        (networks.build_generator, "elu"),
        (networks.build_discriminator, "selu"),
    ):
        found = build(config).layers
        others = (keras.layers.ReLU, keras.layers.LeakyReLU)
        assert not any(isinstance(layer, others) for layer in found)
        plain = [x for x in found if isinstance(x, keras.layers.Activation)]
        names = [layer.activation.__name__ for layer in plain]
        # The last activation is the output's.
        assert len(names) >= 3 and set(names[:-1]) == {kind}


@pytest.mark.parametrize(
    ("networks", "config", "kernel", "kept"),
    [
        # Generator at sizes 4, 8 and 16, discriminator at 16, 8 and 4. Layers with
        # BatchNorm have four values per filter, the others a bias.
        (networks02, Config02(width=0.125), 27, (32, 16, 8)),
        (networks04, Config04(size=32, filters=8), 9, (32, 16, 8)),
    ],
)
def test_further_convolutions_keep_the_size(networks, config, kernel, kept):
    deeper = dataclasses.replace(config, convolutions=3)
    for build, more in (
        (networks.build_generator, 4),
        (networks.build_discriminator, 1),
    ):
        added = build(deeper).count_params() - build(config).count_params()
        assert added == sum(2 * (kernel * c * c + more * c) for c in kept)
        assert build(deeper).output_shape == build(config).output_shape


def test_layers_of_a_stage_end_with_its_features():
    """The features that `classify` reads are the output of a resolution's layers."""
    network = networks02.build_discriminator(Config02(width=0.05, convolutions=2))
    names = [layer.name for layer in network.layers]
    assert [n for n in names if n.startswith("features")] == [
        "features_1",
        "features_2",
        "features_3",
    ]
    assert names.index("features_1") == 4  # after two convolutions


def test_a_configuration_without_these_options_can_be_read():
    new = ("g_activation", "d_optimizer")
    config = PRESETS01["paper"]
    lines = to_json(config).splitlines(keepends=True)
    old = "".join(x for x in lines if not any(f'"{name}"' in x for name in new))
    assert old != to_json(config)
    assert from_json(Config01, old, "config.json") == config


@pytest.mark.parametrize("config", [CHAPTER02, CHAPTER04])
def test_numbers_of_convolutions_have_limits(config):
    for wrong in (0, 9):
        with pytest.raises(UserError, match="--convolutions must be"):
            dataclasses.replace(config, convolutions=wrong).validate()
