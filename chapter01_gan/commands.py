"""The commands of chapter 1 and their options; nothing here imports TensorFlow."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from chapter01_gan.config import NAME, PAGES, PRESETS, Extractor, Format
from common.chapter import Chapter, Command
from common.cli import options


@dataclass(frozen=True)
class TestOptions(options.TestOptions):
    """Score the generated images against held-out ones: FID, KID, IS and others."""

    extractor: Extractor = "local"
    """Network whose features the scores compare. local: a small classifier, trained
    on the labelled data at hand and kept. inceptionv3: Keras's, trained on ImageNet."""

    weights: Path | None = None
    """File with InceptionV3's weights; by default Keras's cache is searched."""


@dataclass(frozen=True)
class GenerateOptions(options.GenerateOptions):
    """Make new images: a sheet and single files, or one file of all."""

    format: Format = "png"
    """png: one file for each; npy and idx: one file for all."""


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


@dataclass(frozen=True)
class DivergencesOptions:
    """Draw why the Kullback-Leibler divergence is no distance."""

    out: Path = PAGES
    """Folder for divergences.png."""


@dataclass(frozen=True)
class NashOptions:
    """Solve the prisoner's dilemma and play the game min max xy in three ways."""

    out: Path = PAGES
    """Folder for nash.png."""


@dataclass(frozen=True)
class DescribeOptions(options.DescribeOptions):
    """Count and measure the images of a data set."""


@dataclass(frozen=True)
class MakeOptions(options.MakeOptions):
    """Write the procedural digits as idx files."""

    train: int = 12_000
    """Images for training."""

    test: int = 2_000
    """Images held out."""


CHAPTER = Chapter(
    name=NAME,
    presets=PRESETS,
    commands={
        "test": Command(TestOptions, "test"),
        "generate": Command(GenerateOptions, "generate"),
        "interpolate": Command(options.InterpolateOptions, "interpolate"),
        # Its trainings run in processes of their own, which import TensorFlow.
        "compare": Command(CompareOptions, "compare", uses_tensorflow=False),
        "divergences": Command(DivergencesOptions, "draw_divergences", False),
        "nash": Command(NashOptions, "draw_nash", False),
        "data describe": Command(DescribeOptions, "describe", uses_tensorflow=False),
        "data make": Command(MakeOptions, "make_data", uses_tensorflow=False),
    },
)
