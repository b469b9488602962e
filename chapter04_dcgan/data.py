"""The face images of chapter 4: any folder of images, or the procedural stand-in."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chapter04_dcgan.config import Config
from common.data.splits import split_names
from common.files import default_cache_dir
from common.images.square_store import ImageStore
from synthetic_data.anime_faces.write import write_faces

# Increase this when the procedural faces change. It is part of the name of the
# cached folder; an existing folder is never written again.
STAND_IN_VERSION = 1
# Tables that `data make` and `data prepare` write beside the images.
KNOWN = ("attributes.csv", "report.csv", "synthetic.json")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Faces:
    """The images of one split.

    Attributes:
        images: uint8 (N, S, S, 3), in memory or mapped from the disk.
        names: paths of the N image files, relative to `folder`.
        folder: folder of the data set.
    """

    images: np.ndarray
    names: tuple[str, ...]
    folder: Path


def load_split(config: Config, part: str) -> Faces:
    """Return the images of one split; they are decoded only on the first use.

    If there are images in folders named train and test (see `split_names`), these are
    the splits. Otherwise the last sixth of the files, sorted by name, is held out.

    Args:
        config: options of the run; uses data, size, cache_mb.
        part: "train" or "test".

    Raises:
        UserError: the folder is missing, or has no images that can be used.
    """
    folder = config.data or stand_in(config)
    store = ImageStore.open(folder, config.size, memory_mb=config.cache_mb, known=KNOWN)
    rows = split_names(store.names)[0 if part == "train" else 1]
    chosen = store.subset(rows)
    return Faces(chosen.images, chosen.names, folder)


def stand_in(config: Config) -> Path:
    """Return the folder of the stand-in data set; create it on first use.

    Args:
        config: options of the run; uses size.
    """
    folder = default_cache_dir() / f"anime-faces-{STAND_IN_VERSION}-{config.size}"
    logger.info("no --data given: using the procedural stand-in in %s", folder)
    write_faces(folder, size=config.size)
    return folder


def make_data(
    out: Path, train: int = 4000, test: int = 800, size: int = 64, seed: int = 0
) -> None:
    """Draw procedural anime faces into a folder of PNG files.

    Args:
        out: new folder.
        train: faces for training.
        test: faces held out.
        size: edge in pixels: 32, 64 or 128.
        seed: same seed, same faces.

    Raises:
        UserError: the folder holds something else, or cannot be written.
    """
    write_faces(out, train, test, seed, size)


def describe(config: Config) -> str:
    """Return a Markdown table of the number and the mean colour of the images."""
    lines = ["| split | images | mean colour (R, G, B) |", "|---|---|---|"]
    for part in ("train", "test"):
        faces = load_split(config, part)
        colour = ", ".join(f"{c:.0f}" for c in faces.images.mean(axis=(0, 1, 2)))
        lines.append(f"| {part} | {len(faces.images)} | {colour} |")
    return "\n".join(lines)
