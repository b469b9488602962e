"""New faces from a trained generator, and walks through its latent space."""

from pathlib import Path

import numpy as np

from chapter04_dcgan.config import Config, Format, Walk
from common.gan.latents import round_trip, sample_latents, walk_pairs
from common.gan.sampling import make_images
from common.images.sample_files import (
    check_count,
    check_walks,
    write_files,
    write_walks,
)
from common.training.network_files import load_network
from common.training.run_dir import RunDir


def sample(
    run: RunDir, count: int = 16, seed: int = 1, config: Config | None = None
) -> np.ndarray:
    """Return new faces: uint8 (count, S, S, 3).

    Args:
        run: folder of the run.
        count: number of faces, 1 to 100,000.
        seed: seed of the latents; the same seed gives the same faces.
        config: options of the run; by default its own.

    Raises:
        UserError: the run has no generator, or an option is out of range.
    """
    check_count(count)
    latents = sample_latents(run.configuration(config), count, seed)
    return make_images(load_network(run.generator), latents)


def generate(
    run: RunDir,
    config: Config | None = None,
    count: int = 64,
    seed: int = 1,
    format: Format = "png",
    out: Path | None = None,
) -> list[Path]:
    """Make new faces and write them with a sheet of them all.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        count: number of faces, 1 to 100,000.
        seed: seed of the latents; the same seed gives the same faces.
        format: format of the files. png: one file for each face; npy: one uint8 array
            (count, S, S, 3).
        out: folder to write to; by default `generated` in the run's folder.

    Returns:
        Paths of the files; the first is the sheet, which shows the first 400 faces.

    Raises:
        UserError: the run has no generator, or an option is out of range.
    """
    return write_files(sample(run, count, seed, config), out or run.generated, format)


def interpolate(
    run: RunDir,
    config: Config | None = None,
    rows: int = 6,
    steps: int = 10,
    seed: int = 1,
    walk: Walk = "spherical",
) -> list[Path]:
    """Draw walks between latents to interpolation.png, and a round trip as a GIF.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        rows: number of pairs of latents in interpolation.png, 1 to 64; the GIF passes
            five latents.
        steps: number of images in each walk, 2 to 64.
        seed: seed of the latents.
        walk: kind of walk. spherical: along the great circle, for the normal prior.
            linear: along the straight line.

    Returns:
        Paths of both files.

    Raises:
        UserError: the run has no generator, or an option is out of range.

    Reference: Radford et al. 2016, arXiv:1511.06434, section 6.1 and figure 4.
    """
    config = run.configuration(config)
    check_walks(rows, steps)
    generator = load_network(run.generator)
    ends = sample_latents(config, 2 * rows, seed).reshape(rows, 2, -1)
    strip = make_images(generator, walk_pairs(ends, steps, walk))
    frames = make_images(generator, round_trip(config, seed, walk))
    return write_walks(strip, steps, frames[:, None], run.path)
