"""The commands of chapter 3 and their options; nothing here imports TensorFlow."""

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from chapter03_agecgan.ages import parse_class
from chapter03_agecgan.config import NAME, PRESETS, Config, Format
from chapter03_agecgan.tuning import SPACE
from common.chapter import Chapter, Command, Objective, Tuning
from common.cli.options import DataOptions, GenerateOptions, RunOptions
from common.training.run_dir import RunDir

ALL_AGES = "all"
logger = logging.getLogger(__name__)


def _parse_age(text: str, option: str) -> int | None:
    """Return an age class, or None for all of them."""
    return None if text == ALL_AGES else parse_class(text, option, also=(ALL_AGES,))


@dataclass(frozen=True, kw_only=True)
class AgeOptions(RunOptions):
    """Show the person of a photo at other ages."""

    photo: tyro.conf.Positional[Path]
    """Image file with a face."""

    to: str = ALL_AGES
    """Age to show: 0-18, 19-29, 30-39, 40-49, 50-59, 60+ or all."""

    out: Path | None = None
    """Sheet to write, .png; by default aged/ in the run's folder. Single images lie
    beside it."""

    whole: bool = False
    """The photo is a cut-out face already; look for none."""

    years: int | None = None
    """Age of the person in the photo; by default it is guessed."""


def _age(options: AgeOptions) -> None:
    to = _parse_age(options.to, "--to")
    from chapter03_agecgan.ageing import age_photo

    paths = age_photo(
        *options.open(NAME, Config),
        options.photo,
        to,
        options.out,
        options.whole,
        options.years,
    )
    logger.info("written: %s, and single images beside it", paths[0])


@dataclass(frozen=True)
class TestOptions(DataOptions):
    """Objective ages hit, persons kept, and closeness to held-out photos."""

    samples: int | None = None
    """Faces to generate; by default as many as are held out, at most 5,000."""

    photos: int = 100
    """Held-out photos to age, at most."""

    seed: int = 1
    """Of latents, drawn photos and the judge of persons."""

    recognition: str | None = None
    """Objective persons by: local, imagenet, or a .keras or .onnx file; by default by
    another net of the run's own kind."""

    book_run: Path | None = None
    """Folder of a run with --preset book on the same data, as a further baseline."""


def _test(options: TestOptions) -> None:
    from chapter03_agecgan.evaluation import test

    run, config = options.open(NAME, Config)
    book = None
    if options.book_run is not None:
        book = RunDir.find(NAME, options.book_run)
    test(
        run,
        config,
        options.samples,
        options.photos,
        options.seed,
        options.recognition,
        book,
    )
    sys.stdout.write((run.path / "metrics.md").read_text())
    logger.info("written: metrics.json, samples.png, aged.png in %s", run.path)


@dataclass(frozen=True)
class FaceOptions(GenerateOptions):
    """Make new faces: a sheet and single files, or one array."""

    count: int = 16
    """How many persons."""

    age: str = ALL_AGES
    """Age of all faces: 0-18, 19-29, 30-39, 40-49, 50-59, 60+; all shows each person
    at all six."""

    format: Format = "png"
    """png: one file for each; npy: one array of all."""


def _generate(options: FaceOptions) -> None:
    age = _parse_age(options.age, "--age")
    from chapter03_agecgan.generation import generate

    run, config = options.open(NAME, Config)
    folder = options.folder(run)
    paths = generate(
        run, config, options.count, options.seed, age, options.format, folder
    )
    logger.info("%d files in %s, the sheet is %s", len(paths), folder, paths[0])


@dataclass(frozen=True)
class DescribeOptions:
    """Count the photos of a data set by age, and tell what is left out and why."""

    data: Path | None = None
    """IMDB-WIKI's folder or .mat file, a .csv file, or a folder of photos named
    <age>_...; without it, the stand-in."""

    size: Literal[32, 64, 128] = 64
    """Edge in pixels that photos are brought to."""


def _describe(options: DescribeOptions) -> None:
    from chapter03_agecgan.data import describe

    sys.stdout.write(describe(Config(data=options.data, size=options.size)) + "\n")


@dataclass(frozen=True)
class MakeOptions:
    """Draw procedural faces that age, in the files of IMDB-WIKI."""

    out: Path
    """New folder."""

    people: int = 500
    """Persons, one after another."""

    photos: int = 6
    """Photos of each; with six, each shows another age class."""

    size: int = 128
    """Edge in pixels."""

    seed: int = 0
    """Same seed, same faces."""


def _make(options: MakeOptions) -> None:
    from synthetic_data.age_faces.write import write_wiki

    write_wiki(options.out, options.people, options.photos, options.seed, options.size)
    logger.info("use it with: train --data %s", options.out)


def _train(config: Config, run: RunDir, callbacks: Sequence = ()) -> None:
    from chapter03_agecgan.training import train

    train(config, run, callbacks)


def _judge(config: Config) -> Objective:
    from chapter03_agecgan.tuning import make_objective

    return make_objective(config)


CHAPTER = Chapter(
    name=NAME,
    presets=PRESETS,
    train=_train,
    commands={
        "test": Command(TestOptions, _test),
        "generate": Command(FaceOptions, _generate),
        "age": Command(AgeOptions, _age),
        "data describe": Command(DescribeOptions, _describe, uses_tensorflow=False),
        "data make": Command(MakeOptions, _make, uses_tensorflow=False),
    },
    tuning=Tuning(SPACE, _judge, loss="fjd", fixed={"stage": "gan"}),
)
