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
    once on the labelled data set. inceptionv3: Keras's, trained on ImageNet."""

    weights: Path | None = None
    """File with InceptionV3's weights; by default Keras's cache is searched."""


@dataclass(frozen=True)
class GenerateOptions(options.GenerateOptions):
    """Make new images: a sheet, and single files or one file of all."""

    format: Format = "png"
    """Format of the files. png: one file for each; npy and idx: one file for all."""


@dataclass(frozen=True)
class CompareOptions:
    """Train the same small GAN with each stabilising technique, and count modes."""

    preset: Literal["quick", "full"] = "quick"
    """Size of the comparison. quick: 5 minutes on two cores. full: more seeds and
    longer trainings."""

    run_dir: Path = PAGES / "compare"
    """Folder for compare.json, compare.md and compare.png."""

    data: Path | None = None
    """Data set of digits; by default the stand-in."""

    jobs: int | None = None
    """Number of simultaneous trainings; by default one for each core."""


@dataclass(frozen=True)
class DivergencesOptions:
    """Draw why the Kullback-Leibler divergence is no distance."""

    out: Path = PAGES
    """Folder for divergences.png."""


@dataclass(frozen=True)
class NashOptions:
    """Solve the prisoner's dilemma; play the game min max xy with three updates."""

    out: Path = PAGES
    """Folder for nash.png."""


@dataclass(frozen=True)
class DescribeOptions(options.DescribeOptions):
    """Count and measure the images of a data set."""


@dataclass(frozen=True)
class MakeOptions(options.MakeOptions):
    """Write the procedural digits as idx files."""

    train: int = 12_000
    """Number of training images."""

    test: int = 2_000
    """Number of held-out images."""


CHAPTER = Chapter(
    name=NAME,
    presets=PRESETS,
    commands={
        "test": Command(TestOptions, "test"),
        "generate": Command(GenerateOptions, "generate"),
        "interpolate": Command(options.InterpolateOptions, "interpolate"),
        # It trains in separate processes, which import TensorFlow themselves.
        "compare": Command(CompareOptions, "compare", uses_tensorflow=False),
        "divergences": Command(DivergencesOptions, "draw_divergences", False),
        "nash": Command(NashOptions, "draw_nash", False),
        "data describe": Command(DescribeOptions, "describe", uses_tensorflow=False),
        "data make": Command(MakeOptions, "make_data", uses_tensorflow=False),
    },
)
