"""AEGAN's training loop as its author writes it: predict, train_on_batch, combined.

Reference: C. Lazarou 2020, "AEGAN-keras".
"""

from collections.abc import Callable

import keras
import numpy as np

from benchmarks.book_loop import check_that_all_learn

# Mini-batches in one round of the loop.
MINI_BATCHES = 4


def aegan_loop(
    generator: keras.Model,
    encoder: keras.Model,
    discriminator: keras.Model,
    latent_discriminator: keras.Model,
    real: np.ndarray,
    optimizers: tuple[keras.optimizers.Optimizer, ...],
    loss_weights: tuple[float, float],
) -> Callable[[], object]:
    """Return a function that runs one round of the loop, over four mini-batches.

    A round updates D_x four times: on two mini-batches of real and on two of generated
    images, which `predict` makes; then D_z likewise; then G and E four times.

    Args:
        generator: z -> images.
        encoder: images -> z.
        discriminator: D_x, images -> logits.
        latent_discriminator: D_z, z -> logits.
        real: one mini-batch of real images (B, S, S, C), float32.
        optimizers: optimizers of D_x, of D_z, and of G and E together.
        loss_weights: weights of the reconstructed images and latents.

    Raises:
        RuntimeError: a round leaves one of the networks unchanged.
    """
    count = len(real)
    ones, zeros = np.ones((count, 1)), np.zeros((count, 1))
    rng = np.random.default_rng(1)
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    critics = (discriminator, latent_discriminator)
    for critic, optimizer in zip(critics, optimizers[:2], strict=True):
        critic.compile(optimizer, entropy)

    # G and E followed by both discriminators.
    z, x = (keras.Input(net.input_shape[1:]) for net in (generator, encoder))
    x_hat, z_hat = generator(z), encoder(x)
    x_tilde, z_tilde = generator(z_hat), encoder(x_hat)
    logits = [discriminator(x_hat), discriminator(x_tilde)]
    logits += [latent_discriminator(z_hat), latent_discriminator(z_tilde)]
    combined = keras.Model([z, x], [*logits, x_tilde, z_tilde])
    combined.compile(
        optimizers[2],
        [*[entropy] * len(logits), "mae", "mse"],
        loss_weights=[*[1.0] * len(logits), *loss_weights],
    )

    def draw() -> np.ndarray:
        return rng.normal(size=(count, *generator.input_shape[1:]))

    def made(network: keras.Model, inputs: np.ndarray) -> np.ndarray:
        return network.predict(inputs, batch_size=count, verbose=0)

    def update(critic: keras.Model, reals: list, fakes: list) -> None:
        for real_items, fake_items in zip(reals, fakes, strict=True):
            critic.train_on_batch(real_items, ones)
            critic.train_on_batch(fake_items, zeros)

    def round_of_four() -> object:
        # 1. Both discriminators, on items made before either of them learns.
        fakes = made(generator, draw())
        codes = made(encoder, real)
        _set_trainable(critics, True)
        update(discriminator, [real, real], [fakes, made(generator, codes)])
        update(latent_discriminator, [draw(), draw()], [codes, made(encoder, fakes)])
        # 2. G and E together.
        _set_trainable(critics, False)
        for _ in range(MINI_BATCHES):
            latents = draw()
            targets = [*[ones] * len(logits), real, latents]
            result = combined.train_on_batch([latents, real], targets)
        return result

    check_that_all_learn(round_of_four, generator, encoder, *critics)
    return round_of_four


def _set_trainable(networks: tuple[keras.Model, ...], value: bool) -> None:
    for network in networks:
        network.trainable = value
