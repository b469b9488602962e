"""The commands of chapter 1 and their options; nothing here imports TensorFlow."""

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from chapter01_gan.config import NAME, PRESETS, Config, Extractor, Format
from chapter01_gan.tuning import SPACE
from common.chapter import Chapter, Command, Objective, Tuning
from common.cli.options import DataOptions, GenerateOptions, InterpolateOptions
from common.training.run_dir import RunDir

PAGES = Path("runs") / NAME
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TestOptions(DataOptions):
    """Score the generated images against held-out ones: FID, KID, IS and others."""

    samples: int | None = None
    """Images to generate; by default as many as are held out, at most 5,000."""

    seed: int = 1
    """Of the latents."""

    extractor: Extractor = "local"
    """Network whose features the scores compare. local: a small classifier, trained
    on the labelled data at hand and kept. inceptionv3: Keras's, trained on ImageNet."""

    weights: Path | None = None
    """File with InceptionV3's weights; by default Keras's cache is looked into."""


def _test(options: TestOptions) -> None:
    from chapter01_gan.evaluation import test

    run, config = options.open(NAME, Config)
    test(run, config, options.samples, options.seed, options.extractor, options.weights)
    sys.stdout.write((run.path / "metrics.md").read_text())
    logger.info("written: metrics.json, samples.png, neighbours.png in %s", run.path)


@dataclass(frozen=True)
class ImageOptions(GenerateOptions):
    """Make new images: a sheet and single files, or one file of all."""

    format: Format = "png"
    """png: one file for each; npy and idx: one file for all."""


def _generate(options: ImageOptions) -> None:
    from chapter01_gan.generation import generate

    run, config = options.open(NAME, Config)
    folder = options.folder(run)
    paths = generate(run, config, options.count, options.seed, options.format, folder)
    logger.info("%d files in %s, the sheet is %s", len(paths), folder, paths[0])


def _interpolate(options: InterpolateOptions) -> None:
    from chapter01_gan.generation import interpolate

    logger.info(
        "written: %s",
        interpolate(
            *options.open(NAME, Config), options.rows, options.steps, options.seed
        ),
    )


@dataclass(frozen=True)
class CompareOptions:
    """Train the same small GAN with each stabilising technique, and count modes."""

    preset: Literal["quick", "full"] = "quick"
    """quick: 5 minutes on two cores. full: more seeds and longer trainings."""

    run_dir: Path = PAGES / "compare"
    """Folder for compare.json, compare.md and compare.png."""

    data: Path | None = None
    """Folder of the digits; by default the stand-in."""

    jobs: int | None = None
    """Trainings at the same time; by default one for each core."""


def _compare(options: CompareOptions) -> None:
    from chapter01_gan.stabilising.compare import compare

    sys.stdout.write(
        compare(options.preset, options.run_dir, options.data, options.jobs)
    )
    logger.info("written: compare.json, compare.md, compare.png in %s", options.run_dir)


@dataclass(frozen=True)
class PageOptions:
    """A picture and a table; no training."""

    out: Path = PAGES
    """Folder to write to."""


@dataclass(frozen=True)
class DivergencesOptions(PageOptions):
    """Draw why the Kullback-Leibler divergence is no distance."""


@dataclass(frozen=True)
class NashOptions(PageOptions):
    """Solve the prisoner's dilemma and play the game min max xy in three ways."""


def _divergences(options: DivergencesOptions) -> None:
    from chapter01_gan.theory.divergences import draw_divergences

    path = options.out / "divergences.png"
    sys.stdout.write(draw_divergences(path))
    logger.info("written: %s", path)


def _nash(options: NashOptions) -> None:
    from chapter01_gan.theory.nash import draw_nash

    path = options.out / "nash.png"
    sys.stdout.write(draw_nash(path))
    logger.info("written: %s", path)


@dataclass(frozen=True)
class DescribeOptions:
    """Count and measure the images of a data set."""

    data: Path | None = None
    """Folder of idx files; without it, the stand-in."""


def _describe(options: DescribeOptions) -> None:
    from chapter01_gan.data import describe

    sys.stdout.write(describe(Config(data=options.data)) + "\n")


@dataclass(frozen=True)
class MakeOptions:
    """Write the procedural digits as idx files."""

    out: Path
    """New folder."""

    train: int = 12_000
    """Images for training."""

    test: int = 2_000
    """Images held out."""

    seed: int = 0
    """Same seed, same images."""


def _make(options: MakeOptions) -> None:
    from synthetic_data.digits.glyphs import write_glyphs

    write_glyphs(options.out, options.train, options.test, options.seed)
    logger.info("use it with: train --data %s", options.out)


def _train(config: Config, run: RunDir, callbacks: Sequence = ()) -> None:
    from chapter01_gan.training import train

    train(config, run, callbacks)


def _judge(config: Config) -> Objective:
    from chapter01_gan.tuning import make_objective

    return make_objective(config)


CHAPTER = Chapter(
    name=NAME,
    presets=PRESETS,
    train=_train,
    commands={
        "test": Command(TestOptions, _test),
        "generate": Command(ImageOptions, _generate),
        "interpolate": Command(InterpolateOptions, _interpolate),
        # Its trainings run in processes of their own, which import it.
        "compare": Command(CompareOptions, _compare, uses_tensorflow=False),
        "divergences": Command(DivergencesOptions, _divergences, False),
        "nash": Command(NashOptions, _nash, False),
        "data describe": Command(DescribeOptions, _describe, uses_tensorflow=False),
        "data make": Command(MakeOptions, _make, uses_tensorflow=False),
    },
    tuning=Tuning(SPACE, _judge, loss="fid"),
)
