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
    """Folder of images, all of which are scored; by default the held-out images of the
    data set that the run was trained on."""

    realism: bool = True
    """Whether to compare features of patches too; their network is trained on first
    use."""


@dataclass(frozen=True, kw_only=True)
class UpscaleOptions:
    """Enlarge an image file, or all image files of a folder.

    Exit status 3: some files of the folder could not be read and were left out.
    """

    run_dir: Path | None = None
    """Folder of the run; by default the latest."""

    source: tyro.conf.Positional[Path]
    """Image file, or folder of them."""

    target: tyro.conf.Positional[Path | None] = None
    """File or folder to write; by default <name>_x4 beside the source."""

    stage: Trained = "srgan"
    """Stage whose generator to use: srgan looks sharper, srresnet is closer to the
    original."""

    model: Path | None = None
    """Folder of another run, or a .keras file of a generator."""

    tile: int = 256
    """Edge in pixels of the tiles in which an image is enlarged."""

    overwrite: bool = False
    """Whether to replace existing files; the source is never replaced."""

    compare: bool = False
    """Whether to write a comparison with bicubic interpolation, too."""


@dataclass(frozen=True)
class GenerateOptions(options.GenerateOptions):
    """Enlarge crops of held-out images: a sheet, and single files."""

    count: int = 12
    """Number of crops."""


@dataclass(frozen=True)
class DescribeOptions(options.DescribeOptions):
    """Count and measure the images of a data set."""

    crop: int = 96
    """Edge of the training crops in pixels; smaller images are left out."""


@dataclass(frozen=True)
class MakeOptions(options.MakeOptions):
    """Draw procedural scenes with many edges and textures, as PNG files."""

    train: int = 200
    """Number of training scenes."""

    test: int = 20
    """Number of held-out scenes."""

    size: int = 256
    """Edge of the images in pixels."""


@dataclass(frozen=True)
class CostOptions:
    """Count the multiply-adds of one enlarged image, for each variant."""

    size: int = 256
    """Edge of the enlarged image in pixels."""

    scale: Literal[2, 4] = 4
    """Factor by which each side of the input is enlarged."""


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
