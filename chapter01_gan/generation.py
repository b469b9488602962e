"""New images from a trained generator, and walks through its latent space."""

from pathlib import Path

import numpy as np

from chapter01_gan.config import Config, Format
from common.gan.latents import sample_latents, walk_pairs
from common.gan.sampling import make_images
from common.images import writing
from common.images.grids import image_grid
from common.images.idx import write_images
from common.images.sample_files import (
    check_count,
    check_walks,
    write_files,
    write_sheet,
)
from common.training.network_files import load_network
from common.training.run_dir import RunDir


def sample(
    run: RunDir, count: int = 16, seed: int = 1, config: Config | None = None
) -> np.ndarray:
    """Return new images: uint8 (count, 28, 28).

    Args:
        run: folder of the run.
        count: number of images, 1 to 100,000.
        seed: seed of the latents; the same seed gives the same images.
        config: options of the run; by default its own.

    Raises:
        UserError: the run has no generator, or an option is out of range.
    """
    config = run.configuration(config)
    check_count(count)
    generator = load_network(run.generator)
    return make_images(generator, sample_latents(config, count, seed))


def generate(
    run: RunDir,
    config: Config | None = None,
    count: int = 64,
    seed: int = 1,
    format: Format = "png",
    out: Path | None = None,
) -> list[Path]:
    """Make new images and write them with a sheet of them all.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        count: number of images, 1 to 100,000.
        seed: seed of the latents; the same seed gives the same images.
        format: format of the files. png: one file for each image; npy: one uint8
            array (count, 28, 28); idx: one file in MNIST's own format.
        out: folder to write to; by default `generated` in the run's folder.

    Returns:
        Paths of the files; the first is the sheet, which shows the first 400 images.

    Raises:
        UserError: the run has no generator, or an option is out of range.
    """
    folder = out or run.generated
    images = sample(run, count, seed, config)
    if format == "idx":
        write_images(folder / "images-idx3-ubyte.gz", images)
        return [write_sheet(images, folder), folder / "images-idx3-ubyte.gz"]
    return write_files(images, folder, format)


def interpolate(
    run: RunDir,
    config: Config | None = None,
    rows: int = 6,
    steps: int = 10,
    seed: int = 1,
) -> Path:
    """Draw walks between pairs of latents to interpolation.png.

    The walks are spherical with the normal prior and straight with the others.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        rows: number of pairs of latents, 1 to 64.
        steps: number of images in each walk, 2 to 64.
        seed: seed of the latents.

    Raises:
        UserError: the run has no generator, or an option is out of range.
    """
    config = run.configuration(config)
    check_walks(rows, steps)
    ends = sample_latents(config, 2 * rows, seed).reshape(rows, 2, -1)
    walk = "spherical" if config.prior == "normal" else "linear"
    images = make_images(load_network(run.generator), walk_pairs(ends, steps, walk))
    path = run.path / "interpolation.png"
    writing.save_image(image_grid(images, columns=steps), path)
    return path
