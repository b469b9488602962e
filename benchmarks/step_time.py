"""Compare the time of one training step with that of a loop as books write it.

    python -m benchmarks.step_time chapter02_3dgan --size quick

All of them have the same networks, batch, optimizers and losses, without penalties
and weight averages:
  ours               the compiled step of AdversarialModel with alternating updates, in
                     float32 and bfloat16
  ours_simultaneous  the same with simultaneous updates, where D and G share one pass of
                     the networks: less work, a different algorithm
  book_style         predict, two train_on_batch and one combined train_on_batch, with
                     Keras's own layers
  book_style_fast_layers  the same loop with the layers of common.layers
  torch              the same networks and losses in PyTorch, if it is installed
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
from chapter02_3dgan.config import PRESETS, Config
from chapter02_3dgan.networks import build_discriminator, build_generator, filters
from chapter02_3dgan.training import build_model
from common.layers.conv3d_one_channel import (
    Conv3DFromOneChannel,
    Conv3DTransposeToOneChannel,
)
from common.training import devices
from common.training.environment import describe_environment

# Share of occupied voxels in the random volumes.
OCCUPANCY = 0.04


@dataclass(frozen=True)
class Options:
    """Compare one training step with the loop that books write."""

    chapter: tyro.conf.Positional[Literal["chapter02_3dgan"]]
    """Chapter whose networks are trained."""

    size: Literal["quick", "book"] = "quick"
    """Preset with the networks and the batch size."""

    batch_size: int | None = None
    """Items in a batch; by default 4 for `book`, whose volumes have 64^3 voxels, or the
    preset's."""

    rounds: int = 7
    """Rounds of measurements."""

    calls: int = 5
    """Steps of each variant in one round."""


def step_config(options: Options, precision: str, mode: str = "alternating") -> Config:
    """Return the preset without the options that the book's loop does not have."""
    config = PRESETS[options.size]
    batch = options.batch_size or (4 if options.size == "book" else config.batch_size)
    return dataclasses.replace(
        config,
        r1_gamma=0.0,
        augment_shift=0,
        augment_mirror=False,
        average=0.0,
        update_mode=mode,
        batch_size=batch,
        precision=precision,
    )


def real_batch(config: Config) -> np.ndarray:
    """Return random volumes (B, S, S, S, 1), float32, each voxel 0 or 1."""
    rng = np.random.default_rng(0)
    return (rng.random((config.batch_size, *[config.size] * 3, 1)) < OCCUPANCY).astype(
        np.float32
    )


def ours(config: Config) -> Callable[[], object]:
    """Return a function that runs one compiled step of AdversarialModel."""
    keras.mixed_precision.set_global_policy(config.precision)
    step = compiled_step(
        build_model(config, OCCUPANCY), real_batch(config), devices.use_jit(config)
    )
    keras.mixed_precision.set_global_policy("float32")
    return step


def plain_layers(network: keras.Model) -> keras.Model:
    """Return a copy of a network with Keras's own layers and the same weights."""

    def replace(layer: keras.layers.Layer) -> keras.layers.Layer:
        kinds = {
            Conv3DFromOneChannel: keras.layers.Conv3D,
            Conv3DTransposeToOneChannel: keras.layers.Conv3DTranspose,
        }
        kind = kinds.get(type(layer), type(layer))
        return kind.from_config(layer.get_config())

    copy = keras.models.clone_model(network, clone_function=replace)
    copy.set_weights(network.get_weights())
    return copy


def book_style(config: Config, fast_layers: bool) -> Callable[[], object]:
    """Return a function that runs one step of the book's loop.

    Args:
        config: options of the networks and optimizers.
        fast_layers: whether to keep this project's layers instead of Keras's own.
    """
    generator = build_generator(config, OCCUPANCY)
    discriminator = build_discriminator(config)
    if not fast_layers:
        generator, discriminator = plain_layers(generator), plain_layers(discriminator)

    d_optimizer, g_optimizer = (
        keras.optimizers.Adam(rate, config.beta_1, config.beta_2)
        for rate in (config.d_learning_rate, config.g_learning_rate)
    )
    return book_loop(
        generator,
        discriminator,
        real_batch(config),
        latent_inputs(generator, config.batch_size, config.prior_std),
        (d_optimizer, g_optimizer),
    )


def step_gflop(config: Config) -> float:
    """Return the operations of one step's convolutions in 10^9, two per multiply-add.

    A full backward pass costs twice a forward pass, one to the inputs alone as much as
    a forward pass. G has two forward passes and one backward pass: 4 times its forward
    cost. D has three forward passes, two full backward passes and one to its inputs
    alone: 8 times its forward cost.
    """
    counts = filters(config)
    pairs = list(zip(counts, [*counts[1:], 1], strict=True))
    cells = [(4 * 2**stage) ** 3 for stage in range(len(pairs))]
    convolutions = sum(64 * a * b * c for (a, b), c in zip(pairs, cells, strict=True))
    first = 64 * config.latent_dim * counts[0]
    last = 64 * counts[0]
    forward_g, forward_d = convolutions + first, convolutions + last
    return 2 * config.batch_size * (4 * forward_g + 8 * forward_d) / 1e9


def matrix_gflops(dtype: tf.DType) -> float:
    """Return the speed of a large matrix product in 10^9 operations per second."""
    size = 2048
    a = tf.ones((size, size), dtype)
    product = tf.function(lambda x: tf.matmul(x, x)[0, 0])
    return 2 * size**3 / devices.best_time(lambda: product(a)) / 1e9


def report(options: Options) -> dict:
    """Measure all variants and return the JSON object."""
    if not tf.config.list_physical_devices("GPU"):
        # As in `train`.
        tf.config.experimental.enable_op_determinism()
    float32 = step_config(options, "float32")
    works = {
        "ours_float32": ours(float32),
        "ours_bfloat16": ours(step_config(options, "mixed_bfloat16")),
        "ours_simultaneous_float32": ours(
            step_config(options, "float32", "simultaneous")
        ),
        "ours_simultaneous_bfloat16": ours(
            step_config(options, "mixed_bfloat16", "simultaneous")
        ),
        "book_style": book_style(float32, fast_layers=False),
        "book_style_fast_layers": book_style(float32, fast_layers=True),
    }
    try:
        from benchmarks.torch_step import torch_step
    except ImportError:
        sys.stderr.write("PyTorch is not installed: its time is left out\n")
    else:
        works["torch"] = torch_step(float32, real_batch(float32))
    seconds = take_turns(works, options.rounds, options.calls)
    gflop = step_gflop(float32)
    result = {f"seconds_{name}": round(value, 4) for name, value in seconds.items()}
    # Ratios above 1: our step is faster.
    others = [name for name in seconds if not name.startswith("ours_")]
    for name, time in seconds.items():
        if name in others:
            continue
        mode = name.removeprefix("ours_")
        result |= {f"ratio_{o}_{mode}": round(seconds[o] / time, 2) for o in others}
    for precision, dtype in (("float32", tf.float32), ("bfloat16", tf.bfloat16)):
        share = gflop / seconds[f"ours_{precision}"] / matrix_gflops(dtype)
        result[f"share_of_matrix_rate_{precision}"] = round(share, 3)
    result["gflop_per_step"] = round(gflop, 1)
    result |= {"size": options.size, "batch_size": float32.batch_size}
    machine = describe_environment()
    return result | {key: machine[key] for key in ("processor", "cores", "devices")}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(report(tyro.cli(Options))) + "\n")
