"""The commands of the Visual Object Networks and their options; no TensorFlow here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from common.chapter import Chapter, Command
from common.cli import options
from study_von.config import NAME, PRESETS, Extractor, Format


@dataclass(frozen=True)
class TestOptions(options.TestOptions):
    """Score images and shapes of a run against held-out photos and shapes."""

    photos: Path | None = None
    """Folder of photos; by default that which the run was trained on."""

    extractor: Extractor = "local"
    """Network whose features the image scores compare. local: a small classifier,
    trained once on the photos. inceptionv3: Keras's, trained on ImageNet."""

    weights: Path | None = None
    """File with InceptionV3's weights; by default Keras's cache is searched."""

    baseline_minutes: float | None = None
    """Minutes to train the DCGAN for, once; by default those of the run. 0 leaves it
    out."""


@dataclass(frozen=True)
class GenerateOptions(options.GenerateOptions):
    """Make images of objects from several viewpoints: a sheet, and files of each."""

    count: int = 8
    """Number of objects, 1 to 1,000; each has a shape and a texture of its own."""

    views: int = 5
    """Number of viewpoints of each object, 1 to 36."""

    random_views: bool = False
    """Whether the viewpoints are drawn from the run's pool; by default they are the
    most frequent ones of it."""

    show_sketches: bool = True
    """Whether the sheet shows each object's shape, silhouette and depth, too."""

    shape: Path | None = None
    """File of a shape that all objects have: voxels (.mat, .npy, .npz, .binvox) or a
    mesh (.off, .obj, .stl, .ply); by default shapes are generated."""

    up: Literal["z", "y"] = "z"
    """Axis that points up in --shape if it is a mesh."""

    format: Format = "png"
    """Format of the files. png: one file for each image; npy: one array of all; glb,
    ply: a closed surface of each object, with a colour for each vertex."""


@dataclass(frozen=True)
class EditOptions(options.RunOptions):
    """Change viewpoint, shape or texture, the others fixed: sheets and GIFs."""

    change: Literal["all", "viewpoint", "shape", "texture"] = "all"
    """Factor to change. all: one after another, and a picture of all three."""

    seed: int = 1
    """Seed of shapes and textures; the same seed gives the same as `generate`."""

    steps: int = 8
    """Number of values of each factor, 2 to 16; each is a column."""

    count: int = 4
    """Number of objects, 1 to 16; each is a row."""

    shape: Path | None = None
    """File of a shape that all objects have, as of `generate`; then `all` is
    viewpoint and texture."""

    up: Literal["z", "y"] = "z"
    """Axis that points up in --shape if it is a mesh."""

    out: Path | None = None
    """Folder to write to; by default the run's."""


@dataclass(frozen=True)
class TurntableOptions(options.RunOptions):
    """Turn objects: a sheet of views, and a GIF of images and depths."""

    count: int = 6
    """Number of objects, 1 to 12."""

    seed: int = 1
    """Seed of shapes and textures; the same seed gives the same as `generate`."""

    frames: int = 36
    """Number of views at equal steps of the azimuth, 2 to 60."""

    elevation: float = 20.0
    """Elevation of the camera in degrees, 0 to 90."""

    shape: Path | None = None
    """File of a shape that all objects have, as of `generate`; by default shapes are
    generated."""

    up: Literal["z", "y"] = "z"
    """Axis that points up in --shape if it is a mesh."""

    out: Path | None = None
    """Folder to write to; by default the run's."""


