"""New faces of any age, and photos made older and younger."""

import logging
from pathlib import Path

import numpy as np

from chapter03_agecgan.ageing import ALL
from chapter03_agecgan.ages import one_hot
from chapter03_agecgan.config import Config, Format
from chapter03_agecgan.stages.gan import sample_latents
from common.gan.sampling import make_images
from common.images.sample_files import check_count, write_files
from common.training.network_files import load_network
from common.training.run_dir import RunDir

logger = logging.getLogger(__name__)


def generate(
    run: RunDir,
    config: Config,
    count: int,
    seed: int,
    age: int | None,
    format: Format,
    folder: Path,
) -> list[Path]:
    """Make new faces and write them with a sheet of them all.

    Args:
        run: a folder with generator.keras.
        config: of the run.
        count: how many persons, 1 to 100,000.
        seed: same seed, same persons.
        age: class of all faces; None makes each person at all six ages.
        format: png: one file for each; npy: one uint8 array (N, S, S, 3).
        folder: where to write.

    Returns:
        Paths of the files; the sheet, with the first 400, comes first.

    Raises:
        UserError: no generator, or an option out of range.
    """
    check_count(count)
    classes = ALL if age is None else np.array([age])
    generator = load_network(run.generator)
    latents = np.repeat(sample_latents(config, count, seed), len(classes), axis=0)
    made = make_images(generator, [latents, np.tile(one_hot(classes), (count, 1))])
    return write_files(made, folder, format, len(ALL) if age is None else None)
