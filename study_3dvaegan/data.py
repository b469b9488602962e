"""The photos and shapes of the study: renders, your own pairs, or the stand-in.

`--data` may be a tree of 3D-R2N2 or of `data render`, a folder of photos beside voxel
files, or any set of shapes that chapter 2 reads, which is
rendered once into the cache. The stand-in is chapter 2's, rendered.
"""

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from chapter02_3dgan import data as chapter02
from chapter02_3dgan.config import DEFAULT_CLASS
from common.data.splits import training_rows, validation_rows
from common.errors import UserError
from common.files import atomic_path
from common.shapes.finding import find_shapes
from common.shapes.store import VoxelStore
from common.shapes.voxels import fit_to_size, read_voxels
from study_3dvaegan.config import Config
from study_3dvaegan.data_sets.folder_of_pairs import TABLE, has_pairs, list_pairs
from study_3dvaegan.data_sets.ikea import is_ikea, load_ikea
from study_3dvaegan.data_sets.photo_cache import choose_photos, open_photos
from study_3dvaegan.data_sets.photo_list import PhotoList
from study_3dvaegan.data_sets.rendered import SPLITS, is_tree, list_rendered
from study_3dvaegan.data_sets.rendered_copy import rendered_copy
from study_3dvaegan.renders import check_options, render_split
from synthetic_data.shapes.write import write_shapenets

# Without `validation_every`, one training shape in ten chooses the threshold.
_EVERY = 10


@dataclass(frozen=True)
class Pairs:
    """Photos with the shapes in them, of one split.

    Attributes:
        images: uint8 (N, H, H, 3), RGB; an array, which may be memory-mapped, or
            rows of one, which are read when they are indexed.
        shape_rows: int64 (N,), row of each photo's shape in `shapes`.
        elevations: float32 (N,), degrees, NaN where unknown.
        names: N names, by which the same photo is found again.
        shapes: the shapes, bool voxels with axis 2 up; each has a photo.
    """

    images: np.ndarray
    shape_rows: np.ndarray
    elevations: np.ndarray
    names: tuple[str, ...]
    shapes: VoxelStore

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self.shape_rows)

    def of_shapes(self, rows: Sequence[int] | np.ndarray) -> "Pairs":
        """Return all photos of some shapes.

        Args:
            rows: rows of the shapes in `shapes`, all different, in the order of the
                result.
        """
        chosen = np.asarray(rows, np.int64)
        new_rows = np.full(len(self.shapes), -1)
        new_rows[chosen] = np.arange(len(chosen))
        photos = np.flatnonzero(new_rows[self.shape_rows] >= 0)
        return Pairs(
            choose_photos(self.images, photos),
            new_rows[self.shape_rows[photos]],
            self.elevations[photos],
            tuple(self.names[photo] for photo in photos),
            self.shapes.subset(chosen),
        )

    def of_photos(self, rows: np.ndarray) -> "Pairs":
        """Return some of the photos, with all shapes.

        Args:
            rows: rows of the photos, int64 (n,), in [0, N).
        """
        return replace(
            self,
            images=self.images[rows],
            shape_rows=self.shape_rows[rows],
            elevations=self.elevations[rows],
            names=tuple(self.names[row] for row in rows),
        )

    def spread(self, most: int) -> "Pairs":
        """Return at most some number of the photos, at equal steps, with all shapes.

        Args:
            most: largest number of photos to return, at least 1.
        """
        if len(self) <= most:
            return self
        return self.of_photos(np.linspace(0, len(self) - 1, most).astype(np.int64))


def load_split(config: Config, split: str) -> Pairs:
    """Return the photos of one split with their shapes.

    All photos of a shape are in the same split.

    Args:
        config: options of the run; uses data, classes, azimuths, size, views,
            image_size, cache_mb. No classes mean the only one of the data set, or
            chair.
        split: "train" or "test".

    Raises:
        UserError: the data are missing, empty or damaged; the message says which.
    """
    return _load(config, split, every_class=False)


def training_and_validation(config: Config) -> tuple[Pairs, Pairs]:
    """Return the photos to train on and those to choose options by.

    They are divided by shapes: all photos of every n-th shape, n being
    `config.validation_every`, are for validation. Without it, these are the photos of
    every tenth shape, which stay among those to train on.

    Args:
        config: options of the run; see `load_split`.

    Raises:
        UserError: the data cannot be read, or are too few to be divided.
    """
    pairs = load_split(config, "train")
    count, every = len(pairs.shapes), config.validation_every
    # Few shapes: the last one.
    chosen = pairs.of_shapes(validation_rows(count, min(every or _EVERY, count)))
    if every is None:
        return pairs, chosen
    if count < 2:
        raise UserError(
            "expected at least 2 training shapes to leave one out for validation, "
            f"found {count}; add some, or leave --validation-every out"
        )
    return pairs.of_shapes(training_rows(count, min(every, count))), chosen


def describe(config: Config) -> str:
    """Return a Markdown table of the shapes, photos and occupancy of each class.

    Occupancy is the mean share of filled voxels. Without `config.classes`, all classes
    of the data set are counted. Shapes without photos are not rendered for this.
    """
    check_options(config.views, config.image_size, 0)
    every_class = config.data is not None and not config.classes
    lines = [
        "| split | class | shapes | photos | occupancy |",
        "|---|---|---|---|---|",
    ]
    for split in SPLITS[1:] if _is_ikea(config) else SPLITS:
        store, photos = _counted(config, split, every_class)
        for label, count in sorted(Counter(store.labels.tolist()).items()):
            members = np.flatnonzero(store.labels == label)
            share = store.subset(members).occupancy()
            lines.append(
                f"| {split} | {store.class_names[label]} | {count} | "
                f"{photos[members].sum()} | {share:.4f} |"
            )
    return "\n".join(lines)


