"""smallNORB: the networks of all models, light and published, and their outputs."""

import dataclasses
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny import STUDY_NORB as TINY

from common.errors import UserError
from study_norb.conditions import label_size
from study_norb.config import PRESETS, Config
from study_norb.networks import (
    build_autoencoder,
    build_discriminator,
    build_encoder,
    build_generator,
    build_latent_discriminator,
    doublings,
)

RNG = np.random.default_rng(0)
# Every light network that takes or guesses a label.
CONDITIONAL = [
    {"model": model, "labels": labels, "condition": condition}
    for model, labels, condition in (
        ("dcgan", "class", "projection"),
        ("dcgan", "class", "auxiliary"),
        ("dcgan", "pose", "projection"),
        ("dcgan", "pose", "auxiliary"),
        ("capsgan", "class", "auxiliary"),
        ("capsgan", "pose", "auxiliary"),
    )
]


def build(builder, **changes) -> keras.Model:
    keras.utils.set_random_seed(0)
    return builder(dataclasses.replace(TINY, **changes))


def images(config: Config, count: int) -> np.ndarray:
    shape = (count, config.size, config.size, config.channels)
    return RNG.uniform(-1, 1, shape).astype(np.float32)


def vectors(count: int, size: int) -> np.ndarray:
    return RNG.normal(size=(count, size)).astype(np.float32)


def outputs(network: keras.Model, *inputs) -> list[np.ndarray]:
    """Return all outputs of a network, which takes some or all of the inputs."""
    taken = [tf.constant(values) for values in inputs[: len(network.inputs)]]
    found = network(taken if len(taken) > 1 else taken[0])
    return [np.asarray(output) for output in tf.nest.flatten(found)]


def shapes(network: keras.Model, kinds: type | tuple) -> list[tuple]:
    return [x.output.shape[1:] for x in network.layers if isinstance(x, kinds)]


# --- shapes and ranges


@pytest.mark.parametrize(
    ("size", "cameras"), [(48, "left"), (48, "stereo"), (96, "both")]
)
@pytest.mark.parametrize("variant", ["light", "published"])
@pytest.mark.parametrize("model", ["dcgan", "capsgan", "aegan"])
def test_shapes_and_ranges(model, variant, size, cameras):
    config = dataclasses.replace(
        TINY, model=model, variant=variant, size=size, cameras=cameras
    )
    made = build_generator(config)(vectors(2, config.latent_dim))
    channels = 2 if cameras == "stereo" else 1
    assert made.shape == (2, size, size, channels) and made.dtype == tf.float32
    assert 0 < float(tf.reduce_max(tf.abs(made))) <= 1
    # The 70 million parameters of the published capsules are built once, below.
    if (model, variant) != ("capsgan", "published"):
        capsules = 2 if model == "capsgan" else 1
        assert build_discriminator(config)(made).shape == (2, capsules)
    if model == "aegan":
        latents = build_encoder(config)(made)
        assert latents.shape == (2, config.latent_dim) and latents.dtype == tf.float32
        assert build_latent_discriminator(config)(latents).shape == (2, 1)


@pytest.mark.parametrize("changes", CONDITIONAL)
@pytest.mark.parametrize("size", [48, 96])
def test_shapes_with_labels(changes, size):
    config = dataclasses.replace(TINY, size=size, **changes)
    labels = vectors(3, label_size(config))
    generator = build_generator(config)
    assert [tensor.name for tensor in generator.inputs] == ["z", "label"]
    made = generator([vectors(3, config.latent_dim), labels])
    assert made.shape == (3, size, size, 1)
    found = [o.shape for o in outputs(build_discriminator(config), made, labels)]
    if changes["model"] == "capsgan":
        assert found == [(3, 6), labels.shape]
    elif changes["condition"] == "auxiliary":
        assert found == [(3, 1), labels.shape]
    else:
        assert found == [(3, 1)]


