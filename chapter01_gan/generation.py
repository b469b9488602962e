"""New images from a trained generator, and walks through its latent space."""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from chapter01_gan.config import Config, Format
from chapter01_gan.training import sample_latents
from common import images
from common.errors import UserError
from common.files import atomic_path
from common.fitting import load_network
from common.idx import write_images
from common.runs import RunDir
from common.sheets import image_grid, to_bytes, to_picture

MAX_COUNT = 100_000
SHEET_IMAGES = 400
PICTURE_SIZE = 112
BATCH = 1024


def make_images(generator, latents: np.ndarray) -> np.ndarray:
    """Return the images of some latents as uint8 (N, 28, 28)."""
    batches = [latents[i : i + BATCH] for i in range(0, len(latents), BATCH)]
    made = [np.asarray(generator(z, training=False)) for z in batches]
    return to_bytes(np.concatenate(made))


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
    if not 1 <= count <= MAX_COUNT:
        raise UserError(f"--count must be from 1 to {MAX_COUNT}, found {count}")
    generator = load_network(run.generator)
    made = make_images(generator, sample_latents(config, count, seed))
    sheet = folder / "sheet.png"
    images.save(image_grid(made[:SHEET_IMAGES]), sheet)
    if format == "npy":
        with atomic_path(folder / "images.npy") as temporary:
            np.save(temporary, made)
        return [sheet, folder / "images.npy"]
    if format == "idx":
        write_images(folder / "images-idx3-ubyte.gz", made)
        return [sheet, folder / "images-idx3-ubyte.gz"]
    paths = [folder / f"image_{number:05d}.png" for number in range(count)]
    for image, path in zip(
        made, tqdm(paths, "writing", unit="image", disable=None), strict=True
    ):
        images.save(to_picture(image, PICTURE_SIZE), path)
    return [sheet, *paths]


def interpolate(run: RunDir, config: Config, rows: int, steps: int, seed: int) -> Path:
    """Draw walks between pairs of latents: interpolation.png.

    With the normal prior the walk is spherical: the latents of a straight one are
    shorter in its middle than any that the generator was trained on.

    Reference: White 2016, arXiv:1609.04468, section 2.1.
    """
    if not (1 <= rows <= 64 and 2 <= steps <= 64):
        raise UserError(
            f"--rows must be from 1 to 64 and --steps from 2 to 64, found {rows} and "
            f"{steps}"
        )
    generator = load_network(run.generator)
    ends = sample_latents(config, 2 * rows, seed).reshape(rows, 2, -1)
    walk = spherical if config.prior == "normal" else linear
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    latents = np.concatenate([walk(start, end, share) for start, end in ends])
    path = run.path / "interpolation.png"
    images.save(image_grid(make_images(generator, latents), columns=steps), path)
    return path


def linear(start: np.ndarray, end: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return latents (steps, d) on the straight line, at shares (steps, 1) of it."""
    return (1 - share) * start + share * end


def spherical(start: np.ndarray, end: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return latents (steps, d) on the great circle, at shares (steps, 1) of it."""
    cosine = start @ end / (np.linalg.norm(start) * np.linalg.norm(end))
    angle = np.arccos(np.clip(cosine, -1, 1))
    if np.sin(angle) < 1e-6:
        return linear(start, end, share)
    weights = np.sin((1 - share) * angle), np.sin(share * angle)
    return ((weights[0] * start + weights[1] * end) / np.sin(angle)).astype(np.float32)
