"""Time of one training step against a loop as books write it.

    python -m benchmarks.step_time chapter02_3dgan --size quick

The same networks, batch, optimizers and losses, without penalties and averages:
  ours          the compiled step of AdversarialModel, alternating, in float32
                and bfloat16; ours_simultaneous shares one pass of the networks:
                less work, another algorithm
  book_style    predict, two train_on_batch, one combined train_on_batch, with
                Keras's own layers
  book_style_fast_layers  the same loop with the layers of common.layers.blocks
  torch         the same networks and losses in PyTorch, where it is installed
The last line is one JSON object; seconds are medians over rounds in which the
works take turns.
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
from benchmarks.timing import take_turns
from chapter02_3dgan.config import PRESETS, Config
from chapter02_3dgan.networks import build_discriminator, build_generator, filters
from chapter02_3dgan.training import build_model
from common.layers.conv3d_one_channel import (
    Conv3DFromOneChannel,
    Conv3DTransposeToOneChannel,
)
from common.training import devices
from common.training.run_dir import describe_environment

OCCUPANCY = 0.04


@dataclass(frozen=True)
class Options:
    """Compare one training step with the loop that books write."""

    chapter: tyro.conf.Positional[Literal["chapter02_3dgan"]]
    """Whose networks."""

    size: Literal["quick", "book"] = "quick"
    """Preset whose networks and batch are taken."""

    batch_size: int | None = None
    """Of the preset by default; the book's 64^3 takes 4."""

    rounds: int = 7
    """Turns of each way."""

    calls: int = 5
    """Steps in one turn."""


def step_config(options: Options, precision: str, mode: str = "alternating") -> Config:
    """Return the preset without what the book's loop has no equivalent of."""
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
    """Return random boxes: (B, S, S, S, 1) float32."""
    rng = np.random.default_rng(0)
    return (rng.random((config.batch_size, *[config.size] * 3, 1)) < OCCUPANCY).astype(
        np.float32
    )


def ours(config: Config) -> Callable[[], object]:
    """Return one step of AdversarialModel, compiled."""
    keras.mixed_precision.set_global_policy(config.precision)
    model = build_model(config, OCCUPANCY)
    batch = tf.constant(real_batch(config))
    model.build_step(
        tf.TensorSpec(batch.shape, tf.float32), jit=devices.use_jit(config)
    )
    step = tf.function(model.train_step, jit_compile=devices.use_jit(config))
    keras.mixed_precision.set_global_policy("float32")
    return lambda: step(batch)["g_loss"].numpy()


def plain_layers(network: keras.Model) -> keras.Model:
    """Return a copy with Keras's own layers and the same weights."""

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
    """Return one turn of the loop that trains by freezing and thawing D."""
    generator = build_generator(config, OCCUPANCY)
    discriminator = build_discriminator(config)
    if not fast_layers:
        generator, discriminator = plain_layers(generator), plain_layers(discriminator)

    optimizers = [
        keras.optimizers.Adam(rate, config.beta_1, config.beta_2)
        for rate in (config.d_learning_rate, config.g_learning_rate)
    ]
    real = real_batch(config)
    return book_loop(generator, discriminator, real, optimizers, config.prior_std)


def step_gflop(config: Config) -> float:
    """Return the multiply-adds of one step's convolutions, times 2, in 10^9.

    Forward and backward: G passes twice and goes back once (4 times its forward
    cost), D passes three times, goes back fully twice, and once for its input
    alone (8 times).
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
    """Return the rate of a large matrix product, in 10^9 operations a second."""
    size = 2048
    a = tf.ones((size, size), dtype)
    product = tf.function(lambda x: tf.matmul(x, x)[0, 0])
    return 2 * size**3 / devices.best_time(lambda: product(a)) / 1e9


def report(options: Options) -> dict:
    """Measure everything and return the JSON object."""
    if not tf.config.list_physical_devices("GPU"):
        # As `train` does.
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
