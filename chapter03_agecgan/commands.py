"""The commands of chapter 3 and their options; nothing here imports TensorFlow."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from chapter03_agecgan.ages import ALL_AGES
from chapter03_agecgan.config import NAME, PRESETS, Format
from common.chapter import Chapter, Command
from common.cli import options


@dataclass(frozen=True, kw_only=True)
class AgeOptions(options.RunOptions):
    """Show the person of a photo at other ages."""

    photo: tyro.conf.Positional[Path]
    """Image file with a face."""

    to: str = ALL_AGES
    """Age to show: 0-18, 19-29, 30-39, 40-49, 50-59, 60+, or all that were learnt."""

    out: Path | None = None
    """.png file for the sheet; by default in the folder aged of the run. The single
    images are written beside it."""

    whole: bool = False
    """Whether the whole photo is the face, so that none is searched for."""

    years: int | None = None
    """Age of the person in the photo; by default the discriminator guesses it."""


@dataclass(frozen=True)
class TestOptions(options.TestOptions):
    """Score ages hit, persons kept, and closeness to held-out photos."""

    photos: int = 100
    """Largest number of held-out photos to age."""

    recognition: str | None = None
    """Network that recognises persons: local, imagenet, or a .keras or .onnx file; by
    default another network of the run's own kind."""

    book_run: Path | None = None
    """Folder of a run with --preset book on the same data, as a further baseline."""


@dataclass(frozen=True)
class GenerateOptions(options.GenerateOptions):
    """Make new faces: a sheet, and single files or one array."""

    count: int = 16
    """Number of persons."""

    age: str = ALL_AGES
    """Age of all faces: 0-18, 19-29, 30-39, 40-49, 50-59, 60+; all makes each person
    at all ages that were learnt."""

    format: Format = "png"
    """Format of the files. png: one file for each; npy: one array of all."""


@dataclass(frozen=True)
class DescribeOptions(options.DescribeOptions):
    """Count the photos of a data set by age, and report which are left out and why."""

    data: Path | None = None
    """IMDB-WIKI's folder or .mat file, a .csv file, or a folder of photos named
    <age>_...; by default the stand-in."""

    size: Literal[32, 64, 128] = 64
    """Edge in pixels to which photos are resized."""


@dataclass(frozen=True)
class MakeOptions(options.MakeOptions):
    """Draw procedural faces that age, in the files of IMDB-WIKI."""

    people: int = 500
    """Number of persons."""

    photos: int = 6
    """Number of photos of each person; with six, each shows a different age class."""

    size: int = 128
    """Edge of the photos in pixels."""


CHAPTER = Chapter(
    name=NAME,
    presets=PRESETS,
    commands={
        "test": Command(TestOptions, "test"),
        "generate": Command(GenerateOptions, "generate"),
        "age": Command(AgeOptions, "age"),
        "data describe": Command(DescribeOptions, "describe", uses_tensorflow=False),
        "data make": Command(MakeOptions, "make_data", uses_tensorflow=False),
    },
)
