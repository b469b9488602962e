"""Runs of the Visual Object Networks whose networks were never trained."""

import dataclasses
from pathlib import Path

import numpy as np
from PIL import Image
from tiny import STUDY_VON

from common.training.network_files import save_network
from common.training.run_dir import RunDir
from study_von import networks
from study_von.config import Config


def write_run(folder: Path, config: Config = STUDY_VON, **changes) -> RunDir:
    """Write a run whose stages shape and texture have random weights."""
    config = dataclasses.replace(config, **changes)
    run = RunDir(folder)
    with run.recording(config):
        run.write_config(config)
        save_network(networks.build_generator(config, 0.1), run.generator)
        save_network(networks.build_discriminator(config), run.discriminator)
        for build in (networks.build_texture_generator, networks.build_texture_encoder):
            network = build(config)
            save_network(network, run.path / "texture" / f"{network.name}.keras")
    return run


def write_photos(folder: Path, count: int = 8, size: int = 32) -> None:
    """Write coloured rectangles on transparent ground: train/*.png and test/*.png."""
    random = np.random.default_rng(0)
    for split in ("train", "test"):
        (folder / split).mkdir(parents=True)
        for number in range(count):
            picture = np.zeros((size, size, 4), np.uint8)
            top, left = random.integers(2, size // 3, 2)
            colour = random.integers(0, 256, 3)
            picture[top : size - top, left : size - left] = (*colour, 255)
            Image.fromarray(picture).save(folder / split / f"{number:03d}.png")
