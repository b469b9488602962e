"""The training loop as books write it: predict, train D, freeze D, train G."""

from collections.abc import Callable

import keras
import numpy as np


def book_loop(
    generator: keras.Model,
    discriminator: keras.Model,
    real: np.ndarray,
    draw_inputs: Callable[[], np.ndarray],
    optimizers: tuple[keras.optimizers.Optimizer, keras.optimizers.Optimizer],
    loss_weights: tuple[float, float] | None = None,
    game: tuple[Callable, np.ndarray, np.ndarray] | None = None,
) -> Callable[[], object]:
    """Return a function that runs one step of the book's loop.

    Args:
        generator: network from inputs to items.
        discriminator: network from items to logits, or to whatever `game` takes.
        real: one batch of real items (B, ...), float32.
        draw_inputs: function that returns the generator's inputs for a batch (B, ...),
            of the same shape in each call.
        optimizers: optimizers of D and of the combined model.
        loss_weights: weights of the adversarial loss and of the mean squared error
            between generated and real items; None for the adversarial loss alone.
        game: the adversarial loss (targets, outputs) -> scalar, and its targets for
            real and for generated items, each of the shape of the discriminator's
            outputs for a batch; by default the cross-entropy with ones and zeros.

    Raises:
        RuntimeError: a step leaves one of the networks unchanged.
    """
    d_optimizer, g_optimizer = optimizers
    label_shape = (len(real), *discriminator.output_shape[1:])
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    loss, ones, zeros = game or (entropy, np.ones(label_shape), np.zeros(label_shape))
    discriminator.compile(d_optimizer, loss)

    # G followed by D. The inputs have a fixed size, because images of any size cannot
    # be enlarged in a graph.
    inputs = keras.Input(draw_inputs().shape[1:])
    items = generator(inputs)
    logits = discriminator(items)
    fixed_size_generator = keras.Model(inputs, items)
    if loss_weights is None:
        combined = keras.Model(inputs, logits)
        combined.compile(g_optimizer, loss)
        targets = ones
    else:
        combined = keras.Model(inputs, [logits, items])
        combined.compile(g_optimizer, [loss, "mse"], loss_weights=list(loss_weights))
        targets = [ones, real]

    def step() -> object:
        batch = draw_inputs()
        fake = fixed_size_generator.predict(batch, batch_size=len(real), verbose=0)
        discriminator.trainable = True
        discriminator.train_on_batch(real, ones)
        discriminator.train_on_batch(fake, zeros)
        discriminator.trainable = False
        return combined.train_on_batch(batch, targets)

    check_that_all_learn(step, generator, discriminator)
    return step


def latent_inputs(
    generator: keras.Model, count: int, std: float = 1.0
) -> Callable[[], np.ndarray]:
    """Return a function that draws latents for `draw_inputs` of `book_loop`.

    Args:
        generator: network whose inputs are latents.
        count: number of latents in a batch.
        std: standard deviation of the normal prior.
    """
    rng = np.random.default_rng(1)
    shape = (count, *generator.input_shape[1:])
    return lambda: rng.normal(0, std, shape)


def check_that_all_learn(step: Callable[[], object], *networks: keras.Model) -> None:
    """Run one step; a loop that leaves a network frozen would be too fast.

    Raises:
        RuntimeError: the step leaves one of the networks unchanged.
    """
    before = [network.get_weights()[0].copy() for network in networks]
    step()
    after = [network.get_weights()[0] for network in networks]
    for old, new in zip(before, after, strict=True):
        if np.array_equal(old, new):
            raise RuntimeError("the book's loop left a network untrained")
