"""Chapter 5: what both phases learn from, their losses by hand, and their rates."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from pictures import saved
from tiny import CHAPTER05 as TINY

from chapter05_srgan import content_loss, evaluation, training, tuning
from chapter05_srgan.networks import build_generator
from common.training.network_files import load_network, save_network
from common.training.run_dir import RunDir

RNG = np.random.default_rng(0)
BATCH = tuple(
    tf.constant(RNG.uniform(-1, 1, (3, edge, edge, 3)), tf.float32) for edge in (8, 32)
)


def model_of(**changes: object):
    """Return the model of the second phase, with its options, and both networks."""
    keras.utils.set_random_seed(0)
    config = dataclasses.replace(TINY, **changes)
    model = training.build_srgan_model(config, build_generator(config))
    return model, model.phases[1].network, model.phases[0].network


def loss_of(model, number: int, batch=BATCH) -> tuple[float, dict[str, float]]:
    """Return the loss of one phase, and its logs."""
    loss, logs = model.phases[number].loss(model._make_step(batch, 0))
    return float(loss), {name: float(value) for name, value in logs.items()}


def softplus(values: tf.Tensor) -> float:
    return float(np.mean(np.log1p(np.exp(np.asarray(values, np.float64)))))


# --- the pictures


def levels(images: np.ndarray) -> set[int]:
    """Return the brightness of each image, from 0 to 255."""
    return set(np.round((images.mean(axis=(1, 2, 3)) + 1) * 127.5).astype(int))


def test_no_crop_comes_from_what_is_left_out_for_validation(tmp_path, monkeypatch):
    """Picture i of the training part is grey of the brightness 20 i + 10."""
    for folder, count, first in (("train", 9, 10), ("test", 2, 5)):
        for number in range(count):
            grey = np.full((40, 48, 3), first + 20 * number, np.uint8)
            saved(grey, tmp_path / "set" / folder / f"{number}.png")
    config = dataclasses.replace(
        TINY, data=tmp_path / "set", validation_every=4, stage="srresnet"
    )
    found = []

    def phase(config, run, data, gallery, callbacks) -> bool:
        low, high = data.fetch(np.arange(300))
        found.extend([levels(low), levels(high), levels(gallery.latents)])
        return False

    monkeypatch.setitem(training.STAGES, "srresnet", phase)
    training.train(config, RunDir(tmp_path / "run"))
    left_out = {70, 150}  # each fourth
    learnt = set(range(10, 190, 20)) - left_out
    assert found[0] == found[1] == learnt
    assert found[2] <= learnt
    scored = []
    monkeypatch.setattr(
        evaluation, "score_method", lambda originals, *_: scored.extend(originals)
    )
    with pytest.raises(AttributeError):  # the stand-in gives no scores
        tuning.make_objective(config)(build_generator(config))
    assert {int(image.mean()) for image in scored} == left_out


# --- the losses


def test_pixels_are_compared_by_hand():
    made = tf.constant([[[[0.5, 0.0, -1.0]]]])
    high = tf.constant([[[[0.0, 0.0, 1.0]]]])
    for pixels, expected in (("l1", 2.5 / 3), ("mse", 4.25 / 3)):
        config = dataclasses.replace(TINY, pixels=pixels)
        found = training.pixel_loss(config, made, high)
        assert float(found) == pytest.approx(expected)


@pytest.mark.parametrize("variant", ["light", "srgan"])
def test_the_first_phase_compares_pixels_alone(variant):
    keras.utils.set_random_seed(0)
    model = training.build_srresnet_model(dataclasses.replace(TINY, variant=variant))
    made = model.generator(BATCH[0], training=True)
    loss, _ = loss_of(model, 0)
    assert loss == pytest.approx(np.abs(made - BATCH[1]).mean(), rel=1e-4)


@pytest.mark.parametrize(
    ("variant", "content"), [("light", "pixels"), ("srgan", "discriminator")]
)
def test_the_generators_three_losses_have_their_own_weights(variant, content):
    """Each, divided by its weight, is what is worked out here from the networks."""
    model, generator, discriminator = model_of(
        variant=variant,
        content=content,
        content_weight=2.0,
        pixel_weight=3.0,
        adversarial_weight=5.0,
    )
    made, real = generator(BATCH[0], training=True), BATCH[1]
    (*made_maps, fake_logits), (*real_maps, _) = (
        [np.asarray(x) for x in content_loss.with_maps(discriminator)(y, training=True)]
        for y in (made, real)
    )
    likeness = np.mean((made - real) ** 2)
    if content == "discriminator":
        likeness = np.mean(
            [
                np.mean((ours - theirs) ** 2) / np.mean(theirs**2)
                for ours, theirs in zip(made_maps, real_maps, strict=True)
            ]
        )
    expected = {
        "g_content": 2 * likeness,
        "g_pixels": 3 * np.abs(made - real).mean(),
        "g_adversarial": 5 * softplus(-fake_logits),
    }
    loss, logs = loss_of(model, 1)
    assert logs == pytest.approx(expected, rel=1e-3)
    assert loss == pytest.approx(sum(expected.values()), rel=1e-3)


def test_vggs_features_pull_the_generator_towards_the_real_images(monkeypatch):
    asked = []

    def tripled(*arguments: object) -> keras.Model:
        asked.append(arguments)
        images = keras.Input((32, 32, 3))
        return keras.Model(images, keras.layers.Rescaling(3.0)(images))

    monkeypatch.setattr(content_loss, "vgg19", tripled)
    config = dataclasses.replace(TINY, content="vgg22", vgg_weights="some.h5")
    content = training.choose_content(config)
    made, real = BATCH[1] / 2, tf.reverse(BATCH[1], [0])
    with tf.GradientTape() as tape:
        tape.watch(made)
        loss = content(made, real)
    assert asked == [("vgg22", "some.h5")]
    assert float(loss) == pytest.approx(9 * np.mean((made - real) ** 2), rel=1e-5)
    expected = 18 * (made - real) / tf.size(made, tf.float32)
    np.testing.assert_allclose(tape.gradient(loss, made), expected, atol=1e-7)


@pytest.mark.parametrize("variant", ["light", "srgan"])
def test_the_discriminators_loss_by_hand(variant):
    model, generator, discriminator = model_of(variant=variant, r1_gamma=0.0)
    made = generator(BATCH[0], training=True)
    fake, real = (discriminator(x, training=True) for x in (made, BATCH[1]))
    loss, logs = loss_of(model, 0)
    expected = softplus(-real) + softplus(fake)
    assert loss == logs["d_loss"] == pytest.approx(expected, rel=1e-3)
    assert logs["d_fake"] == pytest.approx(np.mean(tf.sigmoid(fake)), rel=1e-3)
    assert logs["d_real"] == pytest.approx(np.mean(tf.sigmoid(real)), rel=1e-3)


def test_the_penalty_is_r1_of_the_real_images():
    """At every second step it is twice as heavy, at the others it is not there."""
    model, generator, discriminator = model_of(r1_gamma=7.0, r1_every=2)
    # Dark and bright images, which D's slopes are not the same for.
    batch = -tf.ones((3, 8, 8, 3)), BATCH[1] / 4 + 0.7

    def r1(images: tf.Tensor) -> float:
        norms = []
        for image in tf.split(images, len(images)):
            with tf.GradientTape() as tape:
                tape.watch(image)
                logit = discriminator(image)
            norms.append(np.sum(np.square(tape.gradient(logit, image))))
        return np.mean(norms) / 2

    expected = 7 * 2 * r1(batch[1])
    assert expected != pytest.approx(7 * 2 * r1(generator(batch[0])), rel=0.1)
    loss, logs = loss_of(model, 0, batch)
    assert logs["d_penalty"] == pytest.approx(expected, rel=1e-3)
    assert loss == pytest.approx(logs["d_loss"] + expected, rel=1e-3)
    model.step.assign(1)
    assert loss_of(model, 0, batch)[1]["d_penalty"] == 0


# --- the rates


def rates(optimizer: keras.optimizers.Optimizer, *steps: int) -> list[float]:
    """Return the learning rate after some numbers of steps."""
    found = []
    for step in steps:
        optimizer.iterations.assign(step)
        found.append(float(optimizer.learning_rate))
    return found


def test_each_phase_falls_to_0_at_its_own_last_step():
    config = dataclasses.replace(
        TINY, steps=10, srgan_steps=40, learning_rate=0.2, srgan_learning_rate=0.6
    )
    for decay in (True, False):
        config = dataclasses.replace(config, decay=decay)
        first = training.build_srresnet_model(config).phases
        second = training.build_srgan_model(config, build_generator(config)).phases
        for phases, rate, steps in ((first, 0.2, 10), (second, 0.6, 40)):
            expected = [rate, rate / 2, 0, 0] if decay else [rate] * 4
            for phase in phases:
                found = rates(phase.optimizer, 0, steps // 2, steps, 2 * steps)
                assert found == pytest.approx(expected, abs=1e-6)


def test_only_the_discriminators_steps_have_no_momentum():
    model, _, _ = model_of()
    betas = {p.name: (p.optimizer.beta_1, p.optimizer.beta_2) for p in model.phases}
    assert betas == {"d": (0.0, 0.999), "g": (0.9, 0.999)}


def test_the_second_phase_goes_on_with_the_generator_of_the_first(
    tmp_path, monkeypatch
):
    run = RunDir(tmp_path / "run")
    config = dataclasses.replace(TINY, steps=2, srgan_steps=3)
    save_network(build_generator(config), run.generator)
    found = {}

    def fit(model, data, gallery, config, stage, callbacks, steps, results) -> bool:
        found.update(results, steps=steps, own=model.phases[1].network)
        return False

    monkeypatch.setattr(training, "fit_stage", fit)
    training.train_srgan(config, run, None, None, ())
    expected = load_network(run.generator).get_weights()
    assert found["steps"] == 3
    assert found["discriminator"].name == "discriminator"
    for name in ("own", "generator"):
        weights = found[name].get_weights()
        assert all(map(np.array_equal, expected, weights))
