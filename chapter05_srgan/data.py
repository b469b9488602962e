"""The images of chapter 5, and the crops of them that the networks are trained on.

The images are those of any folder of photos, or the procedural scenes.
"""

import logging
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from chapter05_srgan.config import Config
from common.data.splits import split_names
from common.errors import UserError
from common.files import default_cache_dir
from common.images.full_size_store import PictureStore
from common.images.pixels import to_floats
from synthetic_data.scenes.write import write_scenes

Part = Literal["train", "test", "all"]
# Increase this when the procedural scenes change. It is part of the name of the
# cached folder; an existing folder is never written again.
STAND_IN_VERSION = 1
# Names of DIV2K's folders.
FOLDERS = {"DIV2K_train_HR": "train", "DIV2K_valid_HR": "test"}
HELD_OUT_EVERY = 10
# Smaller images, in pixels along a side, cannot be scored.
LEAST_SIDE = 32
# Crops in one epoch, at least: overlapping crops differ too, so a few images have many
# more different crops than fit into them side by side.
LEAST_CROPS = 100_000
# And at most: the random order of the epoch's crops is drawn again for each batch,
# which takes long with many more crops.
MOST_CROPS = 250_000
logger = logging.getLogger(__name__)


def load_split(config: Config, part: Part) -> PictureStore:
    """Return the images of one split; they are decoded only on the first use.

    If there are images in folders named train and test (see `split_names`), or
    DIV2K_train_HR and DIV2K_valid_HR, these are the splits. Otherwise every tenth file,
    sorted by name, is held out; of fewer than ten files the last one is.

    Images with a side shorter than 32 pixels are left out. So are training images
    with a side shorter than a crop: enlarging them would teach the network what an
    enlarged image looks like. A warning reports how many are left out.

    Args:
        config: options of the run; uses data, crop, cache_mb.
        part: "train", "test", or "all" for every image of the folder.

    Returns:
        A store of N images, uint8 (H, W, 3) each, of their own sizes.

    Raises:
        UserError: the folder is missing, a split is asked for and there are fewer
            than 2 images, or no image is large enough.
    """
    folder = config.data or stand_in(config)
    store = PictureStore.open(
        folder, memory_mb=config.cache_mb, known=("synthetic.json",)
    )
    if part != "all":
        rows = split_names(store.names, aliases=FOLDERS, hold_out=_every_tenth)
        store = store.subset(rows[0 if part == "train" else 1])
    least = max(config.crop, LEAST_SIDE) if part == "train" else LEAST_SIDE
    sides = store.shapes.min(axis=1)
    fits = np.flatnonzero(sides >= least)
    if not len(fits):
        raise UserError(
            f"{folder}: expected {part} images of at least {least} x {least} pixels, "
            f"found {len(store)} with shorter sides of at most {sides.max()}; "
            f"{_advice(part, sides.max())}"
        )
    if left := len(store) - len(fits):
        logger.warning(
            "left out: %d of %d %s images, smaller than %d x %d pixels",
            left,
            len(store),
            part,
            least,
            least,
        )
    return store.subset(fits)


def stand_in(config: Config) -> Path:
    """Return the folder of the stand-in data set; create it on first use.

    Args:
        config: options of the run; none is used, because the scenes are the same for
            all of them.
    """
    folder = default_cache_dir() / f"scenes-{STAND_IN_VERSION}"
    logger.info("no --data given: using the procedural stand-in in %s", folder)
    write_scenes(folder)
    return folder


def make_data(
    out: Path, train: int = 200, test: int = 20, size: int = 256, seed: int = 0
) -> None:
    """Draw procedural scenes rich in edges and texture into a folder of PNG files.

    Args:
        out: new folder.
        train: scenes for training.
        test: scenes held out.
        size: edge in pixels.
        seed: same seed, same scenes.

    Raises:
        UserError: the folder holds something else, or cannot be written.
    """
    write_scenes(out, train, test, seed, size)


def describe(config: Config) -> str:
    """Return a Markdown table of the number and the sizes of the images.

    Sizes are width x height, of the image with the smallest and the largest area.
    """
    lines = [
        "| split | images | smallest | largest | million pixels |",
        "|---|---|---|---|---|",
    ]
    for part in ("train", "test"):
        shapes = load_split(config, part).shapes
        areas = shapes.prod(axis=1)
        small, large = (
            "{1} x {0}".format(*shapes[i]) for i in (areas.argmin(), areas.argmax())
        )
        millions = f"{areas.sum() / 1e6:.1f}"
        lines.append(f"| {part} | {len(shapes)} | {small} | {large} | {millions} |")
    return "\n".join(lines)


