"""The commands of chapter 5 and their options; nothing here imports TensorFlow."""

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from chapter05_srgan.config import NAME, PRESETS, Config
from chapter05_srgan.tuning import SPACE
from common.chapter import Chapter, Command, Objective, Tuning
from common.cli.options import DataOptions, GenerateOptions
from common.training.run_dir import RunDir

Trained = Literal["srgan", "srresnet"]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TestOptions(DataOptions):
    """Score enlarged pictures: PSNR and SSIM on Y, spectra and patches."""

    data: Path | None = None
    """Folder of pictures, all of which are judged; by default those that the run's
    own data hold out."""

    realism: bool = True
    """Compare features of patches too; their net is trained on first use."""


def _test(options: TestOptions) -> None:
    from chapter05_srgan.evaluation import test

    run, config = options.open(NAME, Config)
    test(run, config, options.data is not None, options.realism)
    sys.stdout.write((run.path / "metrics.md").read_text())
    logger.info("written: metrics.json, crops.png in %s", run.path)


@dataclass(frozen=True, kw_only=True)
class UpscaleOptions:
    """Enlarge a picture, or all pictures of a folder."""

    run_dir: Path | None = None
    """Folder of the run; by default the latest."""

    source: tyro.conf.Positional[Path]
    """Image file or folder."""

    target: tyro.conf.Positional[Path | None] = None
    """File or folder to write; by default <name>_x4 beside the source."""

    phase: Trained = "srgan"
    """Whose generator: srgan looks sharper, srresnet is nearer to the truth."""

    model: Path | None = None
    """Another run's folder, or a generator's .keras file."""

    tile: int = 256
    """Edge in pixels of the tiles that the picture is enlarged in."""

    overwrite: bool = False
    """Replace files that are there already; never the source."""

    compare: bool = False
    """Write a picture beside bicubic too."""


def _upscale(options: UpscaleOptions) -> None:
    from chapter05_srgan.generation import load_file, load_phase
    from chapter05_srgan.upscaling.upscale import upscale

    if options.model is not None and not options.model.is_dir():
        network, scale, name = load_file(options.model)
    else:
        run = RunDir.find(NAME, options.model or options.run_dir)
        network, scale, name = load_phase(run, run.read_config(Config), options.phase)
    paths = upscale(
        network,
        scale,
        options.source,
        options.target,
        tile=options.tile,
        overwrite=options.overwrite,
        compare=options.compare,
        name=name,
    )
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    logger.info("written: %s%s", paths[0], more)


@dataclass(frozen=True)
class SampleOptions(GenerateOptions):
    """Enlarge crops of held-out pictures: a sheet and single files."""

    count: int = 12
    """How many crops."""


def _generate(options: SampleOptions) -> None:
    from chapter05_srgan.generation import generate

    run, config = options.open(NAME, Config)
    folder = options.folder(run)
    paths = generate(run, config, options.count, options.seed, folder)
    logger.info("%d files in %s, the sheet is %s", len(paths), folder, paths[0])


@dataclass(frozen=True)
class DescribeOptions:
    """Count and measure the pictures of a data set."""

    data: Path | None = None
    """Folder of pictures; without it, the stand-in."""

    crop: int = 96
    """Edge in pixels of the training crops; smaller pictures are left out."""


def _describe(options: DescribeOptions) -> None:
    from chapter05_srgan.data import describe

    sys.stdout.write(describe(Config(data=options.data, crop=options.crop)) + "\n")


@dataclass(frozen=True)
class MakeOptions:
    """Draw procedural scenes rich in edges and texture into a folder of PNG files."""

    out: Path
    """New folder."""

    train: int = 200
    """Scenes for training."""

    test: int = 20
    """Scenes held out."""

    size: int = 256
    """Edge in pixels."""

    seed: int = 0
    """Same seed, same scenes."""


def _make(options: MakeOptions) -> None:
    from synthetic_data.scenes.write import write_scenes

    write_scenes(options.out, options.train, options.test, options.seed, options.size)
    logger.info("use it with: train --data %s", options.out)


@dataclass(frozen=True)
class CostOptions:
    """Count the multiply-adds of one enlarged picture, for each variant."""

    size: int = 256
    """Edge of the enlarged picture in pixels."""

    scale: Literal[2, 4] = 4
    """How many times larger it is than what goes in."""


def _cost(options: CostOptions) -> None:
    from chapter05_srgan.cost import compare_variants

    sys.stdout.write(compare_variants(options.size, options.scale))


def _train(config: Config, run: RunDir, callbacks: Sequence = ()) -> None:
    from chapter05_srgan.training import train

    train(config, run, callbacks)


def _judge(config: Config) -> Objective:
    from chapter05_srgan.tuning import make_objective

    return make_objective(config)


CHAPTER = Chapter(
    name=NAME,
    presets=PRESETS,
    train=_train,
    commands={
        "test": Command(TestOptions, _test),
        "generate": Command(SampleOptions, _generate),
        "upscale": Command(UpscaleOptions, _upscale),
        "cost": Command(CostOptions, _cost),
        "data describe": Command(DescribeOptions, _describe, uses_tensorflow=False),
        "data make": Command(MakeOptions, _make, uses_tensorflow=False),
    },
    tuning=Tuning(SPACE, _judge, loss="psnr_y", sign=-1, fixed={"phase": "srresnet"}),
)
