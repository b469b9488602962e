"""The digits of chapter 1: MNIST, Fashion-MNIST or the procedural stand-in.

MNIST (LeCun et al. 1998) and Fashion-MNIST (Xiao et al. 2017, MIT licence,
https://github.com/zalandoresearch/fashion-mnist) are distributed as idx files; `--data`
expects the folder that contains them, compressed by gzip or not, or a set like them
(see `image_sets`). The stand-in is written in the same format and read by the same
loader.
"""

import logging
from pathlib import Path

import numpy as np

from chapter01_gan.config import IMAGE, Config
from chapter01_gan.image_sets import load_set
from common.errors import UserError
from common.files import default_cache_dir
from synthetic_data.digits.glyphs import write_glyphs

# Raise this number when the procedural glyphs change. The cached folder of a version is
# not written again.
STAND_IN_VERSION = 1
logger = logging.getLogger(__name__)


def load_split(config: Config, split: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the images of one split, and their labels if the data set has labels.

    Args:
        config: uses data.
        split: "train" or "test".

    Returns:
        Images uint8 (N, 28, 28), 0 to 255, and labels uint8 (N,), or None.

    Raises:
        UserError: the data are missing, damaged or of another size.
    """
    images, labels = load_set(config.data or stand_in(), split)
    if images.shape[1:] != IMAGE:
        raise UserError(
            f"{config.data}: this chapter expects images of 28 x 28 pixels, found "
            f"{images.shape[1]} x {images.shape[2]}"
        )
    return images, labels


def stand_in() -> Path:
    """Return the folder of the stand-in; write it on the first use."""
    folder = default_cache_dir() / f"glyphs-{STAND_IN_VERSION}"
    logger.info("no --data given: using the procedural stand-in in %s", folder)
    write_glyphs(folder)
    return folder


def make_data(out: Path, train: int = 12_000, test: int = 2_000, seed: int = 0) -> None:
    """Write the procedural digits as idx files.

    Args:
        out: new folder.
        train: images for training.
        test: images held out.
        seed: same seed, same images.

    Raises:
        UserError: the folder holds something else, or cannot be written.
    """
    write_glyphs(out, train, test, seed)


def describe(config: Config) -> str:
    """Return a Markdown table of the number and brightness of both splits' images."""
    lines = ["| split | class | images | mean brightness |", "|---|---|---|---|"]
    for split in ("train", "test"):
        images, labels = load_split(config, split)
        classes = ["all"] if labels is None else sorted(set(labels.tolist()))
        for name in classes:
            chosen = images if labels is None else images[labels == name]
            lines.append(
                f"| {split} | {name} | {len(chosen)} | {chosen.mean() / 255:.3f} |"
            )
    return "\n".join(lines)
