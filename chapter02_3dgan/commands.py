"""The commands of chapter 2 and their options; nothing here imports TensorFlow."""

import dataclasses
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from chapter02_3dgan.config import NAME, PRESETS, Config, Format
from chapter02_3dgan.tuning import SPACE
from common.chapter import Chapter, Command, Objective, Tuning
from common.cli.options import (
    DataOptions,
    GenerateOptions,
    InterpolateOptions,
    RunOptions,
)
from common.training.run_dir import RunDir

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TestOptions(DataOptions):
    """Measure the generated shapes against held-out ones."""

    samples: int | None = None
    """Shapes to generate; by default as many as are held out."""

    seed: int = 1
    """Of the latents."""


def _test(options: TestOptions) -> None:
    from chapter02_3dgan.evaluation import test

    run, config = options.open(NAME, Config)
    test(run, config, options.samples, options.seed)
    sys.stdout.write((run.path / "metrics.md").read_text())
    logger.info("written: metrics.json, samples.png, neighbours.png in %s", run.path)


@dataclass(frozen=True)
class ShapeOptions(GenerateOptions):
    """Make new shapes: pictures, voxels, meshes to print, a page to turn them in."""

    count: int = 16
    """How many."""

    format: Format = "png"
    """Of the files. stl, obj and glb are closed surfaces, 100 mm long."""

    fragments: bool = False
    """Keep what floats beside a shape; by default the largest body is kept."""


def _generate(options: ShapeOptions) -> None:
    from chapter02_3dgan.generation import generate

    run, config = options.open(NAME, Config)
    folder = options.folder(run)
    paths = generate(
        run,
        config,
        options.count,
        options.seed,
        options.format,
        folder,
        options.fragments,
    )
    logger.info("%d files in %s, the sheet is %s", len(paths), folder, paths[0])


def _interpolate(options: InterpolateOptions) -> None:
    from chapter02_3dgan.generation import interpolate

    logger.info(
        "written: %s",
        interpolate(
            *options.open(NAME, Config), options.rows, options.steps, options.seed
        ),
    )


@dataclass(frozen=True)
class ArithmeticOptions(RunOptions):
    """Draw sums in latent space: deeper, wider, fuller."""

    seed: int = 1
    """Of the shape and of the samples that the directions are estimated from."""


def _arithmetic(options: ArithmeticOptions) -> None:
    from chapter02_3dgan.generation import latent_arithmetic

    logger.info(
        "written: %s", latent_arithmetic(*options.open(NAME, Config), options.seed)
    )


@dataclass(frozen=True)
class ClassifyOptions(RunOptions):
    """Classify shapes by the discriminator's features and a linear SVM."""

    data: Path = Path("modelnet10.npz")
    """Labelled shapes: .npz with X_train, y_train, X_test, y_test, or a folder of
    classes."""


def _classify(options: ClassifyOptions) -> None:
    from chapter02_3dgan.classification import classify

    run, config = options.open(NAME, Config)
    config = dataclasses.replace(config, data=options.data, classes=())
    sys.stdout.write(classify(run, config))


@dataclass(frozen=True)
class DescribeOptions:
    """Count and measure the shapes of a data set."""

    data: Path | None = None
    """Folder of the data set; without it, the stand-in."""

    classes: tuple[str, ...] = ("chair",)
    """Classes to count."""

    azimuths: Literal["first", "all"] = "first"
    """Views of each object to count."""

    size: Literal[32, 64, 128] = 32
    """Edge of the volume in voxels that shapes are brought to."""


def _describe(options: DescribeOptions) -> None:
    from chapter02_3dgan.data import describe

    config = Config(
        data=options.data,
        classes=options.classes,
        azimuths=options.azimuths,
        size=options.size,
    )
    sys.stdout.write(describe(config) + "\n")


@dataclass(frozen=True)
class MakeOptions:
    """Write procedural chairs, tables and aeroplanes as .mat files."""

    out: Path
    """New folder."""

    classes: tuple[str, ...] = ("chair", "table", "airplane")
    """Classes to make."""

    train: int = 800
    """Shapes of each class for training."""

    test: int = 100
    """Shapes of each class held out."""

    azimuths: Literal[1, 12] = 1
    """Views of each shape, in turns of 30 degrees."""

    seed: int = 0
    """Same seed, same shapes."""


def _make(options: MakeOptions) -> None:
    from synthetic_data.shapes.write import write_shapenets

    write_shapenets(
        options.out,
        options.classes,
        options.train,
        options.test,
        options.azimuths,
        options.seed,
    )
    logger.info("use it with: train --data %s", options.out)


@dataclass(frozen=True)
class PrepareOptions:
    """Turn a folder of meshes (.off .obj .stl .ply) into voxels for training."""

    meshes: Path
    """Folder of meshes; its folders name the classes, as in ModelNet."""

    out: Path
    """New folder for the tree of .mat files."""

    up: Literal["z", "y"] = "z"
    """Axis that points up in the meshes."""


def _prepare(options: PrepareOptions) -> None:
    from chapter02_3dgan.preparation import prepare

    sys.stdout.write(prepare(options.meshes, options.out, options.up) + "\n")


def _train(config: Config, run: RunDir, callbacks: Sequence = ()) -> None:
    from chapter02_3dgan.training import train

    train(config, run, callbacks)


def _judge(config: Config) -> Objective:
    from chapter02_3dgan.tuning import make_objective

    return make_objective(config)


CHAPTER = Chapter(
    name=NAME,
    presets=PRESETS,
    train=_train,
    commands={
        "test": Command(TestOptions, _test),
        "generate": Command(ShapeOptions, _generate),
        "interpolate": Command(InterpolateOptions, _interpolate),
        "arithmetic": Command(ArithmeticOptions, _arithmetic),
        "classify": Command(ClassifyOptions, _classify),
        "data describe": Command(DescribeOptions, _describe, uses_tensorflow=False),
        "data make": Command(MakeOptions, _make, uses_tensorflow=False),
        "data prepare": Command(PrepareOptions, _prepare, uses_tensorflow=False),
    },
    tuning=Tuning(SPACE, _judge, loss="mmd_iou"),
)
