"""New faces from a trained generator, and walks through its latent space."""

from pathlib import Path

import numpy as np

from chapter04_dcgan.config import Config, Format
from chapter04_dcgan.training import sample_latents
from common.gan.latents import walk_pairs
from common.gan.sampling import make_images
from common.images import writing
from common.images.grids import image_grid, to_picture
from common.images.sample_files import check_count, check_walks, write_files
from common.training.network_files import load_network
from common.training.run_dir import RunDir

GIF_SIZE = 192
# The animated tour: latents that it passes, and images from each to the next.
STATIONS, GIF_STEPS = 5, 12


def generate(
    run: RunDir, config: Config, count: int, seed: int, format: Format, folder: Path
) -> list[Path]:
    """Make new faces and write them with a sheet of them all.

    Args:
        run: a folder with generator.keras.
        config: of the run.
        count: how many, 1 to 100,000.
        seed: same seed, same images.
        format: png: one file for each; npy: one uint8 array (count, S, S, 3).
        folder: where to write.

    Returns:
        Paths of the files; the sheet, with the first 400, comes first.

    Raises:
        UserError: no generator, or an option out of range.
    """
    check_count(count)
    generator = load_network(run.generator)
    made = make_images(generator, sample_latents(config, count, seed))
    return write_files(made, folder, format)


def interpolate(
    run: RunDir, config: Config, rows: int, steps: int, seed: int, walk: str
) -> list[Path]:
    """Draw walks between latents: interpolation.png, and one round as a GIF.

    Args:
        run: a folder with generator.keras.
        config: of the run.
        rows: pairs in the picture; the GIF passes five latents.
        steps: images in each walk.
        seed: of the latents.
        walk: "linear" or "spherical".

    Raises:
        UserError: no generator, or an option out of range.

    Reference: Radford et al. 2016, arXiv:1511.06434, section 6.1 and figure 4.
    """
    check_walks(rows, steps)
    generator = load_network(run.generator)
    ends = sample_latents(config, 2 * rows, seed).reshape(rows, 2, -1)
    strip = make_images(generator, walk_pairs(ends, steps, walk))
    picture = run.path / "interpolation.png"
    writing.save_image(image_grid(strip, columns=steps), picture)
    stations = sample_latents(config, STATIONS, seed)
    # From each station to the next, and from the last one home.
    tour = np.stack([stations, np.roll(stations, -1, axis=0)], axis=1)
    frames = make_images(generator, walk_pairs(tour, GIF_STEPS, walk))
    animation = run.path / "interpolation.gif"
    shown = [to_picture(frame, GIF_SIZE) for frame in frames]
    writing.save_gif(shown, animation, milliseconds=80)
    return [picture, animation]
