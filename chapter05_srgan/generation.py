"""Images enlarged by a trained run: a user's files, and crops of held-out images."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from chapter05_srgan.config import NAME, SCALES, Config, Trained
from chapter05_srgan.data import Crops, load_split
from chapter05_srgan.training import SRGAN, SRRESNET, STAGES, generator_path
from chapter05_srgan.upscaling.upscale import upscale_files
from common.errors import UserError
from common.images import writing
from common.images.grids import sheet, to_picture
from common.images.pixels import to_bytes
from common.images.sample_files import check_count
from common.training.network_files import load_network
from common.training.run_dir import RunDir

# Edge of the crops on the sheet in pixels.
TILE = 192
# Edge in pixels of the image that a network from a file is tested with.
PROBE = 16


def upscale(
    source: Path,
    target: Path | None = None,
    run_dir: Path | None = None,
    stage: Trained = "srgan",
    model: Path | None = None,
    tile: int = 256,
    overwrite: bool = False,
    compare: bool = False,
) -> list[Path]:
    """Enlarge an image file, or all image files of a folder, with a trained generator.

    Args:
        source: image file, or folder of them.
        target: file or folder to write; by default <name>_x4 beside the source.
        run_dir: folder of the run; by default the latest.
        stage: stage whose generator to use: srgan looks sharper, srresnet is closer to
            the original. If srgan has not been trained, srresnet is used.
        model: folder of another run, or a .keras file of a generator.
        tile: edge in pixels of the tiles in which an image is enlarged.
        overwrite: whether to replace existing files; the source is never replaced.
        compare: whether to write a comparison with bicubic interpolation, too.

    Returns:
        Paths of the written files; `PathsLeftOut` if files of the folder were left
        out, because they cannot be read.

    Raises:
        WritingError: a result cannot be written; the log names those written before.
        UserError: no generator, no image, or a target that exists.
    """
    if model is not None and not Path(model).is_dir():
        network, scale, name = load_file(Path(model))
    else:
        run = RunDir.find(NAME, model or run_dir)
        network, scale, name = load_stage(run, run.read_config(Config), stage)
    return upscale_files(
        network,
        scale,
        Path(source),
        target,
        tile=tile,
        overwrite=overwrite,
        compare=compare,
        name=name,
    )


def load_stage(run: RunDir, config: Config, stage: str) -> tuple[keras.Model, int, str]:
    """Return a run's generator, its scale, and the name of its stage.

    If the second stage has not been trained, the first one's generator is returned.

    Raises:
        UserError: the run has no generator.
    """
    if stage == SRGAN and not generator_path(run, SRGAN).is_file():
        stage = SRRESNET
    return load_network(generator_path(run, stage)), config.scale, stage


def load_file(path: Path) -> tuple[keras.Model, int, str]:
    """Return the generator in a .keras file, its scale, and the file's name.

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
            f"{path} holds no generator of this chapter: expected an image 2 or 4 "
            f"times as large as {PROBE} x {PROBE} pixels, found {shape or 'an error'}"
        )
    return network, known[shape], path.stem


def sample(
    run: RunDir, count: int = 12, seed: int = 1, config: Config | None = None
) -> np.ndarray:
    """Return enlarged crops of held-out images: uint8 (count, S, S, 3).

    The generator is that of the last stage that has been trained.

    Args:
        run: folder of a run of which at least one stage has been trained.
        count: number of crops, 1 to 100,000.
        seed: seed of the choice of crops; the same seed gives the same crops.
        config: options of the run; by default its own.

    Raises:
        UserError: the run has no generator, or the data are wrong.
    """
    columns = enlarged_crops(run, run.configuration(config), count, seed)
    newest = [name for name in STAGES if name in columns][-1]
    return to_bytes(columns[newest])


def generate(
    run: RunDir,
    config: Config | None = None,
    count: int = 12,
    seed: int = 1,
    out: Path | None = None,
) -> list[Path]:
    """Enlarge crops of held-out images and write them with a sheet of them all.

    Args:
        run: folder of a run of which at least one stage has been trained.
        config: options of the run; by default its own.
        count: number of crops, 1 to 100,000.
        seed: seed of the choice of crops; the same seed gives the same crops.
        out: folder to write to; by default `generated` in the run's folder.

    Returns:
        Paths of the files; the first is the sheet.

    Raises:
        UserError: the run has no generator, or the data are wrong.
    """
    folder = out or run.generated
    columns = enlarged_crops(run, run.configuration(config), count, seed)
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


def enlarged_crops(
    run: RunDir, config: Config, count: int, seed: int
) -> dict[str, np.ndarray]:
    """Return crops of held-out images by column of the sheet.

    The columns are "low resolution", each trained stage, and "original"; each is
    float32 (count, H, W, 3) in [-1, 1].

    Raises:
        UserError: the run has no generator, or the data are wrong.
    """
    check_count(count)
    names = [name for name in STAGES if generator_path(run, name).is_file()]
    networks = {name: load_network(generator_path(run, name)) for name in names}
    if not networks:
        load_network(run.generator)  # Raises the error that says what is missing.
    crops = Crops(load_split(config, "test"), config)
    chosen = np.random.default_rng(seed).integers(0, crops.count, count)
    low, high = crops.fetch(chosen)
    columns = {"low resolution": low}
    columns |= {name: _enlarged(network, low) for name, network in networks.items()}
    return columns | {"original": high}


def _enlarged(network: keras.Model, low: np.ndarray) -> np.ndarray:
    """Enlarge crops (B, h, w, 3) one by one: float32 (B, H, W, 3)."""
    return np.concatenate(
        [np.asarray(network(crop[None], training=False)) for crop in low]
    )
