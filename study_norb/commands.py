"""The commands of the smallNORB study and their options; nothing imports TensorFlow."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from common.chapter import Chapter, Command
from common.cli import options
from study_norb.config import NAME, PRESETS, Cameras, Extractor, Format, Walk


@dataclass(frozen=True)
class TestOptions(options.TestOptions):
    """Score the generated toys against held-out ones, and how well they obey labels."""

    extractor: Extractor = "local"
    """Network whose features the scores compare. local: a small classifier, trained
    once on the data set. inceptionv3: Keras's, trained on ImageNet."""

    weights: Path | None = None
    """File with InceptionV3's weights; by default Keras's cache is searched."""

    seed_run: Path | None = None
    """Folder of a run with a preset of the seed (paper...) on the same data, as a
    further baseline."""


@dataclass(frozen=True)
class GenerateOptions(options.GenerateOptions):
    """Make new toys: a sheet, and single files or one array."""

    format: Format = "png"
    """Format of the files. png: one file for each image, or for each pair the left
    image beside the right one; npy: one array of all."""

    class_name: str | None = None
    """Class of all toys, such as car; by default all classes in turn. Only for runs
    with labels."""


@dataclass(frozen=True)
class InterpolateOptions(options.InterpolateOptions):
    """Draw walks between latents, or between two image files, and a GIF."""

    walk: Walk = "spherical"
    """Kind of walk. spherical: along the great circle, for the normal prior. linear:
    along the straight line."""

    images: tuple[Path, Path] | None = None
    """Two image files to walk between; by default random latents. Only for runs of
    aegan."""


@dataclass(frozen=True)
class TurntableOptions(options.RunOptions):
    """Turn generated toys: a sheet of all views, and a GIF. For runs with poses."""

    count: int = 4
    """Number of toys, 1 to 64."""

    seed: int = 1
    """Seed of the latents; the same seed gives the same toys."""

    class_name: str | None = None
    """Class of all toys, such as car; by default all classes in turn."""

    elevation: float | None = None
    """Elevation of the camera in degrees, within those that the run has seen
    (smallNORB: 30 to 70); by default in their middle."""

    lighting: int = 0
    """Number of a lighting that the run has seen (smallNORB: 0 to 5)."""

    frames: int = 18
    """Number of views at equal steps of the azimuth, 2 to 60."""

    out: Path | None = None
    """Folder to write to; by default the run's."""


@dataclass(frozen=True)
class StereoOptions(options.RunOptions):
    """Show stereo pairs in depth: red-cyan pictures, and a GIF. For runs of pairs."""

    count: int = 8
    """Number of pairs, 1 to 64."""

    seed: int = 1
    """Seed of the latents; the same seed gives the same pairs as `generate`."""

    class_name: str | None = None
    """Class of all toys, such as car; by default all classes in turn. Only for runs
    with labels."""

    out: Path | None = None
    """Folder to write to; by default the run's."""


@dataclass(frozen=True, kw_only=True)
class ReconstructOptions(options.RunOptions):
    """Encode and decode image files, and draw them above the results. For aegan runs.

    Exit status 3: some files could not be used and were left out.
    """

    images: tyro.conf.Positional[tuple[Path, ...]]
    """Image files, or folders of them. They become grey and square. For runs of stereo
    pairs, a picture twice as wide as high is a pair; any other serves for both
    cameras."""

    out: Path | None = None
    """Folder to write to; by default `reconstructed` in the run's folder."""


@dataclass(frozen=True)
class SemiSupervisedOptions(options.DataOptions):
    """Compare classifiers of few labels: with the run's discriminator, and without."""

    counts: tuple[int, ...] = (50, 100, 500)
    """Numbers of labelled images; each is a comparison of its own."""

    steps: int = 300
    """Training steps of each classifier."""

    seeds: int = 3
    """Number of trainings of each kind, with other labelled images and weights."""

    seed: int = 0
    """The first seed."""

    out: Path | None = None
    """Folder to write to; by default the run's."""


@dataclass(frozen=True)
class DescribeOptions(options.DescribeOptions):
    """Count the images of a data set by class and pose; measure their brightness."""

    data: Path | None = None
    """Folder of smallNORB's six files, or of images named as COIL-100's; by default the
    stand-in."""

    size: Literal[48, 96] = 48
    """Edge in pixels to which images are resized."""

    cameras: Cameras = "left"
    """Cameras. left: the left one only. both: the images of both, as further items.
    stereo: pairs."""

    classes: tuple[str, ...] = ()
    """Names of the classes to count; by default all."""


@dataclass(frozen=True)
class MakeOptions(options.MakeOptions):
    """Draw procedural toys from all sides, in the files of smallNORB."""

    full: bool = False
    """Whether to draw as many images as smallNORB has, 48,600 pairs; by default
    fewer."""


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Write the images of a data set as PNG files in a folder for each class."""

    out: Path
    """New folder."""

    data: Path | None = None
    """Folder of smallNORB's six files, or of images named as COIL-100's; by default the
    stand-in."""

    cameras: Literal["left", "both"] = "left"
    """Cameras: the left one only, or a file of each."""

    size: Literal[48, 96] = 96
    """Edge of the images in pixels."""

    classes: tuple[str, ...] = ()
    """Names of the classes to write; by default all."""

    every: int = 1
    """One record in n of each class is written, drawn with a fixed seed; 1 writes
    all."""


CHAPTER = Chapter(
    name=NAME,
    presets=PRESETS,
    commands={
        "test": Command(TestOptions, "test"),
        "generate": Command(GenerateOptions, "generate"),
        "interpolate": Command(InterpolateOptions, "interpolate"),
        "turntable": Command(TurntableOptions, "turntable"),
        "stereo": Command(StereoOptions, "stereo"),
        "reconstruct": Command(ReconstructOptions, "reconstruct"),
        "semi-supervised": Command(SemiSupervisedOptions, "semi_supervised"),
        "data describe": Command(DescribeOptions, "describe", uses_tensorflow=False),
        "data make": Command(MakeOptions, "make_data", uses_tensorflow=False),
        "data export": Command(ExportOptions, "export", uses_tensorflow=False),
    },
)
