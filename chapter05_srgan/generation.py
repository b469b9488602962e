"""Pictures enlarged by a trained run: files of anybody's, and held-out crops."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from chapter05_srgan.config import SCALES, Config
from chapter05_srgan.data import Crops, load_split
from chapter05_srgan.training import PHASES, SRGAN, SRRESNET, generator_path
from common.errors import UserError
from common.images import writing
from common.images.grids import sheet, to_picture
from common.images.pixels import to_bytes
from common.images.sample_files import check_count
from common.training.network_files import load_network
from common.training.run_dir import RunDir

TILE = 192
# Edge of the image that a network from a file is tried with.
PROBE = 16


def load_phase(run: RunDir, config: Config, phase: str) -> tuple[keras.Model, int, str]:
    """Return a run's generator, its scale, and the phase that it is from.

    Where the second phase has not been trained, the first one's generator is taken.

    Raises:
        UserError: the run has no generator.
    """
    if phase == SRGAN and not generator_path(run, SRGAN).is_file():
        phase = SRRESNET
    return load_network(generator_path(run, phase)), config.scale, phase


def load_file(path: Path) -> tuple[keras.Model, int, str]:
    """Return the generator of a .keras file, its scale, and the file's name.

    Raises:
        UserError: there is no such file, or its network does not enlarge images.
    """
    network = load_network(path)
    small = np.zeros((1, PROBE, PROBE, 3), np.float32)
    try:
        shape = np.shape(network(small, training=False))
    except (ValueError, tf.errors.OpError):
        shape = ()
    known = {(1, PROBE * scale, PROBE * scale, 3): scale for scale in SCALES}
    if shape not in known:
        raise UserError(
            f"{path} holds no generator of this chapter: of {PROBE} x {PROBE} pixels "
            f"it makes {shape or 'nothing'}, expected an image 2 or 4 times as large"
        )
    return network, known[shape], path.stem


def generate(
    run: RunDir, config: Config, count: int, seed: int, folder: Path
) -> list[Path]:
    """Enlarge crops of held-out pictures, and write them with a sheet.

    Args:
        run: a run of which at least one phase has been trained.
        config: of the run.
        count: how many crops, 1 to 100,000.
        seed: same seed, same crops.
        folder: where to write.

    Returns:
        Paths of the files; the sheet comes first.

    Raises:
        UserError: the run has no generator, or the data are wrong.
    """
    check_count(count)
    names = [name for name in PHASES if generator_path(run, name).is_file()]
    networks = {name: load_network(generator_path(run, name)) for name in names}
    if not networks:
        load_network(run.generator)  # tells what is missing
    crops = Crops(load_split(config, "test"), config)
    chosen = np.random.default_rng(seed).integers(0, crops.count, count)
    low, high = crops.fetch(chosen)
    columns = {"low resolution": low}
    columns |= {name: _enlarged(network, low) for name, network in networks.items()}
    columns["original"] = high
    rows = [
        [(to_picture(column[i], TILE), None) for column in columns.values()]
        for i in range(count)
    ]
    paths = [folder / "sheet.png"]
    writing.save_image(sheet(rows, column_labels=list(columns)), paths[0])
    for name, column in columns.items():
        for number, crop in enumerate(column):
            paths.append(folder / f"{number:05d}_{name.replace(' ', '_')}.png")
            writing.save_image(to_bytes(crop), paths[-1])
    return paths


def _enlarged(network: keras.Model, low: np.ndarray) -> np.ndarray:
    """Return enlarged crops, float32 (B, H, W, 3)."""
    return np.concatenate(
        [np.asarray(network(crop[None], training=False)) for crop in low]
    )
