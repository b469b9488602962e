"""The commands of chapter 4 and their options; nothing here imports TensorFlow."""

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from chapter04_dcgan.config import NAME, PRESETS, Config, Extractor, Format
from chapter04_dcgan.tuning import SPACE
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
    """Score the generated faces against held-out ones: FID, KID, precision, recall."""

    samples: int | None = None
    """Images to generate; by default as many as are held out, at most 5,000."""

    seed: int = 1
    """Of the latents."""

    extractor: Extractor = "local"
    """Network whose features the scores compare. local: a small classifier, trained
    on clusters of the images at hand and kept. inceptionv3: Keras's, of ImageNet."""

    weights: Path | None = None
    """File with InceptionV3's weights; by default Keras's cache is looked into."""

    book_run: Path | None = None
    """Folder of a run with --preset book on the same data, as a further baseline."""


def _test(options: TestOptions) -> None:
    from chapter04_dcgan.evaluation import test

    run, config = options.open(NAME, Config)
    book = None
    if options.book_run is not None:
        book = RunDir.find(NAME, options.book_run)
    test(
        run,
        config,
        options.samples,
        options.seed,
        options.extractor,
        options.weights,
        book,
    )
    sys.stdout.write((run.path / "metrics.md").read_text())
    logger.info("written: metrics.json, samples.png, neighbours.png in %s", run.path)


@dataclass(frozen=True)
class ImageOptions(GenerateOptions):
    """Make new faces: a sheet and single files, or one array."""

    format: Format = "png"
    """png: one file for each; npy: one array of all."""


def _generate(options: ImageOptions) -> None:
    from chapter04_dcgan.generation import generate

    run, config = options.open(NAME, Config)
    folder = options.folder(run)
    paths = generate(run, config, options.count, options.seed, options.format, folder)
    logger.info("%d files in %s, the sheet is %s", len(paths), folder, paths[0])


@dataclass(frozen=True)
class WalkOptions(InterpolateOptions):
    """Draw walks between pairs of latents, as a strip and as a GIF."""

    walk: Literal["spherical", "linear"] = "spherical"
    """spherical: on the great circle, for the normal prior. linear: straight."""


def _interpolate(options: WalkOptions) -> None:
    from chapter04_dcgan.generation import interpolate

    paths = interpolate(
        *options.open(NAME, Config),
        options.rows,
        options.steps,
        options.seed,
        options.walk,
    )
    logger.info("written: %s and %s", *paths)


@dataclass(frozen=True)
class ArithmeticOptions(RunOptions):
    """Draw sums in latent space: measured directions, or hand-picked samples."""

    seed: int = 1
    """Of the samples."""

    plus: tuple[int, ...] = ()
    """Numbers of samples with a property, by the files of `generate --count 64`."""

    minus: tuple[int, ...] = ()
    """Numbers of samples without it."""

    to: tuple[int, ...] = ()
    """Numbers of samples that shall get it."""


def _arithmetic(options: ArithmeticOptions) -> None:
    from chapter04_dcgan.arithmetic import combine, latent_arithmetic

    run, config = options.open(NAME, Config)
    chosen = (options.plus, options.minus, options.to)
    if any(chosen):
        path = combine(run, config, options.seed, *chosen)
    else:
        path = latent_arithmetic(run, config, options.seed)
    logger.info("written: %s", path)


@dataclass(frozen=True)
class EmbedOptions(DataOptions):
    """Write the discriminator's features of all images, as .npz."""

    out: Path | None = None
    """File to write; by default embedding.npz in the run's folder."""


def _embed(options: EmbedOptions) -> None:
    from chapter04_dcgan.embedding import export

    run, config = options.open(NAME, Config)
    out = options.out or run.path / "embedding.npz"
    logger.info("written: %s", export(run, config, out))


@dataclass(frozen=True)
class ProbeOptions(DataOptions):
    """Read the stand-in's attributes off the discriminator's features."""


def _probe(options: ProbeOptions) -> None:
    from chapter04_dcgan.embedding import probe

    sys.stdout.write(probe(*options.open(NAME, Config)))


@dataclass(frozen=True)
class DescribeOptions:
    """Count and measure the images of a data set."""

    data: Path | None = None
    """Folder of images; without it, the stand-in."""

    size: Literal[32, 64, 128] = 64
    """Edge in pixels that images are brought to."""


def _describe(options: DescribeOptions) -> None:
    from chapter04_dcgan.data import describe

    sys.stdout.write(describe(Config(data=options.data, size=options.size)) + "\n")


@dataclass(frozen=True)
class MakeOptions:
    """Draw procedural anime faces into a folder of PNG files."""

    out: Path
    """New folder."""

    train: int = 4000
    """Faces for training."""

    test: int = 800
    """Faces held out."""

    size: Literal[32, 64, 128] = 64
    """Edge in pixels."""

    seed: int = 0
    """Same seed, same faces."""


def _make(options: MakeOptions) -> None:
    from synthetic_data.anime_faces.write import write_faces

    write_faces(options.out, options.train, options.test, options.seed, options.size)
    logger.info("use it with: train --data %s", options.out)


@dataclass(frozen=True)
class PrepareOptions:
    """Find the faces in drawings, cut them out and make a data set of them."""

    drawings: Path
    """Folder of drawings, nested, in any image format."""

    out: Path
    """New folder for the faces, a report and contact.png."""

    size: int = 64
    """Edge of the faces in pixels."""

    margin: float | None = None
    """Share of the face's box that is added on each side; the default suits the
    detector."""

    detector: Literal["animeface", "cascade", "none"] = "animeface"
    """animeface: needs nothing. cascade: OpenCV's, with --cascade. none: every
    drawing is a face already."""

    cascade: Path | None = None
    """Cascade file (.xml), such as nagadomi's lbpcascade_animeface.xml."""

    min_face: int = 48
    """Smaller faces, in pixels of the drawing, are dropped."""

    test_share: float = 1 / 6
    """Share of the drawings that is held out."""


def _prepare(options: PrepareOptions) -> None:
    from chapter04_dcgan.face_crops.prepare import prepare

    told = prepare(
        options.drawings,
        options.out,
        size=options.size,
        margin=options.margin,
        detector=options.detector,
        cascade=options.cascade,
        min_face=options.min_face,
        test_share=options.test_share,
    )
    sys.stdout.write(told + "\n")


def _train(config: Config, run: RunDir, callbacks: Sequence = ()) -> None:
    from chapter04_dcgan.training import train

    train(config, run, callbacks)


def _judge(config: Config) -> Objective:
    from chapter04_dcgan.tuning import make_objective

    return make_objective(config)


CHAPTER = Chapter(
    name=NAME,
    presets=PRESETS,
    train=_train,
    commands={
        "test": Command(TestOptions, _test),
        "generate": Command(ImageOptions, _generate),
        "interpolate": Command(WalkOptions, _interpolate),
        "arithmetic": Command(ArithmeticOptions, _arithmetic),
        "embed": Command(EmbedOptions, _embed),
        "probe": Command(ProbeOptions, _probe),
        "data describe": Command(DescribeOptions, _describe, uses_tensorflow=False),
        "data make": Command(MakeOptions, _make, uses_tensorflow=False),
        "data prepare": Command(PrepareOptions, _prepare, uses_tensorflow=False),
    },
    tuning=Tuning(SPACE, _judge, loss="fid"),
)
