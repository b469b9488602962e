"""Compare the time of a DCGAN's training step with that of a loop as books write it.

    python -m benchmarks.image_step_time --size quick

All of them have the same networks, batch and optimizers, without penalty, augmentation
and weight averages:
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

from benchmarks.book_loop import book_loop, latent_inputs
from benchmarks.timing import compiled_step, take_turns
from chapter04_dcgan.config import PRESETS, Config
from chapter04_dcgan.networks import CHANNELS, build_discriminator, build_generator
from chapter04_dcgan.training import build_model
from common.gan.optimizers import build_optimizers
from common.training import devices
from common.training.environment import describe_environment


@dataclass(frozen=True)
class Options:
    """Compare one training step with the loop that books write."""

    size: Literal["quick", "book"] = "quick"
    """Preset with the networks and the batch size."""

    batch_size: int | None = None
    """Images in a batch; by default 16 for `book`, or the preset's."""

    rounds: int = 7
    """Rounds of measurements."""

    calls: int = 5
    """Steps of each variant in one round."""


def step_config(options: Options, precision: str, mode: str = "alternating") -> Config:
    """Return the preset without the options that the book's loop does not have."""
    config = PRESETS[options.size]
    batch = options.batch_size or (16 if options.size == "book" else config.batch_size)
    return dataclasses.replace(
        config,
        r1_gamma=0.0,
        augment_shift=0,
        mirror=False,
        average=0.0,
        real_label=(1.0,),
        fake_label=(0.0,),
        update_mode=mode,
        batch_size=batch,
        precision=precision,
    )


def real_batch(config: Config) -> np.ndarray:
    """Return noise instead of images (B, S, S, 3), float32 in [-1, 1]."""
    shape = (config.batch_size, config.size, config.size, CHANNELS)
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


def ours(config: Config) -> Callable[[], object]:
    """Return a function that runs one compiled step of AdversarialModel."""
    keras.mixed_precision.set_global_policy(config.precision)
    step = compiled_step(
        build_model(config), real_batch(config), devices.use_jit(config)
    )
    keras.mixed_precision.set_global_policy("float32")
    return step


def book_style(config: Config) -> Callable[[], object]:
    """Return a function that runs one step of the book's loop."""
    generator = build_generator(config)
    return book_loop(
        generator,
        build_discriminator(config),
        real_batch(config),
        latent_inputs(generator, config.batch_size),
        build_optimizers(config, nesterov=True),
    )


def report(options: Options) -> dict:
    """Measure all variants and return the JSON object."""
    if not tf.config.list_physical_devices("GPU"):
        # As in `train`.
        tf.config.experimental.enable_op_determinism()
    works = {"book_style": book_style(step_config(options, "float32"))}
    for precision in ("float32", "mixed_bfloat16"):
        for name, mode in (("ours", "alternating"), ("ours_shared", "simultaneous")):
            config = step_config(options, precision, mode)
            works[f"{name}_{precision.removeprefix('mixed_')}"] = ours(config)
    seconds = take_turns(works, options.rounds, options.calls)
    result = {f"seconds_{name}": round(value, 4) for name, value in seconds.items()}
    book = seconds.pop("book_style")
    result |= {f"ratio_{name}": round(book / time, 2) for name, time in seconds.items()}
    result |= {"size": options.size, "batch_size": config.batch_size}
    machine = describe_environment()
    return result | {key: machine[key] for key in ("processor", "cores", "devices")}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(report(tyro.cli(Options))) + "\n")
