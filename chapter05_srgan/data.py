"""The pictures of chapter 5: any folder of photos, or procedural scenes; its crops."""

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
# To be raised when the procedural scenes change: a cached folder is not made anew.
STAND_IN_VERSION = 1
# The second of each are the folders of DIV2K.
FOLDERS = {
    "train": ("train", "DIV2K_train_HR"),
    "test": ("test", "DIV2K_valid_HR"),
}
HELD_OUT_EVERY = 10
# The measures take no smaller pictures.
LEAST_SIDE = 32
# One pass. Few pictures have more different crops than their pixels tell; and an
# order of many more crops takes long to draw with every batch.
LEAST_CROPS, MOST_CROPS = 100_000, 250_000
logger = logging.getLogger(__name__)


def load_split(config: Config, part: Part) -> PictureStore:
    """Return the pictures of one split, decoded on the first use only.

    Folders named train and test, or DIV2K_train_HR and DIV2K_valid_HR, make the
    splits. Without them every tenth file by name is held out, or of fewer than ten
    the last. Pictures to train on that are smaller than a crop are left out, which a
    warning tells: enlarged ones would teach what an enlargement looks like. All need
    32 pixels along each side.

    Args:
        config: uses data, crop, cache_mb.
        part: "train", "test", or "all" to judge by every picture of the folder.

    Raises:
        UserError: no such folder, fewer than 2 pictures, or none that is large enough.
    """
    folder = config.data or stand_in(config)
    store = PictureStore.open(folder, memory_mb=config.cache_mb)
    if part != "all":
        rows = split_names(store.names, **FOLDERS, hold_out=_every_tenth)
        store = store.subset(rows[0 if part == "train" else 1])
    least = max(config.crop, LEAST_SIDE) if part == "train" else LEAST_SIDE
    sides = store.shapes.min(axis=1)
    fits = np.flatnonzero(sides >= least)
    if not len(fits):
        raise UserError(
            f"{folder}: expected {part} pictures of at least {least} x {least} pixels, "
            f"found {len(store)} with shorter sides of at most {sides.max()}; "
            f"{_advice(part, sides.max())}"
        )
    if left := len(store) - len(fits):
        logger.warning(
            "left out: %d of %d %s pictures, smaller than %d x %d pixels",
            *(left, len(store), part, least, least),
        )
    return store.subset(fits)


def stand_in(config: Config) -> Path:
    """Return the folder of the stand-in; make it on first use."""
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
    """Return a table about the pictures of both splits, for people."""
    lines = [
        "| split | pictures | smallest | largest | million pixels |",
        "|---|---|---|---|---|",
    ]
    for part in FOLDERS:
        shapes = load_split(config, part).shapes
        areas = shapes.prod(axis=1)
        small, large = (
            "{1} x {0}".format(*shapes[i]) for i in (areas.argmin(), areas.argmax())
        )
        millions = f"{areas.sum() / 1e6:.1f}"
        lines.append(f"| {part} | {len(shapes)} | {small} | {large} | {millions} |")
    return "\n".join(lines)


def reduce_by(image: np.ndarray, scale: int) -> np.ndarray:
    """Return a picture at 1 / scale of its size: what is to be enlarged again.

    The filter is the cubic of Keys with a = -0.5, stretched by `scale` so that it
    takes the mean of all pixels under it (antialiasing), as MATLAB's imresize does.

    Args:
        image: uint8 (H, W, 3), H and W multiples of `scale`.
        scale: whole number from 1.

    Returns:
        uint8 (H / scale, W / scale, 3).

    Raises:
        ValueError: a side is no multiple of `scale`.

    Reference: Keys 1981, IEEE Transactions on Acoustics, Speech, and Signal
        Processing 29(6), eq. 15; Ledig et al. 2017, arXiv:1609.04802, section 3.2.
    """
    height, width = image.shape[:2]
    if height % scale or width % scale:
        raise ValueError(f"{height} x {width} pixels are no multiples of {scale}")
    size = (width // scale, height // scale)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


class Crops:
    """Pairs of small and large crops of pictures, by number.

    Crop i is a function of (config.seed, i): its picture is drawn in proportion to
    the area, its place with equal chances, and so is one of the eight ways to turn
    and mirror a square.

    Attributes:
        count: how many there are: as many as lie in the pictures side by side, but
            at least 100,000 and at most 250,000.
    """

    def __init__(self, store: PictureStore, config: Config) -> None:
        """Draw from pictures; those smaller than a crop have none.

        Args:
            store: the pictures.
            config: uses crop, scale, seed.

        Raises:
            ValueError: no picture is large enough.
        """
        self._size, self._scale, self._seed = config.crop, config.scale, config.seed
        areas = store.shapes.prod(axis=1) * (store.shapes.min(axis=1) >= config.crop)
        if not areas.any():
            raise ValueError(f"no picture has {config.crop} x {config.crop} pixels")
        self._store = store
        self._ends = areas.cumsum()
        side_by_side = int(self._ends[-1]) // config.crop**2
        self.count = min(max(side_by_side, LEAST_CROPS), MOST_CROPS)

    def fetch(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return some of the pairs.

        Args:
            indices: int64 (B,), from 0 to below `count`.

        Returns:
            Low resolution (B, c / s, c / s, 3) and high resolution (B, c, c, 3),
            float32 in [-1, 1], for crops of c pixels and the scale s.
        """
        high = np.stack([self._crop(int(index)) for index in indices])
        low = np.stack([reduce_by(crop, self._scale) for crop in high])
        return to_floats(low), to_floats(high)

    def _crop(self, index: int) -> np.ndarray:
        """Return the crop of one number, uint8 (c, c, 3)."""
        size = self._size
        chances = np.random.default_rng((self._seed, index)).random(5)
        row = np.searchsorted(self._ends, chances[0] * self._ends[-1], side="right")
        ways = (*(self._store.shapes[row] - size + 1), 4, 2)
        top, left, turns, mirrored = (chances[1:] * ways).astype(int)
        crop = np.rot90(self._store.crop(row, top, left, size, size), turns)
        return crop[:, ::-1] if mirrored else crop


def _every_tenth(count: int) -> np.ndarray:
    """Return which of `count` pictures are held out; of fewer than ten the last."""
    return np.arange(min(count, HELD_OUT_EVERY) - 1, count, HELD_OUT_EVERY)


def _advice(part: Part, side: int) -> str:
    """Return what to do where all pictures are too small."""
    if part == "train" and side >= LEAST_SIDE:
        return f"use --crop {side // 16 * 16}, or larger pictures"
    return "use larger pictures"
