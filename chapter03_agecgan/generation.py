"""New faces of any age from a trained generator."""

from pathlib import Path

import numpy as np

from chapter03_agecgan.ages import ALL_AGES, one_hot
from chapter03_agecgan.config import Config, Format
from chapter03_agecgan.learnt import chosen_ages
from common.gan.latents import sample_latents
from common.gan.sampling import make_images
from common.images.sample_files import check_count, write_files
from common.training.network_files import load_network
from common.training.run_dir import RunDir


def sample(
    run: RunDir,
    count: int = 16,
    seed: int = 1,
    age: str = ALL_AGES,
    config: Config | None = None,
) -> np.ndarray:
    """Return new faces: uint8 (N, S, S, 3).

    Args:
        run: folder of the run.
        count: number of persons, 1 to 100,000.
        seed: seed of the latents; the same seed gives the same persons.
        age: age class of all faces, such as "30-39"; "all" makes each person at all
            K ages that the run has learnt, usually six, one after the other, so that
            N = K count.
        config: options of the run; by default its own.

    Raises:
        UserError: the run has no generator or has not learnt the age, or an option is
            out of range.
    """
    check_count(count)
    classes = chosen_ages(run, age, "--age")
    latents = sample_latents(run.configuration(config), count, seed)
    latents = np.repeat(latents, len(classes), axis=0)
    ages = np.tile(one_hot(classes), (count, 1))
    return make_images(load_network(run.generator), [latents, ages])


def generate(
    run: RunDir,
    config: Config | None = None,
    count: int = 16,
    seed: int = 1,
    age: str = ALL_AGES,
    format: Format = "png",
    out: Path | None = None,
) -> list[Path]:
    """Make new faces and write them with a sheet of them all.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        count: number of persons, 1 to 100,000.
        seed: seed of the latents; the same seed gives the same persons.
        age: age class of all faces; "all" makes each person at all ages that the run
            has learnt, usually six.
        format: format of the files. png: one file for each face; npy: one uint8 array
            (N, S, S, 3).
        out: folder to write to; by default `generated` in the run's folder.

    Returns:
        Paths of the files; the first is the sheet, which shows the first 400 faces.

    Raises:
        UserError: the run has no generator or has not learnt the age, or an option is
            out of range.
    """
    faces = sample(run, count, seed, age, config)
    columns = len(faces) // count if age == ALL_AGES else None
    return write_files(faces, out or run.generated, format, columns)
