"""The commands of chapter 5 and their options; nothing here imports TensorFlow."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from chapter05_srgan.config import NAME, PRESETS, Trained
from common.chapter import Chapter, Command
from common.cli import options


@dataclass(frozen=True)
class TestOptions(options.DataOptions):
    """Score enlarged images: PSNR and SSIM on Y, spectra and patches."""

    data: Path | None = None
    """Folder of images, all of which are scored; by default those that the run's own
    data hold out."""

    realism: bool = True
    """Compare features of patches too; their net is trained on first use."""


@dataclass(frozen=True, kw_only=True)
class UpscaleOptions:
    """Enlarge an image file, or all image files of a folder."""

    run_dir: Path | None = None
    """Folder of the run; by default the latest."""

    source: tyro.conf.Positional[Path]
    """Image file or folder."""

    target: tyro.conf.Positional[Path | None] = None
    """File or folder to write; by default <name>_x4 beside the source."""

    stage: Trained = "srgan"
    """Whose generator: srgan looks sharper, srresnet is closer to the truth."""

    model: Path | None = None
    """Another run's folder, or a generator's .keras file."""

    tile: int = 256
    """Edge in pixels of the tiles that an image is enlarged in."""

    overwrite: bool = False
    """Replace files that exist already; never the source."""

    compare: bool = False
    """Write an image beside bicubic, too."""


@dataclass(frozen=True)
class GenerateOptions(options.GenerateOptions):
    """Enlarge crops of held-out images: a sheet and single files."""

    count: int = 12
    """How many crops."""


@dataclass(frozen=True)
class DescribeOptions(options.DescribeOptions):
    """Count and measure the images of a data set."""

    crop: int = 96
    """Edge in pixels of the training crops; smaller images are left out."""


@dataclass(frozen=True)
class MakeOptions(options.MakeOptions):
    """Draw procedural scenes rich in edges and texture into a folder of PNG files."""

    train: int = 200
    """Scenes for training."""

    test: int = 20
    """Scenes held out."""

    size: int = 256
    """Edge in pixels."""


@dataclass(frozen=True)
class CostOptions:
    """Count the multiply-adds of one enlarged image, for each variant."""

    size: int = 256
    """Edge of the enlarged image in pixels."""

    scale: Literal[2, 4] = 4
    """How many times larger it is than the input."""


CHAPTER = Chapter(
    name=NAME,
    presets=PRESETS,
    commands={
        "test": Command(TestOptions, "test"),
        "generate": Command(GenerateOptions, "generate"),
        "upscale": Command(UpscaleOptions, "upscale"),
        "cost": Command(CostOptions, "compare_variants"),
        "data describe": Command(DescribeOptions, "describe", uses_tensorflow=False),
        "data make": Command(MakeOptions, "make_data", uses_tensorflow=False),
    },
)