def test_the_smallest_map_is_3_x_3():
    for size, times in ((48, 4), (96, 5)):
        config = dataclasses.replace(TINY, size=size, filters=4)
        assert doublings(config) == times
        widths = [4 * 2**number for number in range(times)]
        edges = [size // 2 ** (number + 1) for number in range(times)]
        expected = [(e, e, w) for e, w in zip(edges, widths, strict=True)]
        found = shapes(build_discriminator(config), keras.layers.Conv2D)
        assert found == expected and found[-1][:2] == (3, 3)
        grown = shapes(build_generator(config), keras.layers.Conv2DTranspose)
        assert grown == [*expected[-2::-1], (size, size, 1)]


def test_d_may_have_other_widths_than_g():
    config = dataclasses.replace(TINY, filters=2, d_filters=6)
    for builder in (build_discriminator, build_encoder):
        assert shapes(builder(config), keras.layers.Conv2D)[0] == (24, 24, 6)
    assert shapes(build_generator(config), keras.layers.Reshape) == [(3, 3, 16)]


# --- outputs


@pytest.mark.parametrize("variant", ["light", "published"])
@pytest.mark.parametrize("model", ["dcgan", "aegan"])
def test_discriminators_end_in_logits(model, variant):
    """With its last kernel enlarged, D's output leaves (0, 1) on both sides."""
    config = dataclasses.replace(TINY, model=model, variant=variant)
    nets = [(build_discriminator(config), images(config, 8))]
    if model == "aegan":
        nets.append((build_latent_discriminator(config), vectors(8, config.latent_dim)))
    for network, items in nets:
        last = [x for x in network.layers if isinstance(x, keras.layers.Dense)][-1]
        last.set_weights([1000 * last.kernel.numpy(), *last.get_weights()[1:]])
        (logits,) = outputs(network, items)
        assert abs(logits).max() > 1.5
        kinds = [getattr(x, "activation", None) for x in network.layers]
        assert keras.activations.sigmoid not in kinds


@pytest.mark.parametrize("labels", ["none", "class", "pose"])
def test_lengths_of_capsules_are_probabilities(labels):
    network = build(build_discriminator, model="capsgan", labels=labels)
    lengths = outputs(network, 5 * images(TINY, 4))[0]
    assert lengths.shape == (4, 2 if labels == "none" else 6)
    assert 0 <= lengths.min() and lengths.max() < 1
    assert len(np.unique(lengths)) == lengths.size


def test_capsules_have_the_options_numbers():
    """At 48 pixels there are 36 places with 3 types of primary capsules each."""
    network = build(
        build_discriminator,
        model="capsgan",
        labels="class",
        capsule_types=3,
        capsule_size=5,
        routings=2,
    )
    assert network.get_layer("primary").output.shape[1:] == (108, 8)
    capsules = network.get_layer("capsules")
    assert capsules.output.shape[1:] == (6, 5) and capsules.routings == 2
    # Nothing between squash and routing changes the lengths of the primary capsules.
    assert capsules.input is network.get_layer("primary").output


def test_the_routing_is_in_float32_under_a_mixed_policy():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    network = build(build_discriminator, model="capsgan", labels="class")
    assert network.get_layer("capsules").compute_dtype == "float32"
    assert {tensor.dtype for tensor in network.outputs} == {"float32"}


@pytest.mark.parametrize("labels", ["class", "pose"])
def test_the_projection_is_an_inner_product(labels):
    """D(x, y) = w . f + b + (V y) . f, Miyato and Koyama 2018, equation 4."""
    network = build(build_discriminator, labels=labels, condition="projection")
    config = dataclasses.replace(TINY, labels=labels)
    x, y = images(TINY, 4), vectors(4, label_size(config))
    probe = keras.Model(network.inputs[0], network.get_layer("features").output)
    f = np.asarray(probe(x))
    dense = [x for x in network.layers if isinstance(x, keras.layers.Dense)]
    (v,) = next(d for d in dense if d.input is network.inputs[1]).get_weights()
    w, b = next(d for d in dense if d.units == 1).get_weights()
    expected = f @ w + b + np.sum(f * (y @ v), axis=1, keepdims=True)
    (found,) = outputs(network, x, y)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_the_projections_logit_is_linear_in_the_label():
    network = build(build_discriminator, labels="pose", condition="projection")
    x, (y, z) = images(TINY, 3), vectors(6, 18).reshape(2, 3, 18)
    zero, first, second, both = (
        outputs(network, x, label)[0] for label in (0 * y, y, z, 2 * y - z)
    )
    np.testing.assert_allclose(
        both - zero, 2 * (first - zero) - (second - zero), rtol=1e-3, atol=1e-4
    )
    assert abs(first - zero).min() > 1e-4


@pytest.mark.parametrize("changes", [*CONDITIONAL, {"model": "capsgan"}])
def test_the_batch_size_changes_no_items_output(changes):
    """Six is the number that a label's or an image's axis might be mistaken for."""
    config = dataclasses.replace(TINY, **changes)
    size = label_size(config)
    counts = {1, 2, 5, 6, 7, size} - {0}
    x, y = images(config, max(counts)), vectors(max(counts), max(size, 1))
    network = build(build_discriminator, **changes)
    alone = [outputs(network, x[i : i + 1], y[i : i + 1]) for i in range(len(x))]
    expected = [np.concatenate(output) for output in zip(*alone, strict=True)]
    for count in counts:
        for whole, singles in zip(
            outputs(network, x[:count], y[:count]), expected, strict=True
        ):
            np.testing.assert_allclose(whole, singles[:count], rtol=1e-3, atol=1e-5)


def test_the_guess_does_not_see_the_label():
    """An auxiliary D has no other input than the images."""
    for model in ("dcgan", "capsgan"):
        network = build(
            build_discriminator, model=model, labels="pose", condition="auxiliary"
        )
        assert [tensor.name for tensor in network.inputs] == ["images"]


def test_images_depend_on_latent_and_label():
    network = build(build_generator, labels="pose")
    z, y = vectors(2, TINY.latent_dim), vectors(2, 18)
    first, other_label, other_latent = (
        np.asarray(network([z[i : i + 1], y[j : j + 1]]))
        for i, j in ((0, 0), (0, 1), (1, 0))
    )
    assert abs(first - other_label).max() > 1e-4
    assert abs(first - other_latent).max() > 1e-4


def test_the_autoencoder_holds_both_networks():
    generator, encoder = (
        build(builder, model="aegan") for builder in (build_generator, build_encoder)
    )
    both = build_autoencoder(generator, encoder)
    z, x = vectors(3, TINY.latent_dim), images(TINY, 3)
    (found,) = outputs(both, z, x)
    np.testing.assert_allclose(found[:, :48], generator(z), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        found[:, 48:], generator(encoder(x)), rtol=1e-4, atol=1e-6
    )
    assert both.get_layer("generator") is generator
    assert both.get_layer("encoder") is encoder
    own = [*generator.trainable_variables, *encoder.trainable_variables]
    assert {id(v) for v in both.trainable_variables} == {id(v) for v in own}


# --- the published networks


def test_the_seeds_dcgan_has_its_numbers_of_parameters():
    config = PRESETS["paper"]
    generator, discriminator = build_generator(config), build_discriminator(config)
    assert generator.count_params() == 16_361_792
    # The seed counts a bias of the dense layer, which BatchNorm cancels.
    assert generator.count_params() + 24 * 24 * 256 == 16_509_248
    assert shapes(generator, keras.layers.Conv2DTranspose) == [
        (24, 24, 128),
        (48, 48, 64),
        (96, 96, 1),
    ]
    assert shapes(discriminator, keras.layers.Conv2D) == [(48, 48, 64), (24, 24, 128)]
    dense = 24 * 24 * 128 + 1
    assert discriminator.count_params() == 26 * 64 + (25 * 64 + 1) * 128 + dense
    rates = [x.rate for x in discriminator.layers if hasattr(x, "rate")]
    assert rates == [0.4, 0.4]


def test_the_seeds_capsgan_has_its_numbers_of_parameters_and_no_routing():
    """It is built once only: it takes 280 MB."""
    config = PRESETS["paper_capsgan"]
    assert build_generator(config).count_params() == 16_361_792
    network = build_discriminator(config)
    assert network.count_params() == 70_944_321
    assert shapes(network, keras.layers.Conv2D) == [(88, 88, 256), (40, 40, 256)]
    assert shapes(network, keras.layers.Reshape) == [(51_200, 8)]
    assert len(shapes(network, keras.layers.Softmax)) == 3
    assert not any(x.name == "capsules" for x in network.layers)
    assert network.output.shape == (None, 1)


def test_lazarous_aegan_has_its_numbers_of_parameters():
    config = PRESETS["paper_aegan"]
    generator = build_generator(config)
    counts = [
        builder(config).count_params()
        for builder in (
            build_generator,
            build_encoder,
            build_discriminator,
            build_latent_discriminator,
        )
    ]
    assert [round(count / 1e6, 2) for count in counts] == [2.97, 2.17, 0.71, 0.10]
    assert shapes(generator, keras.layers.Conv2D) == [
        (12, 12, 256),
        (24, 24, 128),
        (48, 48, 128),
        (96, 96, 96),
        (96, 96, 96),
        (96, 96, 1),
    ]
    edges = [48, 24, 12, 6, 6, 6]
    widths = [64, 64, 128, 128, 128, 256]
    for builder, kernel in ((build_encoder, 4), (build_discriminator, 3)):
        network = builder(config)
        expected = [(e, e, w) for e, w in zip(edges, widths, strict=True)]
        assert shapes(network, keras.layers.Conv2D) == expected
        layers = [x for x in network.layers if isinstance(x, keras.layers.Conv2D)]
        assert {x.kernel_size for x in layers} == {(kernel, kernel)}
        assert not shapes(network, keras.layers.BatchNormalization)
    # 16 blocks, each 16 wider than the one before: from 100 to 356.
    joined = shapes(build_latent_discriminator(config), keras.layers.Concatenate)
    assert joined == [(100 + 16 * n,) for n in range(1, 17)]


def test_lazarous_networks_are_noisy_only_in_training():
    for builder, items in (
        (build_encoder, images(TINY, 2)),
        (build_discriminator, images(TINY, 2)),
        (build_latent_discriminator, vectors(2, TINY.latent_dim)),
    ):
        network = build(builder, model="aegan", variant="published")
        fixed = [np.asarray(network(items, training=False)) for _ in range(2)]
        noisy = [np.asarray(network(items, training=True)) for _ in range(2)]
        np.testing.assert_array_equal(*fixed)
        assert (noisy[0] != noisy[1]).any()


# --- options


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"size": 64}, "--size must be one of"),
        ({"routings": 0}, "--routings"),
        ({"routings": 11}, "--routings must be at most 10"),
        ({"capsule_types": 257}, "--capsule-types must be at most 256"),
        ({"capsule_size": 0}, "--capsule-size"),
        ({"d_filters": 0}, "--d-filters"),
        ({"clipnorm": 0.0}, "--clipnorm"),
        ({"real_label": 1.1}, "--real-label must be from 0 to 1"),
        ({"fake_label": -0.1}, "--fake-label must be from 0 to 1"),
        ({"image_weight": -1.0}, "--image-weight"),
        ({"auxiliary_weight": float("nan")}, "--auxiliary-weight"),
        ({"augment_shift": 48}, "--augment-shift"),
        ({"classes": ("car", "car")}, "--classes must be distinct"),
        ({"model": "aegan", "labels": "class"}, "--labels must be none with --model"),
        ({"variant": "published", "labels": "pose"}, "--labels must be none with"),
        ({"classes": ("car",), "labels": "class"}, "--classes must be at least two"),
        (
            {"cameras": "both", "validation_every": 10},
            "--validation-every must be unset",
        ),
    ],
)
def test_wrong_options_are_named(changes, named):
    with pytest.raises(UserError, match=named):
        dataclasses.replace(TINY, **changes).validate()