@dataclass(frozen=True, kw_only=True)
class TransferOptions(options.RunOptions):
    """Put the texture of photos onto shapes: a sheet, and single images.

    Exit status 3: some photos could not be used and were left out.
    """

    photos: tyro.conf.Positional[tuple[Path, ...]]
    """Photos, each of one object with transparent surroundings, or with a mask beside
    it: cup_mask.png for cup.jpg."""

    mask: Path | None = None
    """Image of the size of the only photo, bright where the object is."""

    shape: Path | None = None
    """File of the only shape, as of `generate`; by default shapes are generated."""

    up: Literal["z", "y"] = "z"
    """Axis that points up in --shape if it is a mesh."""

    count: int = 4
    """Number of generated shapes, 1 to 36."""

    views: int = 2
    """Number of viewpoints of each shape, 1 to 36: the most frequent of the run's."""

    seed: int = 1
    """Seed of the shapes; the same seed gives the same shapes as `generate`."""

    out: Path | None = None
    """Folder to write to; by default `transferred` in the run's folder."""


@dataclass(frozen=True)
class GalleryOptions(options.RunOptions):
    """Write a page on which shape, viewpoint and texture change one at a time."""

    shapes: int = 6
    """Number of shapes, 1 to 36."""

    textures: int = 6
    """Number of textures, 1 to 36."""

    views: int = 12
    """Number of viewpoints all around, 1 to 36."""

    seed: int = 1
    """Seed of shapes and textures."""

    out: Path | None = None
    """Folder to write to; by default the run's."""


@dataclass(frozen=True)
class ExplainOptions:
    """Draw step by step how a shape and a camera become a sketch; it needs no run."""

    out: Path = Path("projection.png")
    """File of the picture."""

    shape: Path | None = None
    """File of a shape, as of `generate`; by default a procedural chair."""

    azimuth: float = 35.0
    """Azimuth of the camera in degrees; 0 looks at the front."""

    elevation: float = 20.0
    """Elevation of the camera in degrees, 0 to 90."""

    size: Literal[32, 64] = 32
    """Edge of the volume in voxels."""

    up: Literal["z", "y"] = "z"
    """Axis that points up in --shape if it is a mesh."""


@dataclass(frozen=True)
class DescribeOptions(options.DescribeOptions):
    """Count the shapes and photos of a data set, and show the range of viewpoints."""

    classes: tuple[str, ...] = ()
    """Names of the classes; by default the only class of the data set, or chair."""

    azimuths: Literal["first", "all"] = "first"
    """Views of each object of 3D ShapeNets: the first, or all twelve."""

    size: Literal[32, 64, 128] = 32
    """Edge of the volume in voxels to which shapes are converted."""

    representation: Literal["voxels", "distance"] = "voxels"
    """What a volume holds: occupancy, or exp(-8 d)."""

    photos: Path | None = None
    """Folder of photos with transparent surroundings or masks; by default the
    stand-in."""

    viewpoints: Path | None = None
    """Pool of viewpoints, a .npz or .csv file; by default a formula for the class."""

    image_size: Literal[32, 64, 128] = 64
    """Edge of the photos in pixels."""


@dataclass(frozen=True)
class MakeOptions(options.MakeOptions):
    """Write procedural shapes, and rendered photos of others."""

    class_name: str = "chair"
    """Class to make: chair, table, airplane, car."""

    train: int = 800
    """Number of training shapes."""

    test: int = 100
    """Number of held-out shapes."""

    photos: int = 1500
    """Number of training photos."""

    held_out_photos: int = 300
    """Number of held-out photos."""

    size: int = 128
    """Edge of a photo in pixels."""


CHAPTER = Chapter(
    name=NAME,
    presets=PRESETS,
    commands={
        "test": Command(TestOptions, "test"),
        "generate": Command(GenerateOptions, "generate"),
        "edit": Command(EditOptions, "edit"),
        "transfer": Command(TransferOptions, "transfer"),
        "turntable": Command(TurntableOptions, "turntable"),
        "gallery": Command(GalleryOptions, "gallery"),
        "explain": Command(ExplainOptions, "explain"),
        "data describe": Command(DescribeOptions, "describe", uses_tensorflow=False),
        "data make": Command(MakeOptions, "make_data", uses_tensorflow=False),
    },
)
