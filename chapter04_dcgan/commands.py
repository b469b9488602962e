"""The commands of chapter 4 and their options; nothing here imports TensorFlow."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from chapter04_dcgan.config import NAME, PRESETS, Extractor, Format, Walk
from common.chapter import Chapter, Command
from common.cli import options


@dataclass(frozen=True)
class TestOptions(options.TestOptions):
    """Score the generated faces against held-out ones: FID, KID, precision, recall."""

    extractor: Extractor = "local"
    """Network whose features the scores compare. local: a small classifier, trained
    once on clusters of the data set. inceptionv3: Keras's, trained on ImageNet."""

    weights: Path | None = None
    """File with InceptionV3's weights; by default Keras's cache is searched."""

    book_run: Path | None = None
    """Folder of a run with --preset book on the same data, as a further baseline."""


@dataclass(frozen=True)
class GenerateOptions(options.GenerateOptions):
    """Make new faces: a sheet, and single files or one array."""

    format: Format = "png"
    """Format of the files. png: one file for each; npy: one array of all."""


@dataclass(frozen=True)
class InterpolateOptions(options.InterpolateOptions):
    """Draw walks between pairs of latents, and a round trip as a GIF."""

    walk: Walk = "spherical"
    """Kind of walk. spherical: along the great circle, for the normal prior. linear:
    along the straight line."""


@dataclass(frozen=True)
class ArithmeticOptions(options.RunOptions):
    """Draw sums of latents, along measured directions or of hand-picked samples."""

    seed: int = 1
    """Seed of the samples."""

    plus: tuple[int, ...] = ()
    """Numbers of samples with a property, as in the file names of `generate --count
    64`."""

    minus: tuple[int, ...] = ()
    """Numbers of samples without the property."""

    to: tuple[int, ...] = ()
    """Numbers of samples to which the property is added."""


@dataclass(frozen=True)
class EmbedOptions(options.DataOptions):
    """Write the discriminator's features of all images to an .npz file."""

    out: Path | None = None
    """File to write; by default embedding.npz in the run's folder."""


@dataclass(frozen=True)
class ProbeOptions(options.DataOptions):
    """Predict the stand-in's attributes from the discriminator's features."""


@dataclass(frozen=True)
class DescribeOptions(options.DescribeOptions):
    """Count and measure the images of a data set."""

    size: Literal[32, 64, 128] = 64
    """Edge in pixels to which images are resized."""


@dataclass(frozen=True)
class MakeOptions(options.MakeOptions):
    """Draw procedural anime faces into a folder of PNG files."""

    train: int = 4000
    """Number of training faces."""

    test: int = 800
    """Number of held-out faces."""

    size: Literal[32, 64, 128] = 64
    """Edge of the images in pixels."""


@dataclass(frozen=True)
class PrepareOptions:
    """Find the faces in drawings, cut them out, and make a data set of them."""

    drawings: Path
    """Folder of drawings, with folders inside, in any image format."""

    out: Path
    """New folder for the faces, a report and contact.png."""

    size: int = 64
    """Edge of the faces in pixels."""

    margin: float | None = None
    """Margin on each side, as a share of the face's box; the default depends on the
    detector."""

    detector: Literal["animeface", "cascade", "none"] = "animeface"
    """Detector of faces. animeface: needs no further file. cascade: OpenCV's, with
    --cascade. none: every drawing is a face already."""

    cascade: Path | None = None
    """Cascade file (.xml), such as nagadomi's lbpcascade_animeface.xml."""

    min_face: int = 48
    """Smallest edge of a face in pixels of the drawing; smaller ones are dropped."""

    test_share: float = 1 / 6
    """Share of the drawings that is held out."""


CHAPTER = Chapter(
    name=NAME,
    presets=PRESETS,
    commands={
        "test": Command(TestOptions, "test"),
        "generate": Command(GenerateOptions, "generate"),
        "interpolate": Command(InterpolateOptions, "interpolate"),
        "arithmetic": Command(ArithmeticOptions, "latent_arithmetic"),
        "embed": Command(EmbedOptions, "embed"),
        "probe": Command(ProbeOptions, "probe"),
        "data describe": Command(DescribeOptions, "describe", uses_tensorflow=False),
        "data make": Command(MakeOptions, "make_data", uses_tensorflow=False),
        "data prepare": Command(PrepareOptions, "prepare", uses_tensorflow=False),
    },
)