def make_data(
    out: Path,
    classes: tuple[str, ...] = (DEFAULT_CLASS,),
    train: int = 800,
    test: int = 100,
    views: int = 24,
    image_size: int = 64,
    seed: int = 0,
) -> None:
    """Write the stand-in: procedural shapes of chapter 2 and photos of them.

    Args:
        out: new folder.
        classes: classes to make: chair, table, airplane, car.
        train: shapes of each class for training.
        test: shapes of each class held out.
        views: photos of each shape, 1 to 72.
        image_size: edge of a photo in pixels.
        seed: same seed, same shapes and photos.

    Raises:
        UserError: an option is out of range, `out` is not empty, or it cannot be
            written.
    """
    if out.exists():
        raise UserError(f"--out {out} exists already; choose the name of a new folder")
    check_options(views, image_size, seed)
    with tempfile.TemporaryDirectory() as folder, atomic_path(out) as temporary:
        shapes = write_shapenets(Path(folder) / "shapes", classes, train, test, 1, seed)
        for split in SPLITS:
            files = find_shapes(shapes, classes, split)
            store = VoxelStore.open(files, 32, cache_dir=Path(folder) / "cache")
            render_split(
                store, split, temporary, views=views, image_size=image_size, seed=seed
            )


def _load(config: Config, split: str, every_class: bool) -> Pairs:
    """Load a split; see `load_split`."""
    if _is_ikea(config):
        return _load_ikea(config, split)
    photos = _listed(config, split, every_class)
    if photos is None:
        shapes = chapter02.load_split(config, split, every_class)
        folder = rendered_copy(shapes, split, config.views, config.image_size)
        photos = list_rendered(folder, (), split, config.size)
    return _open(config, photos)


def _listed(config: Config, split: str, every_class: bool) -> PhotoList | None:
    """Return the photos of a split, or None if the data set has shapes only."""
    data = config.data
    if data is not None and not data.exists():
        raise UserError(f"--data {data}: no such file or folder; check the path")
    if data is not None and data.name == TABLE:
        data = data.parent
    if data is None or not data.is_dir():
        return None
    default = None if every_class else DEFAULT_CLASS
    if is_tree(data):
        return list_rendered(data, config.classes, split, config.size, default)
    if has_pairs(data):
        return list_pairs(data, config.classes, split, default)
    return None


def _is_ikea(config: Config) -> bool:
    return config.data is not None and is_ikea(config.data)


def _open(config: Config, photos: PhotoList) -> Pairs:
    """Open the photos and the shapes of a list."""
    shapes = VoxelStore.open(photos.shapes, config.size, memory_mb=config.cache_mb)
    if len(shapes) != len(photos.shapes):
        _refuse_several(photos)
    images, places = open_photos(photos, config.image_size, config.cache_mb)
    elevations = np.array(photos.elevations, np.float32)[places]
    rows = np.array(photos.shape_rows, np.int64)[places]
    names = tuple(photos.names[place] for place in places)
    pairs = Pairs(images, rows, elevations, names, shapes)
    # All photos of a shape may have been unusable.
    seen = np.unique(rows)
    return pairs if len(seen) == len(shapes) else pairs.of_shapes(seen)


def _refuse_several(photos: PhotoList) -> None:
    """Raise a UserError that names the first file with more than one shape."""
    for file in photos.shapes:
        count = len(read_voxels(file.path))
        if count != 1:
            raise UserError(
                f"{file.path}: expected one shape beside its photos, found {count}; "
                "save each shape to a file of its own"
            )


def _load_ikea(config: Config, split: str) -> Pairs:
    """Load the IKEA set as the test split; its grids are padded to the run's size."""
    if split != "test":
        raise UserError(
            f"{config.data} is the IKEA set, which is for tests only; train on other "
            "data, then use test --ikea"
        )
    ikea = load_ikea(config.data, config.image_size, config.classes, config.cache_mb)
    models, first, rows = np.unique(
        ikea.model_ids, return_index=True, return_inverse=True
    )
    class_names = sorted(set(ikea.class_names))
    labels = [class_names.index(ikea.class_names[place]) for place in first]
    voxels = fit_to_size(ikea.grids[first], config.size)
    shapes = VoxelStore.from_array(voxels, np.array(labels), class_names)
    unknown = np.full(len(ikea), np.nan, np.float32)
    return Pairs(ikea.images, rows, unknown, ikea.names, shapes)


def _counted(
    config: Config, split: str, every_class: bool
) -> tuple[VoxelStore, np.ndarray]:
    """Return the shapes of a split and the number of photos of each, int (M,)."""
    if not _is_ikea(config) and _listed(config, split, every_class) is None:
        shapes = chapter02.load_split(config, split, every_class)
        return shapes, np.full(len(shapes), config.views)
    pairs = _load(config, split, every_class)
    return pairs.shapes, np.bincount(pairs.shape_rows, minlength=len(pairs.shapes))
