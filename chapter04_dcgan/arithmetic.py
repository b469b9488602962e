"""Sums of latents: what the directions in latent space mean."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from chapter04_dcgan.config import Config
from common.errors import UserError
from common.gan.latents import sample_latents, tail_direction
from common.gan.sampling import make_images
from common.images import writing
from common.images.grids import sheet, to_picture
from common.images.sample_files import TILE
from common.training.network_files import load_network
from common.training.run_dir import RunDir

# Samples from which the directions are computed.
POPULATION = 512
# Share of the samples at either end of a measure.
TAIL = 0.1
# Images along one direction.
STEPS = 7
# `combine` takes the numbers of the images that `generate --count 64` writes.
NUMBERED = 64


def _hair(images: np.ndarray) -> np.ndarray:
    """Return the middle of the upper quarter of images, where hair usually is."""
    size = images.shape[1]
    return images[:, size // 16 : size // 4, size // 4 : -size // 4]


def _share_of_channel(images: np.ndarray, channel: int) -> np.ndarray:
    """Return the share of one colour channel in the sum of all three, (N,).

    The 1 in the divisor avoids a division by 0 for black images.
    """
    means = images.mean(axis=(1, 2))
    return means[:, channel] / (means.sum(axis=1) + 1.0)


# What can be measured in a face image without labels, by the row's label in
# arithmetic.png. Images are float (N, S, S, 3) in [0, 255]; a measure is (N,).
MEASURES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "brighter": lambda images: images.mean(axis=(1, 2, 3)),
    "lighter hair": lambda images: _hair(images).mean(axis=(1, 2, 3)),
    "redder hair": lambda images: _share_of_channel(_hair(images), 0),
    "bluer hair": lambda images: _share_of_channel(_hair(images), 2),
}


def latent_arithmetic(
    run: RunDir,
    config: Config | None = None,
    seed: int = 1,
    plus: tuple[int, ...] = (),
    minus: tuple[int, ...] = (),
    to: tuple[int, ...] = (),
) -> Path:
    """Draw sums of latents: along measured directions, or of hand-picked samples.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        seed: seed of the samples.
        plus: numbers of samples that have a property, as `generate --count 64` with
            the same seed numbers its files. Without numbers, directions are measured.
        minus: numbers of samples that lack it.
        to: numbers of samples that get it.

    Returns:
        Path of arithmetic.png or combination.png.

    Raises:
        UserError: the run has no generator, or a number is not one of a sample.

    Reference: Radford et al. 2016, arXiv:1511.06434, section 6.3.2.
    """
    config = run.configuration(config)
    if plus or minus or to:
        return combine(run, config, seed, plus, minus, to)
    return draw_directions(run, config, seed)


def draw_directions(run: RunDir, config: Config, seed: int) -> Path:
    """Draw one face along measured directions: arithmetic.png.

    For each measure the face is that of z + t d, where d points from the faces that
    have least of it to those that have most, and t goes from -1 to 1. The captions
    give the measure of each face.
    """
    generator = load_network(run.generator)
    latents = sample_latents(config, POPULATION, seed)
    faces = make_images(generator, latents).astype(np.float32)
    strengths = np.linspace(-1, 1, STEPS, dtype=np.float32)
    rows = []
    for measure in MEASURES.values():
        direction = tail_direction(latents, measure(faces), TAIL)
        moved = make_images(generator, latents[:1] + strengths[:, None] * direction)
        values = measure(moved.astype(np.float32))
        captions = [f"{v:.2f}" if v < 1 else f"{v:.0f}" for v in values]
        images = [to_picture(image, TILE) for image in moved]
        rows.append(list(zip(images, captions, strict=True)))
    path = run.path / "arithmetic.png"
    labels = [f"{strength:+.2f}" for strength in strengths]
    page = sheet(rows, row_labels=list(MEASURES), column_labels=labels)
    writing.save_image(page, path)
    return path


def combine(
    run: RunDir,
    config: Config,
    seed: int,
    plus: tuple[int, ...],
    minus: tuple[int, ...],
    to: tuple[int, ...],
) -> Path:
    """Draw the face of mean z(plus) - mean z(minus) + mean z(to): combination.png.

    As in the paper, each of the three is the mean of a few hand-picked samples:
    faces that have a property, faces that lack it, and faces that get it.

    Args:
        run: a run that has saved its generator.
        config: options of the run.
        seed: seed of `generate --count 64`; the numbers are those of its images,
            from 0 to 63.
        plus: numbers of samples that have the property.
        minus: numbers of samples that are similar but lack the property.
        to: numbers of samples that get the property.

    Returns:
        The path of the picture, in the folder of the run.

    Raises:
        UserError: the run has no generator, or a number is missing or not from 0
            to 63.

    Reference: Radford et al. 2016, arXiv:1511.06434, section 6.3.2 and figure 7.
    """
    for name, numbers in (("plus", plus), ("minus", minus), ("to", to)):
        if not numbers or not all(0 <= n < NUMBERED for n in numbers):
            raise UserError(
                f"--{name} must be numbers from 0 to {NUMBERED - 1} of the images of "
                f"generate --count {NUMBERED}, found {numbers or 'none'}"
            )
    generator = load_network(run.generator)
    latents = sample_latents(config, NUMBERED, seed)
    means = [latents[list(numbers)].mean(axis=0) for numbers in (plus, minus, to)]
    result = means[0] - means[1] + means[2]
    images = make_images(generator, np.stack([*means, result]))
    names = ["mean of plus", "mean of minus", "mean of to", "plus - minus + to"]
    row = [
        (to_picture(image, 2 * TILE), name)
        for image, name in zip(images, names, strict=True)
    ]
    path = run.path / "combination.png"
    writing.save_image(sheet([row]), path)
    return path
