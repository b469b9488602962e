"""New images of toys from a trained generator, and walks through its latent space."""

from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from common.errors import UserError
from common.gan.latents import round_trip, sample_latents, walk_pairs
from common.gan.sampling import make_images
from common.images import writing
from common.images.grids import sheet, to_picture
from common.images.sample_files import (
    WALK_SIZE,
    check_count,
    check_walks,
    write_array,
    write_sheet,
    write_single,
    write_walks,
)
from common.images.source_files import keep_sources
from common.training.network_files import load_network
from common.training.run_dir import RunDir
from study_norb.camera_images import left, read_picture, side_by_side
from study_norb.conditions import encode
from study_norb.config import CLASSES, Config, Format, Walk
from study_norb.learnt_views import SMALL_NORB, Views, read_views
from study_norb.reconstruction import encode_images, load_both

# Height in pixels of the images between two pictures.
TILE = 96


class Labels(NamedTuple):
    """What images are generated for, in the order of the arguments of `encode`.

    Attributes:
        classes: int (N,), numbers of the classes.
        azimuths: float (N,), degrees.
        elevations: float (N,), degrees.
        lightings: int (N,), 0 to 5.
    """

    classes: np.ndarray
    azimuths: np.ndarray
    elevations: np.ndarray
    lightings: np.ndarray

    def repeat(self, times: int) -> "Labels":
        """Return each label as many times, one after another."""
        return Labels(*(np.repeat(part, times) for part in self))


def sample(
    run: RunDir,
    count: int = 16,
    seed: int = 1,
    config: Config | None = None,
    class_name: str | None = None,
) -> np.ndarray:
    """Return new images: uint8 (count, S, S, C), with one channel for each camera.

    If the run has labels, they are those of `random_labels` with the same seed and
    the views that the run has seen.

    Args:
        run: folder of the run.
        count: number of images, 1 to 100,000.
        seed: seed of the latents and labels; the same seed gives the same images.
        config: options of the run; by default its own.
        class_name: class of all images; by default all classes in turn.

    Raises:
        UserError: the run has no generator or no such class, or an option is out of
            range.
    """
    check_count(count)
    config = run.configuration(config)
    labels = random_labels(config, count, seed, class_name, read_views(run))
    latents = sample_latents(config, count, seed)
    return make_toys(config, load_network(run.generator), latents, labels)


def random_labels(
    config: Config,
    count: int,
    seed: int,
    class_name: str | None = None,
    views: Views = SMALL_NORB,
) -> Labels:
    """Return labels of all classes in turn, with random poses and lightings.

    A run that has no labels, or classes only, does not use the rest.

    Args:
        config: uses labels and classes.
        count: number of labels.
        seed: seed of the poses; the same seed gives the same labels.
        class_name: class of all labels; by default all classes in turn.
        views: azimuths, elevations and lightings to draw from; see `read_views`.

    Raises:
        UserError: the run has no such class, or the seed is negative.
    """
    if seed < 0:
        raise UserError(f"--seed must be a whole number from 0, found {seed}")
    random = np.random.default_rng(seed)
    return Labels(
        np.resize(chosen_classes(config, class_name), count),
        random.choice(views.azimuths, count),
        random.choice(views.elevations, count),
        random.choice(views.lightings, count),
    )


def chosen_classes(config: Config, class_name: str | None) -> np.ndarray:
    """Return the numbers of the classes to generate: int (K,).

    Args:
        config: uses labels and classes.
        class_name: name of one class; None for all, or for a run without labels.

    Raises:
        UserError: the run has no such class.
    """
    names = config.classes or CLASSES
    if class_name is None:
        return np.arange(1 if config.labels == "none" else len(names))
    if config.labels == "none":
        raise UserError(
            f"--class-name {class_name}: the run has no labels, so its generator knows "
            "no classes; train one with --labels class or --labels pose"
        )
    if class_name not in names:
        raise UserError(
            f"--class-name must be one of {', '.join(names)}, found {class_name}"
        )
    return np.array([names.index(class_name)])


def make_toys(
    config: Config, generator: keras.Model, latents: np.ndarray, labels: Labels
) -> np.ndarray:
    """Return the images that a generator makes: uint8 (N, S, S, C).

    Args:
        config: uses labels and classes.
        generator: generator of the run.
        latents: float32 (N, d).
        labels: N labels; not used if the run has none.
    """
    if config.labels == "none":
        return make_images(generator, latents)
    return make_images(generator, [latents, encode(config, *labels)])


