"""The commands of the 3D-VAE-GAN and their options; nothing imports TensorFlow."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from common.chapter import Chapter, Command
from common.cli import options
from study_3dvaegan.config import NAME, PRESETS, Format, PhotoFormat


@dataclass(frozen=True)
class TestOptions(options.TestOptions):
    """Score reconstructions of held-out photos against baselines, and new shapes."""

    samples: int | None = None
    """Number of shapes to generate; by default as many as are held out, at most
    1,000."""

    photos: int | None = None
    """Number of held-out photos to score, at equal steps; by default all."""

    ikea: Path | None = None
    """Folder of the IKEA test set, to score photos of real furniture, too."""


@dataclass(frozen=True, kw_only=True)
class ReconstructOptions(options.RunOptions):
    """Make a shape of each photo: a sheet, and files to print, to view or to use.

    Exit status 3: some photos could not be used, or their shapes were empty, and were
    left out.
    """

    photos: tyro.conf.Positional[tuple[Path, ...]]
    """Image files, each of one object."""

    mask: Path | None = None
    """Image of the size of the only photo, bright where the object is; by default the
    photo's transparency, or all of it."""

    box: tuple[int, int, int, int] | None = None
    """Left, top, right and bottom of the object in the only photo, in pixels."""

    format: PhotoFormat = "png"
    """Format of the files. stl, obj and glb are closed surfaces, 100 mm long; html is
    one page on which the shapes can be rotated, and page has sliders of z, too."""

    samples: int = 4
    """Number of samples of the encoder's Gaussian on the sheet."""

    seed: int = 1
    """Seed of these samples."""

    threshold: float | None = None
    """Occupancy above which a voxel is filled; by default the one that the run has
    chosen."""

    out: Path | None = None
    """Folder to write to; by default `reconstructed` in the run's folder."""


@dataclass(frozen=True)
class GenerateOptions(options.GenerateOptions):
    """Make new shapes from the prior: images, voxels, meshes to print, or a page."""

    count: int = 16
    """Number of shapes."""

    format: Format = "png"
    """Format of the files. stl, obj and glb are closed surfaces, 100 mm long."""

    fragments: bool = False
    """Whether to keep parts that are separate from the largest body of a shape."""


@dataclass(frozen=True, kw_only=True)
class InterpolateOptions(options.RunOptions):
    """Draw the way from the shape of one photo to that of another."""

    photos: tyro.conf.Positional[tuple[Path, Path]]
    """Image files of two objects."""

    steps: int = 10
    """Number of shapes, both ends included."""

    threshold: float | None = None
    """Occupancy above which a voxel is filled; by default the one that the run has
    chosen."""

    out: Path | None = None
    """Folder to write to; by default the run's."""


@dataclass(frozen=True)
class DescribeOptions(options.DescribeOptions):
    """Count the shapes and photos of a data set."""

    classes: tuple[str, ...] = ()
    """Names of the classes to count; by default all of the data set."""

    azimuths: Literal["first", "all"] = "first"
    """Views of each object of 3D ShapeNets: the first, or all twelve."""

    size: Literal[32, 64, 128] = 32
    """Edge of the volume in voxels to which shapes are converted."""

    views: int = 24
    """Photos that would be rendered of each shape, if the data set has shapes only."""

    image_size: Literal[64, 128, 256] = 64
    """Edge of the photos in pixels."""


@dataclass(frozen=True)
class MakeOptions(options.MakeOptions):
    """Write procedural shapes and rendered photos of them."""

    classes: tuple[str, ...] = ("chair",)
    """Names of the classes to make: chair, table, airplane, car."""

    train: int = 800
    """Number of training shapes of each class."""

    test: int = 100
    """Number of held-out shapes of each class."""

    views: int = 24
    """Photos of each shape, 1 to 72."""

    image_size: int = 64
    """Edge of a photo in pixels."""


@dataclass(frozen=True)
class RenderOptions:
    """Render photos of voxels or meshes, and write both in the folders of 3D-R2N2.

    Exit status 3: some meshes could not be used and were left out.
    """

    shapes: Path
    """Voxels that chapter 2 reads, or a folder of meshes (.off .obj .stl .ply)."""

    out: Path
    """New folder for the photos and the shapes."""

    classes: tuple[str, ...] = ()
    """Names of the classes to render; by default all."""

    size: Literal[32, 64, 128] = 32
    """Edge of the volume in voxels."""

    views: int = 24
    """Photos of each shape, 1 to 72, of 24 azimuths x 3 elevations."""

    image_size: int = 128
    """Edge of a photo in pixels."""

    backgrounds: Path | None = None
    """Folder of photos to use as backgrounds; by default procedural rooms."""

    up: Literal["z", "y"] = "z"
    """Axis that points up in meshes; voxels have z up."""

    seed: int = 0
    """Seed of colours, light and backgrounds."""


CHAPTER = Chapter(
    name=NAME,
    presets=PRESETS,
    commands={
        "test": Command(TestOptions, "test"),
        "reconstruct": Command(ReconstructOptions, "reconstruct"),
        "generate": Command(GenerateOptions, "generate"),
        "interpolate": Command(InterpolateOptions, "interpolate"),
        "data describe": Command(DescribeOptions, "describe", uses_tensorflow=False),
        "data make": Command(MakeOptions, "make_data", uses_tensorflow=False),
        "data render": Command(RenderOptions, "render", uses_tensorflow=False),
    },
)
