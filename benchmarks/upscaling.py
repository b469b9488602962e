"""Measure the speed of enlarging an image by tiles, and how exact it is.

    python -m benchmarks.upscaling

Each variant of the network, with fresh weights, enlarges an image in two ways:
  tiles   by overlapping tiles, as `upscale` does
  whole   the whole image at once, with the same compiled network
Seams are the largest difference between the two, away from the image's border. The last
line of the output is one JSON object. Speeds are in megapixels per second: medians over
rounds, in each of which every way runs once.
"""

import dataclasses
import json
import sys
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
import tyro

from benchmarks.timing import take_turns
from chapter05_srgan.config import PRESETS
from chapter05_srgan.networks import build_generator
from chapter05_srgan.upscaling.tiles import compiled, enlarge, enlarge_floats
from common.training.environment import describe_environment

# Factor by which the preset enlarges.
SCALE = 4


@dataclass(frozen=True)
class Options:
    """Enlarge one image in several ways."""

    size: int = 384
    """Edge of the small image, pixels."""

    rounds: int = 3
    """Rounds of measurements."""


def report(options: Options) -> dict:
    """Measure all variants and return the JSON object."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (options.size, options.size, 3), dtype=np.uint8)
    floats = (image / np.float32(127.5) - 1)[None].astype(np.float32)
    works, seams = {}, {}
    for variant in ("light", "srgan", "book"):
        blocks = 6 if variant == "light" else 16
        config = dataclasses.replace(PRESETS["quick"], variant=variant, blocks=blocks)
        network = build_generator(config)
        tiled = compiled(network)
        spec = tf.TensorSpec(floats.shape, tf.float32)
        at_once = tf.function(
            lambda x, network=network: network(x, training=False),
            input_signature=[spec],
        )
        works[f"{variant}_tiles"] = lambda t=tiled: enlarge(t, image, SCALE)
        works[f"{variant}_whole"] = lambda f=at_once: f(floats).numpy()
        apart = np.abs(enlarge_floats(tiled, image, SCALE) - at_once(floats).numpy()[0])
        # Near the border, tiles see mirrored pixels and the whole image sees zeros.
        rim = SCALE * tiled.reach
        seams[f"{variant}_seams"] = float(apart[rim:-rim, rim:-rim].max())
    seconds = take_turns(works, options.rounds, 1)
    megapixels = (SCALE * options.size) ** 2 / 1e6
    result = {
        f"{name}_megapixels_a_second": round(megapixels / time, 3)
        for name, time in seconds.items()
    }
    machine = describe_environment()
    result |= seams | {"small_edge": options.size}
    return result | {key: machine[key] for key in ("processor", "cores", "devices")}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(report(tyro.cli(Options))) + "\n")
