"""The shapes and photos of the study, which need not show the same objects.

Shapes are what chapter 2 reads, or files of distance fields. Photos are a folder of
images with masks. Without them, both are stand-ins: chapter 2's procedural shapes, and
photos of further ones.
"""

import logging
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from chapter02_3dgan import data as chapter02
from chapter02_3dgan.config import DEFAULT_CLASS
from common.data.folders import warn_once
from common.errors import UserError
from common.files import atomic_path, default_cache_dir
from common.shapes.store import VoxelStore
from study_von.config import Config
from study_von.data_sets.distance_fields import has_fields, open_fields, store_fields
from study_von.data_sets.photos import Photos, open_split
from study_von.viewpoints import open_pool
from synthetic_data.photographs.write import write_object_photos
from synthetic_data.shapes.write import write_shapenets

SPLITS = ("train", "test")
# Increase this when the photos of the stand-in change. It is part of the name of the
# cached folder; an existing folder is never written again.
PHOTOS_VERSION = 1
PHOTOS_TRAIN, PHOTOS_TEST = 1_500, 300
# Least edge of the stand-in's photos in pixels.
_LEAST_PHOTO = 64
_CHUNK = 64  # shapes that are looked through at once
logger = logging.getLogger(__name__)


class Shapes(Protocol):
    """Shapes as volumes, in memory or memory-mapped."""

    def __len__(self) -> int:
        """Return the number of shapes."""

    def __getitem__(self, indices: np.ndarray | slice) -> np.ndarray:
        """Return volumes (B, S, S, S, 1) in [0, 1], uint8 or float32."""

    def occupancy(self) -> float:
        """Return the mean value of all volumes."""


class VonData(NamedTuple):
    """The data of one split.

    Attributes:
        shapes: the shapes.
        photos: the photos.
    """

    shapes: Shapes
    photos: Photos


def load_split(config: Config, split: str) -> VonData:
    """Return the shapes and the photos of one split.

    Args:
        config: options of the run; see `load_shapes` and `load_photos`.
        split: "train" or "test".

    Raises:
        UserError: the data are missing, empty or damaged; the message says which.
    """
    return VonData(load_shapes(config, split), load_photos(config, split))


def load_shapes(config: Config, split: str) -> Shapes:
    """Return the shapes of one split as the networks learn them.

    Shapes without any filled voxel are left out with a warning.

    Args:
        config: options of the run; uses representation, data, classes, azimuths, size,
            cache_mb. With --representation distance, the data may be a .npy file of
            distance fields, or a folder of such files; fields of any other data are
            computed from their voxels, once.
        split: "train" or "test".

    Returns:
        A store; slices of it have the shape (B, S, S, S, 1). Voxels are uint8, 0 and 1;
        fields are float32 in [0, 1].

    Raises:
        UserError: the data are missing, empty or damaged; the message says which.
    """
    if config.representation == "distance" and has_fields(config.data):
        return open_fields(config.data, split, config.size, config.cache_mb)
    if config.data is not None and config.data.is_file() and has_fields(config.data):
        raise UserError(
            f"--data {config.data} has distance fields; add --representation distance"
        )
    store = _without_empty(chapter02.load_split(config, split))
    if config.representation == "distance":
        return store_fields(store, config.cache_mb)
    return store


def load_photos(config: Config, split: str) -> Photos:
    """Return the photos of one split.

    Args:
        config: options of the run; uses photos, classes, image_size, cache_mb. Without
            a folder, the stand-in for the first class, or for chairs, is written to
            the cache on first use.
        split: "train" or "test".

    Raises:
        UserError: the photos are missing or not usable; the message says which.
    """
    folder = config.photos or stand_in(config)
    return open_split(folder, split, config.image_size, config.cache_mb)


