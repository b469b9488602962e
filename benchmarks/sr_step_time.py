"""Time of one adversarial step of the SRGAN against a loop as books write it.

    python -m benchmarks.sr_step_time --variant srgan

The same networks, batch, optimizers and losses (pixels and the game), no penalty:
  ours         the compiled step of AdversarialModel, alternating
  ours_shared  D and G from one pass of the networks: less work, another algorithm
  book_style   predict, two train_on_batch, one combined train_on_batch
The last line is one JSON object; seconds are medians over rounds in which the works
take turns.
"""

import dataclasses
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np
import tensorflow as tf
import tyro

from benchmarks.timing import take_turns
from chapter05_srgan.config import PRESETS, Config
from chapter05_srgan.networks import build_discriminator, build_generator
from chapter05_srgan.training import build_srgan_model
from common.training.run_dir import describe_environment


@dataclass(frozen=True)
class Options:
    """Compare one training step with the loop that books write."""

    variant: Literal["light", "srgan", "book"] = "srgan"
    """Networks; the paper's and the book's have 16 blocks."""

    batch_size: int = 4
    """Crops a step."""

    rounds: int = 5
    """Turns of each way."""

    calls: int = 2
    """Steps in one turn."""


def step_config(options: Options, mode: str) -> Config:
    """Return a configuration without what the book's loop has no equivalent of."""
    return dataclasses.replace(
        PRESETS["quick"],
        variant=options.variant,
        blocks=6 if options.variant == "light" else 16,
        batch_size=options.batch_size,
        content="pixels",
        pixel_weight=0.0,
        r1_gamma=0.0,
        average=0.0,
        decay=False,
        update_mode=mode,
    )


def crops(config: Config) -> tuple[np.ndarray, np.ndarray]:
    """Return noise in place of crops, of low and of high resolution."""
    rng = np.random.default_rng(0)
    edges = (config.crop // config.scale, config.crop)
    return tuple(
        rng.uniform(-1, 1, (config.batch_size, edge, edge, 3)).astype(np.float32)
        for edge in edges
    )


def ours(config: Config) -> Callable[[], object]:
    """Return one step of AdversarialModel, compiled."""
    model = build_srgan_model(config, build_generator(config))
    batch = tuple(tf.constant(part) for part in crops(config))
    model.build_step(tf.nest.map_structure(tf.TensorSpec.from_tensor, batch))
    step = tf.function(model.train_step)
    return lambda: step(batch)["g_loss"].numpy()


def book_style(config: Config) -> Callable[[], object]:
    """Return one turn of the book's loop with the same networks."""
    generator, discriminator = build_generator(config), build_discriminator(config)
    low, high = crops(config)
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    rate = config.srgan_learning_rate
    discriminator.compile(keras.optimizers.Adam(rate), entropy)
    # Of one size, as the book's: pixels of any size cannot be enlarged in a graph.
    small = keras.Input(low.shape[1:])
    made = generator(small)
    combined = keras.Model(small, [discriminator(made), made])
    combined.compile(
        keras.optimizers.Adam(rate),
        [entropy, "mse"],
        loss_weights=[config.adversarial_weight, config.content_weight],
    )
    enlarge = keras.Model(small, made)
    labels = [np.full((len(low), *discriminator.output_shape[1:]), v) for v in (1, 0)]

    def turn() -> object:
        fake = enlarge.predict(low, batch_size=len(low), verbose=0)
        discriminator.trainable = True
        discriminator.train_on_batch(high, labels[0])
        discriminator.train_on_batch(fake, labels[1])
        discriminator.trainable = False
        return combined.train_on_batch(low, [labels[0], high])

    return turn


def report(options: Options) -> dict:
    """Measure everything and return the JSON object."""
    if not tf.config.list_physical_devices("GPU"):
        # As `train` does.
        tf.config.experimental.enable_op_determinism()
    works = {
        "book_style": book_style(step_config(options, "alternating")),
        "ours": ours(step_config(options, "alternating")),
        "ours_shared": ours(step_config(options, "simultaneous")),
    }
    seconds = take_turns(works, options.rounds, options.calls)
    result = {f"seconds_{name}": round(value, 4) for name, value in seconds.items()}
    book = seconds.pop("book_style")
    result |= {f"ratio_{name}": round(book / time, 2) for name, time in seconds.items()}
    result |= {"variant": options.variant, "batch_size": options.batch_size}
    machine = describe_environment()
    return result | {key: machine[key] for key in ("processor", "cores", "devices")}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(report(tyro.cli(Options))) + "\n")
