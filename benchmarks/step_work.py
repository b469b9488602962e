"""What one training step has to do, counted from the networks' shapes."""

import dataclasses
import math
from dataclasses import dataclass

import keras
import numpy as np

import chapter02_3dgan.config
import chapter04_dcgan.config
from benchmarks import image_step_time, step_time
from benchmarks.step_time import OCCUPANCY
from chapter02_3dgan.training import build_model as build_shapes
from chapter04_dcgan.training import build_model as build_images
from common.config import RunConfig
from common.gan.adversarial_model import AdversarialModel
from common.layers.multiply_adds import by_layer

CHAPTERS = ("chapter02_3dgan", "chapter04_dcgan")
# Passes for the loss through G and D: forward; backward to the weights and to the
# input where both are wanted; backward to D's input alone.
PASSES = {"alternating": (4, 8), "simultaneous": (3, 7)}
# How often an item is moved and mirrored, forward and back.
AUGMENTED = {"alternating": 4, "simultaneous": 3}
# Forward, back to the input, both passes of this one's own derivative, and two back
# from the forward one: TensorFlow does not know that a leaky ReLU passes nothing on
# there, and multiplies zeros.
R1_PASSES = 6


@dataclass(frozen=True)
class Point:
    """One training step whose time is wanted.

    Attributes:
        chapter: one of CHAPTERS.
        size: edge of the images in pixels, or of the volumes in voxels.
        width: chapter 4's --filters, chapter 2's --width.
        batch: items in one step, of all workers together.
        workers: processes that share the batch.
        threads: of each process; 0 for as many as there are cores.
    """

    chapter: str
    size: int
    width: float
    batch: int
    workers: int = 1
    threads: int = 0

    @property
    def share(self) -> float:
        """Items of one worker."""
        return self.batch / self.workers


@dataclass(frozen=True)
class Work:
    """What a step does.

    Attributes:
        multiply_adds: of one item, R1's part spread over the steps between.
        moved: numbers that the maps of one item hold, over all passes.
        weights: trainable numbers of both networks.
        exchanged: numbers that several workers add up at each step: gradients, and
            the moments of BatchNorm.
        messages: arrays in which these are.
    """

    multiply_adds: float
    moved: float
    weights: int
    exchanged: int
    messages: int


def step_config(point: Point) -> RunConfig:
    """Return the preset `quick` with the point's numbers."""
    module, name = {
        "chapter02_3dgan": (chapter02_3dgan.config, "width"),
        "chapter04_dcgan": (chapter04_dcgan.config, "filters"),
    }[point.chapter]
    width = int(point.width) if name == "filters" else point.width
    return dataclasses.replace(
        module.PRESETS["quick"],
        size=point.size,
        batch_size=point.batch,
        precision="float32",
        strategy="multiworker" if point.workers > 1 else "none",
        **{name: width},
    )


def build(point: Point) -> AdversarialModel:
    """Build the point's networks and phases."""
    config = step_config(point)
    if point.chapter == "chapter02_3dgan":
        return build_shapes(config, OCCUPANCY)
    return build_images(config)


def real_items(point: Point, count: int) -> np.ndarray:
    """Return `count` items of noise in place of real ones, float32."""
    modules = {"chapter02_3dgan": step_time, "chapter04_dcgan": image_step_time}
    config = dataclasses.replace(step_config(point), batch_size=count)
    return modules[point.chapter].real_batch(config)


def count(point: Point) -> Work:
    """Count what the point's step does; its batch does not matter.

    The discriminator must have no normalisation, as in `quick`: R1 would have to go
    back through it.
    """
    config, model = step_config(point), build(point)
    networks = {phase.network.name: phase.network for phase in model.phases}
    generator, discriminator = networks["generator"], networks["discriminator"]
    g_passes, d_passes = PASSES[config.update_mode]
    r1 = 1 / config.r1_every if config.r1_gamma else 0.0
    made, judged = _of_layers(generator), _of_layers(discriminator)
    # No gradient goes to the latents or the real items, and D's own weights need
    # none of its input. R1 does not need the logits, only what they depend on.
    multiplied = g_passes * sum(made) - made[0]
    multiplied += d_passes * sum(judged) - 2 * judged[0]
    multiplied += r1 * (R1_PASSES * sum(judged) - judged[0] - 4 * judged[-1])
    moved = g_passes * _map_numbers(generator)
    moved += (d_passes + r1 * R1_PASSES) * _map_numbers(discriminator)
    item = discriminator.input_shape[1:]
    turns = AUGMENTED[config.update_mode] * (len(item) - 1)
    weights = [_number_of(v) for n in networks.values() for v in n.trainable_variables]
    # As AdversarialModel._share_statistics: not the states of random numbers.
    moments = [
        _number_of(variable)
        for network in networks.values()
        for variable in network.non_trainable_variables
        if variable.dtype.startswith("float")
    ]
    return Work(
        multiply_adds=multiplied + turns * math.prod(item) * config.size,
        moved=moved + turns * math.prod(item),
        weights=sum(weights),
        exchanged=sum(weights + moments),
        messages=len(weights + moments),
    )


def _of_layers(network: keras.Model) -> list[int]:
    return [number for _, number in by_layer(network)]


def _number_of(variable: keras.Variable) -> int:
    return math.prod(variable.shape)


def _map_numbers(network: keras.Model) -> int:
    return sum(math.prod(layer.output.shape[1:]) for layer in network.layers)