def stand_in(config: Config) -> Path:
    """Return the folder of the stand-in's photos; create it on first use.

    It has 1,500 photos to train on and 300 to test on, of procedural shapes that are
    not among chapter 2's.

    Args:
        config: options of the run; uses classes and image_size.
    """
    class_name = config.classes[0] if config.classes else DEFAULT_CLASS
    size = max(config.image_size, _LEAST_PHOTO)
    name = f"object-photos-{PHOTOS_VERSION}-{class_name}-{size}"
    folder = default_cache_dir() / name
    logger.info("no --photos given: using the procedural stand-in in %s", folder)
    write_object_photos(folder, class_name, PHOTOS_TRAIN, PHOTOS_TEST, size)
    return folder


def describe(config: Config) -> str:
    """Return a Markdown table of the shapes, the photos and the viewpoints.

    Args:
        config: options of a run; see `load_split` and `open_pool`.
    """
    lines = [
        "| split | shapes | mean value | photos | mean colour | share covered |",
        "|---|---|---|---|---|---|",
    ]
    for split in SPLITS:
        shapes, photos = load_split(config, split)
        red, green, blue = mean_colour(photos)
        lines.append(
            f"| {split} | {len(shapes)} | {shapes.occupancy():.4f} | "
            f"{len(photos)} | {red:.0f}, {green:.0f}, {blue:.0f} | "
            f"{photos.masks.mean() / 255:.3f} |"
        )
    pool = open_pool(config)
    lines += ["", "| viewpoints | least | median | greatest |", "|---|---|---|---|"]
    for name, values in (
        ("azimuth", pool.azimuths),
        ("elevation", pool.elevations),
    ):
        least, median, greatest = np.quantile(values, (0, 0.5, 1))
        lines.append(f"| {name} | {least:.0f} | {median:.0f} | {greatest:.0f} |")
    return "\n".join(lines)


def mean_colour(photos: Photos) -> np.ndarray:
    """Return the mean red, green and blue of the objects' pixels, in [0, 255].

    Args:
        photos: the photos; each pixel counts as much as its mask says.
    """
    # On white, a pixel is object * mask + 255 * (1 - mask).
    share = photos.masks.mean(dtype=np.float64) / 255
    on_white = photos.images.mean(axis=(0, 1, 2), dtype=np.float64)
    return (on_white - 255 * (1 - share)) / share


def make_data(
    out: Path,
    class_name: str = DEFAULT_CLASS,
    train: int = 800,
    test: int = 100,
    photos: int = PHOTOS_TRAIN,
    held_out_photos: int = PHOTOS_TEST,
    size: int = 128,
    seed: int = 0,
) -> None:
    """Write the stand-in: procedural shapes, and photos of others.

    Args:
        out: new folder. `out/shapes` is for --data, `out/photos` for --photos, and
            `out/photos/views.csv` for --viewpoints.
        class_name: class to make: chair, table, airplane, car.
        train: number of training shapes.
        test: number of held-out shapes.
        photos: number of training photos.
        held_out_photos: number of held-out photos.
        size: edge of a photo in pixels.
        seed: same seed, same shapes and photos.

    Raises:
        UserError: an option is out of range, `out` exists, or it cannot be written.
    """
    if out.exists():
        raise UserError(f"--out {out} exists already; choose the name of a new folder")
    with atomic_path(out) as temporary:
        write_shapenets(temporary / "shapes", (class_name,), train, test, 1, seed)
        write_object_photos(
            temporary / "photos", class_name, photos, held_out_photos, size, seed
        )


def _without_empty(store: VoxelStore) -> VoxelStore:
    """Return the shapes that have a filled voxel; warn of others."""
    filled = np.concatenate(
        [
            store[start : start + _CHUNK].any(axis=(1, 2, 3, 4))
            for start in range(0, len(store), _CHUNK)
        ]
    )
    if filled.all():
        return store
    if not filled.any():
        raise UserError("--data: none of the shapes has a filled voxel; use other data")
    warn_once(
        f"--data: left out {np.sum(~filled)} of {len(filled)} shapes, which have no "
        f"filled voxel (number {np.argmin(filled) + 1}, for example)"
    )
    return store.subset(np.flatnonzero(filled))
