"""Devices, number formats and seeds, set up once before the networks are built."""

import contextlib
import dataclasses
import functools
import logging
import os
import socket
import time
from typing import Any

import keras
import tensorflow as tf

from common.config import ConfigType, RunConfig
from common.errors import UserError

# Smallest speed-up that is worth the coarser rounding of bfloat16.
WORTHWHILE = 1.2
logger = logging.getLogger(__name__)


def set_up(config: ConfigType, bfloat16_keeps_quality: bool) -> ConfigType:
    """Set seeds, determinism, memory growth and the number format.

    Args:
        config: options of the run.
        bfloat16_keeps_quality: whether the chapter's scores are as good in bfloat16,
            as measured.

    Returns:
        The configuration with precision "auto" replaced by the chosen format.

    Raises:
        UserError: the devices cannot share the batch equally.
    """
    gpus = tf.config.list_physical_devices("GPU")
    names = [gpu.name for gpu in gpus] or [f"CPU, {os.cpu_count()} cores"]
    logger.info("devices: %s", ", ".join(names))
    for gpu in gpus:
        # This fails if the GPU is already in use; then growth was set earlier.
        with contextlib.suppress(RuntimeError):
            tf.config.experimental.set_memory_growth(gpu, True)
    if not gpus:
        tf.config.experimental.enable_op_determinism()
        # Turn off Grappler's remapping (operator fusion): it fails on the gradient of
        # LeakyReLU, prints an error, and saves no time here.
        tf.config.optimizer.set_experimental_options({"remapping": False})
    # Workers must connect before TensorFlow runs any operation.
    strategy(config)
    keras.utils.set_random_seed(config.seed % 2**32)
    precision = config.precision
    if precision == "auto" and config.strategy == "multiworker":
        # Each worker would measure for itself, and the results could differ.
        logger.info(
            "precision float32: all workers must use the same one; choose another "
            "with --precision"
        )
        precision = "float32"
    elif precision == "auto":
        precision = _choose_precision(bfloat16_keeps_quality)
    keras.mixed_precision.set_global_policy(precision)
    return dataclasses.replace(config, precision=precision)


def _choose_precision(bfloat16_keeps_quality: bool) -> str:
    """Return mixed_bfloat16 if it is fast here and costs no quality, else float32."""
    if not bfloat16_keeps_quality:
        logger.info("precision float32: bfloat16 costs quality in this chapter")
        return "float32"
    gain = bfloat16_gain()
    precision = "mixed_bfloat16" if gain >= WORTHWHILE else "float32"
    logger.info(
        "precision %s: a convolution runs %.2f times as fast in bfloat16 on this "
        "machine; bfloat16 is used from %.1f times on",
        precision,
        gain,
        WORTHWHILE,
    )
    return precision


def bfloat16_gain() -> float:
    """Measure how many times as fast a convolution is in bfloat16 as in float32."""
    seconds = {}
    for dtype in (tf.float32, tf.bfloat16):
        image = tf.ones((8, 64, 64, 64), dtype)
        kernel = tf.ones((3, 3, 64, 64), dtype)
        # Fetch only one number, so that the time for copying is not measured.
        seconds[dtype] = best_time(
            lambda x=image, k=kernel: tf.nn.conv2d(x, k, 1, "SAME")[0, 0, 0, 0]
        )
    return seconds[tf.float32] / seconds[tf.bfloat16]


def best_time(work: Any, repeats: int = 5) -> float:
    """Return the shortest of several timings of `work`, in seconds.

    One run before them is not counted, because the first one sets things up.

    Args:
        work: function without arguments that returns a tensor.
        repeats: number of timings.
    """
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        work().numpy()
        times.append(time.perf_counter() - start)
    return min(times[1:])


def use_jit(config: RunConfig) -> bool:
    """Return whether to compile with XLA, and log the choice."""
    on = config.jit == "on"
    if config.jit == "auto":
        # XLA does not work together with the strategies.
        gpu = bool(tf.config.list_physical_devices("GPU"))
        on = gpu and config.strategy == "none"
    logger.info("XLA compilation %s (--jit %s)", "on" if on else "off", config.jit)
    return on


def strategy(config: RunConfig) -> tf.distribute.Strategy:
    """Return the strategy that distributes the training over devices.

    Args:
        config: uses strategy and batch_size.

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
    """Make a strategy only once: a process can join the other workers only once."""
    if name == "mirrored":
        return tf.distribute.MirroredStrategy()
    if name == "multiworker":
        logger.info(
            "waiting for all workers of TF_CONFIG; if nothing follows, one of them "
            "has ended: see its messages"
        )
        if {name for _, name in socket.if_nameindex()} != {"lo"}:
            logger.warning(
                "the workers listen on all network interfaces without authentication, "
                "whatever TF_CONFIG says: whoever reaches their ports can read and "
                "write files as you; train only in a network that you trust, see "
                "docs/many_machines.md"
            )
        return tf.distribute.MultiWorkerMirroredStrategy()
    return tf.distribute.get_strategy()


def scope(config: RunConfig) -> Any:
    """Return the scope in which networks must be built and loaded."""
    if config.strategy == "none":
        return contextlib.nullcontext()
    return strategy(config).scope()
