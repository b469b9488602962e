"""The batches of the stages texture and joint: photos with sketches, or with shapes."""

import numpy as np
from tqdm import tqdm

from common.data.batches import TrainingData
from common.data.splits import training_rows
from common.images.pixels import to_floats
from study_von.config import Config
from study_von.data import Photos, VonData
from study_von.sketch_batches import sketch_maps
from study_von.sketches import channels_of
from study_von.viewpoints import open_pool

# Viewpoints of each training shape if sketches are made when they are needed: as many
# as can be made before (--views).
LIVE_VIEWS = 72


def sketch_items(config: Config, volumes, photos: Photos) -> TrainingData:
    """Return the training data of the stage texture: photos, masks and sketches.

    Photos and sketches are not of the same objects. If their numbers differ, the fewer
    are repeated.

    Args:
        config: uses views, viewpoints, validation_every and the options of sketches.
        volumes: the volumes, (N, S, S, S, 1).
        photos: the training photos.
    """
    shape_rows = training_rows(len(volumes), config.validation_every)
    photo_rows = training_rows(len(photos.images), config.validation_every)
    shape_rows = np.repeat(shape_rows, config.views or LIVE_VIEWS)
    random = np.random.default_rng(config.seed)
    azimuths, elevations = open_pool(config).draw(len(shape_rows), random)

    def sketch(rows: np.ndarray) -> np.ndarray:
        solid = np.asarray(volumes[shape_rows[rows]], np.float32)
        return sketch_maps(config, solid, azimuths[rows], elevations[rows])

    if config.views:
        size = config.image_size
        shape = (len(shape_rows), size, size, channels_of(config))
        sketches = np.empty(shape, np.float16)
        starts = range(0, len(shape_rows), 32)
        for start in tqdm(starts, desc="making sketches", disable=None):
            rows = np.arange(start, min(start + 32, len(shape_rows)))
            sketches[rows] = sketch(rows)
        sketch = sketches.__getitem__
    order = random.permutation(len(shape_rows))

    def fetch(rows: np.ndarray) -> tuple[np.ndarray, ...]:
        chosen = sketch(order[rows % len(order)]).astype(np.float32)
        return *photo_floats(photos, photo_rows[rows % len(photo_rows)]), chosen

    return TrainingData(fetch, max(len(order), len(photo_rows)))


def view_items(config: Config, data: VonData) -> TrainingData:
    """Return the data of the joint stage: photos, masks, angles and real volumes.

    Args:
        config: uses viewpoints and validation_every.
        data: the training split.
    """
    shape_rows = training_rows(len(data.shapes), config.validation_every)
    photo_rows = training_rows(len(data.photos.images), config.validation_every)
    pool = open_pool(config)
    azimuths, elevations = pool.azimuths, pool.elevations
    shape_rows = np.random.default_rng(config.seed).permutation(shape_rows)

    def fetch(rows: np.ndarray) -> tuple[np.ndarray, ...]:
        photos, masks = photo_floats(data.photos, photo_rows[rows % len(photo_rows)])
        views = rows % len(azimuths)
        volumes = data.shapes[shape_rows[rows % len(shape_rows)]].astype(np.float32)
        return photos, masks, azimuths[views], elevations[views], volumes

    count = max(len(azimuths), len(photo_rows), len(shape_rows))
    return TrainingData(fetch, count)


def photo_floats(photos: Photos, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return photos (B, H, H, 3) in [-1, 1] and masks (B, H, H, 1) in [0, 1]."""
    masks = np.asarray(photos.masks[rows], np.float32)[..., None] / 255
    return to_floats(np.asarray(photos.images[rows])), masks
