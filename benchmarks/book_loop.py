"""The training loop as books write it: predict, freeze, thaw, train_on_batch."""

from collections.abc import Callable

import keras
import numpy as np


def book_loop(
    generator: keras.Model,
    discriminator: keras.Model,
    real: np.ndarray,
    optimizers: tuple[keras.optimizers.Optimizer, keras.optimizers.Optimizer],
    std: float = 1.0,
) -> Callable[[], object]:
    """Return one turn of the loop that trains by freezing and thawing D.

    Args:
        generator: z -> items.
        discriminator: items -> logits.
        real: one batch of real items.
        optimizers: of D and of the combined model.
        std: of the normal prior.
    """
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    discriminator.compile(optimizers[0], entropy)
    latent = keras.Input(generator.input_shape[1:])
    combined = keras.Model(latent, discriminator(generator(latent)))
    combined.compile(optimizers[1], entropy)
    rng = np.random.default_rng(1)
    ones, zeros = np.ones((len(real), 1)), np.zeros((len(real), 1))

    def turn() -> object:
        noise = rng.normal(0, std, (len(real), *generator.input_shape[1:]))
        fake = generator.predict(noise, batch_size=len(real), verbose=0)
        discriminator.trainable = True
        discriminator.train_on_batch(real, ones)
        discriminator.train_on_batch(fake, zeros)
        discriminator.trainable = False
        return combined.train_on_batch(noise, ones)

    _check_that_both_learn(turn, generator, discriminator)
    return turn


def _check_that_both_learn(turn, generator, discriminator) -> None:
    """A comparison with a loop that leaves D frozen would be worth nothing."""
    before = [n.get_weights()[0].copy() for n in (generator, discriminator)]
    turn()
    after = [n.get_weights()[0] for n in (generator, discriminator)]
    for old, new in zip(before, after, strict=True):
        if np.array_equal(old, new):
            raise RuntimeError("the book's loop left a network untrained")