def generate(
    run: RunDir,
    config: Config | None = None,
    count: int = 64,
    seed: int = 1,
    format: Format = "png",
    out: Path | None = None,
    class_name: str | None = None,
) -> list[Path]:
    """Make new images and write them with a sheet of them all.

    If the run has labels, all classes come in turn, and each column of the sheet shows
    one of them. Of stereo pairs, the sheet shows the left images, and the single files
    show both images beside each other.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        count: number of images, 1 to 100,000.
        seed: seed of the latents and labels; the same seed gives the same images.
        format: format of the files. png: one file for each image or pair; npy: one
            uint8 array (count, S, S, C).
        out: folder to write to; by default `generated` in the run's folder.
        class_name: class of all images; by default all classes in turn.

    Returns:
        Paths of the files; the first is the sheet, which shows the first 400 images.

    Raises:
        UserError: the run has no generator or no such class, or an option is out of
            range.
    """
    config = run.configuration(config)
    made = sample(run, count, seed, config, class_name)
    folder = out or run.generated
    kinds = len(chosen_classes(config, class_name))
    picture = write_sheet(left(made), folder, _columns(count, kinds))
    if format == "npy":
        return [picture, write_array(made, folder)]
    return [picture, *write_single(side_by_side(made), folder)]


def _columns(count: int, kinds: int) -> int | None:
    """Return how many columns make each of them show one of the kinds that alternate.

    None is for a sheet that is about square.
    """
    if kinds == 1 or count <= kinds:
        return None
    return kinds * round(max(1, count**0.5 / kinds))


def interpolate(
    run: RunDir,
    config: Config | None = None,
    rows: int = 6,
    steps: int = 10,
    seed: int = 1,
    walk: Walk = "spherical",
    images: tuple[Path, Path] | None = None,
) -> list[Path]:
    """Draw walks between latents: interpolation.png, and interpolation.gif.

    The walks go between random latents, and the GIF passes five of them. If the run has
    labels, each row of the picture has one, and the GIF shows a toy of each class. For
    an aegan run, the walk may go between two image files instead: there and back in
    the GIF.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        rows: number of pairs of latents in interpolation.png, 1 to 64; with images
            there is one.
        steps: number of images in each walk, 2 to 64.
        seed: seed of the latents and labels; not used with images.
        walk: kind of walk. spherical: along the great circle, for the normal prior.
            linear: along the straight line.
        images: paths of the image files at both ends of the walk.

    Returns:
        Paths of both files.

    Raises:
        UserError: the run has no generator, an option is out of range, an image file
            cannot be used, or the run has no encoder for it.

    Reference: Radford et al. 2016, arXiv:1511.06434, section 6.1 and figure 4;
        Lazarou 2020, arXiv:2004.05472 (between images).
    """
    config = run.configuration(config)
    check_walks(rows, steps)
    if images is not None:
        return _between(run, config, steps, walk, images)
    kinds, views = len(chosen_classes(config, None)), read_views(run)
    labels = random_labels(config, rows, seed, views=views)
    toys = random_labels(config, kinds, seed, views=views)
    generator = load_network(run.generator)
    ends = sample_latents(config, 2 * rows, seed).reshape(rows, 2, -1)
    latents = walk_pairs(ends, steps, walk)
    strip = make_toys(config, generator, latents, labels.repeat(steps))
    # All toys of the GIF take the same way.
    trip = round_trip(config, seed, walk)
    again = np.tile(trip, (kinds, 1))
    tours = make_toys(config, generator, again, toys.repeat(len(trip)))
    tours = tours.reshape(kinds, len(trip), *tours.shape[1:]).swapaxes(0, 1)
    return write_walks(left(strip), steps, left(tours), run.path)


def _between(
    run: RunDir, config: Config, steps: int, walk: str, images: tuple[Path, Path]
) -> list[Path]:
    """Draw the walk between the latents of two image files; see `interpolate`."""
    encoder, generator = load_both(run, config, "interpolate --images")
    paths = [run.path / f"interpolation.{suffix}" for suffix in ("png", "gif")]
    sources = [Path(path) for path in images]
    keep_sources(sources, paths)
    ends = np.stack([read_picture(path, config) for path in sources])
    latents = encode_images(encoder, ends)
    between = make_images(generator, walk_pairs(latents[None], steps, walk))
    row = [ends[0], *between, ends[1]]
    shares = [f"{share:.2f}" for share in np.linspace(0, 1, steps)]
    tiles = [(to_picture(left(image), TILE), None) for image in row]
    picture = sheet([tiles], column_labels=["image", *shares, "image"])
    writing.save_image(picture, paths[0])
    frames = [to_picture(left(image), WALK_SIZE) for image in between]
    writing.save_gif([*frames, *frames[-2:0:-1]], paths[1])
    return paths