def reduce_by(image: np.ndarray, scale: int) -> np.ndarray:
    """Return an image at 1 / scale of its size, the input of the generator.

    The filter is the cubic of Keys with a = -0.5, stretched by `scale` so that it
    averages over all pixels below it (antialiasing), as MATLAB's imresize does.

    Args:
        image: uint8 (H, W, 3); H and W are multiples of `scale`.
        scale: whole number, 1 or larger.

    Returns:
        uint8 (H / scale, W / scale, 3).

    Raises:
        ValueError: a side is not a multiple of `scale`.

    Reference: Keys 1981, IEEE Transactions on Acoustics, Speech, and Signal
        Processing 29(6), eq. 15; Ledig et al. 2017, arXiv:1609.04802, section 3.2.
    """
    height, width = image.shape[:2]
    if height % scale or width % scale:
        raise ValueError(
            f"expected sides that are multiples of {scale}, found {height} x {width} "
            "pixels"
        )
    size = (width // scale, height // scale)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


class Crops:
    """Numbered pairs of a low-resolution and a high-resolution crop.

    Crop i depends on config.seed and i alone. Its image is drawn with a probability
    proportional to the area. Its position and one of the eight ways to rotate and
    mirror a square are drawn uniformly.

    Attributes:
        count: number of crops: as many as fit into the images side by side, but at
            least 100,000 and at most 250,000.
    """

    def __init__(self, store: PictureStore, config: Config) -> None:
        """Prepare to draw crops; images smaller than a crop are never drawn.

        Args:
            store: images to draw from.
            config: options of the run; uses crop, scale, seed.

        Raises:
            ValueError: no image is large enough.
        """
        self._size = config.crop
        self._scale = config.scale
        self._seed = config.seed
        self._store = store
        # Images that are too small get the area 0, that is no probability.
        areas = store.shapes.prod(axis=1) * (store.shapes.min(axis=1) >= config.crop)
        if not areas.any():
            raise ValueError(
                f"expected images of at least {config.crop} x {config.crop} pixels, "
                "found none"
            )
        self._ends = areas.cumsum()
        side_by_side = int(self._ends[-1]) // config.crop**2
        self.count = min(max(side_by_side, LEAST_CROPS), MOST_CROPS)

    def fetch(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the pairs of some numbers.

        Args:
            indices: numbers of the crops, int64 (B,) in [0, count).

        Returns:
            The low-resolution crops (B, c / s, c / s, 3) and the high-resolution
            crops (B, c, c, 3), float32 in [-1, 1], for crops of c pixels and the
            scale s.
        """
        high = np.stack([self._crop(int(index)) for index in indices])
        low = np.stack([reduce_by(crop, self._scale) for crop in high])
        return to_floats(low), to_floats(high)

    def _crop(self, index: int) -> np.ndarray:
        """Return the high-resolution crop of one number, uint8 (c, c, 3)."""
        size = self._size
        chances = np.random.default_rng((self._seed, index)).random(5)
        # The first number picks the image by area: the cumulated areas are intervals.
        row = np.searchsorted(self._ends, chances[0] * self._ends[-1], side="right")
        # The others are scaled to the number of choices for each.
        height, width = self._store.shapes[row]
        choices = (height - size + 1, width - size + 1, 4, 2)
        top, left, turns, mirrored = (chances[1:] * choices).astype(int)
        crop = np.rot90(self._store.crop(row, top, left, size, size), turns)
        return crop[:, ::-1] if mirrored else crop


def _every_tenth(count: int) -> np.ndarray:
    """Return the positions of the held-out images in sorted order.

    Every tenth of `count` images is held out; of fewer than ten the last one is.
    """
    return np.arange(min(count, HELD_OUT_EVERY) - 1, count, HELD_OUT_EVERY)


def _advice(part: Part, side: int) -> str:
    """Return what to do if all images are too small.

    Args:
        part: the split, or "all".
        side: length of the longest of the images' shorter sides, in pixels.
    """
    if part == "train" and side >= LEAST_SIDE:
        return f"use --crop {side // 16 * 16}, or larger images"
    return "use larger images"
