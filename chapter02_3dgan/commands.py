"""The commands of chapter 2 and their options; nothing here imports TensorFlow."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from chapter02_3dgan.config import NAME, PRESETS, Format
from common.chapter import Chapter, Command
from common.cli import options


@dataclass(frozen=True)
class TestOptions(options.TestOptions):
    """Score the generated shapes against held-out ones."""

    samples: int | None = None
    """Number of shapes to generate; by default as many as are held out, at most
    1,000."""


@dataclass(frozen=True)
class GenerateOptions(options.GenerateOptions):
    """Make new shapes: images, voxels, meshes to print, or a page to rotate them on."""

    count: int = 16
    """Number of shapes."""

    format: Format = "png"
    """Format of the files. stl, obj and glb are closed surfaces, 100 mm long."""

    fragments: bool = False
    """Whether to keep parts that are separate from the largest body of a shape."""


@dataclass(frozen=True)
class ArithmeticOptions(options.RunOptions):
    """Draw sums of latents that make a shape deeper, wider or fuller."""

    seed: int = 1
    """Seed of the shape and of the samples from which directions are estimated."""


@dataclass(frozen=True)
class ClassifyOptions(options.RunOptions):
    """Classify shapes by the discriminator's features and a linear SVM."""

    data: Path = Path("modelnet10.npz")
    """Labelled shapes: .npz with X_train, y_train, X_test, y_test, or a folder of
    classes."""


@dataclass(frozen=True)
class DescribeOptions(options.DescribeOptions):
    """Count and measure the shapes of a data set."""

    classes: tuple[str, ...] = ()
    """Names of the classes to count; by default all of the data set."""

    azimuths: Literal["first", "all"] = "first"
    """Views of each object: the first, or all twelve."""

    size: Literal[32, 64, 128] = 32
    """Edge of the volume in voxels to which shapes are converted."""


@dataclass(frozen=True)
class MakeOptions(options.MakeOptions):
    """Write procedural chairs, tables, aeroplanes or cars as .mat files."""

    classes: tuple[str, ...] = ("chair", "table", "airplane")
    """Names of the classes to make: chair, table, airplane, car."""

    train: int = 800
    """Number of training shapes of each class."""

    test: int = 100
    """Number of held-out shapes of each class."""

    azimuths: Literal[1, 12] = 1
    """Number of views of each shape, 30 degrees apart."""


@dataclass(frozen=True)
class PrepareOptions:
    """Turn a folder of meshes (.off .obj .stl .ply) into voxels for training.

    Exit status 3: some meshes could not be used and were left out.
    """

    meshes: Path
    """Folder of meshes; the names of its folders are the classes, as in ModelNet."""

    out: Path
    """New folder for the tree of .mat files."""

    up: Literal["z", "y"] = "z"
    """Axis that points up in the meshes."""


CHAPTER = Chapter(
    name=NAME,
    presets=PRESETS,
    commands={
        "test": Command(TestOptions, "test"),
        "generate": Command(GenerateOptions, "generate"),
        "interpolate": Command(options.InterpolateOptions, "interpolate"),
        "arithmetic": Command(ArithmeticOptions, "latent_arithmetic"),
        "classify": Command(ClassifyOptions, "classify"),
        "data describe": Command(DescribeOptions, "describe", uses_tensorflow=False),
        "data make": Command(MakeOptions, "make_data", uses_tensorflow=False),
        "data prepare": Command(PrepareOptions, "prepare", uses_tensorflow=False),
    },
)