def test_all_presets_are_valid():
    for preset in PRESETS.values():
        preset.validate()
    for model, labels in itertools.product(
        ("dcgan", "capsgan"), ("none", "class", "pose")
    ):
        dataclasses.replace(TINY, model=model, labels=labels).validate()


def test_the_publications_options():
    """The seed's DCGAN and CapsGAN, and Lazarou's AEGAN."""
    seed = {
        "variant": "published",
        "size": 96,
        "cameras": "left",
        "g_learning_rate": 2e-4,
        "beta_1": 0.5,
        "beta_2": 0.999,
        "optimizer": "adam",
        "r1_gamma": 0.0,
        "average": 0.0,
        "latent_dim": 100,
        "prior": "normal",
        "loss": "non_saturating",
        "labels": "none",
        "augment_shift": 0,
    }
    smooth = {"real_label": 0.95, "fake_label": 0.05, "clipnorm": 1.0}
    weights = {"image_weight": 10.0, "latent_weight": 5.0, "terms": "aegan"}
    for name, expected in (
        ("paper", {"batch_size": 8, "d_learning_rate": 2e-4, "real_label": 1.0}),
        ("paper_capsgan", {"batch_size": 32, "real_label": 0.9, "fake_label": 0.0}),
        (
            "paper_aegan",
            {"batch_size": 32, "d_learning_rate": 5e-4, **smooth, **weights},
        ),
    ):
        found = dataclasses.asdict(PRESETS[name])
        expected = seed | expected
        assert {key: found[key] for key in expected} == expected
