"""The training loop as books write it, which the benchmarks compare with."""

import keras
import numpy as np
import pytest

from benchmarks.book_loop import book_loop, latent_inputs


def networks():
    keras.utils.set_random_seed(0)
    generator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    discriminator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    return generator, discriminator


def optimizers():
    return keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1)


@pytest.mark.parametrize("loss_weights", [None, (1e-3, 1.0)])
def test_every_step_trains_both_networks(loss_weights):
    generator, discriminator = networks()
    real = np.ones((4, 2), np.float32)
    inputs = latent_inputs(generator, 4)
    step = book_loop(generator, discriminator, real, inputs, optimizers(), loss_weights)
    for network in (generator, discriminator):
        before = network.get_weights()[0].copy()
        step()
        assert (network.get_weights()[0] != before).all()


@pytest.mark.slow
def test_the_content_loss_brings_items_to_the_real_ones():
    generator, discriminator = networks()
    latents = np.eye(3, dtype=np.float32)
    real = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    step = book_loop(
        generator, discriminator, real, lambda: latents, optimizers(), (0.0, 1.0)
    )
    for _ in range(100):
        step()
    np.testing.assert_allclose(generator(latents), real, atol=0.1)


def test_a_network_that_does_not_learn_is_an_error():
    generator, discriminator = networks()
    frozen = keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.0)
    real = np.ones((4, 2), np.float32)
    with pytest.raises(RuntimeError, match="left a network untrained"):
        book_loop(generator, discriminator, real, latent_inputs(generator, 4), frozen)


def test_a_game_replaces_the_cross_entropy():
    """With the loss -output * target, D's weight moves by the mean of x - G(z)."""
    generator, discriminator = networks()
    real = np.full((4, 2), 3, np.float32)
    targets = np.ones((4, 1), np.float32)
    game = (lambda target, output: -target * output, targets, -targets)
    inputs = latent_inputs(generator, 4)
    rules = keras.optimizers.SGD(0.1), keras.optimizers.SGD(1e-3)
    book_loop(generator, discriminator, real, inputs, rules, game=game)
    old_generator, old = networks()
    # The first batch is the loop's specimen, the second that of its first step.
    draw = latent_inputs(generator, 4)
    draw()
    fake = np.asarray(old_generator(draw()))
    moved = discriminator.get_weights()[0] - old.get_weights()[0]
    np.testing.assert_allclose(
        moved[:, 0], 0.1 * (real.mean(axis=0) - fake.mean(axis=0)), rtol=1e-4
    )
