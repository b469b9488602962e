"""New images from a trained generator, and walks through its latent space."""

from pathlib import Path

from chapter01_gan.config import Config, Format
from chapter01_gan.training import sample_latents
from common.gan.latents import walk_pairs
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


def generate(
    run: RunDir, config: Config, count: int, seed: int, format: Format, folder: Path
) -> list[Path]:
    """Make new images and write them with a sheet of them all.

    Args:
        run: a folder with generator.keras.
        config: of the run.
        count: how many, 1 to 100,000.
        seed: same seed, same images.
        format: png: one file for each; npy: one uint8 array (count, 28, 28); idx:
            one file in MNIST's own format.
        folder: where to write.

    Returns:
        Paths of the files; the sheet, with the first 400, comes first.

    Raises:
        UserError: no generator, or an option out of range.
    """
    check_count(count)
    generator = load_network(run.generator)
    made = make_images(generator, sample_latents(config, count, seed))
    if format == "idx":
        write_images(folder / "images-idx3-ubyte.gz", made)
        return [write_sheet(made, folder), folder / "images-idx3-ubyte.gz"]
    return write_files(made, folder, format)


def interpolate(run: RunDir, config: Config, rows: int, steps: int, seed: int) -> Path:
    """Draw walks between pairs of latents: interpolation.png.

    With the normal prior the walk is spherical, else straight.
    """
    check_walks(rows, steps)
    generator = load_network(run.generator)
    ends = sample_latents(config, 2 * rows, seed).reshape(rows, 2, -1)
    latents = walk_pairs(
        ends, steps, "spherical" if config.prior == "normal" else "linear"
    )
    path = run.path / "interpolation.png"
    writing.save_image(image_grid(make_images(generator, latents), columns=steps), path)
    return path
