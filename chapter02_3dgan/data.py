"""The shapes of chapter 2: 3D ShapeNets, your own files, or the procedural stand-in.

3D ShapeNets (Wu et al. 2015) is at
http://3dshapenets.cs.princeton.edu/3DShapeNetsCode.zip, free for academic use; its
folder `volumetric_data` is what `--data` expects. The stand-in is written as .mat
files in the same folder structure, and the same loader reads it.
"""

import logging
from collections import Counter
from pathlib import Path

import numpy as np

from chapter02_3dgan.config import DEFAULT_CLASS, Config
from common.errors import UserError
from common.files import default_cache_dir
from common.shapes.store import VoxelStore
from common.shapes.voxels import find_shapes, fit_to_size, read_split
from synthetic_data.shapes.write import write_shapenets

# Increase this when the procedural shapes change. It is part of the name of the
# cached folder; an existing folder is never written again.
STAND_IN_VERSION = 1
STAND_IN_TRAIN = 800
STAND_IN_TEST = 100
logger = logging.getLogger(__name__)


def load_split(config: Config, split: str, every_class: bool = False) -> VoxelStore:
    """Return the shapes of one split, at the size of the networks.

    Args:
        config: options of the run; uses data, classes, azimuths, size, cache_mb.
        split: "train" or "test".
        every_class: whether to return all classes, whatever `config.classes` says.
            Otherwise no classes mean the only one of the data set, or chair.

    Returns:
        A store of bool voxels with a label for each shape; slices of it have the
        shape (B, S, S, S, 1).

    Raises:
        UserError: the data are missing, empty or damaged; the message says which.
    """
    if config.data is not None and not config.data.exists():
        raise UserError(f"--data {config.data}: no such file or folder")
    if config.data is not None and config.data.is_file():
        return _load_labelled_file(config, split)
    files = find_shapes(
        config.data or stand_in(config),
        () if every_class else config.classes,
        split,
        config.azimuths,
        None if every_class else DEFAULT_CLASS,
    )
    return VoxelStore.open(files, config.size, memory_mb=config.cache_mb)


def _load_labelled_file(config: Config, split: str) -> VoxelStore:
    """Read a .npz with X_train, y_train, X_test, y_test, such as ModelNet10's.

    The labels are numbers, so each class is named by its number.
    """
    voxels, labels = read_split(config.data, split)
    names = tuple(str(number) for number in range(int(labels.max()) + 1))
    return VoxelStore.from_array(fit_to_size(voxels, config.size), labels, names)


def stand_in(config: Config) -> Path:
    """Return the folder of the stand-in data set; create it on first use.

    It has 800 procedural shapes of each class to train on and 100 to test on.

    Args:
        config: options of the run; uses classes and azimuths.
    """
    classes = config.classes or (DEFAULT_CLASS,)
    name = f"stand-in-{STAND_IN_VERSION}-{'-'.join(classes)}-{config.azimuths}"
    folder = default_cache_dir() / name
    logger.info("no --data given: using the procedural stand-in in %s", folder)
    write_shapenets(
        folder,
        classes,
        STAND_IN_TRAIN,
        STAND_IN_TEST,
        azimuths=12 if config.azimuths == "all" else 1,
    )
    return folder


def make_data(
    out: Path,
    classes: tuple[str, ...] = ("chair", "table", "airplane"),
    train: int = 800,
    test: int = 100,
    azimuths: int = 1,
    seed: int = 0,
) -> None:
    """Write procedural chairs, tables, aeroplanes or cars as .mat files.

    Args:
        out: new folder.
        classes: classes to make: chair, table, airplane, car.
        train: shapes of each class for training.
        test: shapes of each class held out.
        azimuths: views of each shape: 1, or 12 in turns of 30 degrees.
        seed: same seed, same shapes.

    Raises:
        UserError: the folder holds something else, or cannot be written.
    """
    write_shapenets(out, classes, train, test, azimuths, seed)


def describe(config: Config) -> str:
    """Return a Markdown table of the shapes and the occupancy of each class.

    Occupancy is the mean share of filled voxels. Without `config.classes`, all classes
    of the data set are counted.
    """
    every_class = config.data is not None and not config.classes
    lines = ["| split | class | shapes | occupancy |", "|---|---|---|---|"]
    for split in ("train", "test"):
        store = load_split(config, split, every_class)
        for label, count in sorted(Counter(store.labels.tolist()).items()):
            members = np.flatnonzero(store.labels == label)
            share = store.voxels(members).mean()
            lines.append(
                f"| {split} | {store.class_names[label]} | {count} | {share:.4f} |"
            )
    return "\n".join(lines)
