"""Devices, number formats and seeds: set up once, before networks are built."""

import contextlib
import dataclasses
import functools
import logging
import os
import time
from typing import Any

import keras
import tensorflow as tf

from common.config import ConfigType, RunConfig
from common.errors import UserError

# Below this gain the rounding of bfloat16 is not worth having.
WORTHWHILE = 1.2
logger = logging.getLogger(__name__)


def set_up(config: ConfigType, bfloat16_keeps_quality: bool) -> ConfigType:
    """Set seeds, determinism, memory growth and the number format.

    Args:
        config: of the run.
        bfloat16_keeps_quality: what the chapter has measured.

    Returns:
        The configuration with `precision` resolved.
    """
    gpus = tf.config.list_physical_devices("GPU")
    names = [gpu.name for gpu in gpus] or [f"CPU, {os.cpu_count()} cores"]
    logger.info("devices: %s", ", ".join(names))
    for gpu in gpus:
        # Fails once the GPU is in use, and then growth was set before.
        with contextlib.suppress(RuntimeError):
            tf.config.experimental.set_memory_growth(gpu, True)
    if not gpus:
        tf.config.experimental.enable_op_determinism()
        # It joins operations; on graphs with the gradient of a leaky ReLU it fails,
        # says so on the terminal, and leaves the step no slower.
        tf.config.optimizer.set_experimental_options({"remapping": False})
    # Workers must meet before TensorFlow computes anything.
    strategy(config)
    keras.utils.set_random_seed(config.seed % 2**32)
    precision = config.precision
    if precision == "auto" and config.strategy == "multiworker":
        logger.info("precision float32: several workers need one; --precision names it")
        precision = "float32"
    elif precision == "auto":
        precision = _choose_precision(bfloat16_keeps_quality)
    keras.mixed_precision.set_global_policy(precision)
    return dataclasses.replace(config, precision=precision)


def _choose_precision(bfloat16_keeps_quality: bool) -> str:
    if not bfloat16_keeps_quality:
        logger.info("precision float32: bfloat16 costs quality in this chapter")
        return "float32"
    gain = bfloat16_gain()
    precision = "mixed_bfloat16" if gain >= WORTHWHILE else "float32"
    logger.info(
        "precision %s: a convolution runs %.2f times as fast in bfloat16 here, "
        "%.1f times is worthwhile",
        precision,
        gain,
        WORTHWHILE,
    )
    return precision


def bfloat16_gain() -> float:
    """Return time in float32 / time in bfloat16 of one convolution, measured."""
    seconds = {}
    for dtype in (tf.float32, tf.bfloat16):
        image = tf.ones((8, 64, 64, 64), dtype)
        kernel = tf.ones((3, 3, 64, 64), dtype)
        # Only one number is fetched: copying must not be what is measured.
        seconds[dtype] = best_time(
            lambda x=image, k=kernel: tf.nn.conv2d(x, k, 1, "SAME")[0, 0, 0, 0]
        )
    return seconds[tf.float32] / seconds[tf.bfloat16]


def best_time(work: Any, repeats: int = 5) -> float:
    """Return the shortest of some timings of `work`, which returns a tensor."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        work().numpy()
        times.append(time.perf_counter() - start)
    return min(times[1:])


def use_jit(config: RunConfig) -> bool:
    """Tell whether to compile with XLA, and log why."""
    on = config.jit == "on"
    if config.jit == "auto":
        # XLA and the strategies do not go together.
        gpu = bool(tf.config.list_physical_devices("GPU"))
        on = gpu and config.strategy == "none"
    logger.info("XLA compilation %s (--jit %s)", "on" if on else "off", config.jit)
    return on


def strategy(config: RunConfig) -> tf.distribute.Strategy:
    """Return what spreads the training over devices.

    Raises:
        UserError: the devices cannot share the batch equally.
    """
    chosen = _strategy(config.strategy)
    devices = chosen.num_replicas_in_sync
    if config.batch_size % devices:
        raise UserError(
            f"{devices} devices cannot share a batch of {config.batch_size} items; "
            f"use a --batch-size that is a multiple of {devices}"
        )
    return chosen


@functools.cache
def _strategy(name: str) -> tf.distribute.Strategy:
    """Make a strategy, once: a process can join its workers only once."""
    if name == "mirrored":
        return tf.distribute.MirroredStrategy()
    if name == "multiworker":
        logger.info(
            "waiting for all workers of TF_CONFIG; if it stays at this, one of them "
            "has ended: see what it told"
        )
        return tf.distribute.MultiWorkerMirroredStrategy()
    return tf.distribute.get_strategy()


def scope(config: RunConfig) -> Any:
    """Return the strategy's scope in which networks are to be built and loaded."""
    if config.strategy == "none":
        return contextlib.nullcontext()
    return strategy(config).scope()
