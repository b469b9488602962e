"""The work of one training step, counted from the shapes of the networks."""

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
# Passes through G and D for the loss. A backward pass counts twice if it goes to the
# weights and to the input, once if it goes to D's input alone.
PASSES = {"alternating": (4, 8), "simultaneous": (3, 7)}
# How often an item is shifted and mirrored, forward and backward.
AUGMENTED = {"alternating": 4, "simultaneous": 3}
# The forward pass, the backward pass to the input, two passes for the derivative of
# this backward pass, and two backward passes through the forward one. The last two only
# multiply zeros, because the slope of a leaky ReLU has no derivative; TensorFlow does
# not know this.
R1_PASSES = 6


@dataclass(frozen=True)
class Point:
    """One training step to time or to predict the time of.

    Attributes:
        chapter: name of the chapter, one of CHAPTERS.
        size: edge of the images in pixels, or of the volumes in voxels.
        width: option --filters of chapter 4, or --width of chapter 2.
        batch: items in one step, of all workers together.
        workers: number of processes that share the batch.
        threads: number of threads of each process; 0 for one per core.
    """

    chapter: str
    size: int
    width: float
    batch: int
    workers: int = 1
    threads: int = 0

    @property
    def share(self) -> float:
        """Items per worker."""
        return self.batch / self.workers


@dataclass(frozen=True)
class Work:
    """The work of one training step.

    Attributes:
        multiply_adds: multiply-adds per item; those of R1 are averaged over all steps.
        moved: values in the feature maps of one item, summed over all passes.
        weights: trainable weights of both networks.
        exchanged: values that several workers sum at each step: the gradients and the
            moments of BatchNorm.
        messages: number of arrays that hold the exchanged values.
    """

    multiply_adds: float
    moved: float
    weights: int
    exchanged: int
    messages: int


def step_config(point: Point) -> RunConfig:
    """Return the preset `quick` with the point's size, width, batch and workers."""
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
    """Return the point's model, with its networks and phases."""
    config = step_config(point)
    if point.chapter == "chapter02_3dgan":
        return build_shapes(config, OCCUPANCY)
    return build_images(config)


def real_items(point: Point, count: int) -> np.ndarray:
    """Return `count` items of noise instead of real ones, float32."""
    modules = {"chapter02_3dgan": step_time, "chapter04_dcgan": image_step_time}
    config = dataclasses.replace(step_config(point), batch_size=count)
    return modules[point.chapter].real_batch(config)


def count(point: Point) -> Work:
    """Count the work of a step per item; the batch size does not matter.

    The discriminator must not have normalisation, as in `quick`, because the passes of
    R1 through it are not counted.
    """
    config, model = step_config(point), build(point)
    networks = {phase.network.name: phase.network for phase in model.phases}
    generator, discriminator = networks["generator"], networks["discriminator"]
    g_passes, d_passes = PASSES[config.update_mode]
    r1 = 1 / config.r1_every if config.r1_gamma else 0.0
    g_layers = [number for _, number in by_layer(generator)]
    d_layers = [number for _, number in by_layer(discriminator)]
    # First layers: no gradient goes to the latents or the real items, and D's update
    # needs no gradient at its inputs. Last layer: R1 does not need the logits, only
    # what they depend on.
    multiplied = g_passes * sum(g_layers) - g_layers[0]
    multiplied += d_passes * sum(d_layers) - 2 * d_layers[0]
    multiplied += r1 * (R1_PASSES * sum(d_layers) - d_layers[0] - 4 * d_layers[-1])
    moved = g_passes * _map_values(generator)
    moved += (d_passes + r1 * R1_PASSES) * _map_values(discriminator)
    # Augmentation: a matrix product along each axis of an item.
    item = discriminator.input_shape[1:]
    turns = AUGMENTED[config.update_mode] * (len(item) - 1)
    weights = [
        math.prod(variable.shape)
        for network in networks.values()
        for variable in network.trainable_variables
    ]
    # As in AdversarialModel._share_statistics, without states of random generators,
    # which are integers.
    moments = [
        math.prod(variable.shape)
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


def _map_values(network: keras.Model) -> int:
    """Return the number of values in all feature maps for one item."""
    return sum(math.prod(layer.output.shape[1:]) for layer in network.layers)
