"""Compare the time of an SRGAN's training step with that of a loop as books write it.

    python -m benchmarks.sr_step_time --variant srgan

All of them have the same networks, batch, optimizers and losses (the mean squared error
of pixels and the adversarial loss), without penalty:
  ours         the compiled step of AdversarialModel, alternating updates
  ours_shared  the same with D and G updated from one shared pass of the networks: less
               work, a different algorithm
  book_style   predict, two train_on_batch and one combined train_on_batch
The last line of the output is one JSON object. Times are in seconds: medians over
rounds, in each of which every variant runs once.
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

from benchmarks.book_loop import book_loop
from benchmarks.timing import compiled_step, take_turns
from chapter05_srgan.config import PRESETS, Config
from chapter05_srgan.networks import build_discriminator, build_generator
from chapter05_srgan.training import build_srgan_model
from common.training.environment import describe_environment


@dataclass(frozen=True)
class Options:
    """Compare one training step with the loop that books write."""

    variant: Literal["light", "srgan", "book"] = "srgan"
    """Networks; srgan (the paper's) and book have 16 blocks, light has 6."""

    batch_size: int = 4
    """Crops in a batch."""

    rounds: int = 5
    """Rounds of measurements."""

    calls: int = 2
    """Steps of each variant in one round."""


def step_config(options: Options, mode: str) -> Config:
    """Return a configuration without the options that the book's loop does not have."""
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
    """Return noise instead of crops of low and high resolution.

    Returns:
        Two float32 arrays in [-1, 1]: (B, crop / scale, crop / scale, 3) and
        (B, crop, crop, 3).
    """
    rng = np.random.default_rng(0)
    edges = (config.crop // config.scale, config.crop)
    return tuple(
        rng.uniform(-1, 1, (config.batch_size, edge, edge, 3)).astype(np.float32)
        for edge in edges
    )


def ours(config: Config) -> Callable[[], object]:
    """Return a function that runs one compiled step of AdversarialModel."""
    model = build_srgan_model(config, build_generator(config))
    return compiled_step(model, crops(config))


def book_style(config: Config) -> Callable[[], object]:
    """Return a function that runs one step of the book's loop."""
    low, high = crops(config)
    rate = config.srgan_learning_rate
    return book_loop(
        build_generator(config),
        build_discriminator(config),
        real=high,
        draw_inputs=lambda: low,
        optimizers=(keras.optimizers.Adam(rate), keras.optimizers.Adam(rate)),
        loss_weights=(config.adversarial_weight, config.content_weight),
    )


def report(options: Options) -> dict:
    """Measure all variants and return the JSON object."""
    if not tf.config.list_physical_devices("GPU"):
        # As in `train`.
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
